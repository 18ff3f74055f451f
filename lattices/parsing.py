"""C expressions of rule files, read by pycparser."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from pycparser import CParser, c_ast
from pycparser.c_parser import ParseError

from lattices.expressions import ANY, NULL, REST, Expr, binary, dereferenced

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


def parse_operation(text: str) -> Expr:
    """Read an operation: an expression, or `return` and what is returned; raises PatternError like `parse`."""
    handed = re.match(r"\s*return\b", text)
    if handed is None:
        return parse(text)
    try:
        return ("return", parse(text[handed.end() :]))
    except PatternError as error:
        raise PatternError(error.message, error.column + handed.end()) from None


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
        return ("member", dereferenced(base) if node.type == "->" else base, node.field.name)
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
        return binary(node.op, _convert(node.left), _convert(node.right))
    if isinstance(node, c_ast.Assignment):
        target, value = _convert(node.lvalue), _convert(node.rvalue)
        return ("assign", target, value if node.op == "=" else binary(node.op[:-1], target, value))
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
        return dereferenced(operand)
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
