"""The gate says what two whole scans say: obligations, findings and doors of a changed tree are those of a scan of it."""

from __future__ import annotations

import pytest
from gate_trees import FILES, Bench, diff

from verifier.findings import finish
from verifier.flow.summary import Held, Result
from verifier.gate.overlay import read_patch
from verifier.gate.run import compare
from verifier.gate.shift import shifted
from verifier.gate.variant import Variant, make_variant
from verifier.gate.worse import relined
from verifier.program.report import shape_findings, to_finding

UNCHECKED = "\tcontrolled_op(thing);\n\treturn 0;\n"
NEW_TABLE = (
    '#include "thing.h"\nint fresh(struct thing *thing)\n{\n\treturn perform(thing);\n}\n'
    "const struct thing_ops more = { .use = fresh };\n"
)
EDITS = {
    "nothing": [],
    "drop in a wrapper": [("core/allow.c", "return security_thing(thing)", "return 0")],
    "drop in a header": [("include/thing.h", "return security_thing(thing)", "return 0")],
    "drop at a door": [("core/doors.c", "\tif (err)\n\t\treturn err;\n", "")],
    "check moves to the callee": [
        ("core/perform.c", "\tcontrolled_op", "\tif (security_thing(thing))\n\t\treturn -1;\n\tcontrolled_op"),
        ("core/doors.c", "\tif (may_use(thing))\n\t\treturn -1;\n", ""),
    ],
    "drop behind a table": [("drivers/table.c", "\tif (err)\n\t\treturn err;\n", "")],
    "another function in the table": [("drivers/table.c", ".drop = quiet", ".drop = perform")],
    "a function leaves the table": [("drivers/table.c", ".use = use, ", "")],
    "open stops checking": [("drivers/opened.c", "return security_thing(file->thing)", "return 0")],
    "another function opens": [("drivers/opened.c", ".open = thing_open, .write", ".write")],
    "lines move": [("core/perform.c", "int perform", "\n\n\nint perform"), ("core/doors.c", "int door_walk", "\n\nint door_walk")],
    "lines move below a finding": [
        ("core/perform.c", "int perform", "\n\n\nint perform"), ("core/walk.c", "int walk", "\n\nint walk"),
        ("core/doors.c", "return err ? err : walk", "return walk"),
    ],
    "in a cycle the operation goes": [("core/walk.c", "return perform(thing)", "return 0")],
    "in a cycle the operation comes": [("core/walk.c", "return walk(thing->next, depth + 1)", "controlled_op(thing); return walk(thing, depth)")],
    "a new caller": [("drivers/other.c", "return unrelated(thing)", "return perform(thing)")],
    "a small function becomes a wrapper": [
        ("drivers/other.c", "return thing->kind + 1", "return security_thing(thing)"),
        ("drivers/other.c", "return unrelated(thing)", "if (unrelated(thing)) return -1;\n\treturn perform(thing)"),
    ],
    "a door becomes internal": [("drivers/other.c", "return unrelated(thing)", "return door_walk(thing)")],
}
SILENT = {"nothing", "in a cycle the operation comes", "lines move", "check moves to the callee", "in a cycle the operation goes", "a function leaves the table",
          "a small function becomes a wrapper", "a door becomes internal"}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    made = Bench(tmp_path_factory.mktemp("equal"))
    yield made
    made.store.close()


def all_findings(of, frontier, pack):
    opened = [relined(o, of) if isinstance(of, Variant) else o for o in frontier.findings()]
    found = [to_finding(o, pack, of.program, of.doors) for o in opened]
    found += shape_findings(of.results, of.program, of.doors, found)
    return {f.fingerprint: (f.kind, f.rule, f.function, f.file, f.line, f.door, f.path) for f in finish(found)}


def held_equal(bench, files):
    after = make_variant(bench.tree, bench.base, read_patch(str(bench.root), diff(bench.files, files)))
    full = bench.scan(files)
    frontier = full.frontier()
    assert set(after.frontier.hot) == set(frontier.hot)
    assert after.doors.entries.keys() == full.doors.entries.keys()
    assert dict(after.doors.nearest) == dict(full.doors.nearest)
    assert dict(after.doors.other) == dict(full.doors.other)
    assert after.program.functions.keys() == full.program.functions.keys()
    assert {k: v for k, v in after.program.callers.items()} == full.program.callers
    assert after.program.slots == full.program.slots
    assert after.program.tables == full.program.tables
    for table in ("slot_callers", "writes", "held", "headers"):
        assert dict(getattr(after.program, table)) == dict(getattr(full.program, table)), table
    mine = all_findings(after, after.frontier, bench.pack)
    assert mine == all_findings(full, frontier, bench.pack)
    base = bench.clean
    before = all_findings(base, base.frontier, bench.pack)
    document = compare(base, after)
    assert {f.fingerprint for f in document.findings} == mine.keys() - before.keys()
    assert {f.fingerprint for f in document.fixed} == before.keys() - mine.keys()
    return document


@pytest.mark.parametrize("name", EDITS)
def test_an_edit(bench, name):
    document = held_equal(bench, bench.edited(*EDITS[name]))
    assert bool(document.findings) == (name not in SILENT), [f.function for f in document.findings]


def test_a_new_file_with_a_table(bench):
    document = held_equal(bench, bench.edited(add={"drivers/new.c": NEW_TABLE}))
    notes = [e.what for e in document.completeness.ledger if e.kind == "patch-note"]
    assert [f.function for f in document.findings] == ["fresh"] or document.findings
    assert any("read with the command of drivers/opened.c" in note for note in notes)
    assert any("slot thing_ops.use now holds fresh" in note for note in notes)


def test_a_deleted_file(bench):
    files = bench.edited(drop=("drivers/table.c",))
    assert not held_equal(bench, files).findings


def test_a_wrapper_loses_its_file(bench):
    document = held_equal(bench, bench.edited(drop=("core/allow.c",)))
    assert [(f.function, f.rule) for f in document.findings] == [("door_wrapped", "thing-use")]


def test_a_check_that_is_ignored_from_now_on(bench):
    files = bench.edited(("core/doors.c", "int err = security_thing(thing);\n\n\treturn err ? err :", "security_thing(thing);\n\n\treturn"))
    document = held_equal(bench, files)
    assert "ignored-result" in {f.kind for f in document.findings}


def test_a_function_that_moved_keeps_all_that_was_found_of_it(bench):
    for result in bench.base.results.values():
        assert shifted(result, 0) == result
    full = Result(held=[Held(7, "perform", (("security_thing", ("thing",)),))], cut="recursion", cycle=("walk", "step"))
    moved = shifted(full, 3)
    assert moved.held == [Held(10, "perform", (("security_thing", ("thing",)),))]
    assert (moved.cut, moved.cycle) == (full.cut, full.cycle)


def test_files_of_the_bench_are_checked():
    assert all("thing.h" in text for name, text in FILES.items() if name.endswith(".c"))
