"""Linking: from units to one program of functions, operations tables and calls.

Functions get an identity: their name, or `name@file` when static.  A name in a unit means the unit's own static
function, then a header's, then the one with external linkage.  Indirect calls resolve by (struct tag, field), as
PeX does (Zhang et al., USENIX Security 2019), and by parameter for callbacks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

import msgspec
import rustworkx

from verifier.program import opened
from verifier.program.index import FunctionIndex, UnitIndex
from verifier.program.writes import written


class Info(msgspec.Struct, array_like=True):
    """A linked function: its index, the unit that holds its body and the place there."""

    fid: str
    index: FunctionIndex
    unit: str
    position: int


class Flow(msgspec.Struct, array_like=True):
    """How a function moves functions into slots: the fields of its index (verifier.program.index.FunctionIndex) that
    tell, with its name and its unit."""

    name: str
    unit: str
    passes: list[tuple[str, int, int]]
    assigns: list[tuple[str, str]]
    hands: list[tuple[str, int, str]]
    lends: list[tuple[str, list[tuple[int, str]]]]


def flow_of(info: Info) -> Flow | None:
    """A function's flow; None of one that moves no functions."""
    f = info.index
    moves = f.passes or f.assigns or f.hands or f.lends
    return Flow(f.name, info.unit, f.passes, f.assigns, f.hands, f.lends) if moves else None


class Target(msgspec.Struct, frozen=True, array_like=True):
    """A function that an indirect call can reach, with the constants of the table entry that holds it."""

    fid: str
    constants: tuple[tuple[str, int], ...] = ()


def identity(name: str, file: str, static: bool) -> str:
    """The program-wide name of a function."""
    return f"{name}@{file}" if static else name


@dataclass
class Program:
    """All functions of a program, by identity.

    `local` maps a unit to its static functions' names, `headers` those of headers; `slots` a slot to its targets;
    `callers` a function to its direct callers, `slot_callers` a slot to the functions that call through it; `writes` a
    function to the parameters that it may write through; `order` ranks callees before callers, those that call each other alike; `tables` are those that
    are opened, and `opening` what opens a function's (verifier.program.opened); `held` maps a function to the slots that
    hold it; `fillers` are names of functions that store functions through a pointer which they are handed; `storing` tells
    of each member how many functions store to it; `flows` maps functions that move functions into slots to how they do.
    All are dicts after linking, tables that unpack what is asked for when the program was read from a store (verifier.program.stored),
    and layers over another program's after `relink`.
    """

    functions: MutableMapping[str, Info] = field(default_factory=dict)
    local: MutableMapping[str, dict[str, str]] = field(default_factory=dict)
    headers: MutableMapping[str, str] = field(default_factory=dict)
    slots: Mapping[str, list[Target]] = field(default_factory=dict)
    callers: MutableMapping[str, list[str]] = field(default_factory=dict)
    slot_callers: MutableMapping[str, list[str]] = field(default_factory=dict)
    writes: Mapping[str, list[int]] = field(default_factory=dict)
    order: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, opened.Table] = field(default_factory=dict)
    opening: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    held: Mapping[str, list[str]] = field(default_factory=dict)
    fillers: frozenset[str] = frozenset()
    storing: Mapping[str, int] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(default_factory=dict)

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
        return self.slots.get(slot) or []

    def slots_of(self, fid: str) -> list[str]:
        """Slots that hold a function, sorted."""
        return self.held.get(fid) or []

    def openers(self, fid: str) -> list[tuple[str, str]]:
        """(slot, function) of all that open what a function of tables works on; empty where some table is not opened."""
        return self.opening.get(fid) or []


def link(units: Iterable[tuple[str, UnitIndex]]) -> Program:
    """Link units, given as (unit key, index) in order of the unit's file name."""
    program = Program()
    listed = list(units)
    for key, unit in listed:
        add_functions(program, key, unit)
    program.flows = {fid: flow for fid, info in program.functions.items() if (flow := flow_of(info)) is not None}
    program.slots = slots_from(program, listed)
    program.held = held_by(program.slots)
    program.callers = _callers(program)
    program.slot_callers = _slot_callers(program)
    program.writes = written(program)
    program.tables = dict(sorted(opened.tables(program, listed).items()))
    program.opening = opened.openers(program)
    program.fillers = frozenset(name for f in program.flows.values() for name in filled(f))
    program.storing = dict(Counter(member for info in program.functions.values() for member in info.index.stores))
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


def slots_from(program: Program, units: list[tuple[str, UnitIndex]]) -> dict[str, list[Target]]:
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
    for f in program.flows.values():
        for callee, n, function in f.hands:
            fid = program.resolve(f.unit, function)
            if fid is not None:
                slots.setdefault(f"{callee}#{n}", {})[Target(fid)] = None
        for callee, n, own in f.passes:
            if callee != "?":
                flows.setdefault(f"{f.name}#{own}", {})[f"{callee}#{n}"] = None
    for f, slot, source in _filled(program):
        if "#" in source or "." in source:
            if source != slot:
                flows.setdefault(source, {})[slot] = None
        else:
            fid = program.resolve(f.unit, source)
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


def _filled(program: Program) -> Iterator[tuple[Flow, str, str]]:
    """(function, slot, source) of slots that a function fills, itself or through a callee that it hands the slot."""
    for f in program.flows.values():
        for slot, source in f.assigns:
            yield f, slot, source
    yield from _lent(program)


def _lent(program: Program) -> Iterator[tuple[Flow, str, str]]:
    """(caller, slot, source) of slots that a callee fills through a pointer which the caller hands it."""
    through: dict[str, list[tuple[int, str]]] = {}
    for f in program.flows.values():
        for slot, source in f.assigns:
            name, star, n = slot.partition("*")
            if star:
                through.setdefault(name, []).append((int(n), source))
    for f in program.flows.values():
        for callee, given in f.lends:
            by_place = dict(given)
            for n, source in through.get(callee, ()):
                slot = by_place.get(n, "")
                name, mark, k = source.partition("*") if "*" in source else source.partition("#")
                if mark:
                    source = by_place.get(int(k), "") if name == callee else ""
                    source = source.removeprefix("&") if source.startswith("&") == (mark == "*") else ""
                if slot.startswith("&") and source and source != slot[1:]:
                    yield f, slot[1:], source


def filled(f: Flow) -> set[str]:
    """The names by which `assigns` speaks of slots that lie behind a pointer."""
    return {name for name, star, _ in (slot.partition("*") for slot, _ in f.assigns) if star}


def held_by(slots: Mapping[str, list[Target]]) -> dict[str, list[str]]:
    """For each function the slots that hold it."""
    held: dict[str, list[str]] = {}
    for slot, targets in sorted(slots.items()):
        for fid in dict.fromkeys(t.fid for t in targets):
            held.setdefault(fid, []).append(slot)
    return held


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


def _order(program: Program) -> dict[str, int]:
    """Callees before callers, by strongly connected components of the direct calls (Tarjan, SIAM J. Comput. 1972); functions
    of one component, which call each other, have one rank."""
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
    for rank, component in enumerate(rustworkx.strongly_connected_components(graph)):
        for node in component:
            order[names[node]] = rank
    return order
