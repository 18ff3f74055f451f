"""What the analysis of one function tells its callers, in plain tuples that can be stored.

Terms are values (verifier.flow.values) as nested tuples over parameters ("p", i), globals and the returned value
("ret",).  `requires`, `ensures` and `returns` are those of design section 7; the disjunctive form of `ensures` follows
Sharir and Pnueli's functional approach ("Two approaches to interprocedural data flow analysis", 1981).
"""

from __future__ import annotations

from typing import Any

import msgspec

Term = tuple[Any, ...]


class Alternative(msgspec.Struct, array_like=True, frozen=True):
    """One way to return: outcome classes `mask` (or the constant `eq`), the facts that then hold and the conditions
    on parameters, as (term, mask, eq, ne), under which this way is taken."""

    mask: int
    eq: int | None
    facts: tuple[Any, ...]
    conditions: tuple[Any, ...]


def in_common(ways: list[Alternative]) -> Alternative:
    """What several ways to return guarantee all alike."""
    mask = 0
    for way in ways:
        mask |= way.mask
    return Alternative(mask, None, tuple(f for f in ways[0].facts if all(f in w.facts for w in ways)), ())


class Place(msgspec.Struct, array_like=True, frozen=True):
    """A line of a function."""

    file: str
    line: int
    function: str


class Requirement(msgspec.Struct, array_like=True, frozen=True):
    """A line of a rule that is open at a function: its operands in the function's terms (None: not expressible, so no
    caller can meet it), what was seen instead, and the calls down to the operation."""

    rule: str
    component: int
    operands: tuple[tuple[str, Any], ...] | None
    conditions: tuple[Any, ...]
    kind: str
    sink: Place
    operation: str
    object: str
    ordinal: int
    trail: tuple[Place, ...]
    witness: tuple[tuple[int, str], ...]

    def trail_key(self) -> tuple[Any, ...]:
        """Order among trails of one obligation."""
        return tuple((p.function, p.file, p.line) for p in self.trail)

    @property
    def functions(self) -> tuple[tuple[str, str], ...]:
        """The functions on the way down to the operation, with their files."""
        return tuple([(p.function, p.file) for p in self.trail])

    @property
    def key(self) -> tuple[Any, ...]:
        """Identity of the obligation, without the way to it."""
        return (self.rule, self.component, self.sink.function, self.sink.file, self.ordinal, self.operation)


class Summary(msgspec.Struct, array_like=True, frozen=True):
    """Summary of one function; `returns` is the term that it always returns."""

    returns: Any = None
    alternatives: tuple[Alternative, ...] = ()
    requires: tuple[Requirement, ...] = ()

    def asks(self) -> frozenset[Any]:
        """What is open here and through whom, without lines: callers need to look again only when this changes."""
        return frozenset((r.key, r.operands, r.conditions, r.kind, r.functions) for r in self.requires)

    @property
    def trivial(self) -> bool:
        """True when it tells a caller nothing."""
        return self.returns is None and not self.requires and not any(a.facts for a in self.alternatives)


class Verdict(msgspec.Struct, array_like=True, frozen=True):
    """One rule line at one operation of the function itself, as seen inside it."""

    rule: str
    component: int
    line: int
    ordinal: int
    open: bool


class Discharge(msgspec.Struct, array_like=True, frozen=True):
    """A callee's open requirement that this function meets at `line`."""

    key: Any
    callee: str
    line: int
    check: str
    check_line: int


class Shape(msgspec.Struct, array_like=True, frozen=True):
    """A suspicious use of a check that needs no rule (an ignored result)."""

    kind: str
    check: str
    object: str
    line: int
    note: str
    ordinal: int


class Held(msgspec.Struct, array_like=True, frozen=True):
    """Checks that were passed on one way to a place, as (name, spelled arguments); a place has a row for each way.

    `callee` is a function's name, `->tag.field`, or `=rule` for an operation that is open (see verifier.oracles.passed).
    """

    line: int
    callee: str
    checks: tuple[tuple[str, tuple[str, ...]], ...]


class Result(msgspec.Struct, array_like=True):
    """Everything known of one function after its analysis.  `closed` are requirements that no caller can meet, `held`
    what was passed before calls (of callees for which that is anything at all), `cycle` the functions that were solved
    together with it because they call each other."""

    summary: Summary = Summary()
    verdicts: list[Verdict] = []
    closed: list[Requirement] = []
    discharges: list[Discharge] = []
    shapes: list[Shape] = []
    edges: list[tuple[Any, str, int]] = []
    cut: str = ""
    held: list[Held] = []
    cycle: tuple[str, ...] = ()


TRIVIAL = Summary()
