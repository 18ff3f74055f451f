"""Shape oracles: suspicious uses of checks that need no rule.

An ignored result: the value that a check returned is never read, because it was dropped or overwritten first
(dead-store analysis on the check's result; liveness as in Aho, Lam, Sethi and Ullman, section 9.2.5).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from verifier.flow import cfg
from verifier.flow.cfg import expression_variables
from verifier.flow.summary import Shape
from verifier.ir.model import Function
from verifier.oracles.rulebook import Rulebook


def ignored_results(fn: Function, book: Rulebook, returns: Callable[[str], str | None]) -> list[Shape]:
    """Calls of LSM hooks whose result no branch, return, call or store ever reads.

    Hooks that give something back through an argument are left out.  `returns` tells the return type of a function whose body is known; one that returns nothing is no hook.
    """
    calls: list[tuple[int, int]] = []
    for number, block in enumerate(fn.blocks):
        for index, s in enumerate(block.statements):
            if s[0] != "call" or fn.exprs[s[2]][0] != "f":
                continue
            name = fn.exprs[s[2]][1]
            check = book.check(name)
            told = check is not None and (check.writes or check.labels)  # what it gives back tells as much as its result
            if book.is_hook(name) and not told and returns(name) != "void":
                calls.append((number, index))
    if not calls:
        return []
    succ = cfg.successors(fn)
    live = cfg.liveness(fn, succ)
    mentions = expression_variables(fn)
    out: list[Shape] = []
    counts: dict[str, int] = {}
    for number, index in calls:
        s = fn.blocks[number].statements[index]
        name = fn.exprs[s[2]][1]
        ordinal = counts.get(name, 0)
        counts[name] = ordinal + 1
        if s[1] >= 0:
            target = fn.exprs[s[1]]
            if target[0] != "v" or _read(fn, number, index, target[1], succ, live, mentions):
                continue
            note = f"the result of {name} is overwritten before anything reads it"
        else:
            note = f"the result of {name} is dropped"
        out.append(Shape("ignored-result", name, "", s[-1], note, ordinal))
    return out


def numbered(found: dict[int, Shape]) -> list[Shape]:
    """Shapes by site in order of the sites, those of one check numbered."""
    out: list[Shape] = []
    counts: dict[str, int] = {}
    for _, shape in sorted(found.items()):
        ordinal = counts.get(shape.check, 0)
        counts[shape.check] = ordinal + 1
        out.append(msgspec.structs.replace(shape, ordinal=ordinal))
    return out


def _read(
    fn: Function,
    number: int,
    index: int,
    variable: str,
    succ: list[list[int]],
    live: list[frozenset[str]],
    mentions: list[frozenset[str]],
) -> bool:
    """Whether a variable is read after a statement before it is written again."""
    for s in fn.blocks[number].statements[index + 1 :]:
        reads: list[int] = []
        writes = -1
        if s[0] == "=":
            reads, writes = [s[2]], s[1]
        elif s[0] == "call":
            reads, writes = [s[2], *s[3]], s[1]
        elif s[0] == "asm":
            reads = [*s[2], *s[1]]
        elif s[0] == "havoc":
            writes = s[1]
        if any(variable in mentions[r] for r in reads):
            return True
        if writes >= 0:
            target = fn.exprs[writes]
            if target[0] == "v" and target[1] == variable:
                return False
            if variable in mentions[writes]:
                return True
    t = fn.blocks[number].terminator
    if t[0] in ("br", "sw", "ret") and t[1] >= 0 and variable in mentions[t[1]]:
        return True
    return any(variable in live[b] for b in succ[number])
