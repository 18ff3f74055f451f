"""Search for a plain proof of an obligation.  Whatever is found here is checked again by verifier.verify.

The solver's summaries only tell which callees are worth a look; a proof rests on none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from verifier.verify.check import (
    OUTCOMES,
    Fails,
    call_sites,
    declared,
    is_door,
    line_at,
    openers_of,
    terms_of,
    unreached,
)
from verifier.verify.clauses import Clause, Literal, literal_text
from verifier.verify.cut import ANY, Held, Source, TooLarge, Unrolled
from verifier.verify.evidence import Evidence, Lemma
from verifier.verify.points import Point
from verifier.verify.terms import lasting, show
from verifier.verify.world import World

DEEPEST = 6
MOST_CALLERS = 60
Proof = dict[str, Any]


class NotPlainly(Exception):
    """No plain proof was found; the message is the reason that is listed."""


class Search:
    """Proofs over one world; lemmas are numbered in the order in which they were proven."""

    def __init__(self, world: World, guarantees: Callable[[str], frozenset[str]]) -> None:
        """`guarantees` names the checks that a callee may have passed when it returns."""
        self.world = world
        self.guarantees = guarantees
        self.lemmas: list[dict[str, Any]] = []
        self._known: dict[tuple[Lemma, str], int | None] = {}
        self._busy: set[str] = set()
        self._evidence: dict[tuple[str, str], Evidence] = {}
        self._offers: dict[tuple[str, str, str], list[tuple[Lemma, int]]] = {}

    def evidence(self, fid: str, lock: str) -> Evidence:
        """Evidence of a function, kept."""
        key = (fid, lock)
        if key not in self._evidence:
            self._evidence[key] = Evidence(self.world, terms_of(self.world, fid), lock)
        return self._evidence[key]

    def prove(self, fid: str, clause: Clause, point: Point, rule: Any, trail: tuple[str, ...] = ()) -> Proof:
        """A proof that a clause holds at a point; raises NotPlainly."""
        lock = rule.lock or ""
        evidence = self.evidence(fid, lock)
        if not clause:
            raise NotPlainly("the rule's expression is not understood plainly")
        if declared(self.world, fid, clause):
            return {"by": "declared"}
        if any(evidence.given(literal) for literal in clause):
            return {"by": "given"}
        found, reason = self.cut(fid, evidence, clause, point, 0, lock)
        if found is None:
            found = self.opened(fid, evidence, clause, point)
        if found is not None:
            return found
        if unreached(self.world, fid, rule.subject):
            return {"by": "no-door"}
        if is_door(self.world, fid, rule.subject) or fid in trail or len(trail) >= DEEPEST:
            raise NotPlainly(reason)
        if not evidence.lasts(clause, point):
            raise NotPlainly(reason)
        sites = call_sites(self.world, fid)
        if not sites or len(sites) > MOST_CALLERS:
            raise NotPlainly(reason if not sites else "too many callers")
        calls = []
        for caller, at in sites:
            above = Evidence.above(self.evidence(caller, ""), clause, at)
            proof = self.prove(caller, above, at, rule, (*trail, fid))
            calls.append({"function": caller, "site": self.site(caller, at), "proof": proof})
        return {"by": "callers", "calls": calls}

    def opened(self, fid: str, evidence: Evidence, clause: Clause, point: Point) -> Proof | None:
        """A proof by what opens the function's tables."""
        numbers = []
        for opener in openers_of(self.world, fid):
            types = [p.type for p in terms_of(self.world, opener).fn.params]
            fitting = [
                n for literal in clause if literal[0] == "call"
                for lemma, n in self.lemmas_of(opener, literal[1], literal[3], "")
                if lemma[1] & OUTCOMES["zero"] and evidence.opened(literal, types, lemma)
            ]  # fmt: skip
            if not fitting:
                return None
            numbers.append(fitting[0])
        return {"by": "opened", "lemmas": numbers} if numbers and evidence.lasts(clause, point) else None

    def cut(
        self, fid: str, evidence: Evidence, clause: Clause, point: Point | None, outcomes: int, lock: str
    ) -> tuple[Proof | None, str]:
        """A cut by one literal, else by several together; with the reason where there is none."""
        offers = [self.sources(evidence, n, literal, lock) for n, literal in enumerate(clause)]
        helds = [(n, h) for n, literal in enumerate(clause) if (h := evidence.held(literal)) is not None]
        reason = "no call of the check about this object is seen plainly"
        groups: list[tuple[list, list]] = [(o, []) for o in offers if o] + [([], [h]) for h in helds]
        if len(groups) > 1:
            groups.append(([s for o in offers for s in o], helds))
        for sources, conditions in groups:
            if self.nothing_cuts(sources, conditions):
                continue
            unique = {s[1].point: s for s in reversed(sources)}
            chosen = [unique[p] for p in sorted(unique)]
            try:
                unrolled = Unrolled(evidence.terms, [s[1] for s in chosen], [h for _, h in conditions], point)
            except TooLarge:
                reason = "the function is too large to be unrolled"
                continue
            if unrolled.holds(set(), outcomes):  # never comes there: no guarantee worth a lemma
                return (self.written(fid, evidence, clause, chosen, conditions, {}), "") if point is not None else (None, reason)
            marks = unrolled.marks()
            if marks and unrolled.holds(set(marks), outcomes):
                return self.written(fid, evidence, clause, chosen, conditions, marks), ""
            reason = "the edges on which checks allow do not cut the operation off: correlated branches, loops or stores"
        return None, reason

    @staticmethod
    def nothing_cuts(sources: list, conditions: list) -> bool:
        """Whether a group offers no evidence at all."""
        return not sources and not conditions

    def sources(self, evidence: Evidence, number: int, literal: Literal, lock: str) -> list[tuple[int, Source, int | None]]:
        """(literal, source, lemma) for the calls in a function that can grant a literal."""
        out: list[tuple[int, Source, int | None]] = []
        if literal[0] != "call":
            return out
        terms = evidence.terms
        for point in terms.points.calls:
            name = terms.points.callee(point)
            direct = evidence.direct(literal, point)
            if direct is not None:
                out.append((number, direct, None))
                continue
            if name is None or self.world.opaque(name):
                continue
            fid = self.world.program.resolve(terms.unit, name)
            if fid is None or literal[1] not in self.guarantees(fid):
                continue
            fitting = [
                (source, n) for lemma, n in self.lemmas_of(fid, literal[1], literal[3], lock)
                if (source := evidence.through(literal, point, lemma)) is not None
            ]  # fmt: skip
            if fitting:
                source, n = max(fitting, key=lambda f: (f[0].allow.bit_count(), -f[1]))
                out.append((number, source, n))
        return out

    def lemmas_of(self, fid: str, check: str, denied: bool, lock: str) -> list[tuple[Lemma, int]]:
        """Guarantees of a wrapper about a check, for as many outcomes as can be shown."""
        key = (fid, check + ("!" if denied else ""), lock)
        if key in self._offers:
            return self._offers[key]
        if fid in self._busy or len(self._busy) >= DEEPEST:
            return []
        self._busy.add(fid)
        try:
            found = self._lemmas_of(fid, check, denied, lock)
        except Fails:
            found = []
        finally:
            self._busy.discard(fid)
        if not self._busy:
            self._offers[key] = found
        return found

    def _lemmas_of(self, fid: str, check: str, denied: bool, lock: str) -> list[tuple[Lemma, int]]:
        evidence = self.evidence(fid, lock)
        if evidence.subjects:
            return []
        out = []
        for args in self._asked(evidence, check, denied, lock):
            literal: Literal = ("call", check, tuple(None if a[0] == "u" else a for a in args), denied)
            for words in (["negative", "zero", "positive"], ["zero"], ["zero", "positive"], ["negative", "positive"], ["positive"]):
                outcomes = sum(OUTCOMES[w] for w in words)
                lemma: Lemma = (fid, outcomes, check, args, denied)
                number = self._known.get((lemma, lock))
                if number is None and (lemma, lock) not in self._known:
                    proof, _ = self.cut(fid, evidence, (literal,), None, outcomes, lock)
                    if proof is not None:
                        number = len(self.lemmas)
                        self.lemmas.append(
                            {"lemma": number, "function": fid, "outcomes": words, "check": check,
                             "args": [list(a) for a in args], "denied": denied, "lock": lock, "proof": proof}
                        )  # fmt: skip
                        self._known[lemma, lock] = number
                if number is not None:
                    out.append((lemma, number))
                    if outcomes == ANY:
                        break
        return out

    def _asked(self, evidence: Evidence, check: str, denied: bool, lock: str) -> list[tuple]:
        """Arguments, over the wrapper's parameters, of the checks that it or its callees make."""
        out: dict[tuple, None] = {}
        terms = evidence.terms
        for point in terms.points.calls:
            name = terms.points.callee(point)
            own = terms.arguments(point)
            given: list[tuple] = []
            if name == check:
                given = [tuple(own)]
            elif name is not None and not self.world.opaque(name):
                fid = self.world.program.resolve(terms.unit, name)
                if fid is not None and check in self.guarantees(fid):
                    for lemma, _ in self.lemmas_of(fid, check, denied, lock):
                        moved = evidence.above((("call", check, lemma[3], denied),), point)[0]
                        given.append(moved[2])
            for args in given:
                out[tuple(a if lasting(a) else ("u",) for a in args)] = None
        return [args for args in out if not args or any(a[0] not in ("u",) for a in args)]

    def written(
        self, fid: str, evidence: Evidence, clause: Clause, sources: list, conditions: list[tuple[int, Held]], marks: dict
    ) -> Proof:
        """A cut as it stands in a certificate."""
        terms = evidence.terms
        params = [p.name for p in terms.fn.params]
        out_sources = []
        for number, source, lemma in sources:
            edges = sorted((list(m) for m, origins in marks.items() if source.point in origins), key=repr)
            out_sources.append(
                {"site": self.site(fid, source.point), "call": terms.points.callee(source.point),
                 "args": [show(a, params) for a in terms.arguments(source.point)], "literal": number,
                 "wants": literal_text(clause[number], params), "lemma": lemma, "edges": edges}
            )  # fmt: skip
        out_conditions = [
            {"literal": n, "condition": literal_text(clause[n], params),
             "edges": sorted(["edge", *e] for e in held.edges if ("edge", *e) in marks)}
            for n, held in conditions
        ]  # fmt: skip
        return {"by": "cut", "sources": out_sources, "conditions": out_conditions}

    def site(self, fid: str, point: Point) -> list[int]:
        """A point as [block, index, line]."""
        return [*point, line_at(terms_of(self.world, fid), point)]
