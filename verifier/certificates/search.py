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
from verifier.verify.callers import call_sites, declared, is_door, openers_of, unreached
from verifier.verify.clauses import Clause, Literal
from verifier.verify.terms import substitute, truth_of
from verifier.verify.world import World

MOST_CALLERS = 60
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
        if unreached(self.world, fid, rule.subject):
            return {"by": "no-door"}
        if best is None:
            raise NotPlainly("the function is too large")
        return self.assuming(body, at, wanted, rule, trail, best)

    def assuming(self, body: Body, at: Point, wanted: Wanted, rule: Any, trail: tuple[str, ...], best: Found) -> Proof:
        """A proof that rests on what holds when the function is entered; raises NotPlainly."""
        fid, lock = body.fid, rule.lock or ""
        reason = best.reason()
        assumed = [tuple(untagged(l) for l in clause if lasting(l)) for clause in dict.fromkeys(best.open)]
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
        fid, world = body.fid, self.world
        if any(declared(world, fid, literal) for literal in clause):
            return {"by": "declared"}
        openers = [self.lemmas.opening(fid, opener, clause) for opener in openers_of(world, fid)]
        if openers and None not in openers:
            return {"by": "opened", "lemmas": openers}
        if is_door(world, fid, rule.subject) or len(trail) >= DEEPEST:
            raise NotPlainly(reason)
        sites = call_sites(world, fid)
        if not sites or len(sites) > MOST_CALLERS:
            raise NotPlainly("too many callers" if sites else reason)
        calls = []
        for caller, b, i in sites:

            def passed(steps: Any, s: Any, _: Any, b: int = b, i: int = i) -> list[Clause]:
                args = [steps.value(a, s) for a in steps.fn.blocks[b].statements[i][3]]
                return [tuple(canonical(s.settle(substitute(literal, args))) for literal in clause)]

            proof = self.prove(caller, (b, i), passed, rule, (*trail, fid))
            calls.append({"function": caller, "site": self.lemmas.site(caller, (b, i)), "proof": proof})
        return {"by": "callers", "calls": calls}


def canonical(literal: Literal) -> Literal:
    """A condition in its one spelling."""
    return ("cond", *truth_of(literal[1], literal[2])) if literal[0] == "cond" else literal


def untagged(item: Any) -> Any:
    """A literal without struct tags: what it is compared with may name them otherwise."""
    if not isinstance(item, tuple):
        return item
    inner = tuple(untagged(i) for i in item)
    return (*inner[:3], "") if inner[:1] == ("m",) else inner
