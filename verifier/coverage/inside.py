"""Sites in the body of a check: rules ask for the check by its name, and a solution takes its answer for granted.

`ipcperms()` is asked by rules of IPC; the call of `ns_capable()` in it is how it answers.  Removing that call changes no
state of any caller, yet without it the check would allow what the capability was to decide.  Such a site protects what
the check protects.
"""

from __future__ import annotations

from collections.abc import Iterator

from verifier.coverage.asks import Asks
from verifier.coverage.difference import Flip
from verifier.coverage.sites import Site
from verifier.program.analyse import Analysis
from verifier.program.link import Program

CLIMB = 3  # calls between a function that helps to answer and the check
MOST_SEEN = 200  # a function with more callers than that helps with everything, and so says nothing of one check
NUMBERS = ("int", "uint", "bool")
TABLE = "security_list_options."  # where a security module enters its own answer to a hook


def answered(asks: Asks, fid: str) -> list[str]:
    """Checks that rules ask for and that a function helps to answer: itself, the hook whose entry of a module it is, or
    else those that it is called for, through up to CLIMB functions that return a number."""
    found: set[str] = set()
    seen, level = {fid}, [fid]
    for _ in range(CLIMB + 1):
        above = []
        for f in level:
            asked = [check for check in _named(asks, f) if check in asks.rules]
            found.update(asked)
            if not asked and asks.base.program.functions[f].index.returns in NUMBERS:
                above += [caller for caller in _callers(asks.base.program, f) if caller not in seen]
        seen.update(above)
        level = above
        if found or len(seen) > MOST_SEEN:
            break
    return sorted(found)


def dropped(base: Analysis, site: Site) -> bool:
    """Whether the value of a call is stored nowhere."""
    body = base.bodies.body(base.program.functions[site.fid])
    return body is not None and bool(body.blocks[site.block].statements[site.index][1] < 0)


def _callers(program: Program, fid: str) -> Iterator[str]:
    """Functions that call one for its answer: by its name, and through the operations tables that hold it."""
    yield from program.callers.get(fid, ())
    for slot in program.slots_of(fid):
        if not slot.startswith(TABLE):
            yield from program.slot_callers.get(slot, ())


def _named(asks: Asks, fid: str) -> list[str]:
    """The checks that a function is, by its name or by the hook whose entry of a module it is."""
    name = asks.base.program.functions[fid].index.name
    if name in asks.pack.checks:
        return [name]
    hooks = [slot.removeprefix(TABLE) for slot in asks.base.program.slots_of(fid) if slot.startswith(TABLE)]
    return sorted({check for hook in hooks for check in asks.pack.functions(hook)})


def protected(asks: Asks, site: Site) -> list[Flip]:
    """What is met by the checks that the site's function answers, as obligations that are open without them.  An answer that
    nothing reads is no part of another."""
    out: set[Flip] = set()
    if dropped(asks.base, site):
        return []
    for check in answered(asks, site.fid):
        for rule in sorted({rule for rule, _ in asks.rules.get(check, ())}):
            found = asks.pack.rule(rule)
            for fid, _, is_open in asks.performed.get(rule, ()):
                function = asks.base.program.functions[fid].index.name
                if found is not None and not is_open:
                    out.add(Flip(rule, found.operation_text, function, check))
    return sorted(out)
