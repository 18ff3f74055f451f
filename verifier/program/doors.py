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

    def over(self, program: Program, entered: set[str], plain: bool) -> Doors:
        """The doors of a program that differs from this one's in some functions; what they reach is extended."""
        doors = Doors.restore(program, self.pack, self.reach())
        doors.entries = {f: d for f, d in doors.entries.items() if f in program.functions}
        for fid in sorted(entered):
            info = program.functions[fid]
            door = self._match(info.index.name, info.index.attributes, self.pack)
            if door is None and plain and fid not in program.callers and not info.index.static:
                door = ROOT
            if door is not None:
                doors.entries.setdefault(fid, door)
        for table, wanted in ((doors.nearest, True), (doors.other, False)):
            work = [f for f in sorted(entered) if (d := doors.entries.get(f)) and d.subject != "none" and (d.subject == "user") == wanted]
            for fid in work:
                table.setdefault(fid, (fid, 0))
            work += [f for f in sorted(entered) if f in table]
            while work:
                fid = work.pop()
                door_name, distance = table[fid]
                for callee in doors.callees(fid):
                    if callee not in table and not doors._nobody(callee):
                        table[callee] = (door_name, distance + 1)
                        work.append(callee)
        return doors

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
        for slot, _ in info.index.slots:
            for target in self.program.targets(slot):
                out[target.fid] = None
        return list(out)

    def is_user_door(self, fid: str) -> bool:
        """True for a function that user space enters."""
        door = self.entries.get(fid)
        return door is not None and door.subject == "user"
