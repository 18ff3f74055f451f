"""Comments that permit a finding, and baselines."""

from __future__ import annotations

import json

import pytest
from gate_trees import FILES, RULES, diff, write_tree

from verifier.cli.main import main
from verifier.gate.comments import permissions

pytestmark = pytest.mark.slow

OPEN = '#include "thing.h"\nint bad(struct thing *thing)\n{\n\tcontrolled_op(thing);\n\treturn 0;\n}\n'
ALLOWED = OPEN.replace("\tcontrolled", "\t/* kqual: allow thing-use only ever called at boot */\n\tcontrolled")


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def call(command, files, *arguments, after=None):
        write_tree(tmp_path / "tree", files)
        if after is not None:
            (tmp_path / "p").write_bytes(diff(files, after))
            arguments = ("--patch", "p", *arguments)
        with pytest.raises(SystemExit) as ended:
            main([command, "tree", *arguments, "--rules", "rules", "-q", "--format", "json", "-j", "1"])
        out, err = capfd.readouterr()
        return ended.value.code, json.loads(out) if out else None, err

    return call


def ledger(document, kind):
    return [e["what"] for e in document["completeness"].get("ledger", []) if e["kind"] == kind]


@pytest.mark.parametrize(
    "text, first, last",
    [
        ("a();\n/* kqual: allow r why */\nb(1,\n  2);\nc();\n", 3, 4),
        ("a(); /* kqual: allow r why */\nb();\n", 1, 1),
        ("a(); // kqual: allow r why\nb();\n", 1, 1),
        ("/*\n * x\n */\n/* kqual: allow r why */\n\n/* more */\nstatic int\nf(void)\n{\n\tx();\n", 7, 9),
        ("/* kqual: allow r why */ b();\nc();\n", 1, 1),
    ],
)
def test_what_a_comment_speaks_for(text, first, last):
    (p,) = permissions("a.c", text)
    assert (p.rule, p.reason, p.first, p.last) == ("r", "why", first, last)


def test_a_scan(run):
    files = {"include/thing.h": FILES["include/thing.h"], "a.c": ALLOWED}
    code, found, err = run("scan", files)
    assert (code, found["findings"]) == (0, []), err
    assert ledger(found, "allowed") == ["a.c:5: thing-use: only ever called at boot (line 4)"]
    assert run("scan", files, "--strict")[0] == 0
    above = OPEN.replace("int bad", "/* kqual: allow thing-use whole function */\nint bad")
    assert run("scan", files | {"a.c": above})[0] == 0
    other = ALLOWED.replace("thing-use", "other-rule")
    code, found, err = run("scan", files | {"a.c": other}, "--strict")
    assert code == 1 and ledger(found, "stale-allow") == ["a.c:4: allow other-rule has nothing to permit"] and "nothing to permit" in err


def test_a_reason_is_required(run):
    files = {"include/thing.h": FILES["include/thing.h"], "a.c": ALLOWED.replace("only ever called at boot ", "")}
    code, found, _ = run("scan", files)
    assert code == 1 and len(found["findings"]) == 1
    assert ledger(found, "stale-allow") == ["a.c:4: allow thing-use gives no reason and permits nothing"]


def test_a_patch_that_permits_itself(run):
    files = FILES | {"core/x.c": OPEN.replace("controlled_op(thing)", "allowed(thing)")}
    code, found, err = run("gate", files, after=files | {"core/x.c": ALLOWED})
    assert (code, found["findings"]) == (0, []), err
    assert ledger(found, "allowed") == ["core/x.c:5: thing-use: only ever called at boot (line 4, made by this change)"]
    assert run("gate", files, "--strict", after=files | {"core/x.c": ALLOWED})[0] == 1
    stale = files | {"core/x.c": ALLOWED.replace("controlled_op(thing)", "allowed(thing)")}
    code, found, err = run("gate", files, "--strict", after=stale)
    assert code == 1 and not found["findings"] and "nothing to permit" in err
    assert run("gate", files, after=stale)[0] == 0


def test_baselines(run, tmp_path):
    files = FILES | {"core/x.c": OPEN}
    code, found, _ = run("scan", files, "--write-baseline", "known.json")
    assert code == 1 and len(found["findings"]) == 1
    code, found, _ = run("scan", files, "--baseline", "known.json")
    assert (code, found["findings"]) == (0, []) and ledger(found, "baseline")
    more = files | {"core/y.c": OPEN.replace("bad", "worse")}
    code, found, _ = run("scan", more, "--baseline", "known.json")
    assert code == 1 and [f["function"] for f in found["findings"]] == ["worse"]
    for text in ("[]", '{"schema": "x", "findings": []}', "\xff"):
        (tmp_path / "known.json").write_text(text)
        code, _, err = run("scan", files, "--baseline", "known.json")
        assert code == 2 and "baseline" in err
    assert run("scan", files, "--baseline", "nowhere")[0] == 2
