"""Doors: where user space enters, and contexts that run for nobody.

Patterns are rule data; this module finds the functions and what they reach.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from lattices.pack import Door, Pack
from verifier.program.link import Program


class Doors:
    """Door functions by identity, and for every function the nearest door that reaches it."""

    def __init__(self, program: Program, pack: Pack, plain: bool = False) -> None:
        """`plain`: no door is known by name, as in a folder of C files; then the roots of the call graph are doors."""
        self.program = program
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
            root = Door("root", "root", "user")
            handed = {t.fid for targets in program.slots.values() for t in targets}
            for fid, info in sorted(program.functions.items()):
                if fid not in program.callers and fid not in handed and not info.index.static:
                    self.entries.setdefault(fid, root)
        self.nearest = self._reach("user")
        self.other = self._reach("")

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
