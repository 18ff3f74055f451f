"""C expressions of rule files as nested tuples; `lattices.parsing` reads them.

The forms (`x`, `a`, `b` are expressions themselves):

    ("name", id)  ("int", n)  ("str", text)
    ("any",)                    written `_`: matches anything
    ("rest",)                   written `__`: any further arguments
    ("member", base, field)     of the object `base`; p->f is ("member", ("deref", p), f)
    ("addr", x)  ("deref", x)  ("index", base, i)
    ("call", callee, (args...)) callee is a string for a plain function name, else an expression
    ("not", x)  ("and", a, b)  ("or", a, b)
    ("un", op, x)               op is - or ~, only where x is no constant
    ("bin", op, a, b)           + - * / % & | ^ << >> == != < <= > >=
    ("assign", lvalue, value)   a write; x |= y is ("assign", x, ("bin", "|", x, y)), x++ adds ("int", 1)
    ("return", x)               what a function hands out; only as an operation

NULL is ("int", 0).  Casts are dropped: the type of an operand never decides a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Expr = tuple[Any, ...]

ANY: Expr = ("any",)
REST: Expr = ("rest",)
NULL: Expr = ("int", 0)

_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b if 0 <= b < 64 else 0,
    ">>": lambda a, b: a >> b if 0 <= b < 64 else 0,
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
}

def dereferenced(operand: Expr) -> Expr:
    """What a pointer points to."""
    return operand[1] if operand[0] == "addr" else ("deref", operand)


def binary(op: str, left: Expr, right: Expr) -> Expr:
    """An operation of two operands, folded where both are constants."""
    if op in ("&&", "||"):
        return ("and" if op == "&&" else "or", left, right)
    if left[0] == right[0] == "int" and op in _ARITHMETIC:
        return ("int", _ARITHMETIC[op](left[1], right[1]))
    return ("bin", op, left, right)


def walk(expression: Expr) -> Iterator[Expr]:
    """The expression and every expression inside it, outermost first, left to right."""
    yield expression
    for part in children(expression):
        yield from walk(part)


def children(expression: Expr) -> tuple[Expr, ...]:
    """Direct operands; the arguments of a call and its callee where that is an expression."""
    kind = expression[0]
    if kind == "call":
        callee = () if isinstance(expression[1], str) else (expression[1],)
        return callee + expression[2]
    if kind == "member":
        return (expression[1],)
    if kind in ("bin", "un"):
        return expression[2:]
    if kind in ("addr", "deref", "not", "and", "or", "assign", "index", "return"):
        return expression[1:]
    return ()


def rebuild(expression: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The expression with `change` applied to every part, innermost first; constant operations are folded."""
    kind = expression[0]
    if kind == "call":
        callee = expression[1] if isinstance(expression[1], str) else rebuild(expression[1], change)
        expression = ("call", callee, tuple(rebuild(item, change) for item in expression[2]))
    elif kind == "member":
        expression = ("member", rebuild(expression[1], change), expression[2])
    elif kind == "bin":
        expression = binary(expression[1], rebuild(expression[2], change), rebuild(expression[3], change))
    elif kind == "un":
        inner = rebuild(expression[2], change)
        if inner[0] == "int":
            return change(("int", -inner[1] if expression[1] == "-" else ~inner[1]))
        expression = ("un", expression[1], inner)
    elif kind == "deref":
        expression = dereferenced(rebuild(expression[1], change))
    elif kind == "addr":
        inner = rebuild(expression[1], change)
        expression = inner[1] if inner[0] == "deref" else ("addr", inner)
    elif kind in ("not", "and", "or", "assign", "index", "return"):
        expression = (kind, *(rebuild(item, change) for item in expression[1:]))
    return change(expression)


def substitute(expression: Expr, values: Mapping[str, Expr]) -> Expr:
    """Replace names by expressions and fold what became constant."""
    return rebuild(expression, lambda e: values.get(e[1], e) if e[0] == "name" else e)


def names(expression: Expr) -> tuple[str, ...]:
    """Free names (never the name of a called function) in the order of their first use."""
    return tuple(dict.fromkeys(e[1] for e in walk(expression) if e[0] == "name"))


def calls(expression: Expr) -> tuple[str, ...]:
    """Names of the functions called in the expression, in order, once each."""
    return tuple(dict.fromkeys(e[1] for e in walk(expression) if e[0] == "call" and isinstance(e[1], str)))


_LEVEL = {"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, "<=": 7, ">": 7, ">=": 7}
_LEVEL |= {"<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10}


def show(expression: Expr) -> str:
    """C text of an expression; `parse(show(e))` is `e`."""
    return _show(expression, 0)


def _show(expression: Expr, outer: int) -> str:
    kind = expression[0]
    if kind == "name":
        return expression[1]
    if kind == "int":
        bare = outer < 11 or (outer < 12 and expression[1] >= 0)
        return str(expression[1]) if bare else f"({expression[1]})"
    if kind == "str":
        return f'"{expression[1]}"'
    if kind == "any":
        return "_"
    if kind == "rest":
        return "__"
    if kind == "member":
        base = expression[1]
        if base[0] == "deref":
            return f"{_show(base[1], 12)}->{expression[2]}"
        return f"{_show(base, 12)}.{expression[2]}"
    if kind == "index":
        return f"{_show(expression[1], 12)}[{_show(expression[2], 0)}]"
    if kind == "call":
        callee = expression[1] if isinstance(expression[1], str) else _show(expression[1], 12)
        return f"{callee}({', '.join(_show(item, 0) for item in expression[2])})"
    if kind in ("and", "or", "bin"):
        op = {"and": "&&", "or": "||"}.get(kind) or expression[1]
        left, right = expression[-2:]
        level = _LEVEL[op]
        text = f"{_show(left, level)} {op} {_show(right, level + 1)}"
        return f"({text})" if level < outer else text
    if kind == "assign":
        text = f"{_show(expression[1], 11)} = {_show(expression[2], 0)}"
        return f"({text})" if outer > 0 else text
    if kind == "return":
        return f"return {_show(expression[1], 0)}"
    sign = {"not": "!", "addr": "&", "deref": "*"}.get(kind) or expression[1]
    inner = _show(expression[-1], 11)
    text = f"{sign} {inner}" if inner.startswith(sign) and sign in "-&" else sign + inner
    return f"({text})" if outer > 11 else text
