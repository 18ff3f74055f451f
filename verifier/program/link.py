"""Linking: from units to one program of functions, operations tables and calls.

Functions get an identity: their name, or `name@file` when static.  A name in a unit means the unit's own static
function, then a header's, then the one with external linkage.  Indirect calls resolve by (struct tag, field), as
PeX does (Zhang et al., USENIX Security 2019), and by parameter for callbacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec
import rustworkx

from verifier.program import opened
from verifier.program.index import FunctionIndex, UnitIndex


class Info(msgspec.Struct, array_like=True):
    """A linked function: its index, the unit that holds its body and the place there."""

    fid: str
    index: FunctionIndex
    unit: str
    position: int


class Target(msgspec.Struct, frozen=True, array_like=True):
    """A function that an indirect call can reach, with the constants of the table entry that holds it."""

    fid: str
    constants: tuple[tuple[str, int], ...] = ()


def identity(name: str, file: str, static: bool) -> str:
    """The program-wide name of a function."""
    return f"{name}@{file}" if static else name


class Program(msgspec.Struct, array_like=True):
    """All functions of a program, by identity.

    `local` maps a unit to its static functions' names, `headers` those of headers; `slots` a slot to its targets;
    `callers` a function to its direct callers, `slot_callers` a slot to the functions that call through it; `writes` a
    function to the parameters that it may write through; `order` ranks callees before callers; `tables` are those that
    are opened (verifier.program.opened).  `held` and `opening` are made when they are asked for.
    """

    functions: dict[str, Info] = {}
    local: dict[str, dict[str, str]] = {}
    headers: dict[str, str] = {}
    slots: dict[str, list[Target]] = {}
    callers: dict[str, list[str]] = {}
    slot_callers: dict[str, list[str]] = {}
    writes: dict[str, list[int]] = {}
    order: dict[str, int] = {}
    tables: dict[str, opened.Table] = {}
    held: dict[str, list[str]] = {}
    opening: dict[str, list[tuple[str, str]]] | None = None

    def resolve(self, unit: str, name: str) -> str | None:
        """Identity of the function that `name` means in a unit, or None where no body is known."""
        own = self.local.get(unit)
        if own is not None:
            fid = own.get(name)
            if fid is not None:
                return fid
        if name in self.functions:
            return name
        return self.headers.get(name)

    def targets(self, slot: str) -> list[Target]:
        """Functions that a slot may hold, sorted."""
        return self.slots.get(slot, [])

    def slots_of(self, fid: str) -> list[str]:
        """Slots that hold a function."""
        if not self.held:
            for slot, targets in self.slots.items():
                for fid_ in dict.fromkeys(t.fid for t in targets):
                    self.held.setdefault(fid_, []).append(slot)
        return self.held.get(fid, [])

    def openers(self, fid: str) -> list[tuple[str, str]]:
        """(slot, function) of all that open what a function of tables works on; empty where some table is not opened."""
        return self.all_openers().get(fid, [])

    def all_openers(self) -> dict[str, list[tuple[str, str]]]:
        """`openers` of every function that has some."""
        if self.opening is None:
            self.opening = opened.openers(self)
        return self.opening


def link(units: Iterable[tuple[str, UnitIndex]]) -> Program:
    """Link units, given as (unit key, index) in order of the unit's file name."""
    program = Program()
    listed = list(units)
    for key, unit in listed:
        add_functions(program, key, unit)
    program.slots = _slots(program, listed)
    program.callers = _callers(program)
    program.slot_callers = _slot_callers(program)
    program.writes = _writes(program)
    program.tables = dict(sorted(opened.tables(program, listed).items()))
    program.order = _order(program)
    return program


def add_functions(program: Program, key: str, unit: UnitIndex) -> list[str]:
    """Enter a unit's functions; the identities that now mean this unit's body."""
    names = program.local.setdefault(key, {})
    entered = []
    for position, f in enumerate(unit.functions):
        fid = identity(f.name, f.file, f.static)
        if f.static:
            names[f.name] = fid
            if f.file != unit.file:
                program.headers.setdefault(f.name, fid)
        old = program.functions.get(fid)
        if old is None or ("weak" in old.index.attributes and "weak" not in f.attributes):
            program.functions[fid] = Info(fid, f, key, position)
            entered.append(fid)
    return entered


def _slots(program: Program, units: list[tuple[str, UnitIndex]]) -> dict[str, list[Target]]:
    """Slots filled by initialisers, at run time, and by parameters of registering functions, to a fixpoint."""
    slots: dict[str, dict[Target, None]] = {}
    seen: set[tuple[str, str, str, str, tuple[tuple[str, int], ...]]] = set()
    for key, unit in units:
        for entry in unit.entries:
            constants = tuple(sorted(entry.constants.items()))
            mark = (entry.file, entry.table, entry.slot, entry.function, constants)
            if mark not in seen:
                seen.add(mark)
                fid = program.resolve(key, entry.function)
                if fid is not None:
                    slots.setdefault(entry.slot, {})[Target(fid, constants)] = None
    flows: dict[str, dict[str, None]] = {}
    for info in program.functions.values():
        f = info.index
        for callee, n, function in f.hands:
            fid = program.resolve(info.unit, function)
            if fid is not None:
                slots.setdefault(f"{callee}#{n}", {})[Target(fid)] = None
        for callee, n, own in f.passes:
            if callee != "?":
                flows.setdefault(f"{f.name}#{own}", {})[f"{callee}#{n}"] = None
        for slot, source in f.assigns:
            if "#" in source or "." in source:
                if source != slot:
                    flows.setdefault(source, {})[slot] = None
            else:
                fid = program.resolve(info.unit, source)
                if fid is not None:
                    slots.setdefault(slot, {})[Target(fid)] = None
    for info, slot, source in _lent(program):
        if "#" in source or "." in source:
            flows.setdefault(source, {})[slot] = None
        else:
            fid = program.resolve(info.unit, source)
            if fid is not None:
                slots.setdefault(slot, {})[Target(fid)] = None
    work = sorted(k for k in slots if k in flows)
    while work:
        source = work.pop()
        have = slots.get(source)
        if not have:
            continue
        for slot in flows.get(source, ()):
            into = slots.setdefault(slot, {})
            before = len(into)
            for target in have:
                into.setdefault(Target(target.fid), None)
            if len(into) != before and slot in flows:
                work.append(slot)
    return {k: sorted(v, key=lambda t: (t.fid, t.constants)) for k, v in sorted(slots.items())}


def _lent(program: Program) -> Iterator[tuple[Info, str, str]]:
    """(caller, slot, source) of slots that a callee fills through a pointer which the caller hands it."""
    through: dict[str, list[tuple[int, str]]] = {}
    for info in program.functions.values():
        for slot, source in info.index.assigns:
            name, star, n = slot.partition("*")
            if star:
                through.setdefault(name, []).append((int(n), source))
    for info in program.functions.values():
        for callee, given in info.index.lends:
            by_place = dict(given)
            for n, source in through.get(callee, ()):
                slot = by_place.get(n, "")
                name, mark, k = source.partition("*") if "*" in source else source.partition("#")
                if mark:
                    source = by_place.get(int(k), "") if name == callee else ""
                    source = source.removeprefix("&") if source.startswith("&") == (mark == "*") else ""
                if slot.startswith("&") and source and source != slot[1:]:
                    yield info, slot[1:], source


def callees(program: Program, info: Info) -> list[str]:
    """Identities of a function's direct callees."""
    found = (program.resolve(info.unit, name) for name in info.index.calls)
    return list(dict.fromkeys(fid for fid in found if fid is not None))


def _callers(program: Program) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for fid, info in sorted(program.functions.items()):
        for callee in callees(program, info):
            out.setdefault(callee, []).append(fid)
    return out


def _slot_callers(program: Program) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for fid, info in sorted(program.functions.items()):
        for slot in info.index.slot_names():
            out.setdefault(slot, []).append(fid)
    return out


def _writes(program: Program) -> dict[str, list[int]]:
    """Parameters that a function may write through, itself or by handing them on (least fixpoint)."""
    writes = {fid: set(info.index.writes) for fid, info in program.functions.items()}
    handed: dict[tuple[str, int], list[tuple[str, int]]] = {}
    work: list[tuple[str, int]] = [(fid, i) for fid, own in sorted(writes.items()) for i in sorted(own)]
    for fid, info in sorted(program.functions.items()):
        for callee, n, own in info.index.passes:
            target = program.resolve(info.unit, callee) if callee != "?" else None
            if target is None:
                if callee == "?" and own not in writes[fid]:
                    writes[fid].add(own)
                    work.append((fid, own))
            else:
                handed.setdefault((target, n), []).append((fid, own))
    while work:
        item = work.pop()
        for fid, own in handed.get(item, ()):
            if own not in writes[fid]:
                writes[fid].add(own)
                work.append((fid, own))
    return {fid: sorted(own) for fid, own in writes.items() if own}


def _order(program: Program) -> dict[str, int]:
    """Callees before callers, by strongly connected components of the direct calls (Tarjan, SIAM J. Comput. 1972)."""
    names = sorted(program.functions)
    number = {fid: i for i, fid in enumerate(names)}
    graph = rustworkx.PyDiGraph()
    graph.add_nodes_from(range(len(names)))
    graph.add_edges_from(
        [(number[c], number[callee], None) for callee, cs in sorted(program.callers.items()) for c in cs]
    )
    graph.add_edges_from(
        [(number[f], number[o], None) for _, (opening, fs) in sorted(program.tables.items()) for _, o in opening for f in fs]
    )
    order: dict[str, int] = {}
    for component in rustworkx.strongly_connected_components(graph):
        for node in sorted(component):
            order[names[node]] = len(order)
    return order


Exchange = dict[str, tuple[UnitIndex | None, UnitIndex | None]]
Mentioning = Callable[[set[str]], list[tuple[str, UnitIndex]]]


def relink(base: Program, replaced: Exchange, mentioning: Mentioning = lambda names: []) -> Program:
    """The program with some units exchanged: unit key -> (index before, index after); None where there is none.

    Shares with `base` whatever did not change.  `mentioning` gives the other units in which one of the names occurs:
    what they define, call or put into tables comes to light when a unit that stood before them is gone.
    """
    program = Program(
        dict(base.functions), dict(base.local), dict(base.headers), base.slots, dict(base.callers),
        dict(base.slot_callers), base.writes, base.order, base.tables,
    )  # fmt: skip
    gone: set[str] = set()
    for key, (before, _) in replaced.items():
        for f in before.functions if before is not None else ():
            fid = identity(f.name, f.file, f.static)
            info = program.functions.get(fid)
            if info is not None and info.unit == key:
                del program.functions[fid]
                gone.add(fid)
        program.local.pop(key, None)
    entered: set[str] = set()
    for key, (_, after) in sorted(replaced.items()):
        if after is not None:
            entered.update(add_functions(program, key, after))
    names = _unsettled(base, replaced, gone - entered, entered - gone)
    others = mentioning(names) if names else []
    for key, unit in others:
        entered.update(_take_over(program, key, unit, gone - entered))
    for fid in gone - entered:
        name = base.functions[fid].index.name
        if program.headers.get(name) == fid:
            del program.headers[name]
    affected = gone | entered
    affected |= {
        identity(f.name, f.file, f.static) for _, unit in others for f in unit.functions if not names.isdisjoint(f.calls)
    }
    for fid in sorted(affected):
        old, new = base.functions.get(fid), program.functions.get(fid)
        _exchange(program.callers, fid, set(callees(base, old)) if old else set(), set(callees(program, new)) if new else set())
        _exchange(
            program.slot_callers, fid, set(old.index.slot_names()) if old else set(), set(new.index.slot_names()) if new else set()
        )  # fmt: skip
    if names or any(_flow(before) != _flow(after) for before, after in replaced.values()):
        program.writes = _writes(program)
        program.slots = _patched_slots(base, program, replaced, others)
        program.tables = _patched_tables(program, base.tables, replaced, others)
    return program


def _patched_tables(
    program: Program, tables: dict[str, opened.Table], replaced: Exchange, others: list[tuple[str, UnitIndex]]
) -> dict[str, opened.Table]:
    """Tables with those of the exchanged units made anew."""
    was = {f"{e.file}:{e.table}:" for before, _ in replaced.values() if before is not None for e in before.entries}
    out = {name: table for name, table in tables.items() if name.rpartition(":")[0] + ":" not in was}
    tags = {slot.partition(".")[0] for slot in program.slots if opened.opens(slot)}
    units = [(key, after) for key, (_, after) in sorted(replaced.items()) if after is not None]
    out.update(opened.tables(program, [*units, *others], tags))
    return dict(sorted(out.items()))


def _unsettled(base: Program, replaced: Exchange, gone: set[str], made: set[str]) -> set[str]:
    """Names whose meaning in other units may be another now: of functions that are gone or new, save those that only
    their own file can name, and of functions that leave a table (others may hold the same)."""
    own = {(f.name, f.file) for pair in replaced.values() for u in pair if u is not None for f in u.functions if f.file == u.file and f.static}
    names = {base.functions[fid].index.name for fid in gone if (base.functions[fid].index.name, base.functions[fid].index.file) not in own}
    for _, after in replaced.values():
        for f in after.functions if after is not None else ():
            if identity(f.name, f.file, f.static) in made and (f.name, f.file) not in own:
                names.add(f.name)
    before = {(e.slot, e.function) for b, _ in replaced.values() if b is not None for e in b.entries if not e.static}
    after = {(e.slot, e.function) for _, a in replaced.values() if a is not None for e in a.entries if not e.static}
    return names | {function for _, function in before - after}


def _take_over(program: Program, key: str, unit: UnitIndex, gone: set[str]) -> list[str]:
    """Let a unit's bodies stand for functions whose former body is gone."""
    entered = []
    for position, f in enumerate(unit.functions):
        fid = identity(f.name, f.file, f.static)
        old = program.functions.get(fid)
        if fid in gone and (old is None or ("weak" in old.index.attributes and "weak" not in f.attributes)):
            program.functions[fid] = Info(fid, f, key, position)
            if f.static and f.file != unit.file:
                program.headers.setdefault(f.name, fid)
            entered.append(fid)
    return entered


def _exchange(table: dict[str, list[str]], fid: str, was: set[str], now: set[str]) -> None:
    """Take `fid` out of the rows that it left and into those that it came to; rows without entries vanish."""
    for row in was - now:
        left = [c for c in table.get(row, ()) if c != fid]
        if left:
            table[row] = left
        else:
            table.pop(row, None)
    for row in sorted(now):
        if fid not in table.get(row, ()):
            table[row] = sorted([*table.get(row, ()), fid])


def _flow(unit: UnitIndex | None) -> object:
    """What slots and written parameters are made from."""
    if unit is None:
        return None
    return (
        unit.entries,
        [
            (f.name, f.file, f.writes, f.passes, f.assigns, f.hands, f.lends)
            for f in unit.functions if f.writes or f.passes or f.assigns or f.hands or f.lends
        ],
    )


def _patched_slots(
    base: Program, program: Program, replaced: Exchange, others: list[tuple[str, UnitIndex]]
) -> dict[str, list[Target]]:
    """Slots with the exchanged units' contributions exchanged: what other units put there stays."""
    before = _slots(base, [(k, b) for k, (b, _) in sorted(replaced.items()) if b is not None] + others)
    after = _slots(program, [(k, a) for k, (_, a) in sorted(replaced.items()) if a is not None] + others)
    out = dict(base.slots)
    for slot in sorted(set(before) | set(after)):
        old, new = set(before.get(slot, ())), set(after.get(slot, ()))
        if old == new:
            continue
        kept = [t for t in out.get(slot, ()) if t not in old or t in new]
        targets = sorted({*kept, *new}, key=lambda t: (t.fid, t.constants))
        if targets:
            out[slot] = targets
        else:
            out.pop(slot, None)
    return out
