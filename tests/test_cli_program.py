"""Commands on a small program, from C to answers, with nothing replaced."""

import json
import signal
import subprocess
import sys

import pytest

from verifier.cli.main import main
from verifier.store import Store

pytestmark = pytest.mark.slow

RULES = """
[[rule]]
id = "thing-use"
service = "file"
operation = "controlled_op(thing)"
requires = ["security_thing(thing)"]
reason = "uses the thing"
good = '''
struct thing;
int security_thing(struct thing *thing);
void controlled_op(struct thing *thing);
int use_ok(struct thing *thing) { int err = security_thing(thing); if (err) return err; controlled_op(thing); return 0; }
'''
bad = '''
struct thing;
void controlled_op(struct thing *thing);
int use_bad(struct thing *thing) { controlled_op(thing); return 0; }
'''
"""
PROGRAM = """struct thing { struct thing *next; };
struct thing_ops { int (*use)(struct thing *thing); };
int security_thing(struct thing *thing);
void controlled_op(struct thing *thing);

static int allowed(struct thing *thing)
{
	return security_thing(thing);
}

int checked(struct thing *thing)
{
	int err = allowed(thing);

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int unchecked(struct thing *thing)
{
	controlled_op(thing);
	return 0;
}

static const struct thing_ops ops = { .use = checked };

int outer(struct thing_ops *table, struct thing *thing)
{
	return table->use(thing);
}

static void perform(struct thing *thing)
{
	controlled_op(thing);
}

int carried(struct thing *thing)
{
	perform(thing);
	return 0;
}

int met(struct thing *thing)
{
	if (security_thing(thing))
		return -1;
	perform(thing);
	return 0;
}
"""
PATCH = """--- a/use.c
+++ b/use.c
@@ -12,8 +12,6 @@ int checked(struct thing *thing)
 {
 	int err = allowed(thing);
 
-	if (err)
-		return err;
 	controlled_op(thing);
 	return 0;
 }
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")
    (folder / "tree").mkdir()
    (folder / "tree" / "use.c").write_text(PROGRAM)
    (folder / "rules").mkdir()
    (folder / "rules" / "own.toml").write_text(RULES)
    (folder / "drop.patch").write_text(PATCH)
    return folder


@pytest.fixture
def run(place, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    monkeypatch.chdir(place)

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return call


SCAN = ("scan", "tree", "--rules", "rules", "-q", "--format", "json")


def test_scan(run):
    status, out, err = run(*SCAN)
    assert status == 1, err
    found = json.loads(out)["findings"]
    assert [(f["kind"], f["rule"], f["file"], f["line"], f["function"]) for f in found] == [
        ("missing-check", "thing-use", "use.c", 23, "unchecked"),
        ("missing-check", "thing-use", "use.c", 41, "carried"),
    ]
    assert found[1]["sibling"]["function"] == "met"
    assert [step["function"] for step in found[1]["path"]] == ["carried", "perform"]


def test_cold_warm_and_parallel_scans_give_equal_bytes(run):
    cold = run(*SCAN, "--store", "s1")[1]
    assert cold
    assert run(*SCAN, "--store", "s1")[1] == cold
    assert run(*SCAN, "--store", "s2", "-j", "2")[1] == cold


def test_questions(run):
    run(*SCAN, "--store", "s3")
    assert "calls checks: security_thing" in run("show", "checks", "allowed")[1]
    assert "returns 0: passed security_thing(thing)" in run("show", "checks", "allowed")[1]
    shown = run("show", "callers", "checked")[1]
    assert "held in slot thing_ops.use" in shown and "outer (use.c:29)" in shown
    assert "called by allowed (use.c:6)" in run("show", "callers", "security_thing")[1]
    assert "holds checked (use.c:11)" in run("show", "slot", "thing_ops.use")[1]
    shown = run("show", "path", "outer", "allowed")[1]
    assert shown.index("outer (") < shown.index("checked (") < shown.index("allowed (")
    assert "through thing_ops.use" in shown and "calls checks: security_thing" in shown
    assert "no chain" in run("show", "path", "unchecked", "allowed")[1]
    assert "on every path: security_thing(thing)" in run("show", "facts", "use.c:17")[1]
    assert "no check is passed" in run("show", "facts", "use.c:23")[1]


@pytest.mark.parametrize(
    "question, hint",
    [
        (("checks", "chekced"), "checked"),
        (("slot", "thing_ops.us"), "thing_ops.use"),
        (("facts", "use.c"), "FILE:LINE"),
        (("facts", "use.c:2"), "inside"),
        (("facts", "other.c:2"), "path relative"),
    ],
)
def test_questions_with_mistakes(run, question, hint):
    run(*SCAN)
    status, out, err = run("show", *question)
    assert status == 2 and not out and hint in err and len(err.splitlines()) == 2


def test_explain(run):
    name = json.loads(run(*SCAN)[1])["findings"][0]["fingerprint"]
    assert "use.c:23: error:" in run("explain", name, "--rules", "rules")[1]
    shown = run("explain", "thing-use", "--rules", "rules")[1]
    assert "requires    security_thing(thing)" in shown and "int use_bad" in shown


def test_gate(run):
    run(*SCAN, "--store", "s4")
    status, out, err = run("gate", "tree", "--patch", "drop.patch", "--rules", "rules", "--store", "s4", "-q", "--format", "json")
    assert status == 1, err
    found = json.loads(out)
    assert {(f["function"], f["rule"]) for f in found["findings"]} == {("checked", "thing-use")}
    assert found["fixed"] == []


def test_the_last_line_of_a_gate_says_how_complete_it_was(run):
    run(*SCAN, "--store", "s4")
    _, out, _ = run("gate", "tree", "--patch", "drop.patch", "--rules", "rules", "--store", "s4", "-q")
    last = "result: the patch introduces 1 error, 0 warnings, 0 notes; it fixes 0; 1 of 1 unit that it touches read in full"
    assert out.splitlines()[-1] == last


def test_html_has_the_source(run, place):
    status, out, _ = run(*SCAN[:-1], "html", "-o", "report")
    assert status == 1 and out.splitlines()[-1] == "report/index.html"
    page = next((place / "report" / "findings").glob("*.html")).read_text()
    assert "controlled_op" in page and '<u>23</u>' in page


def test_rules_lint_and_test(run):
    assert run("rules", "lint", "rules")[0] == 0
    status, out, _ = run("rules", "test", "thing-use", "--rules", "rules", "-q")
    assert status == 0 and "2 examples of 1 rule, 0 wrong" in out


def test_retired_and_replaced_rules_stand_in_every_report(place, run):
    (place / "project").mkdir()
    (place / "project" / "own.toml").write_text('[[retire]]\nid = "inode-unlink"\nreason = "no such table here"\n')
    more = ("--rules", "rules", "--rules", "project", "--store", "s7", "-q")
    line = "inode-unlink: no such table here (project/own.toml:1)"
    document = json.loads(run("scan", "tree", *more, "--format", "json")[1])
    assert {"kind": "rule-retired", "what": line} in [
        {key: entry[key] for key in ("kind", "what")} for entry in document["completeness"]["ledger"]
    ]
    for command in (("scan", "tree", *more), ("gate", "tree", "--patch", "drop.patch", *more), ("scan", "tree", *more, "--format", "sarif")):
        assert line in run(*command)[1], command


def test_rules_test_says_what_is_wrong(run, tmp_path):
    (tmp_path / "own.toml").write_text(RULES.replace("int err = security_thing(thing); if (err) return err;", ""))
    status, out, _ = run("rules", "test", "thing-use", "--rules", str(tmp_path), "-q")
    assert status == 1 and "the good example is reported" in out


def test_a_typo_in_a_rule_file_is_shown_at_its_line(run, tmp_path):
    (tmp_path / "own.toml").write_text(RULES.replace("requires", "requirse"))
    status, _, err = run("scan", "tree", "--rules", str(tmp_path), "-q")
    assert status == 2 and "own.toml:" in err and "requirse" in err and "Traceback" not in err


def test_interrupt_leaves_the_store_whole(place, run):
    (place / "many").mkdir()
    for number in range(60):
        (place / "many" / f"u{number}.c").write_text(PROGRAM.replace("checked", f"checked{number}").replace("outer", f"outer{number}"))
    command = [sys.executable, "-m", "verifier.cli.main", "scan", "many", "--rules", "rules", "--store", "s5", "--format", "json"]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=place)
    first = started.stderr.readline()  # it is at work, whatever the machine's load
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=60)
    err = first + err
    if started.returncode != 1:  # 1: it was done before the signal
        assert started.returncode == 2 and b"interrupted" in err and b"Traceback" not in err and out == b""
    again = run("scan", "many", "--rules", "rules", "--store", "s5", "--format", "json", "-q")
    assert again[0] == 1 and again[1] == run("scan", "many", "--rules", "rules", "--store", "s6", "--format", "json", "-q")[1]


def test_answers_without_the_names_of_checks(run, place):
    """Stores written before they held these names ask the rules."""
    run(*SCAN, "--store", "old")
    asked = ("show", "path", "outer", "allowed", "--store", "old")
    before = run(*asked)[1]
    with Store.open(place / "old") as store:
        store.delete("catalogue", "checks")
        store.clear("index")
    assert run(*asked)[1] == before and "calls checks: security_thing" in before
    assert "security_thing(thing)" in run("show", "facts", "use.c:17", "--store", "old")[1]


def test_many_functions_of_a_name_are_not_printed_but_listed(run, place, monkeypatch):
    run(*SCAN, "--store", "names")
    monkeypatch.setattr("verifier.cli.catalogue.MOST_NAMESAKES", 0)
    status, _, err = run("show", "checks", "allowed", "--store", "names")
    assert status == 2 and "1 functions are named allowed" in err and "try: one of them with its file, e.g. allowed@use.c" in err
    assert run("show", "checks", "allowed@use.c", "--store", "names")[0] == 0
    status, _, err = run("show", "checks", "xllowed", "--store", "names")
    assert status == 2 and "try: allowed" in err  # a typing error in the first letter, too
