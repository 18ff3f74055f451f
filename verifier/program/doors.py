"""Doors: where user space enters, and contexts that run for nobody.

Patterns are rule data; this module finds the functions and what they reach.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import msgspec

from lattices.pack import Door, Pack
from verifier.program.link import Program


class Reach(msgspec.Struct, array_like=True):
    """The stored form of `Doors`: door functions with the place of their door in the pack (-1: a root), and what they
    reach."""

    entries: dict[str, int]
    nearest: dict[str, tuple[str, int]]
    other: dict[str, tuple[str, int]]


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
        self.nearest = self._reach("user")
        self.other = self._reach("")

    def reach(self) -> Reach:
        """The stored form."""
        places = {id(door): i for i, door in enumerate(self.pack.doors)}
        return Reach({f: places.get(id(d), -1) for f, d in self.entries.items()}, self.nearest, self.other)

    @classmethod
    def restore(cls, program: Program, pack: Pack, reach: Reach) -> Doors:
        """From the stored form, over the same program and pack."""
        doors = cls.__new__(cls)
        doors.program, doors.pack = program, pack
        doors.entries = {f: pack.doors[i] if i >= 0 else ROOT for f, i in reach.entries.items()}
        doors.nearest, doors.other = reach.nearest, reach.other
        return doors

    def over(self, program: Program, changed: set[str], plain: bool) -> Doors:
        """The doors of a program that differs from this one's in the functions `changed` (of either) and what they
        touch.  What doors reach is computed again only where a call or a door came or went."""
        if plain:
            return Doors(program, self.pack, plain)
        doors = Doors.restore(program, self.pack, self.reach())
        doors.entries = dict(self.entries)
        suspects = set(changed)
        if program.slots is not self.program.slots:
            for slot in self._holding():
                was, now = self.program.targets(slot), program.targets(slot)
                if was is not now and was != now:
                    suspects.update(t.fid for t in [*was, *now])
        for fid in sorted(suspects):
            door = doors._door(fid)
            if door is None:
                doors.entries.pop(fid, None)
            else:
                doors.entries[fid] = door
        doors.entries = dict(sorted(doors.entries.items()))
        same = doors.entries == dict(sorted(self.entries.items())) and program.slots is self.program.slots
        if not same or any(self.callees(fid) != doors.callees(fid) for fid in sorted(changed)):
            doors.nearest = doors._reach("user")
            doors.other = doors._reach("")
        return doors

    def _holding(self) -> list[str]:
        """Slots whose targets are doors."""
        return [s for door in self.pack.doors for s in [*door.slots, *(f"{f}#{n}" for f, n in door.registrars)]]

    def _door(self, fid: str) -> Door | None:
        """The door that a function is: by its name first, then by the first door of the pack that holds it."""
        info = self.program.functions.get(fid)
        if info is None:
            return None
        door = self._match(info.index.name, info.index.attributes, self.pack)
        if door is not None:
            return door
        for other in self.pack.doors:
            if any(t.fid == fid for slot in other.slots for t in self.program.targets(slot)):
                return other
            if any(t.fid == fid for f, n in other.registrars for t in self.program.targets(f"{f}#{n}")):
                return other
        return None

    @staticmethod
    def _match(name: str, attributes: list[str], pack: Pack) -> Door | None:
        for door in pack.doors:
            if any(fnmatchcase(name, p) for p in door.functions) or any(a in attributes for a in door.attributes):
                return door
        return None

    def _reach(self, subject: str) -> dict[str, tuple[str, int]]:
        """Breadth-first from the doors of a subject: function -> (door, distance); "" means every other subject."""
        out: dict[str, tuple[str, int]] = {}
        level = sorted(
            fid for fid, d in self.entries.items() if (d.subject == subject if subject else d.subject not in ("user", "none"))
        )
        for fid in level:
            out[fid] = (fid, 0)
        distance = 0
        while level:
            distance += 1
            following: list[str] = []
            for fid in level:
                door = out[fid][0]
                for callee in self.callees(fid):
                    if callee not in out and not self._nobody(callee):
                        out[callee] = (door, distance)
                        following.append(callee)
            level = following
        return out

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
