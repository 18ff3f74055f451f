"""What a function does only after it has asked: the work that a check of it guards.

Work is what comes behind the call of a check on every way (dominance in the control-flow graph), in the function itself
and in functions of its own file that ask on its behalf; where a check under a condition only refuses, it is what follows.
Siblings are compared by it: a function that shares only what
the others do without asking needs no check.
"""

from __future__ import annotations

from verifier.flow import cfg
from verifier.ir.dominance import dominates, dominators
from verifier.ir.model import Function
from verifier.oracles.siblings import Check
from verifier.program.bodies import Bodies
from verifier.program.guards import DEPTH, Guards
from verifier.program.link import Info

Points = list[tuple[int, int]]


class Guarded:
    """Answers for one program; remembers what it was asked."""

    def __init__(self, guards: Guards, bodies: Bodies) -> None:
        self.guards = guards
        self.bodies = bodies
        self._refuses: dict[str, bool] = {}
        self._work: dict[tuple[str, Check, int], frozenset[str]] = {}

    def work(self, fid: str, check: Check, depth: int = DEPTH) -> frozenset[str]:
        """What the function does behind its calls of a check, as `Guards.does` tells it; all that it does where no call
        of the check is seen in it (its table entry declares the check)."""
        key = (fid, check, depth)
        found = self._work.get(key)
        if found is None:
            found = self._work[key] = self._behind(fid, check, depth)
        return found

    def _behind(self, fid: str, check: Check, depth: int) -> frozenset[str]:
        guards = self.guards
        info = guards.program.functions[fid]
        asking = {name for name in info.index.calls if guards.makes(info, name, check)}
        own = [] if depth == 0 else [c for c in self._own(info) if guards.mentions(c, check)]
        body = self.bodies.body(info) if asking or own else None
        if body is None:
            return guards.does(fid)
        out: set[str] = set()
        for callee in own:
            out |= self.work(callee, check, depth - 1)
        points = [
            (b, i) for b, block in enumerate(body.blocks) for i, s in enumerate(block.statements)
            if s[0] == "call" and body.exprs[s[2]][0] == "f" and body.exprs[s[2]][1] in asking
        ]  # fmt: skip
        return frozenset(out) | (self._after(info, body, points, True) or self._after(info, body, points, False))

    def _own(self, info: Info) -> list[str]:
        """Functions of the same file that a function calls."""
        program = self.guards.program
        found = (program.resolve(info.unit, name) for name in info.index.calls)
        return [c for c in found if c is not None and program.functions[c].index.file == info.index.file]

    def _after(self, info: Info, body: Function, points: Points, only: bool) -> frozenset[str]:
        """What the statements do that come after one of the points, or come `only` there."""
        bits = dominators(body.blocks) if points else []
        succ = cfg.successors(body) if not only else []
        beyond = {b: cfg.reached(succ, b) for b, _ in points} if not only else {}
        stores: set[str] = set()
        calls: set[str] = set()
        lines: set[int] = set()
        for b, block in enumerate(body.blocks):
            for i, s in enumerate(block.statements):
                if not any((a == b and at < i) or (b in beyond[a] if beyond else a != b and dominates(bits, a, b)) for a, at in points):
                    continue
                target = s[1] if s[0] in ("=", "call") else -1
                if target >= 0 and body.exprs[target][0] == "m":
                    stores.add(f"{body.exprs[target][2]}.{body.exprs[target][3]}")
                if s[0] == "call" and body.exprs[s[2]][0] == "f":
                    calls.add(body.exprs[s[2]][1])
                elif s[0] == "call":
                    lines.add(s[-1])
        slots = [slot for slot, line in info.index.slots if line in lines]
        return self.guards.doing(info, sorted(stores), slots, sorted(calls), DEPTH)

    def refuses(self, fid: str) -> bool:
        """Whether callers can tell a refusal by what the function returns: it does not always say the same."""
        found = self._refuses.get(fid)
        if found is None:
            body = self.bodies.body(self.guards.program.functions[fid])
            said = {b.terminator[1] for b in body.blocks if b.terminator[0] == "ret"} if body is not None else set()
            found = self._refuses[fid] = body is None or len(said) > 1 or any(e >= 0 and body.exprs[e][0] != "c" for e in said)
        return found
