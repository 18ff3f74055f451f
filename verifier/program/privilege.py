"""The privilege that a finding's path asks for.

Computed from what every state on the path has passed (capability checks with their namespaces), from what tables and
registrations declare on the way, and from the door.  Other checks are taken to be passed: objects of one's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from lattices.model import Pack
from verifier.findings import FREE, IN_INIT, IN_OWN, Finding
from verifier.flow.summary import Result
from verifier.program.bodies import Bodies
from verifier.program.declared import Declared
from verifier.program.doors import Doors
from verifier.program.guards import Guards
from verifier.program.link import Program
from verifier.program.way import INIT, Tokens, Ways, both


class Privileges:
    """Tells for findings of one program what an attacker must have."""

    def __init__(self, program: Program, doors: Doors, results: Mapping[str, Result], pack: Pack, bodies: Bodies) -> None:
        self.program = program
        declared = Declared(program, doors, pack, bodies.fetch)
        self.ways = Ways(program, doors, results, Guards(program, results, pack).privilege, declared.entered, declared.door)

    def note(self, findings: Iterable[Finding]) -> None:
        """Set `reachable_with` of findings: of a rule's along the path that they show, of others on the easiest way."""
        for finding in findings:
            places = [(fid, step.line) for step in finding.path if (fid := self._fid(step.file, step.function)) is not None]
            fid = self._fid(finding.file, finding.function)
            if fid is None:
                continue
            first = places[0][0] if places else fid
            begins = self.program.functions[first].index.name == finding.door
            tokens = self.along(places, finding.rule) if begins else None
            if tokens is None or ":" in finding.rule:
                tokens = self.ways.of(fid)
            if tokens is not None:
                finding.reachable_with = spoken(tokens)

    def along(self, places: list[tuple[str, int]], rule: str) -> Tokens:
        """What is asked of whoever takes a path, given as (function, line) from the door to the operation."""
        out = self.ways.door(places[0][0])
        for (fid, line), (following, _) in pairwise(places):
            if following != fid:
                out = both(out, self.ways.at(fid, following, line))
        return both(out, self.ways.opened(places[-1][0], rule, places[-1][1]))

    def _fid(self, file: str, function: str) -> str | None:
        """A function by its file and name."""
        functions = self.program.functions
        fid = f"{function}@{file}"
        return fid if fid in functions else function if function in functions else None


def spoken(tokens: Tokens) -> list[str]:
    """Tokens for reports, in order."""
    return [name + (IN_INIT if where == INIT else IN_OWN) for name, where in sorted(tokens)] or [FREE]
