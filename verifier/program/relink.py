"""Relinking: a program with some units exchanged, as layers over what it was.

Only what the exchange reaches is computed: the work of a one-file patch must not grow with the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping

from verifier.program import opened
from verifier.program.index import FunctionIndex, UnitIndex
from verifier.program.layered import Layered, differing
from verifier.program.link import Flow, Info, Program, Target, add_functions, callees, flow_of, identity, slots_from
from verifier.program.writes import rewritten

Exchange = dict[str, tuple[UnitIndex | None, UnitIndex | None]]
Mentioning = Callable[[set[str] | None], list[tuple[str, UnitIndex]]]


def relink(base: Program, replaced: Exchange, mentioning: Mentioning = lambda names: []) -> Program:
    """The program with some units exchanged: unit key -> (index before, index after); None where there is none.

    Shares with `base` whatever did not change.  `mentioning` gives the other units in which one of the names occurs:
    what they define, call or put into tables comes to light when a unit that stood before them is gone.  With None it
    gives all others.
    """
    program = Program(
        Layered(base.functions), Layered(base.local), Layered(base.headers), base.slots, Layered(base.callers),
        Layered(base.slot_callers), base.writes, base.order, base.tables, base.opening, base.held, base.fillers,
        Layered(base.storing), Layered(base.flows),
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
        _refresh(program.flows, fid, flow_of(old) if old else None, flow_of(new) if new else None)
        _count(program.storing, set(old.index.stores) if old else set(), set(new.index.stores) if new else set())
    if names or any(_flow(before) != _flow(after) for before, after in replaced.values()):
        program.writes = writes = Layered(base.writes)
        rewritten(base, program, affected, writes)
        moves, turns = _moves_functions(base, program, replaced, others, affected)
        if moves or turns:
            program.slots = slots = Layered(base.slots)
            if turns:
                _fill_slots(base, slots_from(program, _units(replaced, 1, mentioning(None))), slots)
            else:
                _patch_slots(base, program, replaced, others, slots)
            program.held = Layered(base.held)
            _patch_held(base, program, slots.differing())
        program.tables = _patched_tables(program, base.tables, replaced, others)
    _patch_opening(base, program)
    return program


def _patched_tables(
    program: Program, tables: Mapping[str, opened.Table], replaced: Exchange, others: list[tuple[str, UnitIndex]]
) -> Mapping[str, opened.Table]:
    """Tables with those of the exchanged units made anew."""
    was = {f"{e.file}:{e.table}:" for before, _ in replaced.values() if before is not None for e in before.entries}
    out = {name: table for name, table in tables.items() if name.rpartition(":")[0] + ":" not in was}
    tags = {slot.partition(".")[0] for slot in program.slots if opened.opens(slot)}
    units = [(key, after) for key, (_, after) in sorted(replaced.items()) if after is not None]
    out.update(opened.tables(program, [*units, *others], tags))
    return dict(sorted(out.items())) if out != tables else tables


def _patch_opening(base: Program, program: Program) -> None:
    """What opens the functions whose tables, slots or callers changed."""
    suspects = {f for f in differing(program.callers) if bool(base.callers.get(f)) != bool(program.callers.get(f))}
    suspects |= differing(program.held)
    if program.tables is not base.tables:
        for name in base.tables.keys() | program.tables.keys():
            was, now = base.tables.get(name), program.tables.get(name)
            if was != now:
                suspects.update(fid for table in (was, now) if table is not None for fid in table[1])
    if not suspects:
        return
    program.opening = opening = Layered(base.opening)
    found = opened.openers(program, suspects)
    for fid in suspects:
        if found.get(fid) != base.opening.get(fid):
            if fid in found:
                opening[fid] = found[fid]
            else:
                opening.pop(fid, None)


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


def _exchange(table: MutableMapping[str, list[str]], fid: str, was: set[str], now: set[str]) -> None:
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


def _refresh(table: MutableMapping[str, Flow], fid: str, was: Flow | None, now: Flow | None) -> None:
    """Enter how a function moves functions now."""
    if now is None and was is not None:
        del table[fid]
    elif now is not None and now != was:
        table[fid] = now


def _count(table: MutableMapping[str, int], was: set[str], now: set[str]) -> None:
    """Count a function out of the members that it no longer stores to, and into those that it does now."""
    for member in was ^ now:
        count = table.get(member, 0) + (1 if member in now else -1)
        if count:
            table[member] = count
        else:
            del table[member]


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


def _units(replaced: Exchange, side: int, others: list[tuple[str, UnitIndex]]) -> list[tuple[str, UnitIndex]]:
    return [(key, pair[side]) for key, pair in sorted(replaced.items()) if pair[side] is not None] + others


def _moves_functions(
    base: Program, program: Program, replaced: Exchange, others: list[tuple[str, UnitIndex]], affected: set[str]
) -> tuple[bool, bool]:
    """Whether functions come to slots or leave them, and whether what unchanged units put into slots matters for it: a
    way between slots comes or goes of which the first holds something, or code no longer puts a function into a slot
    that a table elsewhere may put there, too."""
    given, ways = zip(*(_given(p, _units(replaced, n, others), affected) for n, p in enumerate((base, program))), strict=True)
    held = {slot for slot, _, _ in given[1]}
    turned = any(source in held or base.targets(source) for source, _ in ways[0] ^ ways[1])
    turned = turned or _fills(base, program, affected)
    return given[0] != given[1], turned or any(isinstance(by, str) for _, _, by in given[0] - given[1])


def _fills(base: Program, program: Program, affected: set[str]) -> bool:
    """Whether it changed what is stored through a pointer into slots, or who hands their addresses to whom."""
    stored, lent = [], []
    for p in (base, program):
        indexes = [info.index for info in (p.functions.get(fid) for fid in affected) if info is not None]
        stored.append({(f.name, f.file, slot, source) for f in indexes for slot, source in f.assigns if "*" in slot})
        lent.append({(f.name, f.file, callee, tuple(given)) for f in indexes for callee, given in f.lends})
    fillers = base.fillers | {name for name, *_ in stored[1]}
    return stored[0] != stored[1] or any(callee in fillers for _, _, callee, _ in lent[0] ^ lent[1])


def _given(
    program: Program, units: list[tuple[str, UnitIndex]], affected: set[str]
) -> tuple[set[tuple[str, str, object]], set[tuple[str, str]]]:
    """What units and functions put into slots (slot, function, constants), and ways (slot, slot)."""
    given: set[tuple[str, str, object]] = set()
    ways: set[tuple[str, str]] = set()
    for key, unit in units:
        for entry in unit.entries:
            fid = program.resolve(key, entry.function)
            if fid is not None:
                given.add((entry.slot, fid, (entry.file, entry.table, tuple(sorted(entry.constants.items())))))
    for fid in affected:
        info = program.functions.get(fid)
        if info is None:
            continue
        for slot, source in ways_of(info.index):
            if "#" in source or "." in source:
                ways.add((source, slot))
                continue
            held = program.resolve(info.unit, source)
            if held is not None:
                given.add((slot, held, fid))
    return given, ways


def ways_of(f: FunctionIndex) -> list[tuple[str, str]]:
    """(slot, what a function puts there): a function's name or another slot."""
    out = [(f"{callee}#{n}", function) for callee, n, function in f.hands]
    out += [(f"{callee}#{n}", f"{f.name}#{own}") for callee, n, own in f.passes if callee != "?"]
    return out + [(slot, source) for slot, source in f.assigns if slot != source]


def _patch_slots(
    base: Program, program: Program, replaced: Exchange, others: list[tuple[str, UnitIndex]], slots: Layered[list[Target]]
) -> None:
    """Enter the slots with the exchanged units' contributions exchanged: what other units put there stays."""
    before = slots_from(base, _units(replaced, 0, others))
    after = slots_from(program, _units(replaced, 1, others))
    for slot in sorted(set(before) | set(after)):
        old, new = set(before.get(slot, ())), set(after.get(slot, ()))
        if old == new:
            continue
        kept = [t for t in base.targets(slot) if t not in old or t in new]
        targets = sorted({*kept, *new}, key=lambda t: (t.fid, t.constants))
        if targets:
            slots[slot] = targets
        else:
            slots.pop(slot, None)


def _fill_slots(base: Program, now: dict[str, list[Target]], slots: Layered[list[Target]]) -> None:
    """Enter what differs from the base."""
    for slot in base.slots:
        if slot not in now:
            del slots[slot]
    for slot, targets in now.items():
        if targets != base.targets(slot):
            slots[slot] = targets


def _patch_held(base: Program, program: Program, slots: set[str]) -> None:
    """Enter, in the layer `program.held`, what slots that changed hold and held."""
    for slot in sorted(slots):
        was, now = ({t.fid for t in p.targets(slot)} for p in (base, program))
        _exchange_held(program.held, slot, was, now)


def _exchange_held(held: Mapping[str, list[str]], slot: str, was: set[str], now: set[str]) -> None:
    assert isinstance(held, Layered)
    for fid in was - now:
        left = [s for s in held.get(fid) or () if s != slot]
        if left:
            held[fid] = left
        else:
            held.pop(fid, None)
    for fid in sorted(now - was):
        held[fid] = sorted({*(held.get(fid) or ()), slot})
