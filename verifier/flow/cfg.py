"""Facts about a control-flow graph that the solver needs: successors, loops, liveness.

Natural loops from back edges and backward liveness as in Aho, Lam, Sethi and Ullman, "Compilers" (2nd ed.),
sections 9.2 and 9.6.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifier.ir.dominance import successors as targets
from verifier.ir.model import Function


def successors(fn: Function) -> list[list[int]]:
    """Successor blocks of every block, without repetitions, in terminator order."""
    return [list(dict.fromkeys(targets(block.terminator))) for block in fn.blocks]


def reached(edges: Sequence[Sequence[int]], start: int) -> set[int]:
    """Blocks that edges (successors, or predecessors for the way back) lead to from a block; itself only by a circle."""
    out: set[int] = set()
    work = [start]
    while work:
        for block in edges[work.pop()]:
            if block not in out:
                out.add(block)
                work.append(block)
    return out


def loops(succ: list[list[int]]) -> dict[int, set[int]]:
    """Natural loops by header, blocks in reverse postorder: an edge to an equal or smaller number is a back edge."""
    pred: list[list[int]] = [[] for _ in succ]
    for a, following in enumerate(succ):
        for b in following:
            pred[b].append(a)
    found: dict[int, set[int]] = {}
    for a, following in enumerate(succ):
        for header in following:
            if header <= a:
                body = found.setdefault(header, {header})
                stack = [a]
                while stack:
                    block = stack.pop()
                    if block not in body and block >= header:
                        body.add(block)
                        stack.extend(pred[block])
    return found


def _variables(fn: Function) -> tuple[list[frozenset[str]], frozenset[str]]:
    """Per pool expression the variables it mentions; and the variables whose address is taken anywhere."""
    mentions: list[frozenset[str]] = []
    taken: set[str] = set()
    empty: frozenset[str] = frozenset()
    for e in fn.exprs:
        op = e[0]
        if op == "v":
            mentions.append(frozenset((e[1],)))
        elif op in ("c", "s", "g", "f", "u"):
            mentions.append(empty)
        elif op == "o":
            out = empty
            for i in e[2:]:
                out = out | mentions[i]
            mentions.append(out)
        elif op == "i":
            mentions.append(mentions[e[1]] | mentions[e[2]])
        else:
            mentions.append(mentions[e[1]])
            if op == "a":
                taken |= mentions[e[1]]
    return mentions, frozenset(taken)


def expression_variables(fn: Function) -> list[frozenset[str]]:
    """Per pool expression the variables that it mentions."""
    return _variables(fn)[0]


def liveness(fn: Function, succ: list[list[int]], kept: frozenset[str] = frozenset()) -> list[frozenset[str]]:
    """Variables live at the entry of every block; `kept` ones and those whose address is taken are always live."""
    mentions, taken = _variables(fn)
    uses: list[set[str]] = []
    defs: list[set[str]] = []
    for block in fn.blocks:
        use: set[str] = set()
        define: set[str] = set()

        def read(index: int, use: set[str] = use, define: set[str] = define) -> None:
            if index >= 0:
                use |= mentions[index] - define

        def write(index: int, use: set[str] = use, define: set[str] = define) -> None:
            if index < 0:
                return
            e = fn.exprs[index]
            if e[0] == "v":
                define.add(e[1])
            else:
                read(index)

        for s in block.statements:
            if s[0] == "=":
                read(s[2])
                write(s[1])
            elif s[0] == "call":
                read(s[2])
                for arg in s[3]:
                    read(arg)
                write(s[1])
            elif s[0] == "asm":
                for arg in s[2]:
                    read(arg)
                for out in s[1]:
                    write(out)
            elif s[0] == "havoc":
                write(s[1])
        t = block.terminator
        if t[0] in ("br", "sw", "ret"):
            read(t[1])
        uses.append(use)
        defs.append(define)
    live: list[frozenset[str]] = [frozenset()] * len(fn.blocks)
    changed = True
    while changed:
        changed = False
        for b in range(len(fn.blocks) - 1, -1, -1):
            out: set[str] = set()
            for s_block in succ[b]:
                out |= live[s_block]
            new = frozenset(uses[b] | (out - defs[b]))
            if new != live[b]:
                live[b] = new
                changed = True
    return [names | taken | kept for names in live]


def modified(fn: Function, body: set[int]) -> frozenset[str]:
    """Variables that some block of a loop writes."""
    out: set[str] = set()
    for b in body:
        for s in fn.blocks[b].statements:
            targets = [s[1]] if s[0] in ("=", "call", "havoc") else s[1] if s[0] == "asm" else []
            for index in targets:
                while index >= 0 and fn.exprs[index][0] in ("m", "i"):
                    index = fn.exprs[index][1]
                if index >= 0 and fn.exprs[index][0] == "v":
                    out.add(fn.exprs[index][1])
    return frozenset(out)
