"""Tables of a program: packed and read back, layered, and mended after a change as if made anew."""

import random

import msgspec
import pytest

from verifier.program.index import FunctionIndex, TableEntry, UnitIndex
from verifier.program.layered import Layered, differing
from verifier.program.link import Program, link
from verifier.program.packed import Numbering, RowData, name_rows, pack_rows
from verifier.program.reach import breadth_first, mended, pack_reach, unpack_reach
from verifier.program.relink import relink
from verifier.program.stored import Packed, pack, unpack

TABLES = ("local", "headers", "slots", "callers", "slot_callers", "writes", "order", "held", "tables", "opening", "storing")


def function(name, file, rng, static=False, others=(), headers=()):
    calls = sorted(rng.sample(others, min(len(others), rng.randrange(4))))
    passes = sorted({(c, rng.randrange(2), rng.randrange(2)) for c in [*calls, *(["?"] if rng.random() < 0.1 else [])]})
    hands = [(c, 1, rng.choice(others)) for c in calls if rng.random() < 0.15]
    assigns = sorted({("ops.a", rng.choice(others)), ("ops.b", "ops.a"), (f"{name}.x", f"{name}#1")} if rng.random() < 0.3 else ())
    slots = [(s, 3) for s in ("ops.a", "ops.b", f"{name}#1") if rng.random() < 0.25]
    writes = [1] if rng.random() < 0.15 else []
    stores = rng.sample(["a.x", "a.y", "b.z"], rng.randrange(3))
    return FunctionIndex(
        name, file, rng.randrange(100), static, [], 2, "int", 1, len(calls), calls, slots, stores, [], writes, passes, assigns, hands
    )


def unit(n, rng, names):
    file = f"d/{n}.c"
    own = [name for name in names if hash_of(name) % 7 == n and rng.random() < 0.9]
    functions = [function(name, file, rng, False, names) for name in own]
    functions += [function(f"s{i}", file, rng, True, names) for i in range(rng.randrange(3))]
    if rng.random() < 0.5:
        functions.append(function("inline", "h/x.h", random.Random(5), True, names))
    entries = [TableEntry("ops.a", rng.choice(names), f"t{n}", file, False, {"k": 1}) for _ in range(rng.randrange(3))]
    return UnitIndex(file, functions, entries)


def hash_of(name):
    return sum(map(ord, name)) * 31


def program(seed):
    rng = random.Random(seed)
    names = [f"f{i}" for i in range(25)]
    return {f"key{n}": unit(n, rng, names) for n in range(7)}, names, rng


def said(u):
    out = {e.function for e in u.entries}
    for f in u.functions:
        out.update([f.name, *f.calls, *(h[2] for h in f.hands), *(a[1] for a in f.assigns)])
    return out


def same(one: Program, two: Program, but=("order",)):
    assert {f: (i.index.line, i.index.calls) for f, i in one.functions.items()} == {
        f: (i.index.line, i.index.calls) for f, i in two.functions.items()
    }
    moves = [{fid: (f.passes, f.assigns, f.hands, f.lends) for fid, f in p.flows.items()} for p in (one, two)]
    assert moves[0] == moves[1]  # of a header's function any unit may hold the body
    for table in TABLES:
        if table not in but:
            mine, other = ({k: v for k, v in getattr(p, table).items() if v not in ({}, [])} for p in (one, two))
            assert mine == other, table


@pytest.mark.parametrize("seed", range(12))
def test_a_program_comes_back_from_its_stored_form(seed):
    units, _, _ = program(seed)
    linked = link(units.items())
    data = msgspec.msgpack.encode(pack(linked))
    back = unpack(msgspec.msgpack.decode(data, type=Packed), lambda key: msgspec.msgpack.encode(units[key]))
    same(back, linked, but=())
    assert back.functions["f1"] is back.functions["f1"] if "f1" in back.functions else True
    assert "no such function" not in back.functions and back.functions.get("no such function") is None


def test_a_damaged_stored_form_is_refused():
    units, _, _ = program(1)
    packed = pack(link(units.items()))
    for change in ({"order": packed.order[:-4]}, {"places": b"123"}, {"callers": RowData(b"", b"")}):
        with pytest.raises(ValueError):
            unpack(msgspec.structs.replace(packed, **change), lambda key: b"")


@pytest.mark.parametrize("seed", range(150))
def test_relinking_gives_what_linking_gives(seed):
    units, names, rng = program(seed)
    base = link(units.items())
    changed = dict(units)
    for _ in range(1 + seed % 2):
        key = rng.choice(sorted(changed))
        changed[key] = unit(int(key[3:]), rng, names)
    replaced = {k: (units[k], changed[k]) for k in units if units[k] is not changed[k]}

    def mentioning(wanted):
        return [
            (k, u) for k, u in units.items()
            if k not in replaced and (wanted is None or wanted & said(u))
        ]

    same(relink(base, replaced, mentioning), link(changed.items()), but=("order", "local"))


@pytest.mark.parametrize("seed", range(200))
def test_reach_is_mended_as_if_made_anew(seed):
    rng = random.Random(seed)
    nodes = [f"n{i:02}" for i in range(30)]

    def graph():
        return {n: [m for m in nodes if rng.random() < 0.06] for n in nodes}

    def answers(calls, doors, shut):
        up = {n: [m for m in nodes if n in calls[m]] for n in nodes}
        return doors.__contains__, shut.__contains__, calls.__getitem__, up.__getitem__

    calls, doors, shut = graph(), set(rng.sample(nodes, 3)), set(rng.sample(nodes, 2))
    doors -= shut
    was = breadth_first(sorted(doors), calls.__getitem__, shut.__contains__)
    keys = Numbering(nodes)
    assert dict(unpack_reach(pack_reach(was, nodes), keys)) == was
    then, gates = dict(calls), set(doors)
    for n in rng.sample(nodes, rng.randrange(1, 4)):
        then[n] = graph()[n]
    if seed % 3 == 0:
        gates ^= {rng.choice([n for n in nodes if n not in shut])}
    suspects = (doors ^ gates) | {m for n in nodes for m in set(calls[n]) ^ set(then[n])}
    assert dict(mended(was, suspects, *answers(then, gates, shut))) == breadth_first(sorted(gates), then.__getitem__, shut.__contains__)


def test_a_layer_leaves_what_is_below():
    base = {"a": 1, "b": 2}
    layer = Layered(base)
    layer["a"], layer["c"] = 5, 6
    del layer["b"]
    assert dict(layer) == {"a": 5, "c": 6} and len(layer) == 2 and base == {"a": 1, "b": 2}
    assert layer.pop("b", None) is None and "b" not in layer and layer.get("b", 9) == 9
    assert differing(base, layer) == {"a", "b", "c"} and differing(base) == set()
    layer["b"] = 3
    assert dict(layer) == {"a": 5, "b": 3, "c": 6} and len(layer) == 3
    del layer["c"]
    assert "c" not in layer and layer.gone == set()
    with pytest.raises(KeyError):
        del layer["c"]


def test_rows_of_names():
    keys = Numbering(["x", "y", "z"])
    table = name_rows(keys, pack_rows([[2, 0], [], [1]]), keys.names)
    assert dict(table) == {"x": ["z", "x"], "z": ["y"]}
    assert table.get("y") is None and len(table) == 2 and "y" not in table and 7 not in table
