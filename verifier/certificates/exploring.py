"""Passes for what is wanted at a point of a function, or where it returns."""

from __future__ import annotations

from abc import abstractmethod
from itertools import product

from verifier.certificates.function import Body, Found, Point, Wanted
from verifier.certificates.passes import Explorer
from verifier.certificates.returned import Returned
from verifier.verify.clauses import Clause, Literal
from verifier.verify.states import State
from verifier.verify.steps import Lemma, Steps
from verifier.verify.terms import UNKNOWN
from verifier.verify.world import World


class Exploring(Returned):
    """Passes over functions; `lemmas` are those about wrappers."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.lemmas: dict[int, Lemma] = {}

    @abstractmethod
    def offered(self, body: Body, steps: Steps) -> dict[tuple[Point, int], int | None]:
        """(call, literal) to the lemma (None: the check itself) by which the call may let the literal hold."""

    def explore(
        self, body: Body, at: Point | None, outcomes: int, wanted: Wanted, lock: str, level: int, assumed: tuple[Clause, ...] = (),
        names: tuple[str, ...] = (),
    ) -> Found:  # fmt: skip
        """A pass for what is wanted at a point or where the function returns; raises TooLarge."""
        literals: dict[Literal, None] = dict.fromkeys(l for clause in assumed for l in clause)
        arriving = (
            [(s, UNKNOWN) for s in body.arriving(body.first, body.base, at)] if at is not None
            else [(s, value) for _, s, value in body.returning(body.first, body.base, outcomes)]
        )  # fmt: skip
        for s, value in arriving:
            for clause in wanted(body.first, s, value):
                literals |= dict.fromkeys([*(l for l in clause if l[0] == "call"), *body.conditions(clause)])
        found = self._explored(body, at, outcomes, wanted, lock, level, assumed, literals, names)
        more = dict.fromkeys(l for clause in found.open for l in clause if l[0] == "call" and l not in literals)
        if level < 2 or not more:
            return found
        return self._explored(body, at, outcomes, wanted, lock, level, assumed, {**literals, **more}, names)

    def _explored(
        self, body: Body, at: Point | None, outcomes: int, wanted: Wanted, lock: str, level: int, assumed: tuple[Clause, ...],
        literals: dict[Literal, None], names: tuple[str, ...],
    ) -> Found:  # fmt: skip
        order = list(literals)
        explorer = Explorer(self.world, body.fid, self, self.lemmas, order, lock)
        grants = self.offered(body, explorer)
        for (point, n), lemma in grants.items():
            explorer.calls.setdefault(point, []).append((n, lemma))
        starts = [State(dict(body.params.env), {("!", order.index(l)): 0 for l in choice}) for choice in product(*assumed)]
        leading = body.leading(at)
        invariants = body.solve(explorer, starts, at, {p for p, _ in grants}, level)
        found = Found(
            at, explorer, invariants, grants, lock, outcomes, wanted, [[order.index(l) for l in c] for c in assumed], leading,
            names=set(names),
        )
        self.judge(body, found)
        return found

    def judge(self, body: Body, found: Found) -> None:
        """Which clauses hold where a pass arrives, by which literals."""
        steps = found.explorer
        if found.at is not None:
            for s in body.arriving(steps, found.invariants, found.at):
                for clause in found.wanted(steps, s, UNKNOWN):
                    self.count(found, steps, s, clause)
            return
        bad = 0
        for outcome, s, value in body.returning(steps, found.invariants, found.outcomes):
            found.possible |= outcome
            for clause in found.wanted(steps, s, value):
                if not self.count(found, steps, s, clause):
                    bad |= outcome
        found.good = found.outcomes & ~bad

    @staticmethod
    def count(found: Found, steps: Steps, s: State, clause: Clause) -> bool:
        """Note whether a clause holds."""
        if not any(steps.holds(s, literal) for literal in clause):
            found.open.append(clause)
            return False
        for n in range(len(steps.literals)):
            only = State({}, {("!", n): 0})
            if s.known.get(("!", n)) == 0 and any(steps.holds(only, literal) for literal in clause):
                found.used.add(n)
                break
        return True
