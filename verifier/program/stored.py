"""The stored form of a linked program: names and arrays of their numbers (verifier.program.packed).

A function's index is not kept here: it is the unit's, which the store has anyhow.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping

import msgspec

from verifier.errors import StoreError
from verifier.program.index import FunctionIndex, index_key
from verifier.program.link import Flow, Info, Program, Target
from verifier.program.opened import Table as Opened
from verifier.program.packed import (
    WIDTH,
    Late,
    Numbering,
    RowData,
    Table,
    name_rows,
    numbers_of,
    pack_rows,
    rows,
)
from verifier.store import Store

Fetch = Callable[[str], bytes]


class Packed(msgspec.Struct, array_like=True):
    """`functions` are sorted; `units` in the order of linking, and for each the functions that its `local` names mean;
    `places` holds (unit, position) by function, `order` the rank.  Targets are pairs (function, `constants`); `storing`
    and `flows` (with numbers of units) are left encoded, few ask for them."""

    functions: list[str]
    units: list[str]
    places: bytes
    order: bytes
    local: RowData
    headers: list[int]
    slots: list[str]
    constants: list[tuple[tuple[str, int], ...]]
    targets: RowData
    held: RowData
    calling: list[str]
    slot_callers: RowData
    callers: RowData
    writes: RowData
    tables: dict[str, Opened]
    opening: dict[str, list[tuple[str, str]]]
    fillers: list[str]
    storing: bytes
    flows: bytes


def pack(program: Program) -> Packed:
    """The stored form of a program that was linked."""
    names = sorted(program.functions)
    number = {fid: n for n, fid in enumerate(names)}
    units = list(program.local)
    unit_number = {key: n for n, key in enumerate(units)}
    places = array(WIDTH)
    for fid in names:
        info = program.functions[fid]
        places.extend((unit_number[info.unit], info.position))
    slots, calling = sorted(program.slots), sorted(program.slot_callers)
    slot_number = {slot: n for n, slot in enumerate(slots)}
    constants: dict[tuple[tuple[str, int], ...], int] = {}

    def pairs(targets: list[Target]) -> list[int]:
        return [n for t in targets for n in (number[t.fid], constants.setdefault(t.constants, len(constants)))]

    def named(table: Mapping[str, list[str]], keys: list[str], numbers: Mapping[str, int]) -> RowData:
        return pack_rows([numbers[name] for name in table.get(key, ())] for key in keys)

    targets = pack_rows(pairs(program.slots[slot]) for slot in slots)
    return Packed(
        names, units, places.tobytes(), array(WIDTH, [program.order[fid] for fid in names]).tobytes(),
        pack_rows([number[fid] for fid in program.local[unit].values()] for unit in units),
        [number[fid] for fid in program.headers.values()], slots, list(constants), targets,
        named(program.held, names, slot_number), calling, named(program.slot_callers, calling, number),
        named(program.callers, names, number), pack_rows(program.writes.get(fid, ()) for fid in names),
        dict(program.tables), dict(program.opening), sorted(program.fillers),
        msgspec.msgpack.encode(dict(sorted(program.storing.items()))),
        msgspec.msgpack.encode({fid: msgspec.structs.replace(f, unit=str(unit_number[f.unit])) for fid, f in program.flows.items()}),
    )  # fmt: skip


def unpack(packed: Packed, fetch: Fetch) -> Program:
    """The program; `fetch` gives the encoded index of a unit.  ValueError when the parts do not fit together."""
    names, functions = packed.functions, Numbering(packed.functions)
    units, slots, calling = Numbering(packed.units), Numbering(packed.slots), Numbering(packed.calling)
    places, order = numbers_of(packed.places), numbers_of(packed.order)
    if len(places) != 2 * len(names) or len(order) != len(names):
        raise ValueError("places and functions do not belong together")
    indexes = Indexes(fetch)

    def info(number: int) -> Info:
        unit, position = packed.units[places[2 * number]], places[2 * number + 1]
        return Info(names[number], indexes.function(unit, position), unit, position)

    def flows() -> dict[str, Flow]:
        found = msgspec.msgpack.decode(packed.flows, type=dict[str, Flow])
        for f in found.values():
            f.unit = packed.units[int(f.unit)]
        return found

    def local(numbers: array[int]) -> dict[str, str]:
        return {plain_name(names[n]): names[n] for n in numbers}

    def targets(numbers: array[int]) -> list[Target]:
        pairs = iter(numbers)
        return [Target(names[n], packed.constants[c]) for n, c in zip(pairs, pairs, strict=True)]

    return Program(
        Table(functions, info, every=True), rows(units, packed.local, local),
        {plain_name(names[n]): names[n] for n in packed.headers}, rows(slots, packed.targets, targets),
        name_rows(functions, packed.callers, names), name_rows(calling, packed.slot_callers, names),
        rows(functions, packed.writes, list), Table(functions, order.__getitem__, every=True),
        packed.tables, packed.opening, name_rows(functions, packed.held, packed.slots), frozenset(packed.fillers),
        Late(lambda: msgspec.msgpack.decode(packed.storing, type=dict[str, int])), Late(flows),
    )  # fmt: skip


def read(store: Store, linked: str) -> Program | None:
    """The program that a scan left in the store under `linked`; None when it, or the index of a unit, is not there, or when
    another version of kqual left it."""
    data = store.get("program", linked)
    if data is None:
        return None
    try:
        packed = msgspec.msgpack.decode(data, type=Packed)
    except msgspec.MsgspecError:
        return None
    if store.count("index") < len(packed.units):
        return None

    def fetch(unit: str) -> bytes:
        found = store.get("index", index_key(unit))
        if found is None:
            raise StoreError(f"{store.path}: the index of a unit is lost", "run `kqual scan` again")
        return found

    return unpack(packed, fetch)


def plain_name(fid: str) -> str:
    """The C name in an identity (verifier.program.link.identity)."""
    return fid.partition("@")[0]


class _Split(msgspec.Struct, array_like=True):
    """A unit's index whose functions are left encoded (the leading fields of verifier.program.index.UnitIndex)."""

    file: str
    functions: list[msgspec.Raw]


class Indexes:
    """Single functions' indexes out of their units'."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._units: dict[str, list[msgspec.Raw]] = {}
        self._splitter = msgspec.msgpack.Decoder(_Split)
        self._decoder = msgspec.msgpack.Decoder(FunctionIndex)

    def function(self, unit: str, position: int) -> FunctionIndex:
        """The index of the function at a place of a unit."""
        split = self._units.get(unit)
        if split is None:
            split = self._units[unit] = self._splitter.decode(self._fetch(unit)).functions
        return self._decoder.decode(split[position])
