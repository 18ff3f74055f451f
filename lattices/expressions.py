"""C expressions of rule files, read by pycparser into nested tuples.

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

NULL is ("int", 0).  Casts are dropped: the type of an operand never decides a rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from pycparser import CParser, c_ast
from pycparser.c_parser import ParseError

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
_BINARY = frozenset(_ARITHMETIC) | {"/", "%"}

# Type names that rules may cast to; a cast is dropped, but pycparser must know the name.
_TYPE = re.compile(r"\b(?:[us](?:8|16|32|64)|size_t|loff_t|umode_t|fmode_t|bool)\b")
_HEAD = "void f(void){return\n"
_TAIL = "\n;}"

_TOKEN = re.compile(
    r"""\s*(?:(?P<operand>[A-Za-z_]\w*|\d\w*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+')
    |(?P<open>[(\[])|(?P<close>[)\]])
    |(?P<access>->|\.)|(?P<postfix>\+\+|--)
    |(?P<binary><<=|>>=|\|\||&&|<<|>>|[=!<>]=|[-+*/%&|^]=|[-+*/%&|^<>=,?:])
    |(?P<unary>[!~]))""",
    re.VERBOSE,
)


class PatternError(ValueError):
    """A C expression that cannot be read.  `column` counts from 1 in the text given to `parse`."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (column {column})")
        self.message = message
        self.column = column


def parse(text: str) -> Expr:
    """Read one C expression; raises PatternError with the column of the first character that does not fit."""
    if not isinstance(text, str):
        raise PatternError(f"a C expression in quotes is needed, not {type(text).__name__}", 1)
    return _parse(text)


@cache
def _parse(text: str) -> Expr:
    flat = re.sub(r"[\n\r\t\f\v]", " ", text)
    if not flat.strip():
        raise PatternError("the expression is empty", 1)
    for bad in ("/*", "//", "#", "\\"):
        at = flat.find(bad)
        if at >= 0 and '"' not in flat[:at] and "'" not in flat[:at]:
            raise PatternError(f"{bad!r} does not belong into an expression", at + 1)
    try:
        prologue = "".join(f"typedef int {name};" for name in sorted(set(_TYPE.findall(flat))))
        unit = _parser().parse(f"{prologue}\n{_HEAD}{flat}{_TAIL}", "")
    except ParseError as error:
        raise _located(flat, str(error)) from None
    except (RecursionError, AssertionError, AttributeError, IndexError, ValueError) as error:
        # pycparser's own slips on input that is no C at all
        raise PatternError(f"not a C expression ({type(error).__name__})", 1) from None
    items = unit.ext[-1].body.block_items if isinstance(unit.ext[-1], c_ast.FuncDef) else None
    functions = sum(isinstance(item, c_ast.FuncDef) for item in unit.ext)
    if functions != 1 or not items or len(items) != 1 or not isinstance(items[0], c_ast.Return):
        raise PatternError("one expression is wanted, not statements", max(flat.find(";"), flat.find("}"), 0) + 1)
    if items[0].expr is None:
        raise PatternError("the expression is empty", 1)
    try:
        return _convert(items[0].expr)
    except RecursionError:
        raise PatternError("the expression is nested too deeply", 1) from None


@lru_cache(maxsize=1)
def _parser() -> CParser:
    return CParser()


def _located(text: str, message: str) -> PatternError:
    found = _misfit(text)
    if found is not None:
        return PatternError(*found)
    match = re.match(r":?(\d+):(\d+):?\s*(.*)", message.removeprefix(":"))
    if match and int(match[1]) == 3:
        near = re.sub(r"^before: ", "unexpected ", match[3])
        return PatternError(near or "not a C expression", min(int(match[2]), len(text) + 1))
    return PatternError("not a complete C expression", len(text) + 1 if match else 1)


def _misfit(text: str) -> tuple[str, int] | None:
    """First token that cannot stand where it does, by the two states of an operator grammar (operand / operator)."""
    stack: list[tuple[str, int]] = []
    position, operand, last = 0, True, ""
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            return f"unexpected character {text[start]!r}", start + 1
        kind, token = match.lastgroup, match[match.lastgroup]
        start = match.start(match.lastgroup) + 1
        if kind == "operand":
            if not operand and last not in (")", "cast"):
                return f"an operator is missing before {token!r}", start
            operand = False
        elif kind == "open":
            if token == "[" and operand:
                return "'[' needs something before it", start
            stack.append((token, start))
            operand = True
        elif kind == "close":
            if not stack or (stack[-1][0] == "(") != (token == ")"):
                return f"{token!r} closes nothing", start
            if operand and not (last == "(" and token == ")") and last != "*":
                return f"something is missing before {token!r}", start
            stack.pop()
            operand = False
        elif kind == "access":
            if operand:
                return f"{token!r} needs something before it", start
            operand = True
        elif kind == "binary":
            if operand and token not in ("*", "&", "-", "+") and not (token == "," and last == "*"):
                return f"something is missing before {token!r}", start
            operand = True
        elif kind == "unary" and not operand and last != ")":
            return f"an operator is missing before {token!r}", start
        last = token
        position = match.end()
    if stack:
        return f"{stack[-1][0]!r} is not closed", stack[-1][1]
    if operand:
        return "something is missing at the end", len(text.rstrip()) + 1
    return None


def _convert(node: c_ast.Node) -> Expr:
    if isinstance(node, c_ast.ID):
        return {"_": ANY, "__": REST, "NULL": NULL, "true": ("int", 1), "false": NULL}.get(
            node.name, ("name", node.name)
        )
    if isinstance(node, c_ast.Constant):
        return _constant(node)
    if isinstance(node, c_ast.StructRef):
        base = _convert(node.name)
        return ("member", _deref(base) if node.type == "->" else base, node.field.name)
    if isinstance(node, c_ast.ArrayRef):
        return ("index", _convert(node.name), _convert(node.subscript))
    if isinstance(node, c_ast.FuncCall):
        arguments = tuple(_convert(item) for item in (node.args.exprs if node.args else ()))
        if REST in arguments[:-1]:
            raise PatternError("`__` (any further arguments) stands last", _column(node))
        callee = _convert(node.name)
        return ("call", callee[1] if callee[0] == "name" else callee, arguments)
    if isinstance(node, c_ast.UnaryOp):
        return _unary(node)
    if isinstance(node, c_ast.BinaryOp):
        return _binary(node.op, _convert(node.left), _convert(node.right))
    if isinstance(node, c_ast.Assignment):
        target, value = _convert(node.lvalue), _convert(node.rvalue)
        return ("assign", target, value if node.op == "=" else _binary(node.op[:-1], target, value))
    if isinstance(node, c_ast.Cast):
        return _convert(node.expr)
    if isinstance(node, c_ast.ExprList):
        raise PatternError("a comma outside of a call", _column(node))
    what = {"TernaryOp": "`?:`", "CompoundLiteral": "a compound literal"}.get(type(node).__name__, type(node).__name__)
    raise PatternError(f"{what} has no meaning in a rule", _column(node))


def _unary(node: c_ast.UnaryOp) -> Expr:
    if node.op == "sizeof":
        raise PatternError("sizeof has no meaning in a rule", _column(node))
    operand = _convert(node.expr)
    if node.op == "*":
        return _deref(operand)
    if node.op == "&":
        return operand[1] if operand[0] == "deref" else ("addr", operand)
    if node.op == "!":
        return ("not", operand)
    if node.op in ("++", "--", "p++", "p--"):
        return ("assign", operand, ("bin", node.op.strip("p")[0], operand, ("int", 1)))
    if node.op == "+":
        return operand
    if operand[0] == "int":
        return ("int", -operand[1] if node.op == "-" else ~operand[1])
    return ("un", node.op, operand)


def _deref(operand: Expr) -> Expr:
    return operand[1] if operand[0] == "addr" else ("deref", operand)


def _binary(op: str, left: Expr, right: Expr) -> Expr:
    if op in ("&&", "||"):
        return ("and" if op == "&&" else "or", left, right)
    if left[0] == right[0] == "int" and op in _ARITHMETIC:
        return ("int", _ARITHMETIC[op](left[1], right[1]))
    return ("bin", op, left, right)


def _constant(node: c_ast.Constant) -> Expr:
    if "string" in node.type:
        return ("str", node.value[node.value.index('"') + 1 : -1])
    if "char" in node.type:
        body = node.value[node.value.index("'") + 1 : -1]
        escapes = {"\\n": 10, "\\t": 9, "\\0": 0, "\\r": 13, "\\\\": 92, "\\'": 39}
        if body not in escapes and len(body) != 1:
            raise PatternError(f"character {node.value} is not understood", _column(node))
        return ("int", escapes.get(body, ord(body[0])))
    digits = node.value.rstrip("uUlL")
    try:
        if re.fullmatch(r"0[0-7]+", digits):
            return ("int", int(digits, 8))
        return ("int", int(digits, 0))
    except ValueError:
        raise PatternError(f"{node.value} is not an integer", _column(node)) from None


def _column(node: c_ast.Node) -> int:
    return node.coord.column if node.coord is not None and node.coord.column else 1


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
    if kind in ("addr", "deref", "not", "and", "or", "assign", "index"):
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
        expression = _binary(expression[1], rebuild(expression[2], change), rebuild(expression[3], change))
    elif kind == "un":
        inner = rebuild(expression[2], change)
        if inner[0] == "int":
            return change(("int", -inner[1] if expression[1] == "-" else ~inner[1]))
        expression = ("un", expression[1], inner)
    elif kind == "deref":
        expression = _deref(rebuild(expression[1], change))
    elif kind == "addr":
        inner = rebuild(expression[1], change)
        expression = inner[1] if inner[0] == "deref" else ("addr", inner)
    elif kind in ("not", "and", "or", "assign", "index"):
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
    sign = {"not": "!", "addr": "&", "deref": "*"}.get(kind) or expression[1]
    inner = _show(expression[-1], 11)
    text = f"{sign} {inner}" if inner.startswith(sign) and sign in "-&" else sign + inner
    return f"({text})" if outer > 11 else text
