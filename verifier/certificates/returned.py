"""Functions that always return the same projection of their parameters, as lemmas."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from verifier.certificates.function import Body, Found, Point
from verifier.certificates.writing import line, written
from verifier.verify.check import LOOSE, OUTCOMES
from verifier.verify.terms import ANY, UNKNOWN, Term, parts, understood
from verifier.verify.world import World

DEEPEST = 6
MOST_BLOCKS = 12  # of a function that is read as a projection


class Returned(Mapping[str, Term]):
    """What functions return, proven when it is first asked for; `records` are all lemmas in the order of their proofs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.records: list[dict[str, Any]] = []
        self._bodies: OrderedDict[str, Body] = OrderedDict()
        self._returned: dict[str, Term | None] = {}
        self._returning = 0

    def __contains__(self, fid: object) -> bool:
        return isinstance(fid, str) and self.returned(fid) is not None

    def __getitem__(self, fid: str) -> Term:
        term = self.returned(fid)
        if term is None:
            raise KeyError(fid)
        return term

    def __iter__(self) -> Iterator[str]:
        return (fid for fid, term in self._returned.items() if term is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def returned(self, fid: str) -> Term | None:
        """The term over parameters that a small function returns on every path; proven when it is first asked for."""
        if fid in self._returned:
            return self._returned[fid]
        self._returned[fid] = None  # also while it is looked for: in a recursion nothing is known
        if self._returning >= DEEPEST or fid not in self.world.program.functions:
            return None
        fn = self.world.body(fid)
        if len(fn.blocks) > MOST_BLOCKS or fn.returns == "void":
            return None
        self._returning += 1
        try:
            term = self._projection(fid)
        finally:
            self._returning -= 1
        self._returned[fid] = term
        return term

    def _projection(self, fid: str) -> Term | None:
        body = self.body(fid)
        values = {value for _, _, value in body.returning(body.first, body.base, ANY)}
        term = next(iter(values)) if len(values) == 1 else UNKNOWN
        if not understood(term) or not lasting(term):
            return None
        found = Found(None, body.first, body.base, {}, "", ANY, lambda *_: [], [], body.leading(None), returns=term)
        proof = written(self, body, found)
        self.records.append(
            {"lemma": len(self.records), "function": fid, "outcomes": [*OUTCOMES], "literal": ["returns", term], "lock": "", "proof": proof}
        )
        return term

    def body(self, fid: str) -> Body:
        """A function, kept; raises Fails where there is none, TooLarge."""
        found = self._bodies.get(fid)
        if found is None:
            found = self._bodies[fid] = Body(self.world, fid, self)
            if len(self._bodies) > 400:
                self._bodies.popitem(last=False)
        else:
            self._bodies.move_to_end(fid)
        return found

    def site(self, fid: str, at: Point) -> list[int]:
        """A point as [block, index, line]."""
        return [*at, line(self.body(fid).fn, *at)]


def lasting(item: Term) -> bool:
    """Whether a term, or a literal of terms, says nothing that the function alone knows of, nor what it returns."""
    return not any(p[:1] in (*LOOSE, ("ret",)) for p in parts(item))
