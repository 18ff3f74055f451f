"""Expressions and initialisers: from pycparser nodes to the AST of docs/engine.md.

Every expression is read together with its type: member tags, the folding of constants and `sizeof` need it.  The
conventions (what is folded, which calls vanish) are those of the libclang front end, which must yield the same.
"""

from __future__ import annotations

import re

from pycparser import c_ast

from verifier.frontend.lower_graph import fold
from verifier.frontend.pycparser_types import (
    BOOL,
    CHAR,
    INT,
    LONG,
    UNSIGNED,
    UNSIGNED_LONG,
    VOID,
    Record,
    Type,
    Types,
    common_type,
    promoted,
    wrapped,
)

Typed = tuple[tuple, Type]
COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
SHIFTS = frozenset(("<<", ">>"))
ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27}
INTEGER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlL]*)\Z")
IGNORED = frozenset(("__builtin_va_start", "__builtin_va_end", "__builtin_va_copy", "__builtin_prefetch"))


class Expressions:
    """Reads expressions of one unit; `pycparser_c` adds statements and declarations."""

    def __init__(self) -> None:
        self.types = Types(self.constant)
        # innermost scope last; a name maps to (AST, type)
        self.names: list[dict[str, Typed]] = [{}]
        self.failures: list[str] = []
        self.noreturn: set[str] = set()

    def fail(self, node: c_ast.Node, message: str) -> tuple:
        """Note an error at a node's line; an expression to put in its place."""
        self.failures.append(f"{place(node)}: {message}")
        return ("unknown", message)

    def constant(self, node: c_ast.Node) -> int | None:
        """Value of a constant expression, None if it is none."""
        e = self.expr(node)
        return e[1] if e[0] == "int" else None

    def expr(self, node: c_ast.Node) -> tuple:
        """The AST of an expression."""
        return self.typed(node)[0]

    def typed(self, node: c_ast.Node) -> Typed:
        """The AST of an expression, and its type."""
        read = READERS.get(type(node))
        if read is None:
            word = type(node).__name__
            return self.fail(node, f"{word} cannot be read here"), INT
        return read(self, node)

    def look_up(self, name: str) -> Typed | None:
        """What a name stands for in the innermost scope that has it."""
        for scope in reversed(self.names):
            if name in scope:
                return scope[name]
        value = self.types.enumerators.get(name)
        return None if value is None else (("int", value), INT)

    def name(self, node: c_ast.ID) -> Typed:
        found = self.look_up(node.name)
        return found if found is not None else (self.fail(node, f"use of undeclared identifier '{node.name}'"), INT)

    def literal(self, node: c_ast.Constant) -> Typed:
        text = node.value
        if node.type == "string" or text.endswith('"'):
            return ("str", text[text.index('"') + 1 : -1]), ("arr", CHAR, None)
        if text.endswith("'"):
            return ("int", character(text[text.index("'") + 1 : -1])), INT
        match = INTEGER.match(text)
        if match is None:
            return ("unknown", "float"), ("float", 8)
        digits, suffix = match.group(1), match.group(2).lower()
        decimal = digits[0] != "0" or len(digits) == 1
        value = int(digits, 10) if decimal else int(digits, 0) if digits[1] in "xXbB" else int(digits, 8)
        kinds = [INT, UNSIGNED, LONG, UNSIGNED_LONG]
        if "u" in suffix:
            kinds = [UNSIGNED, UNSIGNED_LONG]
        elif decimal:
            kinds = [INT, LONG, UNSIGNED_LONG]
        kinds = [kind for kind in kinds if "l" not in suffix or kind[1] == 8]
        return ("int", value), next((kind for kind in kinds if wrapped(value, kind) == value), UNSIGNED_LONG)

    def unary(self, node: c_ast.UnaryOp) -> Typed:
        op = node.op
        if op in ("sizeof", "_Alignof"):
            return self.sizeof(node)
        if op == "&":
            e, kind = self.typed(node.expr)
            if e[0] == "int" and isinstance(node.expr, c_ast.ID):
                e = ("glob", node.expr.name)
            return (e[1] if e[0] == "deref" else e if e[0] == "fun" else ("addr", e)), ("ptr", kind)
        e, kind = self.typed(node.expr)
        if op == "*":
            behind = kind[1] if kind[0] in ("ptr", "arr") else kind
            return (e[1] if e[0] == "addr" else e if e[0] == "fun" else ("deref", e)), behind
        if op in ("++", "--", "p++", "p--"):
            return ("incdec", op[-1], not op.startswith("p"), e), kind
        result = INT if op == "!" else promoted(kind)
        if op == "+":
            return e, result
        if e[0] == "int":
            value = -e[1] if op == "-" else ~e[1] if op == "~" else int(not e[1])
            return ("int", wrapped(value, result)), result
        return ("un", op, e), result

    def sizeof(self, node: c_ast.UnaryOp) -> Typed:
        if isinstance(node.expr, c_ast.Typename):
            kind = self.types.of(node.expr)
        else:
            before = len(self.failures)
            kind = self.typed(node.expr)[1]
            del self.failures[before:]
            if isinstance(node.expr, c_ast.Constant) and kind == ("arr", CHAR, None):
                return ("int", len(node.expr.value) - 1), UNSIGNED_LONG
        size = self.types.size(kind) if node.op == "sizeof" else self.types.alignment(kind)
        if size is None:
            return self.fail(node, "size of an incomplete type"), UNSIGNED_LONG
        return ("int", size), UNSIGNED_LONG

    def binary(self, node: c_ast.BinaryOp) -> Typed:
        # Down the left spine in a loop: long sums and masks are deep trees.
        spine = []
        while isinstance(node, c_ast.BinaryOp):
            spine.append(node)
            node = node.left
        left = self.typed(node)
        for outer in reversed(spine):
            left = self.combined(outer.op, left, self.typed(outer.right))
        return left

    def combined(self, op: str, left: Typed, right: Typed) -> Typed:
        """`left op right`, folded as the libclang front end does."""
        (a, kind), (b, other) = left, right
        if op in ("&&", "||"):
            stop = op == "||"
            if a[0] == "int" and bool(a[1]) == stop:
                return ("int", int(stop)), INT
            if a[0] == "int" and truth(b):
                return b, INT
            return ("or" if stop else "and", a, b), INT
        operands = common_type(kind, other)
        result = INT if op in COMPARISONS else promoted(kind) if op in SHIFTS else operands
        if kind[0] in ("ptr", "arr") and other[0] in ("ptr", "arr") and op == "-":
            result = LONG
        if a[0] == "int" and b[0] == "int" and operands[0] == "int":
            shift = op in SHIFTS
            x = wrapped(a[1], result if shift else operands)
            value = fold(op, x, b[1] if shift else wrapped(b[1], operands))
            if value is not None:
                return ("int", wrapped(value, result)), result
        return ("bin", op, a, b), result

    def assignment(self, node: c_ast.Assignment) -> Typed:
        place, kind = self.typed(node.lvalue)
        return ("assign", node.op[:-1], place, self.expr(node.rvalue)), kind

    def conditional(self, node: c_ast.TernaryOp) -> Typed:
        c = self.expr(node.cond)
        if c[0] == "int":
            return self.typed(node.iftrue if c[1] else node.iffalse)
        a, kind = self.typed(node.iftrue)
        b, other = self.typed(node.iffalse)
        null = kind[0] not in ("ptr", "arr", "rec", "void") and other[0] in ("ptr", "arr")
        both = kind if kind[0] in ("ptr", "arr", "rec", "void") else other if null else common_type(kind, other)
        return ("cond", c, a, b), both

    def comma(self, node: c_ast.ExprList) -> Typed:
        result, kind = self.typed(node.exprs[0])
        for other in node.exprs[1:]:
            b, kind = self.typed(other)
            result = b if result[0] in ("int", "var", "glob", "str") else ("comma", result, b)
        return result, kind

    def member(self, node: c_ast.StructRef) -> Typed:
        e, kind = self.typed(node.name)
        if node.type == "->":
            e = e[1] if e[0] == "addr" else ("deref", e)
            kind = kind[1] if kind[0] in ("ptr", "arr") else kind
        found = self.types.member(kind, node.field.name)
        if found is None:
            return self.fail(node, f"no member named '{node.field.name}'"), INT
        return ("mem", e, found[0], node.field.name), found[1]

    def element(self, node: c_ast.ArrayRef) -> Typed:
        base, kind = self.typed(node.name)
        index, other = self.typed(node.subscript)
        behind = kind[1] if kind[0] in ("ptr", "arr") else other[1] if other[0] in ("ptr", "arr") else INT
        return ("idx", base, index), behind

    def call(self, node: c_ast.FuncCall) -> Typed:
        arguments = node.args.exprs if node.args is not None else []
        name = node.name.name if isinstance(node.name, c_ast.ID) else ""
        if name in ("offsetof", "__builtin_offsetof") and len(arguments) == 2:
            return self.offset(node, arguments), UNSIGNED_LONG
        if name == "__builtin_expect" and arguments:
            return self.typed(arguments[0])
        if name in IGNORED:
            return ("int", 0), VOID
        if name == "__builtin_constant_p" and arguments:
            return ("int", int(self.expr(arguments[0])[0] == "int")), INT
        if name.startswith("__builtin_") and self.look_up(name) is None:
            callee, kind = ("fun", name), ("fn", VOID)
        else:
            callee, kind = self.typed(node.name)
        while callee[0] in ("deref", "addr"):
            callee = callee[1]
        while kind[0] == "ptr":
            kind = kind[1]
        values = tuple([self.expr(argument) for argument in arguments])
        return ("call", callee, values, line(node)), kind[1] if kind[0] == "fn" else INT

    def offset(self, node: c_ast.FuncCall, arguments: list) -> tuple:
        kind = self.types.of(arguments[0])
        found = self.types.offset(kind, arguments[1].name) if isinstance(arguments[1], c_ast.ID) else None
        return ("int", found) if found is not None else self.fail(node, "offset of no plain member")

    def cast(self, node: c_ast.Cast) -> Typed:
        kind = self.types.of(node.to_type)
        class_ = self.types.class_of(kind)
        if kind[0] == "ptr" and class_ not in ("ptr:", "fnptr"):
            inner = without_casts(node.expr)
            if isinstance(inner, c_ast.BinaryOp) and inner.op == "-" and is_offset(inner.right):
                return ("container", self.expr(inner.left), class_[4:]), kind
        e, _ = self.typed(node.expr)
        if e[0] == "int" and kind[0] in ("int", "bool") and not 0 <= e[1] < (2 if kind == BOOL else 128):
            return ("int", wrapped(e[1], kind)), kind
        return e, kind

    def compound_literal(self, node: c_ast.CompoundLiteral) -> Typed:
        kind = self.types.of(node.type)
        return self.braces(kind, node.init.exprs), kind

    # initialisers: ISO C 6.7.9

    def initial_value(self, kind: Type, node: c_ast.Node) -> tuple:
        """The value that an initialiser gives to an object of this type."""
        return self.braces(kind, node.exprs) if isinstance(node, c_ast.InitList) else self.expr(node)

    def braces(self, kind: Type, nodes: list[c_ast.Node]) -> tuple:
        """A list in braces for an object of this type."""
        record = self.types.record(kind)
        left = list(nodes)
        if record is not None:
            return self.fill_record(record, left, True)
        if kind[0] == "arr":
            if len(left) == 1 and kind[1][:2] == ("int", 1) and is_string(left[0]):
                return self.expr(left[0])
            return self.fill_array(kind, left, True)
        return self.expr(left[0]) if left else ("int", 0)

    def fill_record(self, record: Record, left: list[c_ast.Node], own: bool) -> tuple:
        """Members from the front of `left`, which is used up; without `own` braces no more than it has room for."""
        values: list[tuple[str, tuple]] = []
        at = 0
        limit = min(1, len(record.fields)) if record.union else len(record.fields)
        while left:
            if isinstance(left[0], c_ast.NamedInitializer):
                if not own:
                    break
                item = left.pop(0)
                name = getattr(item.name[0], "name", "")
                found = self.types.member(self._key(record), name)
                if found is None:
                    self.fail(item.name[0], f"no member named '{name}'")
                    continue
                at = self.types.position(record, name) + 1
                values.append((name, self.behind(found[1], item.name[1:], item.expr)))
                continue
            if at >= limit:
                if not own:
                    break
                left.pop(0)
                continue
            name, kind = record.fields[at]
            at += 1
            value = self.next_element(kind, left)
            if name:
                values.append((name, value))
            elif value[0] == "init":
                values.extend(value[2])
        return ("init", record.tag, tuple(values))

    def _key(self, record: Record) -> Type:
        return next(("rec", key) for key, known in self.types.records.items() if known is record)

    def behind(self, kind: Type, steps: list[c_ast.Node], node: c_ast.Node) -> tuple:
        """The value behind what is left of a designator."""
        if not steps:
            return self.initial_value(kind, node)
        record = self.types.record(kind)
        if record is not None:
            name = getattr(steps[0], "name", "")
            found = self.types.member(kind, name)
            if found is None:
                return self.fail(steps[0], f"no member named '{name}'")
            return ("init", record.tag, ((name, self.behind(found[1], steps[1:], node)),))
        if kind[0] == "arr":
            return ("initarr", (self.indexed(kind[1], steps, node),))
        return self.expr(node)

    def indexed(self, element: Type, steps: list[c_ast.Node], node: c_ast.Node) -> tuple:
        index = self.constant(getattr(steps[0], "expr", steps[0])) or 0
        return ("at", index, index, self.behind(element, steps[1:], node))

    def fill_array(self, kind: Type, left: list[c_ast.Node], own: bool) -> tuple:
        values: list[tuple] = []
        while left:
            if isinstance(left[0], c_ast.NamedInitializer):
                if not own:
                    break
                item = left.pop(0)
                values.append(self.indexed(kind[1], item.name, item.expr))
            elif not own and kind[2] is not None and len(values) >= kind[2]:
                break
            else:
                values.append(self.next_element(kind[1], left))
        return ("initarr", tuple(values))

    def next_element(self, kind: Type, left: list[c_ast.Node]) -> tuple:
        """The value of one member, with as many expressions as it takes."""
        if isinstance(left[0], c_ast.InitList):
            return self.braces(kind, left.pop(0).exprs)
        record = self.types.record(kind)
        if record is not None:
            e, own = self.typed(left[0])
            if own[0] != "rec":
                before = len(left)
                value = self.fill_record(record, left, False)
                if len(left) == before:
                    left.pop(0)
                return value
            left.pop(0)
            return e
        if kind[0] == "arr" and not is_string(left[0]):
            return self.fill_array(kind, left, False)
        return self.expr(left.pop(0))


def place(node: c_ast.Node) -> str:
    """ "file:line" of a node, found below it where it has none itself."""
    if node.coord is None:
        for _, child in node.children():
            return place(child)
        return "?:0"
    return f"{node.coord.file}:{node.coord.line}"


def line(node: c_ast.Node) -> int:
    """Line of a node; lists in braces have none of their own."""
    return int(place(node).rpartition(":")[2])


def character(text: str) -> int:
    """Value of a character constant without its quotes."""
    if not text.startswith("\\"):
        value = ord(text[0]) if text else 0
    elif text[1:2] == "x":
        value = int("0" + text[1:], 0)
    elif text[1:2].isdigit():
        value = int(text[1:], 8)
    else:
        value = ESCAPES.get(text[1:2], ord(text[1:2] or "\0"))
    return value - 256 if 128 <= value < 256 else value


def is_string(node: c_ast.Node) -> bool:
    """Is it a string literal?"""
    return isinstance(node, c_ast.Constant) and node.value.endswith('"')


def truth(e: tuple) -> bool:
    """Is the value 0 or 1 by its form?"""
    return e[0] in ("and", "or") or e[0] == "bin" and e[1] in COMPARISONS or e[0] == "un" and e[1] == "!"


def without_casts(node: c_ast.Node) -> c_ast.Node:
    """The node inside casts."""
    while isinstance(node, c_ast.Cast):
        node = node.expr
    return node


def is_offset(node: c_ast.Node) -> bool:
    """Is it `offsetof(...)` or `&((T *)0)->member` in one spelling or another?"""
    node = without_casts(node)
    if isinstance(node, c_ast.FuncCall) and isinstance(node.name, c_ast.ID):
        return node.name.name in ("offsetof", "__builtin_offsetof")
    if not (isinstance(node, c_ast.UnaryOp) and node.op == "&"):
        return False
    node = node.expr
    while isinstance(node, (c_ast.StructRef, c_ast.ArrayRef)):
        node = node.name
    node = without_casts(node)
    return isinstance(node, c_ast.Constant) and node.value == "0"


READERS = {
    c_ast.ID: Expressions.name,
    c_ast.Constant: Expressions.literal,
    c_ast.UnaryOp: Expressions.unary,
    c_ast.BinaryOp: Expressions.binary,
    c_ast.Assignment: Expressions.assignment,
    c_ast.TernaryOp: Expressions.conditional,
    c_ast.ExprList: Expressions.comma,
    c_ast.StructRef: Expressions.member,
    c_ast.ArrayRef: Expressions.element,
    c_ast.FuncCall: Expressions.call,
    c_ast.Cast: Expressions.cast,
    c_ast.CompoundLiteral: Expressions.compound_literal,
    c_ast.InitList: lambda self, node: (self.braces(INT, node.exprs), INT),
}
