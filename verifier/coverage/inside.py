"""Sites in the body of a check: rules ask for the check by its name, and a solution takes its answer for granted.

`ipcperms()` is asked by rules of IPC; the call of `ns_capable()` in it is how it answers.  Removing that call changes no
state of any caller, yet without it the check would allow what the capability was to decide.  Such a site protects what
the check protects.
"""

from __future__ import annotations

from verifier.coverage.asks import Asks
from verifier.coverage.difference import Flip
from verifier.coverage.sites import Site

TABLE = "security_list_options."  # where a security module enters its own answer to a hook


def answered(asks: Asks, fid: str) -> list[str]:
    """Checks that a function answers: itself, the hook whose entry of a module it is, or the one check that calls it."""
    program, pack = asks.base.program, asks.base.pack
    name = program.functions[fid].index.name
    if name in pack.checks:
        return [name]
    hooks = [slot.removeprefix(TABLE) for slot in program.slots_of(fid) if slot.startswith(TABLE)]
    if hooks:
        return sorted({check for hook in hooks for check in pack.functions(hook)})
    callers = {program.functions[caller].index.name for caller in program.callers.get(fid, ())}
    return sorted(callers) if len(callers) == 1 and callers <= pack.checks.keys() else []


def protected(asks: Asks, site: Site) -> list[Flip]:
    """What is met by the checks that the site's function answers, as obligations that are open without them."""
    out = set()
    for check in answered(asks, site.fid):
        for rule in sorted({rule for rule, _ in asks.rules.get(check, ())}):
            found = asks.pack.rule(rule)
            for fid, _, is_open in asks.performed.get(rule, ()):
                function = asks.base.program.functions[fid].index.name
                if found is not None and not is_open:
                    out.add(Flip(rule, found.operation_text, function, check))
    return sorted(out)
