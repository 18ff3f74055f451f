"""What everybody has passed who reaches a function: checks that hold on every way from the doors.

A set of passed checks is a frozenset of tokens (name, where): a capability and the user namespace that it was asked
for in (INIT, or OWN for any other), or another check and "".  Sets go down the calls and meet where ways meet; the
greatest solution is wanted, as in Kam and Ullman's data-flow frameworks (Acta Informatica 7, 1977), and it is solved
for the ancestors of the functions that are asked about alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from verifier.flow.summary import Held, Result
from verifier.program.doors import Doors
from verifier.program.link import Info, Program

INIT, OWN = "init", "own"
Tokens = frozenset[tuple[str, str]]
NOTHING: Tokens = frozenset()
OPEN = "="  # begins the callee of a row that speaks of an operation itself


def both(a: Tokens, b: Tokens) -> Tokens:
    """What holds after both sets were passed: a capability in the initial namespace is one in every other."""
    out = a | b
    return frozenset(t for t in out if t[1] != OWN or (t[0], INIT) not in out)


def either(a: Tokens, b: Tokens) -> Tokens:
    """What holds after one or the other."""
    if a == b:
        return a
    out = {t for t in a if t in b}
    for one, other in ((a, b), (b, a)):
        out.update((name, OWN) for name, where in one if where == INIT and (name, OWN) in other)
    return frozenset(out)


def met(a: Tokens | None, b: Tokens) -> Tokens:
    """What holds after one way more; None stands for no way yet."""
    return b if a is None else either(a, b)


class Ways:
    """Tokens at calls and at functions of one program; remembers what it was asked."""

    def __init__(
        self, program: Program, doors: Doors, results: Mapping[str, Result],
        token: Callable[[str, tuple[str, ...]], tuple[str, str] | None],
        entered: Callable[[str, str], Tokens] = lambda slot, fid: NOTHING,
        door: Callable[[str], Tokens] = lambda fid: NOTHING,
    ) -> None:  # fmt: skip
        """`token` is what a check with its spelled arguments stands for; `entered` what is asked of everybody who comes
        to a function through a slot; `door` what is asked at a door."""
        self.program = program
        self.doors = doors
        self.results = results
        self.token = token
        self.entered = entered
        self.door = door
        self._rows: dict[str, dict[str, list[Held]]] = {}
        self._solved: dict[str, Tokens | None] = {}
        self._hands: dict[str, dict[str, list[str]]] = {}
        self._between: dict[str, set[str]] = {}

    def rows(self, fid: str) -> dict[str, list[Held]]:
        """What a function has passed before its calls, by callee."""
        found = self._rows.get(fid)
        if found is None:
            found = {}
            result = self.results.get(fid)
            for row in result.held if result is not None else ():
                found.setdefault(row.callee, []).append(row)
            self._rows[fid] = found
        return found

    def tokens(self, row: Held) -> Tokens:
        """The tokens of a row."""
        found = (self.token(name, arguments) for name, arguments in row.checks)
        return both(frozenset(t for t in found if t is not None), NOTHING)

    def at(self, caller: str, callee: str, line: int = 0) -> Tokens:
        """What `caller` has passed when it calls the function `callee`, directly or through a slot; at that line, where
        there is such a call in it."""
        info = self.program.functions.get(caller)
        if info is None:
            return NOTHING
        rows = self.rows(caller)
        out: Tokens | None = None
        for name in self._handed(callee).get(caller) or self._names(info, callee):
            slot = name[2:] if name.startswith("->") else ""
            asked = self.entered(slot, callee) if slot else NOTHING
            here = rows.get(name)
            if here is None:
                sets = [NOTHING]
            else:
                sets = [self.tokens(row) for row in here if row.line == line] or [self.tokens(row) for row in here]
            for found in sets:
                out = met(out, both(found, asked))
        return out if out is not None else NOTHING

    def opened(self, fid: str, rule: str, line: int) -> Tokens:
        """What a function has passed where it performs an operation that is open under a rule."""
        here = [row for row in self.rows(fid).get(OPEN + rule, ()) if row.line == line]
        out: Tokens | None = None
        for row in here:
            out = met(out, self.tokens(row))
        return out if out is not None else NOTHING

    def _names(self, info: Info, callee: str) -> list[str]:
        """How `callee` is called in a function: by name, through slots."""
        index = self.program.functions[callee].index if callee in self.program.functions else None
        out = []
        if index is not None and index.name in info.index.calls and self.program.resolve(info.unit, index.name) == callee:
            out.append(index.name)
        held = self.program.slots_of(callee)
        if held:
            mine = {slot for slot, _ in info.index.slots}
            out.extend(f"->{slot}" for slot in held if slot in mine)
        return out

    def callers(self, fid: str) -> list[str]:
        """Functions that may call `fid`, directly or through a slot, in order."""
        out = dict.fromkeys(self.program.callers.get(fid, ()))
        for slot in self.program.slots_of(fid):
            out.update(dict.fromkeys(self.program.slot_callers.get(slot, ())))
        return list(out)

    def above(self, fid: str) -> list[str]:
        """`callers`, but instead of a function that calls one of its own parameters those that hand `fid` to it."""
        handed = self._handed(fid)
        return list(dict.fromkeys([*(c for c in self.callers(fid) if c not in self._between.get(fid, ())), *handed]))

    def _handed(self, fid: str) -> dict[str, list[str]]:
        """Functions that hand `fid` to a function for it to call, with the names of these; of functions whose callers
        do not all hand it themselves nothing is told."""
        found = self._hands.get(fid)
        if found is not None:
            return found
        found = self._hands[fid] = {}
        program = self.program
        name = program.functions[fid].index.name
        for slot in program.slots_of(fid):
            to, mark, number = slot.partition("#")
            if not mark or not number.isdigit():
                continue
            for owner in program.slot_callers.get(slot, ()):
                above = [(c, program.functions[c].index) for c in program.callers.get(owner, ()) if c in program.functions]
                if program.functions[owner].index.name != to or any(p[:2] == (to, int(number)) for _, i in above for p in i.passes):
                    continue
                handing = [c for c, i in above if any(tuple(h) == (to, int(number), name) for h in i.hands)]
                if handing:
                    self._between.setdefault(fid, set()).add(owner)
                for caller in handing:
                    found.setdefault(caller, []).append(to)
        return found

    def of(self, fid: str) -> Tokens | None:
        """What everybody has passed who enters a function from a user's door; None where nobody does."""
        if fid not in self._solved:
            self._solve([fid])
        return self._solved[fid]

    def _solve(self, wanted: Iterable[str]) -> None:
        """Solve for functions and all their ancestors that are not solved yet."""
        new: dict[str, list[str]] = {}
        work = [fid for fid in wanted if fid not in self._solved]
        while work:
            fid = work.pop()
            if fid in new or fid in self._solved:
                continue
            door = self.doors.entries.get(fid)
            above = [] if door is not None else [c for c in self.above(fid) if c in self.doors.nearest]
            new[fid] = above
            work.extend(above)
        down: dict[str, list[str]] = {}
        value: dict[str, Tokens | None] = {}
        todo: list[str] = []
        for fid, above in new.items():
            door = self.doors.entries.get(fid)
            value[fid] = None if door is None or door.subject == "none" else self.door(fid)
            for caller in above:
                down.setdefault(caller, []).append(fid)
                known = self._solved.get(caller)
                if caller not in new and known is not None:
                    value[fid] = met(value[fid], both(known, self.at(caller, fid)))
            if value[fid] is not None:
                todo.append(fid)
        while todo:
            fid = todo.pop()
            mine = value[fid]
            if mine is None:
                continue
            for callee in down.get(fid, ()):
                before = value[callee]
                if before == NOTHING:
                    continue
                now = met(before, both(mine, self.at(fid, callee)))
                if now != before:
                    value[callee] = now
                    todo.append(callee)
        self._solved.update(value)
