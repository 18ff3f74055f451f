"""What a user gets wrong, and what goes wrong under way: a message and status 2, or a result that says what it lacks."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from test_cli_program import RULES

from verifier.cli.main import main
from verifier.cli.session import version_note
from verifier.cli.unkept import Unkept
from verifier.store import Store

pytestmark = pytest.mark.slow

UNIT = """struct thing {{ struct thing *next; }};
int security_thing(struct thing *thing);
void controlled_op(struct thing *thing);
int {0}(struct thing *thing) {{ controlled_op(thing); return 0; }}
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tree").mkdir()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    (tmp_path / "tree" / "a.c").write_text(UNIT.format("first"))

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capfd.readouterr()
        assert "Traceback" not in err and "internal error" not in err
        return ended.value.code, out, err

    return call


SCAN = ("scan", "tree", "--rules", "rules", "-q", "-j", "1", "--format", "json")


def test_no_tree(run):
    status, _, err = run("scan", "")
    assert status == 2 and "TREE is empty" in err and "try: " in err


@pytest.mark.parametrize("what", ["tree", "inside", "store"])
def test_what_may_not_be_read_is_said_with_a_way_out(run, tmp_path, what):
    assert run(*SCAN, "--store", "s")[0] == 1
    closed = {"tree": "tree", "inside": ".", "store": "s"}[what]
    open_again = os.stat(closed).st_mode
    os.chmod(closed, 0)
    try:
        # root without its capabilities may read what is its own as anybody may
        may = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
        command = [*may, sys.executable, "-m", "verifier.cli.main", "scan", str(tmp_path / "tree"), "-q", "--store", str(tmp_path / "s")]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    finally:
        os.chmod(closed, open_again)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    first, hint = done.stderr.splitlines()
    assert ("ermission" in first and "--help" not in hint), done.stderr


def test_hostile_names_are_read_and_shown_harmlessly(run, tmp_path):
    folder = os.fsencode(tmp_path / "tree") + b'/d\n"x\xff'
    os.mkdir(folder)
    with open(folder + b"/we ird'$(touch pwned).c", "w") as file:
        file.write(UNIT.format("second"))
    status, out, err = run(*SCAN)
    assert status == 1, err
    found = {finding["function"]: finding for finding in json.loads(out)["findings"]}
    assert found["second"]["file"] == "d\n\"x\\xff/we ird'$(touch pwned).c"
    assert json.loads(out)["completeness"]["units"]["analysed"] == 2
    assert not (tmp_path / "pwned").exists()
    assert run(*SCAN)[1] == out  # read back from the store by the same name
    assert "\\x" in run("report")[1]


def test_sources_that_do_not_parse_are_counted(run, tmp_path):
    tree = tmp_path / "tree"
    (tree / "nul.c").write_bytes(b"int z(void){return 0;}\0\0\xff\xfe int y(void) { return 1; }\n")
    (tree / "deep.c").write_text("int d(int a){ return " + "(" * 50_000 + "a" + ")" * 50_000 + "; }\n")
    (tree / "nested.c").write_text("int n(int a){ " + "if (a) {" * 50_000 + "a++;" + "}" * 50_000 + " return a; }\n")
    (tree / "broken.c").write_text("int broken( { if (x ; return }")
    (tree / "chain.c").write_text("int c(int a){ int r;" + "".join(f"if (a=={i}) r={i}; else " for i in range(3000)) + "r=1; return r; }\n")
    (tree / "gone.c").symlink_to("gone.c")
    (tree / "loop").symlink_to(".")
    status, out, err = run(*SCAN)
    assert status == 1, err
    units = json.loads(out)["completeness"]["units"]
    lost = {u["file"] for u in units["partial"] + units["lost"]}
    assert lost == {"nul.c", "deep.c", "nested.c", "broken.c", "gone.c"}
    assert all(u["error"] for u in units["partial"] + units["lost"])
    assert (units["total"], units["analysed"]) == (7, 2)


def test_nothing_of_a_compile_database_is_executed(run, tmp_path):
    tree = tmp_path / "tree"
    evil = str(tmp_path / "pwned")
    entries = [
        ["/bin/sh", "-c", f"touch {evil}; : a.c"],
        ["gcc", "-fplugin=/nowhere.so", "-Xclang", "-load", "-Xclang", "/nowhere.so", "-MD", "-MF", evil, "-save-temps",
         "-serialize-diagnostics", evil, "-c", "a.c", "-o", evil],
        ["gcc", "@response", "-c", "a.c"],
    ]  # fmt: skip
    for arguments in entries:
        row = {"directory": str(tree), "file": "a.c", "arguments": arguments}
        (tree / "compile_commands.json").write_text(json.dumps([row]))
        status, out, err = run(*SCAN)
        assert status in (0, 1, 3), err
        assert not os.path.exists(evil) and sorted(os.listdir(tree)) == ["a.c", "compile_commands.json"]
    assert any("response files" in entry["what"] for entry in json.loads(out)["completeness"]["ledger"])


@pytest.mark.parametrize("text", ['[{"directory":', "{}", "[]", "[1]", "null", '[{"directory":5,"file":"a.c"}]', "[" * 9999])
def test_a_damaged_compile_database_is_a_message(run, tmp_path, text):
    (tmp_path / "tree" / "compile_commands.json").write_text(text)
    status, out, err = run(*SCAN)
    assert status == 2 and not out and "compile_commands.json" in err and "try: " in err


def test_make_that_fails_shows_its_message_and_the_way_round(run, tmp_path):
    kernel = tmp_path / "kernel"
    for folder in ("scripts", "arch/x86", "fs", "include/linux"):
        (kernel / folder).mkdir(parents=True)
    for name in ("Kconfig", "scripts/Makefile.build", "include/linux/kconfig.h", "include/linux/compiler_types.h"):
        (kernel / name).touch()
    (kernel / "fs" / "a.c").write_text(UNIT.format("first"))
    (kernel / "Makefile").write_text("VERSION = 5\nPATCHLEVEL = 4\nSUBLEVEL = 1\n$(error this tree is broken)\n")
    status, out, err = run("scan", "kernel", "-q")
    assert status == 2 and "this tree is broken" in err and "--config plain" in err
    status, out, err = run("scan", "kernel", "-q", "-j", "1", "--rules", "rules", "--config", "plain", "--format", "json")
    assert status == 1 and "those of 6.1 are used for 5.4.1" in err
    notes = [entry["what"] for entry in json.loads(out)["completeness"]["ledger"]]
    assert any("read without Kbuild" in note for note in notes) and any("5.4.1" in note for note in notes)
    assert not (kernel / "compile_commands.json").exists()


def test_versions_that_the_rules_do_not_know():
    assert version_note("6.1.20", ".") == version_note("6.12", ".") == version_note("", ".") == ""
    assert "6.1" in version_note("4.19", ".") and "6.12" in version_note("7.0-rc1", ".")


# Interruptions


def start(tmp_path, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "verifier.cli.main", *arguments], cwd=tmp_path, text=True, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number, phase", [(signal.SIGINT, "parse"), (signal.SIGKILL, "parse"), (signal.SIGINT, "analysing")])
def test_a_scan_that_was_stopped_goes_on(run, tmp_path, number, phase):
    for n in range(130):
        (tmp_path / "tree" / f"m{n}.c").write_text("".join(UNIT.format(f"f{n}_{k}").replace("struct thing {", f"struct t{k} {{") for k in range(9)))
    whole = run(*SCAN, "--store", "one")[1]
    process = start(tmp_path, *SCAN[:4], "-j", "2", "--format", "json", "--store", "two")
    said = ""
    while phase not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    time.sleep(0.7 if phase == "parse" else 0)
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.killpg(process.pid, number) if number == signal.SIGINT else process.kill()
    said = process.communicate(timeout=240)[1]
    assert "Traceback" not in said
    if number == signal.SIGINT:
        assert process.returncode == 2 and "interrupted" in said and "goes on" in said
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in workers)
    assert run(*SCAN, "--store", "two")[1] == whole


# Stores


def test_a_store_that_cannot_be_written_serves_all_the_same(run, tmp_path, monkeypatch):
    whole = run(*SCAN, "--store", "s")[1]
    before = (tmp_path / "s").read_bytes()
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **k: False if mode == os.W_OK and Path(path).name == "s" else real(path, mode, **k))
    status, out, err = run(*SCAN, "--store", "s")
    assert out == whole and "nothing new is kept" in err
    (tmp_path / "tree" / "b.c").write_text(UNIT.format("second"))
    status, out, err = run(*SCAN, "--store", "s")
    assert status == 1 and [f["function"] for f in json.loads(out)["findings"]] == ["first", "second"]
    assert (tmp_path / "s").read_bytes() == before


def test_values_beside_a_store(tmp_path):
    with Store.open(tmp_path / "s") as store:
        store.put_many("k", [("a", b"1"), ("b", b"2")])
        store.set_meta("m", "old")
    with Unkept.open(tmp_path / "s", readonly=True) as store:
        assert store.readonly and store.get("k", "a") == b"1"
        store.put("k", "c", b"3")
        store.delete("k", "a")
        store.set_meta("m", "new")
        assert store.keys("k") == ["b", "c"] and store.count("k") == 2 and store.meta("m") == "new"
        assert store.get_many("k", ["c", "a", "b"]) == {"c": b"3", "b": b"2"}
        assert store.prune("k", ["c"]) == 1 and store.keys("k") == ["c"]
        store.clear("k")
        assert store.keys("k") == []
    with Store.open(tmp_path / "s", readonly=True) as store:
        assert store.keys("k") == ["a", "b"] and store.meta("m") == "old"


@pytest.mark.parametrize("seed", range(4))
def test_a_store_with_rubbish_in_it_is_rebuilt_or_said(run, tmp_path, seed):
    whole = run(*SCAN, "--store", "s")[1]
    data = bytearray((tmp_path / "s").read_bytes())
    dice = random.Random(seed)
    for _ in range(3):
        place = dice.randrange(100, len(data) - 3000)
        data[place : place + 2500] = dice.randbytes(2500)
    (tmp_path / "s").write_bytes(data)
    for question in (("show", "checks", "first"), ("show", "facts", "a.c:4"), ("report",), ("explain", "00000000")):
        status, _, err = run(*question, "--store", "s")
        assert status in (0, 2) and (status == 0 or "try: " in err)
    assert run(*SCAN, "--store", "s")[1] == whole


@pytest.mark.parametrize("kind", ["program", "doors", "index", "results", "completeness", "unit-record", "catalogue"])
def test_stored_values_of_another_shape_are_made_again(run, tmp_path, kind):
    whole = run(*SCAN, "--store", "s")[1]
    with Store.open(tmp_path / "s") as store:
        keys = store.keys(kind)
        assert keys
        store.put_many(kind, [(key, msgspec.msgpack.encode(["another", {"shape": 1}])) for key in keys])
        for other in {"index": ["program", "results"], "unit-record": []}.get(kind, []):
            store.clear(other)
    assert run(*SCAN, "--store", "s")[1] == whole
    if kind == "catalogue":
        status, _, err = run("show", "checks", "first", "--store", "s")
        assert status == 2 and "catalogue is damaged" in err


def test_a_full_disk_is_said(run, tmp_path):
    """The limit on file sizes stands for the disk."""
    for n in range(40):
        (tmp_path / "tree" / f"m{n}.c").write_text("".join(UNIT.format(f"f{n}_{k}").replace("struct thing {", f"struct t{k} {{") for k in range(40)))
    code = "import resource,sys; resource.setrlimit(resource.RLIMIT_FSIZE, (120000, 120000)); from verifier.cli.main import main; main(sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", code, *SCAN, "--store", "full"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr and "store full" in done.stderr and "try: " in done.stderr
    assert run(*SCAN, "--store", "full")[0] == 1
