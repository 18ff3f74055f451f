"""Doors: where user space enters, and contexts that run for nobody.

Patterns are rule data; this module finds the functions and what they reach.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from lattices.model import Door, Pack
from verifier.program.layered import differing
from verifier.program.link import Program
from verifier.program.packed import numbering
from verifier.program.reach import Nearest, ReachData, breadth_first, mended, pack_reach, unpack_reach


class Reach(msgspec.Struct, array_like=True):
    """The stored form of `Doors`: door functions with the place of their door in the pack (-1: a root), and what they
    reach."""

    entries: dict[str, int]
    nearest: ReachData
    other: ReachData


ROOT = Door("root", "root", "user")


class Doors:
    """Door functions by identity, and for every function the nearest door that reaches it."""

    def __init__(self, program: Program, pack: Pack, plain: bool = False) -> None:
        """`plain`: no door is known by name, as in a folder of C files; then the roots of the call graph are doors."""
        self.program = program
        self.pack = pack
        self.entries: dict[str, Door] = {}
        found_user = False
        for fid, info in sorted(program.functions.items()):
            door = self._match(info.index.name, info.index.attributes, pack)
            if door is not None:
                self.entries[fid] = door
                found_user = found_user or door.subject == "user"
        for door in pack.doors:
            for slot in door.slots:
                for target in program.targets(slot):
                    self.entries.setdefault(target.fid, door)
            for function, n in door.registrars:
                for target in program.targets(f"{function}#{n}"):
                    self.entries.setdefault(target.fid, door)
        if plain:
            root = ROOT
            handed = {t.fid for targets in program.slots.values() for t in targets}
            for fid, info in sorted(program.functions.items()):
                if fid not in program.callers and fid not in handed and not info.index.static:
                    self.entries.setdefault(fid, root)
        self.nearest: Nearest = self._reach("user")
        self.other: Nearest = self._reach("")

    def reach(self) -> Reach:
        """The stored form."""
        places = {id(door): i for i, door in enumerate(self.pack.doors)}
        names = sorted(self.program.functions)
        return Reach(
            {f: places.get(id(d), -1) for f, d in self.entries.items()}, pack_reach(self.nearest, names), pack_reach(self.other, names)
        )

    @classmethod
    def restore(cls, program: Program, pack: Pack, reach: Reach) -> Doors:
        """From the stored form, over the same program and pack; ValueError when it is of another program."""
        doors = cls.__new__(cls)
        doors.program, doors.pack = program, pack
        doors.entries = {f: pack.doors[i] if i >= 0 else ROOT for f, i in reach.entries.items()}
        keys = numbering(program.functions)
        doors.nearest, doors.other = unpack_reach(reach.nearest, keys), unpack_reach(reach.other, keys)
        return doors

    def over(self, program: Program, changed: set[str], plain: bool) -> Doors:
        """The doors of a program that differs from this one's in the functions `changed` (of either) and what they
        touch."""
        if plain:
            return Doors(program, self.pack, plain)
        doors = Doors.__new__(Doors)
        doors.program, doors.pack, doors.entries = program, self.pack, dict(self.entries)
        moved: dict[str, None] = {}  # functions that a slot holds in one of the programs only
        slots = sorted(differing(self.program.slots, program.slots))
        for slot in slots:
            was, now = ({t.fid for t in p.targets(slot)} for p in (self.program, program))
            moved.update(dict.fromkeys(was ^ now))
        holding = doors._holding()
        for fid in sorted({*changed, *moved}):
            door = doors._door(fid, holding)
            if door is None:
                doors.entries.pop(fid, None)
            else:
                doors.entries[fid] = door
        doors.entries = dict(sorted(doors.entries.items()))
        suspects = {*moved, *(f for f in changed if (f in program.functions) != (f in self.program.functions))}
        suspects |= {f for f in {*changed, *moved} if doors.entries.get(f) is not self.entries.get(f)}
        for fid in changed:
            suspects |= set(self.callees(fid)) ^ set(doors.callees(fid))
        doors.nearest, doors.other = (doors._mended(was, subject, suspects) for was, subject in ((self.nearest, "user"), (self.other, "")))
        return doors

    def _mended(self, was: Nearest, subject: str, suspects: Iterable[str]) -> Nearest:
        return mended(was, suspects, lambda fid: self._is_source(fid, subject), self._nobody, self.callees, self._callers)

    def _callers(self, fid: str) -> Iterable[str]:
        """Functions that may call `fid`, directly or through a slot."""
        if fid not in self.program.functions:
            return
        yield from self.program.callers.get(fid) or ()
        for slot in self.program.slots_of(fid):
            yield from self.program.slot_callers.get(slot) or ()

    def _holding(self) -> dict[str, Door]:
        """Functions that a slot or a registering function makes doors, with the first door of the pack that does."""
        out: dict[str, Door] = {}
        for door in self.pack.doors:
            for slot in [*door.slots, *(f"{f}#{n}" for f, n in door.registrars)]:
                for target in self.program.targets(slot):
                    out.setdefault(target.fid, door)
        return out

    def _door(self, fid: str, holding: dict[str, Door]) -> Door | None:
        """The door that a function is: by its name first, then by the first door of the pack that holds it."""
        info = self.program.functions.get(fid)
        if info is None:
            return None
        return self._match(info.index.name, info.index.attributes, self.pack) or holding.get(fid)

    @staticmethod
    def _match(name: str, attributes: list[str], pack: Pack) -> Door | None:
        for door in pack.doors:
            if any(fnmatchcase(name, p) for p in door.functions) or any(a in attributes for a in door.attributes):
                return door
        return None

    def _reach(self, subject: str) -> dict[str, tuple[str, int]]:
        """Function -> (door, distance) from the doors of a subject; "" means every subject but user space and nobody."""
        sources = sorted(fid for fid in self.entries if self._is_source(fid, subject))
        return breadth_first(sources, self.callees, self._nobody)

    def _is_source(self, fid: str, subject: str) -> bool:
        door = self.entries.get(fid)
        if door is None:
            return False
        return door.subject == subject if subject else door.subject not in ("user", "none")

    def _nobody(self, fid: str) -> bool:
        door = self.entries.get(fid)
        return door is not None and door.subject == "none"

    def callees(self, fid: str) -> list[str]:
        """Functions that `fid` may call, directly or through a slot."""
        info = self.program.functions.get(fid)
        if info is None:
            return []
        out: dict[str, None] = {}
        for name in info.index.calls:
            callee = self.program.resolve(info.unit, name)
            if callee is not None:
                out[callee] = None
        for slot in info.index.slot_names():
            for target in self.program.targets(slot):
                out[target.fid] = None
        return list(out)

    def is_user_door(self, fid: str) -> bool:
        """True for a function that user space enters."""
        door = self.entries.get(fid)
        return door is not None and door.subject == "user"
