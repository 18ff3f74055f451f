"""Checked at open, used later: facts at the entry of functions whose table was opened by another one.

Facts go over by the type of what both functions are handed: those about the `struct file` that was opened, and those
about nothing but the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verifier.flow.state import ZERO, State
from verifier.flow.summary import Summary, in_common
from verifier.flow.transfer import Frame
from verifier.flow.values import Value

if TYPE_CHECKING:
    from verifier.program.engine import Engine


def established(engine: Engine, fid: str, frame: Frame, state: State) -> list[Value]:
    """Facts that hold at the entry of a function because its table was opened, in the function's values."""
    common: set[Value] | None = None
    for slot, opener in engine.program.openers(fid):
        result = engine.results.get(opener)
        if slot not in engine.book.pack.opened or result is None:
            return []
        facts = _on_success(result.summary)
        body = engine.bodies.body(engine.program.functions[opener]) if facts else None
        args = _handed([p.type for p in body.params], frame) if body is not None else []
        here = {frame.imported(state, fact, args, None) for fact in sorted(facts, key=repr)}
        common = here if common is None else common & here
        if not common:
            return []
    return sorted(common or (), key=lambda fact: fact.number)


def _on_success(summary: Summary) -> tuple[Any, ...]:
    """Facts of all ways in which a function returns 0."""
    ways = [w for w in summary.alternatives if w.mask & ZERO and w.eq in (None, 0)]
    return in_common(ways).facts if ways else ()


def _handed(types: list[str], frame: Frame) -> list[Value]:
    """The frame's parameters in the places of another function's, by type of pointer where that is unambiguous."""
    own = [p.type for p in frame.fn.params]
    out = []
    for i, kind in enumerate(types):
        same = [j for j, t in enumerate(own) if t == kind]
        matches = kind.startswith("ptr:") and len(same) == 1 and types.count(kind) == 1
        out.append(frame.values.make("p", same[0]) if matches else frame.values.make("un", "opened", i))
    return out
