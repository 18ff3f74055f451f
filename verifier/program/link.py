"""Linking: from units to one program of functions, operations tables and calls.

Functions get an identity: their name, or `name@file` when static.  A name in a unit means the unit's own static
function, then a header's, then the one with external linkage.  Indirect calls resolve by (struct tag, field), as
PeX does (Zhang et al., USENIX Security 2019), and by parameter for callbacks.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from verifier.program.index import FunctionIndex, TableEntry, UnitIndex


class Info(msgspec.Struct):
    """A linked function: its index, the unit that holds its body and the place there."""

    fid: str
    index: FunctionIndex
    unit: str
    position: int


class Target(msgspec.Struct, frozen=True):
    """A function that an indirect call can reach, with the constants of the table entry that holds it."""

    fid: str
    constants: tuple[tuple[str, int], ...] = ()


def identity(name: str, file: str, static: bool) -> str:
    """The program-wide name of a function."""
    return f"{name}@{file}" if static else name


class Program:
    """All functions of a program, by identity."""

    def __init__(self, units: Iterable[tuple[str, UnitIndex]]) -> None:
        """`units` are (unit key, index) in order of the unit's file name."""
        self.functions: dict[str, Info] = {}
        self.local: dict[str, dict[str, str]] = {}
        self.headers: dict[str, str] = {}
        self.unit_keys: dict[str, str] = {}
        self.slots: dict[str, dict[Target, None]] = {}
        entries: list[tuple[str, TableEntry]] = []
        seen_entries: set[tuple[str, str, str]] = set()
        for key, unit in units:
            names = self.local.setdefault(key, {})
            for position, f in enumerate(unit.functions):
                fid = identity(f.name, f.file, f.static)
                if f.static:
                    names[f.name] = fid
                    if f.file != unit.file:
                        self.headers.setdefault(f.name, fid)
                old = self.functions.get(fid)
                if old is None or ("weak" in old.index.attributes and "weak" not in f.attributes):
                    self.functions[fid] = Info(fid, f, key, position)
            for entry in unit.entries:
                mark = (entry.file, entry.table + "/" + entry.slot, entry.function + repr(sorted(entry.constants.items())))
                if mark not in seen_entries:
                    seen_entries.add(mark)
                    entries.append((key, entry))
        for key, entry in entries:
            fid = self.resolve(key, entry.function)
            if fid is not None:
                target = Target(fid, tuple(sorted(entry.constants.items())))
                self.slots.setdefault(entry.slot, {})[target] = None
        self._assignments()
        self.callers = self._callers()
        self.slot_callers = self._slot_callers()
        self.writes = self._writes()

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

    def _assignments(self) -> None:
        """Slots filled at run time: by functions, and by parameters of registering functions, to a fixpoint."""
        flows: dict[str, dict[str, None]] = {}
        for info in self.functions.values():
            f = info.index
            for callee, n, function in f.hands:
                fid = self.resolve(info.unit, function)
                if fid is not None:
                    self.slots.setdefault(f"{callee}#{n}", {})[Target(fid)] = None
            for callee, n, own in f.passes:
                if callee != "?":
                    flows.setdefault(f"{f.name}#{own}", {})[f"{callee}#{n}"] = None
            for slot, source in f.assigns:
                if "#" in source:
                    flows.setdefault(source, {})[slot] = None
                else:
                    fid = self.resolve(info.unit, source)
                    if fid is not None:
                        self.slots.setdefault(slot, {})[Target(fid)] = None
        wanted = {slot for info in self.functions.values() for slot, _ in info.index.slots}
        work = sorted(k for k in self.slots if "#" in k)
        while work:
            source = work.pop()
            have = self.slots.get(source)
            if not have:
                continue
            for slot in flows.get(source, ()):
                into = self.slots.setdefault(slot, {})
                before = len(into)
                for target in have:
                    into.setdefault(Target(target.fid), None)
                if len(into) != before and slot in flows:
                    work.append(slot)
        self.slots = {k: dict(sorted(((t, None) for t in v), key=lambda i: (i[0].fid, i[0].constants)))
                      for k, v in sorted(self.slots.items()) if k in wanted or "#" not in k}  # fmt: skip

    def _callers(self) -> dict[str, list[str]]:
        out: dict[str, list[str]] = {}
        for fid, info in sorted(self.functions.items()):
            for name in info.index.calls:
                callee = self.resolve(info.unit, name)
                if callee is not None:
                    out.setdefault(callee, []).append(fid)
        return out

    def _slot_callers(self) -> dict[str, list[str]]:
        out: dict[str, list[str]] = {}
        for fid, info in sorted(self.functions.items()):
            for slot in dict.fromkeys(s for s, _ in info.index.slots):
                out.setdefault(slot, []).append(fid)
        return out

    def _writes(self) -> dict[str, set[int]]:
        """Parameters that a function may write through, itself or by handing them on (least fixpoint)."""
        writes = {fid: set(info.index.writes) for fid, info in self.functions.items()}
        handed: dict[tuple[str, int], list[tuple[str, int]]] = {}
        work: list[tuple[str, int]] = [(fid, i) for fid, own in sorted(writes.items()) for i in sorted(own)]
        for fid, info in sorted(self.functions.items()):
            for callee, n, own in info.index.passes:
                target = self.resolve(info.unit, callee) if callee != "?" else None
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
        return writes

    def targets(self, slot: str) -> list[Target]:
        """Functions that a slot may hold, sorted."""
        return list(self.slots.get(slot, ()))
