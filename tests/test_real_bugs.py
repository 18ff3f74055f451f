"""The benchmark over real bugs: what counts as found."""

from __future__ import annotations

import importlib.util
from pathlib import Path

spec = importlib.util.spec_from_file_location(
    "real_bugs", Path(__file__).resolve().parent.parent / "benchmarks" / "real_bugs.py"
)
assert spec is not None and spec.loader is not None
real_bugs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(real_bugs)

ENTRY = {
    "id": "X1", "cve": "-", "summary": "a box is opened by everybody", "file": "net/box.c", "function": "box_open",
    "missing_or_wrong": "ns_capable(box->net->user_ns, CAP_NET_ADMIN)", "cls": "missing capable", "buggy": "6.1.1-1",
    "fixed": "6.1.2-3~deb12u1",
}  # fmt: skip


def finding(**changes):
    base = {
        "kind": "missing-check", "tier": "error", "rule": "box-open", "operation": "open_box(box)", "file": "net/box.c",
        "line": 7, "function": "box_open", "requires": ["ns_capable"], "path": [],
    }  # fmt: skip
    return base | changes


def documents(before, after):
    return {"6.1.1": {"findings": before}, "6.1.2": {"findings": after}}


def test_reported_before_and_silent_after():
    assert real_bugs.judge(ENTRY, documents([finding()], []))


def test_a_finding_that_stays_is_none():
    assert not real_bugs.judge(ENTRY, documents([finding()], [finding(line=9)]))


def test_notes_and_other_functions_do_not_count():
    assert not real_bugs.judge(ENTRY, documents([finding(tier="note")], []))
    assert not real_bugs.judge(ENTRY, documents([finding(function="box_close")], []))


def test_a_function_on_the_last_steps_counts():
    steps = [{"file": "net/box.c", "line": 1, "function": name, "note": ""} for name in ("box_open", "a", "b", "c", "d")]
    assert real_bugs.judge(ENTRY, documents([finding(function="d", path=steps)], []))
    far = [*steps, {"file": "net/box.c", "line": 1, "function": "e", "note": ""}]
    assert not real_bugs.judge(ENTRY, documents([finding(function="e", file="net/lid.c", path=far)], []))


def test_a_table_counts_by_its_folder():
    entry = ENTRY | {"function": "(a table or several functions of the file)"}
    assert real_bugs.judge(entry, documents([finding(function="handler", file="net/handlers.c")], []))
    assert not real_bugs.judge(entry, documents([finding(function="handler", file="fs/handlers.c")], []))


def test_the_check_of_the_fix_is_told_apart():
    assert real_bugs.named(finding(), ENTRY)
    assert not real_bugs.named(finding(requires=["security_box_open"]), ENTRY)


def test_a_row_of_the_table():
    assert "`missing-check` (error) in `box_open`: `ns_capable`" in real_bugs.row(ENTRY, [finding()], {})
    assert real_bugs.row(ENTRY, [], {"X1": "no rule"}).endswith("| missed: no rule |")
