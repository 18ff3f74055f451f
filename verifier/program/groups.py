"""Groups of siblings in a program: implementations of one slot, and callers of one operation.

*Slot siblings* are the functions that one operations-table slot holds; what each passes is what it guarantees whenever
it succeeds.  *Door siblings* are the functions that call one function, or through one slot; what each passes is what
all its ways to the call have in common, about the call's own arguments where the check has objects.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import NamedTuple

from verifier.flow.summary import Held
from verifier.oracles.mining import ruled
from verifier.oracles.siblings import Bounds, Check, Deviant, Member, deviants
from verifier.program.guarded import Guarded
from verifier.program.guards import ASKED, CAPABILITY, Guards
from verifier.program.way import INIT, OWN, Tokens, Ways

PASSED = Bounds(least=3, share=0.5, few=4, most=8)  # most guarantee the check
ASKING = Bounds(least=3, share=0.75, few=4, most=8, alike=0.2)  # nearly all make it, under a condition perhaps
SINGLE = Bounds(least=1, share=0.1, few=3, most=6, alike=0.5)  # one guarantees it at least, of a slot for one purpose
ELSEWHERE = Bounds(least=3, share=0.6, few=4, most=4)  # most ask for it in the same namespace
CALLERS = Bounds(least=3, share=0.75, few=4, most=4)
PAIR = Bounds(least=1, share=0.5, few=2, most=1)  # doors that call the same function, such as a system call's two forms
MOST_CALLERS = 150  # an operation with more of them is a tool that everybody uses
MOST_SINGLE = 40  # members of a slot where one that checks says something of the others
MOST_MEMBERS = 600  # a slot with more of them says nothing of what one of them is for

Passing = Callable[[str], frozenset[Check]]
NONE: frozenset[Check] = frozenset()


class Group(NamedTuple):
    """An operation (a function's identity, or `->tag.field`) and one deviant of its group; `slot` tells that the group are
    implementations and no callers, `kind` is that of a finding, `asked` that siblings make the check, perhaps under a
    condition."""

    operation: str
    slot: bool
    kind: str
    deviant: Deviant

    @property
    def asked(self) -> bool:
        """Whether the siblings make the check without guaranteeing it."""
        return self.deviant.check[1] == ASKED


class Siblings:
    """The groups of one program."""

    def __init__(self, guards: Guards, ways: Ways, guarded: Guarded, among: Container[str] | None = None) -> None:
        """Only deviants `among` these functions are told; of all with None."""
        self.among = among
        self.guards = guards
        self.guarded = guarded
        self.ways = ways
        self.program = ways.program
        self.doors = ways.doors
        self.ruled = ruled(guards.pack)

    # --- implementations of a slot -------------------------------------------------------------------------------

    def slots(self, wanted: Iterable[str]) -> Iterator[Group]:
        """Deviants among the implementations of the slots wanted, one for each function and slot."""
        for slot in sorted(wanted):
            if slot.startswith(("?", "=", "&")) or "#" in slot:
                continue
            fids = sorted({t.fid for t in self.program.targets(slot)})
            if len(fids) < SINGLE.few or not self._concerned(fids) or not any(self.guards.asks(fid) or self.ways.entered(slot, fid) for fid in fids):
                continue
            told: dict[str, Group] = {}
            files: dict[str, list[str]] = {}
            for fid in (fids := [fid for fid in fids if self._counts(fid)]):
                files.setdefault(self.program.functions[fid].index.file, []).append(fid)
            if len(fids) <= MOST_MEMBERS:
                self._grade(slot, fids, told, len(files) == 1)
            for _, family in sorted(files.items()):
                if len(family) < len(fids) and self._concerned(family):
                    self._grade(slot, family, told, True)
            yield from (told[fid] for fid in sorted(told))

    def _grade(self, slot: str, fids: list[str], told: dict[str, Group], family: bool) -> None:
        """Enter the deviants of a group of implementations that nothing was told of yet, best evidence first; what tables
        declare counts within one `family`, a file's own."""
        guards = self.guards

        def own(made: Passing) -> Passing:
            """What a function makes of its own, if somebody is refused by it."""
            return lambda fid: found if (found := made(fid)) and self.guarded.refuses(fid) else NONE

        def passing(fid: str) -> frozenset[Check]:
            return own(guards.passed)(fid) | keys(self.ways.entered(slot, fid)) if family else own(guards.passed)(fid)

        grades = [
            ("missing-check", PASSED, passing, guards.mentions),
            ("wrong-namespace", ELSEWHERE, own(guards.namespaces), lambda fid, check: not self._asked_elsewhere(fid, check)),
            ("missing-check", ASKING, own(guards.asking), guards.mentions),
            ("missing-check", SINGLE, own(guards.privileges), lambda fid, check: bool(guards.asks(fid))),
        ]
        for kind, bounds, passes, mentions in grades[: None if len(fids) <= MOST_SINGLE else -1]:
            for deviant in self._judged(fids, passes, bounds, mentions):
                told.setdefault(deviant.fid, Group(f"->{slot}", True, kind, deviant))

    def _asked_elsewhere(self, fid: str, check: Check) -> bool:
        """Whether the function passes the capability, and in namespaces that are told apart from the wanted one."""
        mine = {c for c in self.guards.namespaces(fid) if c[0] == check[0]}
        return bool(mine) and check not in mine

    def _judged(self, fids: list[str], passing: Passing, bounds: Bounds, mentions: Callable[[str, Check], bool]) -> list[Deviant]:
        """Deviants that user space reaches without the check, for each function the one with most protected siblings."""
        passes = {fid: passing(fid) for fid in fids}
        if sum(map(bool, passes.values())) < bounds.least:
            return []
        members = (Member(fid, p, self.guards.does(fid)) for fid, p in passes.items())
        found = deviants(members, bounds, mentions, self.guarded.work)
        return best([d for d in found if self._concerned([d.fid]) and not self._inherits(d.fid, d.check)])

    def _concerned(self, fids: list[str]) -> bool:
        """Whether a deviant in a group would be told."""
        return self.among is None or any(fid in self.among for fid in fids)

    def _counts(self, fid: str) -> bool:
        """Whether a function runs for a user and changes something."""
        index = self.program.functions[fid].index
        return fid in self.doors.nearest and "init" not in index.attributes and self.guards.changes(fid)

    def _inherits(self, fid: str, check: Check) -> bool:
        """Whether everybody who comes to the function has passed the check already, or nobody comes."""
        above = self.ways.of(fid)
        if above is None:
            return True
        if check[0] == CAPABILITY:
            return any(where for _, where in above)
        return any(t[0] == check[0] and check[1] in (ASKED, t[1], OWN) for t in above)

    # --- callers of an operation ---------------------------------------------------------------------------------

    def callers(self, wanted: Iterable[str]) -> Iterator[Group]:
        """Deviants among the callers of the operations wanted, one for each caller and operation."""
        for operation in sorted(wanted):
            fids = self._performing(operation)
            if len(fids) < PAIR.few or not self._concerned(fids):
                continue
            slot = operation.startswith("->")
            name = operation if slot else self.program.functions[operation].index.name
            rows = {fid: self.ways.rows(fid).get(name, []) for fid in fids}
            if not any(rows.values()) or not self._operates(operation):
                continue
            passes = {fid: self._common(rows[fid]) for fid in fids}
            pair = all(fid in self.doors.entries for fid in fids)
            members = (Member(fid, p, frozenset((operation,))) for fid, p in passes.items())
            found = deviants(members, PAIR if pair else CALLERS, self.guards.mentions)
            kept = [
                d for d in found
                if self._concerned([d.fid]) and (name.removeprefix("->"), d.check[0]) not in self.ruled
                and not self._inherits(d.fid, d.check) and (slot or not self.guards.mentions(operation, d.check))
            ]  # fmt: skip
            yield from (Group(operation, False, "missing-check", d) for d in best(kept))

    def _performing(self, operation: str) -> list[str]:
        """Functions that perform an operation for a user; none where they are more than MOST_CALLERS."""
        program = self.program
        found = program.slot_callers.get(operation[2:], ()) if operation.startswith("->") else program.callers.get(operation, ())
        out: list[str] = []
        for fid in found:
            if fid in self.doors.nearest and "init" not in program.functions[fid].index.attributes:
                out.append(fid)
                if len(out) > MOST_CALLERS:
                    return []
        return sorted(out)

    def _operates(self, operation: str) -> bool:
        """Whether the operation is one: no check, and it changes something."""
        if operation.startswith("->"):
            return True
        name = self.program.functions[operation].index.name
        return self.guards.pack.check(name) is None and self.guards.changes(operation) and bool(self.guards.does(operation))

    def _common(self, rows: list[Held]) -> frozenset[Check]:
        """What is passed before every call."""
        out: frozenset[Check] | None = None
        for row in rows:
            out = self.checks(row) if out is None else out & self.checks(row)
        return out if out is not None else frozenset()

    def checks(self, row: Held) -> frozenset[Check]:
        """What is passed before one call, as (name, where, spelled objects): of a wrapper and the check in it the latter."""
        names = {name for name, _ in row.checks}
        outer = {name for name in names if self.guards.within(name) & names}
        return frozenset(k for name, arguments in row.checks if name not in outer for k in self._keys(name, arguments))

    def _keys(self, name: str, arguments: tuple[str, ...]) -> list[Check]:
        token = self.guards.token(name, arguments)
        if token is None or not self.guards.decides(name):
            return []
        if token[1]:
            return [(*key, "") for key in keys(frozenset((token,)))]
        spelled = [a if a[:1] == "a" and a[1:2].isdigit() else "" for a in arguments]
        return [(*token, ",".join(spelled))] if any(spelled) else []


def keys(tokens: Tokens) -> frozenset[Check]:
    """Tokens with what they imply: a capability in the initial namespace is one in any."""
    return frozenset(tokens) | {(name, OWN) for name, where in tokens if where == INIT}


def best(found: list[Deviant]) -> list[Deviant]:
    """For each function the deviant with most protected siblings; of equal ones a hook, then the stronger namespace."""
    out: dict[str, Deviant] = {}
    for d in sorted(found, key=lambda d: (d.fid, -len(d.protected), not d.check[0].startswith("security_"), d.check[1] != INIT, d.check)):
        out.setdefault(d.fid, d)
    return [out[fid] for fid in sorted(out)]
