"""Findings of the sibling oracles: functions that lack a check which their siblings make, each with one of these."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from lattices.model import Pack
from verifier.findings import Finding, Sibling, Step
from verifier.flow.summary import Place, Result
from verifier.oracles.siblings import Check
from verifier.program.bodies import Bodies
from verifier.program.declared import Declared
from verifier.program.doors import Doors
from verifier.program.groups import Group, Siblings
from verifier.program.guarded import Guarded
from verifier.program.guards import CAPABILITY, Guards
from verifier.program.link import Info, Program
from verifier.program.way import INIT, OWN, Ways

SLOT, DOOR = "slot-sibling", "door-sibling"


class SiblingOracle:
    """The sibling oracles over one program and its results."""

    def __init__(
        self, program: Program, doors: Doors, results: Mapping[str, Result], pack: Pack, bodies: Bodies,
        among: Container[str] | None = None,
    ) -> None:  # fmt: skip
        """Findings are of functions `among` these only; of all with None."""
        self.program = program
        self.doors = doors
        self.bodies = bodies
        self.guards = Guards(program, results, pack)
        self.declared = Declared(program, doors, pack)
        self.ways = Ways(program, doors, results, self.guards.token, self.declared.entered, self.declared.door)
        self.siblings = Siblings(self.guards, self.ways, Guarded(self.guards, bodies), among)

    def findings(self, slots: Iterable[str] | None = None, operations: Iterable[str] | None = None) -> list[Finding]:
        """Findings of the slots and operations wanted; of all where nothing is said."""
        program = self.program
        if slots is None:
            slots = list(program.slots)
        if operations is None:
            operations = [f for f in program.callers if f in program.functions]
            operations += [f"->{s}" for s in program.slot_callers if "#" not in s and not s.startswith(("?", "=", "&"))]
        out = [self._slot(group) for group in self._once(self.siblings.slots(slots))]
        return out + [self._door(group) for group in self.siblings.callers(operations)]

    def _once(self, groups: Iterable[Group]) -> list[Group]:
        """One of the groups that tell the same of a function whose slots are filled from each other: of the best evidence,
        then of the slot with the fewest functions."""
        told: dict[tuple[str, str, Check], Group] = {}
        for group in sorted(groups, key=lambda g: (-g.deviant.evidence, len(self.program.targets(g.operation[2:])), g.operation)):
            told.setdefault((group.deviant.fid, group.kind, group.deviant.check), group)
        return sorted(told.values(), key=lambda g: (g.operation, g.deviant.fid))

    def _slot(self, group: Group) -> Finding:
        index = self.program.functions[group.deviant.fid].index
        return self._finding(group, f"{SLOT}:{group.operation[2:]}", group.operation[2:], index.line)

    def _door(self, group: Group) -> Finding:
        name = group.operation[2:] if group.operation.startswith("->") else self.program.functions[group.operation].index.name
        return self._finding(group, f"{DOOR}:{name}", name, self._unchecked(group))

    def _finding(self, group: Group, rule: str, operation: str, line: int) -> Finding:
        deviant, program = group.deviant, self.program
        index = program.functions[deviant.fid].index
        count, total = len(deviant.protected), len(deviant.protected) + deviant.others
        what = "implementations" if group.slot else "callers"
        verb = "make" if group.asked else "pass"
        check = words(deviant.check)
        if group.kind == "wrong-namespace":
            check = f"{deviant.check[0]} in the namespace of {self._said(deviant.protected[0], deviant.check[1])}"
        reason = f"{count} of {total} {what} of {operation} that do alike {verb} {check}, this one does not"
        found = (self._protected(fid, deviant.check) for fid in deviant.protected)
        flag = self.declared.name(group.operation[2:], deviant.protected[0]) if group.slot else ""
        sibling = next((s for s in found if s is not None), None) or self._standing(deviant.protected[0], deviant.check, flag)
        path = [Step(file=p.file, line=p.line, function=p.function, note="calls down") for p in self.lead(deviant.fid)]
        path.append(Step(file=index.file, line=line, function=index.name, note=operation))
        door = self.doors.nearest[deviant.fid][0]
        return Finding(
            fingerprint="", kind=group.kind, tier="warning", rule=rule, operation=operation, object="",
            requires=[flag if flag and sibling.check == flag else required(deviant.check, sibling)], file=index.file, line=line, function=index.name,
            door=program.functions[door].index.name, path=path, sibling=sibling, assumptions=[], reason=reason,
            evidence=deviant.evidence,
        )  # fmt: skip

    def _said(self, fid: str, where: str) -> str:
        """A namespace over parameters, with the names that a function gives them."""
        body = self.bodies.body(self.program.functions[fid])
        root, dot, rest = where.lstrip("&").partition(".")
        if body is not None and root[:1] == "p" and root[1:].isdigit() and int(root[1:]) < len(body.params):
            root = body.params[int(root[1:])].name
        return root + dot + rest

    # --- places ---------------------------------------------------------------------------------------------------

    def lead(self, fid: str) -> list[Place]:
        """A shortest chain of callers from the nearest door down to a function, without the function itself."""
        nearest = self.doors.nearest
        door, distance = nearest[fid]
        out: list[Place] = []
        while distance:
            above = next((c for c in self.ways.callers(fid) if nearest.get(c) == (door, distance - 1)), None)
            if above is None:
                break
            index = self.program.functions[above].index
            out.append(Place(index.file, self._calls(above, fid), index.name))
            fid, distance = above, distance - 1
        return out[::-1]

    def _calls(self, caller: str, callee: str) -> int:
        """The line of the first call of a function, its own first line where none is seen."""
        info = self.program.functions[caller]
        held = set(self.program.slots_of(callee))
        lines = [line for slot, line in info.index.slots if slot in held]
        return min([*lines, *self._lines(info, self.program.functions[callee].index.name)], default=info.index.line)

    def _lines(self, info: Info, name: str) -> list[int]:
        """Lines of the direct calls of a name."""
        body = self.bodies.body(info)
        if body is None:
            return []
        return sorted(
            s[-1] for block in body.blocks for s in block.statements
            if s[0] == "call" and body.exprs[s[2]][0] == "f" and body.exprs[s[2]][1] == name
        )  # fmt: skip

    def _unchecked(self, group: Group) -> int:
        """The line of the first call of the group's operation in the deviant that lacks the check."""
        info = self.program.functions[group.deviant.fid]
        if group.operation.startswith("->"):
            lines = sorted(line for slot, line in info.index.slots if f"->{slot}" == group.operation)
            name = group.operation
        else:
            name = self.program.functions[group.operation].index.name
            lines = self._lines(info, name)
        rows = self.ways.rows(group.deviant.fid).get(name, [])
        passed = {row.line for row in rows if group.deviant.check in self.siblings.checks(row)}
        return next((line for line in lines if line not in passed), lines[0] if lines else info.index.line)

    def _protected(self, fid: str, check: Check) -> Sibling | None:
        """Where a protected member makes the check; None where that is in a callee only."""
        info = self.program.functions[fid]
        for name in sorted(info.index.calls, key=lambda n: not self.guards.decides(n)):
            if not self.guards.makes(info, name, check):
                continue
            lines = self._lines(info, name)
            if lines:
                return Sibling(file=info.index.file, line=lines[0], function=info.index.name, check=name)
        return None

    def _standing(self, fid: str, check: Check, flag: str) -> Sibling:
        """A protected member where the call of its check is not seen; `flag` is what its table entry declares."""
        index = self.program.functions[fid].index
        return Sibling(file=index.file, line=index.line, function=index.name, check=flag or required(check, None))


def untold(siblings: list[Finding], others: list[Finding]) -> list[Finding]:
    """Sibling findings at places that no other finding tells of."""
    told = {(step.file, step.line) for f in others for step in f.path} | {(f.file, f.line) for f in others}
    told |= {(f.file, f.function) for f in others}
    return [f for f in siblings if (f.file, f.line) not in told and (f.file, f.function) not in told]


def words(check: Check) -> str:
    """A check for people."""
    name, where = check[0], check[1]
    if name == CAPABILITY:
        return "a test of capabilities"
    if where == INIT:
        return f"{name} in the initial user namespace"
    return f"{name} in some user namespace" if where == OWN else name


def required(check: Check, sibling: Sibling | None) -> str:
    """The name of the check that is wanted."""
    if check[1] == INIT:
        return "capable"
    if check[1] == OWN or check[0].startswith("CAP_"):
        return "ns_capable"
    if check[0] == CAPABILITY:
        return sibling.check if sibling is not None else "ns_capable"
    return check[0]
