"""Lemmas about wrappers: what they guarantee when they return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from verifier.certificates.exploring import Exploring
from verifier.certificates.function import Body, Point
from verifier.certificates.passes import TooLarge
from verifier.certificates.returned import DEEPEST, lasting
from verifier.certificates.writing import written
from verifier.verify.check import OUTCOMES, Fails
from verifier.verify.clauses import Clause, Literal, covers
from verifier.verify.states import State
from verifier.verify.steps import Steps
from verifier.verify.terms import ANY, Term, substitute, understood
from verifier.verify.world import World


class Lemmas(Exploring):
    """Lemmas as they are wanted."""

    def __init__(self, world: World, guarantees: Callable[[str], frozenset[str]]) -> None:
        """`guarantees` names the checks that a callee may have passed when it returns."""
        super().__init__(world)
        self.guarantees = guarantees
        self._offers: dict[tuple[str, str, bool, str], list[int]] = {}
        self._known: dict[tuple[str, Literal, str], int | None] = {}
        self._busy: list[str] = []

    def offered(self, body: Body, steps: Steps) -> dict[tuple[Point, int], int | None]:
        """(call, literal) to the lemma (None: the check itself) by which the call may let the literal hold."""
        out: dict[tuple[Point, int], int | None] = {}
        for at, statement in body.calls:
            name = steps.callee(statement)
            states = body.arriving(body.first, body.base, at) if name is not None else []
            if name is None or not states or not self.concerns(body, name, steps.literals):
                continue
            s = states[0]
            args = [steps.value(a, s) for a in statement[3]]
            result = steps.result(s, at, name, args)
            fid = self.world.callee(steps.unit, name)
            for n, literal in enumerate(steps.literals):
                own = [l for l, _ in steps.said(s, name, args, result, None)]
                if any(covers(l, literal, self.world.pack) for l in own) or (fid is None and literal[:2] == ("call", name)):
                    out[at, n] = None
                elif fid is not None and literal[0] == "call" and literal[1] in self.guarantees(fid):
                    numbers = self.lemmas_of(fid, literal[1], literal[3], steps.lock)
                    fitting = [
                        (covers(l, literal, self.world.pack), allow.bit_count(), -x)
                        for x in numbers for l, allow in steps.said(s, name, args, result, x)
                    ]  # fmt: skip
                    if fitting:
                        out[at, n] = -max(fitting)[2]
        return out

    def concerns(self, body: Body, name: str, literals: Any) -> bool:
        """Whether a call may let one of some literals hold."""
        if self.world.opaque(name) or name in self.world.pack.subjects:
            return True
        fid = self.world.callee(body.first.unit, name)
        checks = {l[1] for l in literals if l[0] == "call"}
        return fid is not None and not checks.isdisjoint(self.guarantees(fid))

    def lemmas_of(self, fid: str, check: str, denied: bool, lock: str) -> list[int]:
        """Guarantees of a wrapper about a check, for as many outcomes as can be shown."""
        key = (fid, check, denied, lock)
        if key in self._offers:
            return self._offers[key]
        if fid in self._busy or len(self._busy) >= DEEPEST:
            return []
        self._busy.append(fid)
        try:
            found = self._lemmas_of(fid, check, denied, lock)
        except (Fails, TooLarge):
            found = []
        finally:
            self._busy.pop()
        if not self._busy:
            self._offers[key] = found
        return found

    def _lemmas_of(self, fid: str, check: str, denied: bool, lock: str) -> list[int]:
        body = self.body(fid)
        if any(body.first.changes_subject(s) for _, s in body.calls):
            return []
        out = []
        for literal in self._asked(body, check, denied, lock):
            key = (fid, literal, lock)
            if key not in self._known:
                self._known[key] = self._shown(body, literal, lock)
            number = self._known[key]
            if number is not None:
                out.append(number)
        return out

    def _shown(self, body: Body, literal: Literal, lock: str) -> int | None:
        """The number of a lemma about a literal, for all outcomes with which it holds; None where there are none."""

        def wanted(steps: Steps, s: State, value: Term) -> list[Clause]:
            return [(substitute(literal, [("p", n) for n in range(len(steps.fn.params))], value),)]

        for level in (1, 2):
            found = self.explore(body, None, ANY, wanted, lock, level)
            if found.good & found.possible:
                break
        else:
            return None
        found.outcomes = found.good
        words = [word for word, bit in OUTCOMES.items() if bit & found.good]
        proof = written(self, body, found)
        number = len(self.records)
        self.records.append(
            {"lemma": number, "function": body.fid, "outcomes": words, "literal": literal, "lock": lock, "proof": proof}
        )
        self.lemmas[number] = (body.fid, found.good, literal, lock)
        return number

    def _asked(self, body: Body, check: str, denied: bool, lock: str) -> list[Literal]:
        """Literals over the wrapper's parameters and result for the checks that it or its callees make."""
        out: dict[Literal, None] = {}
        steps = body.first
        results = {value for _, _, value in body.returning(steps, body.base, ANY)}
        for at, statement in body.calls:
            name = steps.callee(statement)
            if name is None:
                continue
            for s in body.arriving(steps, body.base, at):
                args = [steps.value(a, s) for a in statement[3]]
                given: list[tuple] = [tuple(args)] if name == check else []
                fid = self.world.callee(steps.unit, name)
                if fid is not None and check in self.guarantees(fid):
                    result = steps.result(s, at, name, args)
                    for n in self.lemmas_of(fid, check, denied, lock):
                        given.append(s.settle(substitute(self.lemmas[n][2][2], args, result)))
                for own in given:
                    said = tuple(a if isinstance(a, tuple) and lasting(a) else ("ret",) if a in results and understood(a) else None for a in own)
                    if not said or any(a is not None for a in said):
                        out["call", check, said, denied] = None
        return list(out)
