"""Search for a proof of an obligation.  Whatever is found here is checked again by verifier.verify.

The solver's summaries only tell which callees are worth a look; a proof rests on none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from verifier.certificates.function import Body, Found, Point, Wanted
from verifier.certificates.lemmas import Lemmas
from verifier.certificates.passes import TooLarge
from verifier.certificates.returned import DEEPEST, lasting
from verifier.certificates.writing import written
from verifier.verify.check import Checker, Fails
from verifier.verify.clauses import Clause, Literal
from verifier.verify.terms import substitute, truth_of
from verifier.verify.world import World

MOST_CALLERS = 60
MOST_BEFORE = 10000  # functions that may lead to one that runs for nobody
Proof = dict[str, Any]


class NotPlainly(Exception):
    """No proof was found; the message is the reason that is listed."""


class Search:
    """Proofs over one world."""

    def __init__(self, world: World, guarantees: Callable[[str], frozenset[str]]) -> None:
        """`guarantees` names the checks that a callee may have passed when it returns."""
        self.world = world
        self.lemmas = Lemmas(world, guarantees)

    def prove(self, fid: str, at: Point, wanted: Wanted, rule: Any, trail: tuple[str, ...] = ()) -> Proof:
        """A proof that what is wanted holds at a point, with its callers' where these are asked; raises NotPlainly."""
        lock = rule.lock or ""
        body = self.lemmas.body(fid)
        best: Found | None = None
        for level in range(3):
            try:
                found = self.lemmas.explore(body, at, 0, wanted, lock, level, (), rule.variables)
            except TooLarge:
                break
            if not found.open:
                return written(self.lemmas, body, found)
            if best is None or len(found.open) <= len(best.open):
                best = found
        nobody = self.nobody(fid, rule.subject)
        if nobody is not None:
            return {"nobody": nobody}
        if best is None:
            raise NotPlainly("the function is too large")
        return self.assuming(body, at, wanted, rule, trail, best)

    def assuming(self, body: Body, at: Point, wanted: Wanted, rule: Any, trail: tuple[str, ...], best: Found) -> Proof:
        """A proof that rests on what holds when the function is entered; raises NotPlainly."""
        fid, lock = body.fid, rule.lock or ""
        reason = best.reason()
        assumed = [tuple(filter(lasting, clause)) for clause in dict.fromkeys(best.open)]
        if not all(assumed) or len(assumed) > 3 or fid in trail:
            raise NotPlainly(reason)
        try:
            found = self.lemmas.explore(body, at, 0, wanted, lock, 1, tuple(assumed), rule.variables)
        except TooLarge:
            raise NotPlainly(reason) from None
        if found.open:
            raise NotPlainly(reason)
        items = [self.discharged(body, clause, rule, trail, reason) for clause in assumed]
        return written(self.lemmas, body, found, items)

    def discharged(self, body: Body, clause: Clause, rule: Any, trail: tuple[str, ...], reason: str) -> Proof:
        """Why a clause holds when a function is entered; raises NotPlainly."""
        fid = body.fid
        if self.world.entered(fid, rule.subject) or len(trail) >= DEEPEST:
            raise NotPlainly(reason)
        try:
            sites = sorted(Checker(self.world).calls_of(fid))
        except Fails:
            raise NotPlainly(reason) from None
        if len(sites) > MOST_CALLERS:
            raise NotPlainly("too many callers")
        calls = []
        for caller, b, i in sites:

            def passed(steps: Any, s: Any, _: Any, b: int = b, i: int = i) -> list[Clause]:
                args = [steps.value(a, s) for a in steps.fn.blocks[b].statements[i][3]]
                return [tuple(canonical(s.settle(substitute(literal, args))) for literal in clause)]

            proof = self.prove(caller, (b, i), passed, rule, (*trail, fid))
            calls.append({"function": caller, "site": self.lemmas.site(caller, (b, i)), "proof": proof})
        return {"calls": calls}

    def nobody(self, fid: str, subject: str) -> list[str] | None:
        """All that may lead to a function, where no door that counts is among it."""
        found = {fid}
        work = [fid]
        while work:
            f = work.pop()
            if self.world.entered(f, subject) or len(found) > MOST_BEFORE:
                return None
            before = set().union(*self.world.callers(f)) - found
            found |= before
            work += before
        return sorted(found - {fid})


def canonical(literal: Literal) -> Literal:
    """A condition in its one spelling."""
    return ("cond", *truth_of(literal[1], literal[2])) if literal[0] == "cond" else literal
