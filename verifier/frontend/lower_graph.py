"""The graph under construction: a hash-consed expression pool, open blocks, and the tidy function made of them.

`finish` turns the open graph into the form that `verifier.ir.model` promises: forwarding blocks are skipped,
unreachable ones dropped, straight lines joined, the rest numbered in reverse postorder, and the pool rebuilt in the
order of first use, so that equal functions have equal pools whatever order they were built in.

Hash-consing: J.-C. Filliatre and S. Conchon, "Type-safe modular hash-consing", ML Workshop 2006.  Reverse postorder
as in A. Aho et al., "Compilers", section 9.6.
"""

from __future__ import annotations

from verifier.ir.dominance import successors
from verifier.ir.model import Block

COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
# What a constant may be: MessagePack holds 64 bits, signed or not.
LEAST, GREATEST = -(1 << 63), (1 << 64) - 1


def clipped(number: int) -> int:
    """The number itself, or its low 64 bits where it needs more (__int128)."""
    return number if LEAST <= number <= GREATEST else number & GREATEST


def fold(op: str, a: int, b: int) -> int | None:
    """Value of `a op b` for C integers of unbounded width; None where C would not define it or 64 bits do not hold it."""
    if op == "+":
        value = a + b
    elif op == "-":
        value = a - b
    elif op == "*":
        value = a * b
    elif op == "&":
        value = a & b
    elif op == "|":
        value = a | b
    elif op == "^":
        value = a ^ b
    elif op == "<<":
        value = a << b if 0 <= b < 64 else None
    elif op == ">>":
        value = a >> b if 0 <= b < 64 else None
    elif op in ("/", "%"):
        if b == 0:
            return None
        quotient = abs(a) // abs(b)
        quotient = quotient if (a < 0) == (b < 0) else -quotient
        value = quotient if op == "/" else a - quotient * b
    elif op in COMPARISONS:
        return int(
            a == b if op == "==" else a != b if op == "!=" else a < b if op == "<" else a <= b if op == "<="
            else a > b if op == ">" else a >= b
        )
    else:
        return None
    return value if value is not None and LEAST <= value <= GREATEST else None


class Graph:
    """Blocks and expressions of one function while it is lowered.

    An open block is [statements, terminator or None]; its number in `blocks` is the target that jumps name.
    """

    def __init__(self) -> None:
        self.exprs: list[tuple] = []
        self.index: dict[tuple, int] = {}
        self.blocks: list[list] = [[[], None]]
        self.statements: list[tuple] = self.blocks[0][0]
        self.current = 0
        self.temporaries = 0

    # expressions

    def expr(self, node: tuple) -> int:
        """Pool index of an expression whose operands are indices already."""
        found = self.index.get(node)
        if found is None:
            found = self.index[node] = len(self.exprs)
            self.exprs.append(node)
        return found

    def deref(self, e: int) -> int:
        """Pool index of `*e`; `*&x` is x."""
        node = self.exprs[e]
        return node[1] if node[0] == "a" else self.expr(("d", e))

    def address(self, e: int) -> int:
        """Pool index of `&e`; `&*p` is p and a function designator is its own address."""
        node = self.exprs[e]
        if node[0] == "d":
            return node[1]
        return e if node[0] == "f" else self.expr(("a", e))

    def binary(self, op: str, a: int, b: int) -> int:
        """Pool index of `a op b`, folded if both are constants."""
        x, y = self.exprs[a], self.exprs[b]
        if x[0] == "c" and y[0] == "c":
            value = fold(op, x[1], y[1])
            if value is not None:
                return self.expr(("c", value))
        return self.expr(("o", op, a, b))

    def unary(self, op: str, e: int) -> int:
        """Pool index of `-e`, `~e` or `!e` (op `neg`, `~`, `!`), folded if e is a constant."""
        node = self.exprs[e]
        if node[0] == "c":
            value = node[1]
            return self.expr(("c", clipped(-value if op == "neg" else ~value if op == "~" else int(not value))))
        return self.expr(("o", op, e))

    def temporary(self) -> int:
        """Pool index of a new temporary."""
        self.temporaries += 1
        return self.expr(("v", f"%{self.temporaries}"))

    # blocks

    def block(self) -> int:
        """Number of a new empty block, not yet entered."""
        self.blocks.append([[], None])
        return len(self.blocks) - 1

    def enter(self, block: int) -> None:
        """Statements go to this block from now on; the block before falls into it if it is still open."""
        if self.current >= 0:
            self.blocks[self.current][1] = ("jmp", block)
        self.current = block
        self.statements = self.blocks[block][0]

    def leave(self, terminator: tuple) -> None:
        """Close the current block.  What follows is unreachable and thrown away until a block is entered."""
        if self.current >= 0:
            self.blocks[self.current][1] = terminator
        self.current = -1
        self.statements = []

    def jump(self, target: int) -> None:
        """Close the current block with a jump."""
        self.leave(("jmp", target))


def retarget(terminator: tuple, place) -> tuple:
    """The terminator with every target t replaced by place[t]; a choice between equal targets becomes a jump."""
    kind = terminator[0]
    if kind == "jmp":
        return ("jmp", place[terminator[1]])
    if kind == "br":
        a, b = place[terminator[2]], place[terminator[3]]
        return ("jmp", a) if a == b else ("br", terminator[1], a, b, terminator[4])
    if kind == "sw":
        cases = [[low, high, place[target]] for low, high, target in terminator[2]]
        default = place[terminator[3]]
        if all(case[2] == default for case in cases):
            return ("jmp", default)
        return ("sw", terminator[1], cases, default, terminator[4])
    if kind == "any":
        targets = list(dict.fromkeys(place[target] for target in terminator[1]))
        return ("jmp", targets[0]) if len(targets) == 1 else ("any", targets, terminator[2])
    return terminator


def finish(graph: Graph) -> tuple[list[tuple], list[Block]]:
    """Expression pool and blocks of the finished function, as `verifier.ir.model` describes them."""
    blocks = graph.blocks
    place = forwarding(blocks)
    ends = [retarget(block[1], place) if block[1] is not None else None for block in blocks]
    order = reverse_postorder(ends)
    entered = [0] * len(blocks)
    entered[0] = 1
    for number in order:
        for target in successors(ends[number]):
            entered[target] += 1
    # Straight lines: a jump to a block that nothing else enters continues the block before it.
    heads: list[int] = []
    joined: dict[int, list[list[tuple]]] = {}
    taken: set[int] = set()
    for number in order:
        if number in taken:
            continue
        parts = [blocks[number][0]]
        last = number
        while ends[last][0] == "jmp" and entered[ends[last][1]] == 1:
            last = ends[last][1]
            taken.add(last)
            parts.append(blocks[last][0])
        joined[number] = parts
        ends[number] = ends[last]
        heads.append(number)
    number_of = {old: new for new, old in enumerate(heads)}
    pool = Pool(graph.exprs)
    finished = []
    for old in heads:
        statements = [pool.statement(statement) for part in joined[old] for statement in part]
        finished.append(Block(statements, pool.terminator(retarget(ends[old], number_of))))
    return pool.exprs, finished


def forwarding(blocks: list[list]) -> list[int]:
    """For each block, the block that a jump to it ends in once empty blocks that only jump are skipped."""
    place = list(range(len(blocks)))
    for number in range(len(blocks)):
        seen = {number}
        target = number
        while target != 0:
            statements, end = blocks[target]
            if statements or end is None or end[0] != "jmp" or end[1] in seen:
                break
            target = end[1]
            seen.add(target)
        place[number] = target
    return place


def reverse_postorder(ends: list[tuple | None]) -> list[int]:
    """Blocks reachable from block 0 in reverse postorder; of a branch the first target comes first where it can."""
    seen = {0}
    postorder: list[int] = []
    stack = [(0, successors(ends[0]))]
    while stack:
        number, left = stack[-1]
        while left:
            target = left.pop()
            if target not in seen:
                seen.add(target)
                stack.append((target, successors(ends[target])))
                break
        else:
            postorder.append(number)
            stack.pop()
    postorder.reverse()
    return postorder


class Pool:
    """Copies expressions of one pool into a new one, in the order of first use."""

    def __init__(self, source: list[tuple]) -> None:
        self.source = source
        self.exprs: list[tuple] = []
        self.moved: list[int] = [-1] * len(source)

    def move(self, e: int) -> int:
        """Index in the new pool of an expression of the old one (-1 stays)."""
        if e < 0:
            return e
        new = self.moved[e]
        if new >= 0:
            return new
        node = self.source[e]
        kind = node[0]
        if kind in ("v", "c", "g", "f", "s", "u"):
            pass
        elif kind == "m":
            node = ("m", self.move(node[1]), node[2], node[3])
        elif kind == "o":
            node = ("o", node[1], *[self.move(operand) for operand in node[2:]])
        elif kind == "k":
            node = ("k", self.move(node[1]), node[2])
        else:
            node = (kind, *[self.move(operand) for operand in node[1:]])
        new = self.moved[e] = len(self.exprs)
        self.exprs.append(node)
        return new

    def statement(self, statement: tuple) -> tuple:
        """The statement over the new pool."""
        kind = statement[0]
        move = self.move
        if kind == "=":
            return ("=", move(statement[1]), move(statement[2]), statement[3])
        if kind == "call":
            return (
                "call", move(statement[1]), move(statement[2]), [move(e) for e in statement[3]], statement[4]
            )
        if kind == "havoc":
            return ("havoc", move(statement[1]), statement[2])
        return ("asm", [move(e) for e in statement[1]], [move(e) for e in statement[2]], statement[3])

    def terminator(self, terminator: tuple) -> tuple:
        """The terminator over the new pool; targets stay."""
        kind = terminator[0]
        if kind in ("br", "sw", "ret"):
            return (kind, self.move(terminator[1]), *terminator[2:])
        return terminator
