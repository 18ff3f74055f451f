"""Commands on parts of our own: exit statuses, messages, outputs."""

import json
import os
from types import SimpleNamespace

import pytest
from documents import completeness, document, finding

from verifier.cli.main import main
from verifier.cli.services import Services
from verifier.findings import make_document
from verifier.store import Store, default_path


class TreeTrouble(Exception):
    def __init__(self, message, hint):
        super().__init__(message)
        self.message, self.hint = message, hint


class Parts:
    """Services that note how they were called."""

    def __init__(self, result=None, trouble=None):
        self.result = result
        self.trouble = trouble
        self.calls = {}

    def open_tree(self, root, config, build, progress):
        self.calls["open_tree"] = root, config, build
        progress("reading", 1, 2)
        return SimpleNamespace(root=root, version="6.12.1", origin="plain", build=None, config_digest="d" * 64, notes=["one option is missing"])

    def load_pack(self, extra, version, store=None):
        self.calls["load_pack"] = extra, version
        return SimpleNamespace(digest="p" * 64, rules=[], exemptions={}, services={}, checks={}, overlaid=[], rule=lambda _: None, check=lambda _: None)

    def scan(self, tree, store, pack, jobs, scope, progress):
        self.calls["scan"] = jobs, scope
        if self.trouble is not None:
            raise self.trouble
        return self.result if self.result is not None else document()

    def gate(self, tree, store, pack, change, jobs, scope, progress):
        self.calls["gate"] = change.patch
        return self.result if self.result is not None else document(fixed=[])

    def diagnose(self, root, config, build, progress):
        return self.result

    def services(self):
        return Services(self.open_tree, self.diagnose, self.load_pack, self.scan, self.gate)


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "tree" / "fs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    def call(*arguments, parts=None):
        with pytest.raises(SystemExit) as ended:
            main(list(arguments), (parts or Parts()).services())
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return SimpleNamespace(status=ended.value.code, out=out, err=err)

    return call


def clean_document(**more):
    return make_document(completeness(10, 10), [], **more)


@pytest.mark.parametrize(
    "result, options, status",
    [
        (None, [], 1),
        (None, ["--fail-on", "never"], 3),
        (None, ["--fail-on", "never", "--allow-incomplete", "10"], 0),
        (None, ["--allow-incomplete", "100%"], 1),
        (make_document(completeness(10, 10), [finding(tier="warning")]), [], 0),
        (make_document(completeness(10, 10), [finding(tier="warning")]), ["--fail-on", "warning"], 1),
        (make_document(completeness(10, 10), [finding(tier="note")]), ["--fail-on", "note"], 1),
        (clean_document(), [], 0),
        (make_document(completeness(0, 0), []), [], 3),
        (make_document(completeness(100, 98), []), [], 0),
        (make_document(completeness(100, 97), []), [], 3),
    ],
)
def test_exit_status(run, result, options, status):
    assert run("scan", "tree", *options, parts=Parts(result)).status == status


def test_json_stands_alone_on_standard_output(run):
    done = run("scan", "tree", "--format", "json", parts=Parts(document(configuration={})))
    data = json.loads(done.out)
    assert data["configuration"]["kernel"] == "6.12.1"
    assert {"kind": "tree", "what": "one option is missing"} in data["completeness"]["ledger"]


def test_what_a_scope_leaves_out_stands_in_the_ledger(run):
    ledgers = [
        json.loads(run("scan", "tree", "--format", "json", *scope, parts=Parts(clean_document())).out)["completeness"]["ledger"]
        for scope in ((), ("--scope", "fs"))
    ]
    assert [entry for entry in ledgers[1] if entry not in ledgers[0]] == [{"kind": "out-of-scope", "what": "all units outside of fs"}]


def test_options_reach_the_analysis(run, tmp_path):
    parts = Parts()
    run("scan", "tree", "--config", "defconfig", "--build", "b", "--scope", "fs", "--scope", "tree/fs", "-j", "3", parts=parts)
    assert parts.calls["open_tree"] == ("tree", "defconfig", "b")
    assert parts.calls["scan"] == (3, ("fs", "fs"))
    assert parts.calls["load_pack"] == ((), "6.12.1")


def test_report_scope_only_filters(run):
    result = make_document(completeness(10, 10), [finding(), finding(file="fsx/a.c"), finding(file="net/a.c")])
    done = run("scan", "tree", "--report-scope", "fs", "--format", "json", parts=Parts(result))
    assert [f["file"] for f in json.loads(done.out)["findings"]] == ["fs/namei.c"]


def test_output_goes_to_a_file_whole(run, tmp_path):
    done = run("scan", "tree", "--format", "json", "-o", "out.json")
    assert done.out == "" and "written to out.json" in done.err
    assert json.loads((tmp_path / "out.json").read_text())["schema"] == "kqual/1"
    assert sorted(os.listdir(tmp_path)) == ["cache", "out.json", "tree"]
    assert run("scan", "tree", "-o", "no/such/folder/out.txt").status == 2


def test_html_names_its_index(run, tmp_path):
    done = run("scan", "tree", "--format", "html", "-o", "r")
    assert done.out.splitlines()[-1] == "r/index.html"
    assert (tmp_path / "r" / "index.html").is_file()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["scan"], "Missing argument"),
        (["scan", "nowhere"], "no such folder"),
        (["scan", "file"], "not a folder"),
        (["scan", "tree", "--format", "yaml"], "yaml"),
        (["scan", "tree", "--allow-incomplete", "200"], "percentage"),
        (["scan", "tree", "--frobnicate"], "--frobnicate"),
        (["scan", "tree", "-j", "0"], "0"),
        (["scan", "tree", "--scope", "nowhere"], "no such folder in the tree"),
        (["scan", "tree", "--scope", ".."], "no such folder in the tree"),
        (["scan", "tree", "--store", "tree"], "not a file"),
        (["scan", "tree", "--rules", "nowhere"], "nowhere"),
        (["gate", "tree"], "--patch"),
        (["gate", "tree", "--patch", "nowhere"], "No such file"),
        (["scna"], "no command"),
        (["explain", "missing-chek"], "missing-chek"),
        (["explain", "0123456789"], "no tree was scanned yet"),
        (["report"], "no tree was scanned yet"),
        (["report", "file"], "not a kqual document"),
        (["show", "checks", "f"], "no tree was scanned yet"),
    ],
)
def test_mistakes_are_a_message_and_a_hint(run, tmp_path, arguments, words):
    (tmp_path / "file").write_text("x")
    done = run(*arguments)
    assert done.status == 2
    assert done.out == ""
    said = [line for line in done.err.splitlines() if not line.startswith("kqual: reading")]
    assert len(said) <= 2 and said[0].startswith("kqual: error: ") and words in said[0]
    assert said[-1].startswith("try: ")


def test_trouble_with_the_tree(run):
    done = run("scan", "tree", parts=Parts(trouble=TreeTrouble("make failed\x1b[31m", "apt install flex")))
    assert done.status == 2
    assert done.err.splitlines()[-2:] == ["kqual: error: make failed\\x1b[31m", "try: apt install flex"]


def test_interrupt_and_internal_error(run):
    done = run("scan", "tree", parts=Parts(trouble=KeyboardInterrupt()))
    assert done.status == 2 and "interrupted" in done.err and "goes on" in done.err
    done = run("scan", "tree", parts=Parts(trouble=ZeroDivisionError("x")))
    assert done.status == 2 and "internal error: ZeroDivisionError: x" in done.err and "--debug" in done.err
    done = run("scan", "tree", parts=Parts(trouble=MemoryError()))
    assert done.status == 2 and "out of memory" in done.err


def test_debug_shows_the_traceback(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SystemExit):
        main(["--debug", "scan", str(tmp_path)], Parts(trouble=ZeroDivisionError("x")).services())
    assert "Traceback" in capfd.readouterr().err


def test_gate_reads_a_patch(run, tmp_path):
    (tmp_path / "p.patch").write_bytes(b"--- a\n\xff")
    parts = Parts(make_document(completeness(10, 10), [finding()]))
    done = run("gate", "tree", "--patch", "p.patch", "--format", "json", parts=parts)
    assert parts.calls["gate"] == b"--- a\n\xff"
    assert done.status == 1 and json.loads(done.out)["fixed"] == []


def test_report_and_explain_find_the_last_scan(run, tmp_path):
    scanned = run("scan", "tree", "--format", "json")
    assert run("report", "--format", "json").out == scanned.out
    (tmp_path / "s.json").write_text(scanned.out)
    assert json.loads(run("report", "s.json", "--format", "sarif").out)["version"] == "2.1.0"
    name = json.loads(scanned.out)["findings"][0]["fingerprint"]
    done = run("explain", name[:8])
    assert done.status == 0 and "fs/namei.c:3: error:" in done.out and name in done.out
    assert run("explain", name[:8].upper()).out == done.out
    done = run("explain", "0123456789ab")
    assert done.status == 2 and "stands under each finding" in done.err
    wrong = name[:6] + ("1" if name[6] == "0" else "0") + name[7]
    done = run("explain", wrong)
    assert done.status == 2 and f"try: {name[:8]}" in done.err


def test_explain_kind(run):
    assert "# missing-check" in run("explain", "missing-check").out


def test_the_default_store_is_one_for_each_tree_and_configuration(run, tmp_path):
    run("scan", "tree")
    with Store.open(default_path("tree", "audit"), readonly=True) as store:
        assert store.keys("document") == ["scan"]
        assert store.meta("tree") == str(tmp_path / "tree")


def test_a_damaged_store_is_said_and_rebuilt(run, tmp_path):
    (tmp_path / "s").write_text("junk" * 2000)
    done = run("scan", "tree", "--store", "s")
    assert done.status == 1 and "building a new one" in done.err


def test_doctor(run):
    def line(name, ok, hint=""):
        return SimpleNamespace(name=name, ok=ok, message="m", hint=hint)

    done = run("doctor", "tree", parts=Parts([line("tree", True), line("flex", False, "apt install flex")]))
    assert done.status == 2 and "MISSING flex: m" in done.out and "try: apt install flex" in done.out
    done = run("doctor", "tree", parts=Parts([line("tree", True)]))
    assert done.status == 0 and "next: kqual scan tree" in done.out


@pytest.mark.parametrize(
    "command",
    ["scan", "gate", "doctor", "explain", "report", "show", "show checks", "show callers", "show slot", "show path", "show facts",
     "triage", "triage t add", "triage t list", "triage t check", "store", "store info", "store gc", "store export",
     "store import", "completion"],
)  # fmt: skip
def test_help_names_exit_statuses(run, command):
    done = run(*command.split(), "--help")
    assert done.status == 0 and "exit status" in " ".join(done.out.split()).lower()


def test_colour_only_on_a_terminal(run, monkeypatch):
    assert "\x1b" not in run("scan", "tree").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "\x1b[" in run("scan", "tree").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("scan", "tree").out


def test_help_teaches(run):
    for command in ([], ["scan"], ["gate"], ["doctor"], ["explain"], ["show"], ["modules"], ["report"], ["rules"]):
        done = run(*command, "--help")
        assert done.status == 0
        assert "kqual " in done.out.split("Usage:", 1)[1]
    assert "kqual completion bash" in run("--help").out
    assert run().out == run("--help").out
    assert run("--version").out.startswith("kqual ")
