"""Results of functions that only stand elsewhere in their file, without analysing them again."""

from __future__ import annotations

from msgspec.structs import replace

from verifier.flow.summary import Place, Requirement, Result


def shifted(result: Result, lines: int) -> Result:
    """A function's result with the function `lines` lines further down.

    Only its own places move; the lines of functions below it in a trail are theirs.
    """
    def moved(place: Place) -> Place:
        return replace(place, line=place.line + lines)

    def requirement(r: Requirement) -> Requirement:
        trail = (moved(r.trail[0]), *r.trail[1:])
        witness = tuple((line + lines, note) for line, note in r.witness)
        return replace(r, sink=moved(r.sink) if len(trail) == 1 else r.sink, trail=trail, witness=witness)

    return Result(
        replace(result.summary, requires=tuple(requirement(r) for r in result.summary.requires)),
        [replace(v, line=v.line + lines) for v in result.verdicts],
        [requirement(r) for r in result.closed],
        [replace(d, line=d.line + lines, check_line=d.check_line + lines if d.check_line else 0) for d in result.discharges],
        [replace(s, line=s.line + lines) for s in result.shapes],
        [(key, callee, line + lines) for key, callee, line in result.edges],
        result.cut,
        [replace(h, line=h.line + lines) for h in result.held],
        result.cycle,
    )  # fmt: skip
