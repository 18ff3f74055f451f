"""Where a function calls the next one of a path: the path itself knows a step down by its functions only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reports import wording
from reports.html.material import Facts
from reports.html.source_text import Sources
from verifier.findings import Step

MOST_CALLS = 3  # lines of a function that are shown as calls of the next one


@dataclass(frozen=True)
class Descent:
    """Lines of the calling function on which the call may stand, and through what it goes ("" for a call by name)."""

    lines: list[int]
    through: str


def descent(step: Step, callee: Step, facts: Facts, sources: Sources) -> Descent:
    """How the function of `step` calls that of `callee`: by name, else through a slot that holds it."""
    named = calls_of(callee.function, step, sources)
    caller, called = facts(step.file, step.function), facts(callee.file, callee.function)
    slot = caller.through(callee.function, called) if caller is not None and called is not None else None
    if named or slot is None:
        return Descent(named, "")
    others = f", one of {wording.number(slot.targets)} functions there" if slot.targets > 1 else ""
    return Descent([line for line in slot.lines if line != step.line][:MOST_CALLS], wording.plain(f"through {slot.slot}{others}"))


def calls_of(callee: str, step: Step, sources: Sources) -> list[int]:
    """The first lines of a step's function that call `callee` by name."""
    extent = sources.extent(step.file, step.line, 0)
    if extent is None:
        return []
    call = re.compile(rf"\b{re.escape(callee)}\s*\(")
    lines = sources.lines(step.file)
    return [n for n in range(extent[0] + 1, extent[1] + 1) if n != step.line and call.search(lines[n - 1])][:MOST_CALLS]
