"""What an expression of a rule mentions, as it stands there: calls, conditions, names, members."""

from __future__ import annotations

from typing import Any

from lattices.expressions import Expr, names, walk

ACTS_AS = "acts_as"  # in requirements: acts_as(cred), whose credentials count at the operation
EACH = "each"  # in requirements: each(check(_)), what a loop came past was checked


def calls_in(pattern: Any) -> list[Any]:
    """All call patterns inside an expression, left to right."""
    if not isinstance(pattern, tuple) or not pattern:
        return []
    if pattern[0] == "call" and pattern[1] != EACH:
        return [pattern]
    out: list[Any] = []
    for part in pattern[2] if pattern[0] == "call" else pattern[1:]:
        if isinstance(part, tuple):
            out.extend(calls_in(part))
    return out


def swept(pattern: Any) -> tuple[str, str]:
    """(check, member) of `each(check(_))` and `each(_->member, check(_))`; `!` stands before a check that is to fail."""
    inner = pattern[2][-1]
    member = pattern[2][0][2] if len(pattern[2]) > 1 else ""
    return (f"!{inner[1][1]}" if inner[0] == "not" else inner[1]), member


def sweeps_in(pattern: Any) -> list[tuple[str, str]]:
    """All `each(...)` of an expression, as `swept` tells them."""
    if not isinstance(pattern, tuple) or not pattern:
        return []
    if pattern[0] == "call":
        return [swept(pattern)] if pattern[1] == EACH else []
    return [found for part in pattern[1:] for found in sweeps_in(part)]


def conditions_in(pattern: Any) -> list[Any]:
    """The plain conditions that an expression combines: what is neither a call nor made of others."""
    if pattern[0] in ("or", "and", "not"):
        return [part for inner in pattern[1:] for part in conditions_in(inner)]
    return [] if pattern[0] in ("call", "any", "rest") else [pattern]


def negated_in(pattern: Any) -> set[str]:
    """Names of calls that an expression wants to have failed (`!f(x)`)."""
    if not isinstance(pattern, tuple) or not pattern:
        return set()
    if pattern[0] == "not":
        return {c[1] for c in calls_in(pattern) if isinstance(c[1], str)}
    out: set[str] = set()
    for part in pattern[2] if pattern[:2] == ("call", EACH) else pattern[1:]:
        out |= negated_in(part)
    return out


def mentions_any(pattern: Any) -> bool:
    """Whether an expression leaves something open (`_`)."""
    if not isinstance(pattern, tuple) or not pattern or pattern[0] == "call":
        return False
    return pattern[0] == "any" or any(mentions_any(part) for part in pattern[1:] if isinstance(part, tuple))


def mentions_current(pattern: Any) -> bool:
    """Whether an expression compares something with the current task or what hangs on it."""
    if not isinstance(pattern, tuple) or not pattern or pattern[0] == "call":
        return False
    if pattern[0] == "bin" and pattern[1] in ("==", "!=") and "current" in names(pattern):
        return True
    return any(mentions_current(part) for part in pattern[1:])


def tested_members(pattern: Any) -> set[tuple[str, int | None]]:
    """(member, bits) that an expression tests: bits of `x->m & bits`, None for other tests; arguments of calls are
    no tests."""
    if not isinstance(pattern, tuple) or not pattern or pattern[0] == "call":
        return set()
    if pattern[0] == "bin" and pattern[1] in ("==", "!=") and mentions_any(pattern):
        return set()  # too common a comparison (`x->dev == _`): only the rule's own functions keep states apart by it
    if pattern[0] == "member":
        return {(pattern[2], None)}
    if pattern[0] == "bin" and pattern[1] == "&":
        for x, c in ((pattern[2], pattern[3]), (pattern[3], pattern[2])):
            if x[0] == "member" and c[0] == "int":
                return {(x[2], c[1])}
    out: set[tuple[str, int | None]] = set()
    for part in pattern[1:]:
        out |= tested_members(part)
    return out


def fields_in(pattern: Expr) -> set[str]:
    """All member names that an expression mentions."""
    return {part[2] for part in walk(pattern) if part[0] == "member"}
