"""Which controlled operations each door reaches by direct calls, with their verdicts.

Calls through operations tables are left out: nearly every door reaches nearly everything through some table, which
tells nobody anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from verifier.program.doors import Doors
from verifier.program.link import Program
from verifier.program.report import Obligation


class DoorReach(msgspec.Struct, array_like=True, frozen=True):
    """A door, and (rule, verdict, how many) of the operations that it reaches."""

    name: str
    file: str
    line: int
    subject: str
    operations: list[tuple[str, str, int]]


def by_door(program: Program, doors: Doors, obligations: Iterable[Obligation]) -> list[DoorReach]:
    """The doors that reach an operation, by name; doors without a subject are none."""
    places = {(info.index.file, info.index.name): fid for fid, info in program.functions.items()}
    own: dict[str, Counter[tuple[str, str]]] = {}
    for obligation in obligations:
        fid = places.get((obligation.file, obligation.function))
        if fid is not None:
            own.setdefault(fid, Counter())[obligation.rule, obligation.verdict] += 1
    callers: dict[str, list[str]] = {}
    for fid, info in program.functions.items():
        for name in info.index.calls:
            callee = program.resolve(info.unit, name)
            if callee is not None:
                callers.setdefault(callee, []).append(fid)
    found: dict[str, Counter[tuple[str, str]]] = {}
    for sink, counts in own.items():
        seen = {sink}
        work = [sink]
        while work:
            fid = work.pop()
            door = doors.entries.get(fid)
            if door is not None and door.subject != "none":
                found.setdefault(fid, Counter()).update(counts)
            for caller in callers.get(fid, ()):
                if caller not in seen:
                    seen.add(caller)
                    work.append(caller)
    out = []
    for fid, counts in found.items():
        index = program.functions[fid].index
        rows = [(rule, verdict, number) for (rule, verdict), number in sorted(counts.items())]
        out.append(DoorReach(index.name, index.file, index.line, doors.entries[fid].subject, rows))
    return sorted(out, key=lambda door: (door.name, door.file, door.line))
