"""Successors, predecessors and dominators of a function's blocks.

Dominators are sets held as bits of an integer: bit d of `dominators(...)[b]` says that every path from the entry to
block b goes through block d.  Blocks are numbered in reverse postorder, so that one pass settles every reducible graph
and a second one notices it.

Source: F. Allen and J. Cocke, "A program data flow analysis procedure", CACM 19(3), 1976 (the iterative equations);
the walk up the tree is that of K. Cooper, T. Harvey and K. Kennedy, "A simple, fast dominance algorithm", 2001.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifier.ir.model import Block


def successors(terminator: tuple) -> list[int]:
    """Targets of a terminator in its own order, repetitions kept."""
    kind = terminator[0]
    if kind == "jmp":
        return [terminator[1]]
    if kind == "br":
        return [terminator[2], terminator[3]]
    if kind == "sw":
        return [case[2] for case in terminator[2]] + [terminator[3]]
    return list(terminator[1]) if kind == "any" else []


def predecessors(blocks: Sequence[Block]) -> list[list[int]]:
    """For each block the blocks that lead to it, ascending, each once."""
    before: list[list[int]] = [[] for _ in blocks]
    for number, block in enumerate(blocks):
        for target in set(successors(block.terminator)):
            before[target].append(number)
    return before


def dominators(blocks: Sequence[Block]) -> list[int]:
    """For each block the bit set of its dominators, itself included; 0 for a block that cannot be reached."""
    before = predecessors(blocks)
    everything = (1 << len(blocks)) - 1
    reached = [False] * len(blocks)
    found = [everything] * len(blocks)
    if blocks:
        found[0] = 1
        reached[0] = True
    changed = True
    while changed:
        changed = False
        for number in range(1, len(blocks)):
            common = everything
            for source in before[number]:
                if reached[source]:
                    common &= found[source]
                    reached[number] = True
            if reached[number]:
                common |= 1 << number
                if common != found[number]:
                    found[number] = common
                    changed = True
    return [bits if reached[number] else 0 for number, bits in enumerate(found)]


def immediate_dominators(blocks: Sequence[Block]) -> list[int]:
    """For each block its closest dominator other than itself; -1 for the entry and for unreachable blocks."""
    bits = dominators(blocks)
    depth = [b.bit_count() for b in bits]
    result = []
    for number, own in enumerate(bits):
        rest = own & ~(1 << number)
        best = -1
        while rest:
            low = (rest & -rest).bit_length() - 1
            if best < 0 or depth[low] > depth[best]:
                best = low
            rest &= rest - 1
        result.append(best)
    return result


def dominates(bits: Sequence[int], a: int, b: int) -> bool:
    """Does every path to block b pass block a?  `bits` comes from `dominators`."""
    return bool(bits[b] >> a & 1)
