"""Verdicts on findings: what they dismiss, what comes back, what is stale."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli_program import PROGRAM, RULES

from verifier.cli import triage_file
from verifier.cli.main import main
from verifier.cli.triage_file import Entry
from verifier.errors import KqualError

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tree").mkdir()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    (tmp_path / "tree" / "use.c").write_text(PROGRAM)

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return call


SCAN = ("scan", "tree", "--rules", "rules", "-q", "-j", "1", "--format", "json")
WITH = (*SCAN, "--triage", "kqual-triage.toml")


def found(out):
    return [finding["function"] for finding in json.loads(out)["findings"]]


@pytest.fixture
def dismissed(run):
    """`carried` (through `perform`) is dismissed."""
    findings = json.loads(run(*SCAN)[1])["findings"]
    name = next(f["fingerprint"] for f in findings if f["function"] == "carried")
    status, _, err = run("triage", "tree", "add", name[:6], "false-positive", "--reason", 'its callers "check"')
    assert status == 0 and name in err
    return name


def test_a_dismissed_finding_is_counted_and_not_reported(run, dismissed):
    status, out, _ = run(*WITH)
    assert status == 1 and found(out) == ["unchecked"]
    data = json.loads(out)
    assert [(d["verdict"], d["reason"], d["finding"]["fingerprint"]) for d in data["dismissed"]] == [
        ("false-positive", 'its callers "check"', dismissed)
    ]
    assert any(entry["kind"] == "triage" for entry in data["completeness"]["ledger"])
    assert "1 dismissed" in run(*WITH[:-4], "--format", "text", "--triage", "kqual-triage.toml")[1].splitlines()[-1]
    results = json.loads(run(*WITH[:-4], "--format", "sarif", "--triage", "kqual-triage.toml")[1])["runs"][0]["results"]
    assert [[s["justification"] for s in r["suppressions"]] for r in results] == [[], ['false-positive: its callers "check"']]
    assert found(run(*SCAN)[1]) == ["unchecked", "carried"]
    status, out, _ = run("triage", "tree", "check")
    assert status == 0 and "1 findings dismissed" in out
    assert dismissed in run("triage", "tree", "list")[1]


def test_all_dismissed_is_status_0(run, dismissed):
    other = json.loads(run(*WITH)[1])["findings"][0]["fingerprint"]
    run("triage", "tree", "add", other, "known", "--reason", "reported")
    assert run(*WITH)[0] == 0
    run("triage", "tree", "add", other, "real", "--reason", "it is true")
    assert run(*WITH)[0] == 1


@pytest.mark.parametrize(
    "old, new",
    [
        ("carried", "transported"),
        ("static void perform(struct thing *thing)\n{", "static void perform(struct thing *thing)\n{\n\tif (!thing->next)\n\t\treturn;"),
    ],
)
def test_names_may_change_and_code_may_not(run, tmp_path, dismissed, old, new):
    source = tmp_path / "tree" / "use.c"
    source.write_text("/* moved down */\n\n" + source.read_text().replace(old, new))
    out = run(*WITH)[1]
    assert ("carried" in found(out) or "transported" in found(out)) == ("next" in new)
    status, out, _ = run("triage", "tree", "check")
    assert ("moved: " in out) == ("transported" in new) and ("changed: " in out) == ("next" in new)
    assert status == ("next" in new)


def test_a_renamed_file_keeps_its_verdict(run, tmp_path, dismissed):
    (tmp_path / "tree" / "use.c").rename(tmp_path / "tree" / "other.c")
    assert found(run(*WITH)[1]) == ["unchecked"]


def test_a_renewed_verdict_replaces_the_one_that_moved(run, tmp_path, dismissed):
    (tmp_path / "tree" / "use.c").rename(tmp_path / "tree" / "other.c")
    out = run(*SCAN)[1]
    name = next(f["fingerprint"] for f in json.loads(out)["findings"] if f["function"] == "carried")
    assert name != dismissed and "replaced" in run("triage", "tree", "add", name, "known", "--reason", "r")[2]
    assert [e.fingerprint for e in triage_file.read(tmp_path / "kqual-triage.toml")] == [name]


def test_stale_entries_are_named(run, tmp_path, dismissed):
    source = tmp_path / "tree" / "use.c"
    source.write_text(source.read_text().replace("\tperform(thing);\n\treturn 0;\n}\n\nint met", "\treturn 0;\n}\n\nint met"))
    err = run(*WITH)[2]
    assert "1 stale" in err
    status, out, _ = run("triage", "tree", "check")
    assert status == 1 and f"stale: {dismissed}" in out and "thing-use in use.c:carried" in out


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("triage", "tree", "add", "zzzz", "known", "--reason", "r"), "no finding 'zzzz'"),
        (("triage", "tree", "add", "abcd", "maybe", "--reason", "r"), "maybe"),
        (("triage", "tree", "add", "abcd", "known"), "--reason"),
        (("triage", "tree", "add", "abcd", "known", "--reason", " "), "--reason is empty"),
        (("triage", "nowhere", "check"), "no such folder"),
        (("triage", "tree", "list"), "No such file"),
        (("triage", "tree", "--file", "bad", "list"), "not TOML"),
        (("triage", "tree", "frob"), "frob"),
        ((*SCAN, "--triage", "nowhere"), "nowhere"),
    ],
)
def test_mistakes(run, tmp_path, arguments, words):
    (tmp_path / "bad").write_text("[[finding]")
    run(*SCAN)
    status, out, err = run(*arguments)
    assert status == 2 and not out and words in err and "try: " in err


@pytest.mark.parametrize(
    "text, words",
    [
        ("[[findings]]", "unknown table"),
        ("finding = 3", "file"),
        ('[[finding]]\nfingerprint = "x"\nverdict = "known"\nreason = "r"', "no fingerprint"),
        ('\n[[finding]]\nfingerprint = "0123456789abcdef"\nverdict = "knwon"\nreason = "r"', "file:2: unknown verdict"),
        ('[[finding]]\nfingerprint = "0123456789abcdef"\nverdict = "known"\nreason = ""', "without a reason"),
        ('[[finding]]\nfingerprint = "0123456789abcdef"\nverdict = "known"', "reason"),
        ('[[finding]]\nfingerprint = "0123456789abcdef"\nverdict = "known"\nreason = "r"\nx = 1', "x"),
        (Entry("0123456789abcdef", "known", "r").text() * 2, "has a verdict already"),
    ],
)
def test_wrong_files_are_named_with_their_line(text, words):
    with pytest.raises(KqualError) as raised:
        triage_file.parse(text, "file")
    assert words in raised.value.message and raised.value.hint


@given(st.text())
def test_any_text_is_entries_or_a_message(text):
    try:
        assert isinstance(triage_file.parse(text, "f"), list)
    except KqualError as error:
        assert error.message and error.hint


@given(st.text(min_size=1).filter(str.strip), st.sampled_from(triage_file.VERDICTS))
def test_entries_survive_writing(reason, verdict):
    entry = Entry("0123456789abcdef", verdict, reason, place="a\"b\\c\n:f")
    assert triage_file.parse(entry.text(), "f") == [entry]


def test_comments_and_other_entries_keep_their_bytes(tmp_path):
    file = tmp_path / "t.toml"
    first, second = Entry("1" * 16, "known", "one"), Entry("2" * 16, "known", "two")
    file.write_text("# head\n\n" + first.text() + "\n# about the second\n" + second.text() + "# end\n")
    assert triage_file.put(file, Entry("1" * 16, "wont-fix", "uno"))
    text = file.read_text()
    assert text.startswith("# head\n\n") and "# about the second\n" + second.text() + "# end\n" in text
    assert not triage_file.put(file, Entry("3" * 16, "real", "three"))
    assert [(e.fingerprint[0], e.verdict) for e in triage_file.read(file)] == [("1", "wont-fix"), ("2", "known"), ("3", "real")]
