"""Functions that call each other: what comes out depends on the program, not on what was analysed before."""

from types import SimpleNamespace

import pytest
from gate_trees import HEADER, Bench, diff
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.flow.summary import Alternative, Result, Summary
from verifier.gate.overlay import read_patch
from verifier.gate.variant import make_variant
from verifier.program.recursion import MOST_TURNS, Recursion

NAMES = ("a", "b", "c", "d")
LINES = (
    "\tif (security_thing(thing))\n\t\treturn -1;\n", "\tcontrolled_op(thing);\n", "\tcontrolled_op(thing->next);\n",
    "\tif (thing->kind == 1)\n\t\treturn 0;\n", "\tif (thing->kind & 4)\n\t\tcontrolled_op(thing);\n",
    *(f"\terr = {n}(thing);\n\tif (err)\n\t\treturn err;\n" for n in NAMES),
    *(f"\t{n}(thing->next);\n" for n in NAMES),
    *(f"\tif (thing->kind > 2)\n\t\treturn {n}(thing);\n" for n in NAMES),
)  # fmt: skip
bodies = st.lists(st.sampled_from(LINES), max_size=5).map("".join)


def text(name, body):
    return f"int {name}(struct thing *thing)\n{{\n\tint err;\n\n{body}\treturn 0;\n}}\n"


def tree(parts):
    declared = "".join(f"int {n}(struct thing *thing);\n" for n in NAMES)
    door = "int door(struct thing *thing)\n{\n\treturn a(thing);\n}\n"
    functions = "".join(text(n, body) for n, body in zip(NAMES, parts, strict=True))
    return {"include/thing.h": HEADER, "core/calls.c": f'#include "thing.h"\n{declared}{functions}{door}'}


def same(mine, theirs):
    """Callers learn the same from each function; one that only one side looked at asks and guarantees nothing."""
    for fid in mine.keys() & theirs.keys():
        a, b = mine[fid], theirs[fid]
        assert (a.summary.returns, a.summary.alternatives, a.summary.asks(), a.cut) == (
            b.summary.returns, b.summary.alternatives, b.summary.asks(), b.cut,
        ), fid  # fmt: skip
    for fid in mine.keys() ^ theirs.keys():
        left = (mine.get(fid) or theirs.get(fid)).summary
        assert not left.requires, fid
        assert not any(way.facts for way in left.alternatives), fid


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(bodies, min_size=4, max_size=4), st.integers(0, 3), bodies)
def test_a_change_within_a_cycle_comes_to_what_a_scan_finds(tmp_path_factory, parts, which, body):
    bench = Bench(tmp_path_factory.mktemp("cycle"), tree(parts))
    try:
        files = tree([*parts[:which], body, *parts[which + 1 :]])
        after = make_variant(bench.tree, bench.base, read_patch(str(bench.root), diff(bench.files, files)))
        full = bench.scan(files)
        same(after.results, full.results)
        assert set(after.frontier.hot) == set(full.frontier().hot)
    finally:
        bench.store.close()


class Swinging:
    """An engine of two functions, each of which guarantees something exactly when the other does not."""

    def __init__(self):
        self.results = {}
        self.order = {"f": 0, "g": 1}
        self.program = SimpleNamespace(functions={"f": None, "g": None})
        self.recursion = Recursion(self)

    def analyse(self, fid):
        other = "g" if fid == "f" else "f"
        known = None if other in self.recursion.blank else self.results[other].summary
        sure = bool(known and known.alternatives) == (fid == "f")
        way = Alternative(2, 0, (("fact", "security_thing", (("p", 0),), ("c", 0)),), ())
        return Result(Summary(None, (way,) if sure else (), ()))


def test_functions_that_never_settle_guarantee_nothing_and_say_so():
    engine = Swinging()
    engine.recursion.solve(("f", "g"))
    assert {fid: (r.summary.alternatives, r.cut, r.cycle) for fid, r in engine.results.items()} == {
        fid: ((), "recursion", ("f", "g")) for fid in ("f", "g")
    }


@pytest.mark.parametrize("before", [Result(), Result(Summary(None, (Alternative(2, 0, (("fact", "x", (), ("c", 0)),), ()),), ()))])
def test_a_cycle_starts_from_nothing(before):
    engine = Swinging()
    engine.results = {"f": before, "g": before}
    engine.recursion.solve(("f", "g"))
    fresh = Swinging()
    fresh.recursion.solve(("f", "g"))
    assert engine.results == fresh.results


def test_a_function_that_settles_late_is_kept(monkeypatch):
    engine = Swinging()
    turns = []
    ways = [tuple(Alternative(2, n, (), ()) for _ in range(1)) for n in range(MOST_TURNS)]

    def analyse(fid):
        turns.append(fid)
        return Result(Summary(None, ways[min(len(turns), MOST_TURNS - 1)] if fid == "f" else (), ()))

    monkeypatch.setattr(engine, "analyse", analyse)
    engine.recursion.solve(("f",))
    assert not engine.results["f"].cut
    assert engine.results["f"].summary.alternatives == ways[-1]
