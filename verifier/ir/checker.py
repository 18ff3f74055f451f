"""Is a function the IR that `verifier.ir.model` describes?  Every problem is a line of text; no problem, no text.

Run over every function in tests and by `kqual doctor`; nothing downstream looks twice at what holds here.
"""

from __future__ import annotations

from verifier.ir.dominance import successors
from verifier.ir.model import Function, Unit

UNARY = frozenset(("neg", "~", "!"))
BINARY = frozenset(("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">="))
# Operand positions that are pool indices, and the whole length, of each expression form.
FORMS: dict[str, tuple[tuple[int, ...], int]] = {
    "c": ((), 2), "s": ((), 2), "v": ((), 2), "g": ((), 2), "f": ((), 2), "u": ((), 2),
    "m": ((1,), 4), "d": ((1,), 2), "a": ((1,), 2), "i": ((1, 2), 3), "k": ((1,), 3),
}
LVALUES = frozenset(("v", "g", "m", "d", "i", "u"))
STATEMENTS = {"=": 4, "call": 5, "asm": 4, "havoc": 3}
TERMINATORS = {"jmp": 2, "br": 5, "sw": 5, "ret": 3, "end": 2, "any": 3}


def check_function(function: Function) -> list[str]:
    """Problems of one function, each starting with its name; empty if it is well formed."""
    problems: list[str] = []
    _check_pool(function, problems)
    if not problems:
        _check_blocks(function, problems)
    if not problems:
        _check_graph(function, problems)
    return [f"{function.name}: {problem}" for problem in problems]


def check_unit(unit: Unit) -> list[str]:
    """Problems of all functions of a unit, and of its globals' entries."""
    problems = [problem for function in unit.functions for problem in check_function(function)]
    for initial in unit.globals:
        for access, value in initial.entries:
            if len(value) != 2 or value[0] not in ("f", "c", "s", "ag", "u"):
                problems.append(f"{initial.name}: bad value {value!r}")
            if not all(isinstance(step, (int, str)) for step in access):
                problems.append(f"{initial.name}: bad access {access!r}")
    return problems


def _check_pool(function: Function, problems: list[str]) -> None:
    seen: dict[tuple, int] = {}
    for number, node in enumerate(function.exprs):
        node = tuple(node)
        if not node or not isinstance(node[0], str):
            problems.append(f"expression {number} is no form: {node!r}")
            continue
        kind = node[0]
        if kind == "o":
            operands = node[2:]
            if not (len(node) == 3 and node[1] in UNARY or len(node) == 4 and node[1] in BINARY):
                problems.append(f"expression {number}: bad operator {node!r}")
                continue
        elif kind in FORMS:
            places, length = FORMS[kind]
            if len(node) != length:
                problems.append(f"expression {number}: bad length {node!r}")
                continue
            operands = tuple(node[place] for place in places)
        else:
            problems.append(f"expression {number}: unknown form {node!r}")
            continue
        if any(type(operand) is not int or not 0 <= operand < number for operand in operands):
            problems.append(f"expression {number}: operand is not smaller: {node!r}")
        if kind == "c" and type(node[1]) is not int:
            problems.append(f"expression {number}: constant is no integer: {node!r}")
        if kind in ("s", "v", "g", "f", "u") and not isinstance(node[1], str):
            problems.append(f"expression {number}: name is no text: {node!r}")
        if kind in ("m", "k") and not all(isinstance(text, str) for text in node[2:]):
            problems.append(f"expression {number}: member is no text: {node!r}")
        if seen.setdefault(node, number) != number:
            problems.append(f"expression {number} is expression {seen[node]} again: {node!r}")


def _check_blocks(function: Function, problems: list[str]) -> None:
    size = len(function.exprs)
    count = len(function.blocks)
    if not count:
        problems.append("no blocks")

    def operand(e: object, least: int, where: str) -> bool:
        if type(e) is int and least <= e < size:
            return True
        problems.append(f"{where}: no expression {e!r}")
        return False

    def lvalue(e: object, least: int, where: str) -> None:
        if operand(e, least, where) and e >= 0 and function.exprs[e][0] not in LVALUES:
            problems.append(f"{where}: not an lvalue: {function.exprs[e]!r}")

    for number, block in enumerate(function.blocks):
        for position, statement in enumerate(block.statements):
            where = f"block {number} statement {position}"
            kind = statement[0] if statement else None
            if STATEMENTS.get(kind) != len(statement):
                problems.append(f"{where}: unknown or wrong length: {statement!r}")
                continue
            if type(statement[-1]) is not int:
                problems.append(f"{where}: no line: {statement!r}")
            if kind == "=":
                lvalue(statement[1], 0, where)
                operand(statement[2], 0, where)
            elif kind == "havoc":
                lvalue(statement[1], 0, where)
            elif kind == "call":
                lvalue(statement[1], -1, where)
                operand(statement[2], 0, where)
                for e in statement[3]:
                    operand(e, 0, where)
            else:
                for e in statement[1]:
                    lvalue(e, 0, where)
                for e in statement[2]:
                    operand(e, 0, where)
        where = f"block {number} terminator"
        end = block.terminator
        kind = end[0] if end else None
        if TERMINATORS.get(kind) != len(end):
            problems.append(f"{where}: unknown or wrong length: {end!r}")
            continue
        if kind != "jmp" and type(end[-1]) is not int:
            problems.append(f"{where}: no line: {end!r}")
        if kind in ("br", "sw"):
            operand(end[1], 0, where)
        elif kind == "ret":
            operand(end[1], -1, where)
        if kind == "sw":
            for case in end[2]:
                if len(case) != 3 or not all(type(item) is int for item in case) or case[0] > case[1]:
                    problems.append(f"{where}: bad case {case!r}")
                    return
        for target in successors(end):
            if type(target) is not int or not 0 <= target < count:
                problems.append(f"{where}: no block {target!r}")
            elif target == 0:
                problems.append(f"{where}: the entry has a predecessor")


def _check_graph(function: Function, problems: list[str]) -> None:
    """All blocks reachable and numbered in reverse postorder: each but the entry is entered from a smaller one."""
    reached = {0}
    pending = [0]
    least: dict[int, int] = {}
    while pending:
        number = pending.pop()
        for target in successors(function.blocks[number].terminator):
            least[target] = min(number, least.get(target, number))
            if target not in reached:
                reached.add(target)
                pending.append(target)
    for number in range(len(function.blocks)):
        if number not in reached:
            problems.append(f"block {number} is unreachable")
        elif number and least[number] >= number:
            problems.append(f"block {number} is not in reverse postorder")
