"""Expressions: from libclang nodes to the AST of docs/engine.md."""

from __future__ import annotations

import re

from verifier.frontend import libclang_api as api
from verifier.frontend.clang_nodes import (
    ADDRESS_OF_LABEL,
    BINARY,
    CALL,
    CAST,
    CHARACTER,
    COMPOUND_ASSIGN,
    COMPOUND_LITERAL,
    CONDITIONAL,
    DECL_REF,
    ENUM_CONSTANT,
    FLOATING,
    FUNCTION_DECL,
    GENERIC,
    IMAGINARY,
    INIT_LIST,
    INTEGER,
    LABEL_REF,
    MEMBER,
    MEMBER_REF,
    PAREN,
    PARM_DECL,
    SIZEOF,
    STATEMENT_EXPR,
    STRING,
    SUBSCRIPT,
    UNARY,
    UNEXPOSED,
    VAR_DECL,
    Collector,
    Node,
)  # fmt: skip
from verifier.frontend.clang_text import SourceText
from verifier.frontend.clang_types import INT, POINTER, Types
from verifier.frontend.libclang_api import CXCursor

BINARY_TEXT = {
    3: "*", 4: "/", 5: "%", 6: "+", 7: "-", 8: "<<", 9: ">>", 11: "<", 12: ">", 13: "<=", 14: ">=", 15: "==",
    16: "!=", 17: "&", 18: "^", 19: "|",
}  # fmt: skip
ASSIGN_TEXT = {22: "", 23: "*", 24: "/", 25: "%", 26: "+", 27: "-", 28: "<<", 29: ">>", 30: "&", 31: "^", 32: "|"}
LOGICAL_AND, LOGICAL_OR, COMMA = 20, 21, 33
STATIC = 3
BOOLEAN = frozenset(("==", "!=", "<", ">", "<=", ">="))
UNIQUE = re.compile(r"(__UNIQUE_ID_\w*?)_?\d+$")
COUNTED = re.compile(r"__(?:UNIQUE_ID|initcall|compiletime_assert)_\w*")
VA_LIST = "ptr:__va_list_tag"
ZERO = ("int", 0)
# Builtins that only move or compute bytes are known by the name of the library function.
LIBRARY = frozenset(
    ("memcpy", "memset", "memmove", "memcmp", "memchr", "strcpy", "strncpy", "strcmp", "strncmp", "strlen", "strcat",
     "strchr", "strrchr", "strstr", "strnlen", "alloca")
)  # fmt: skip
IGNORED = frozenset(("__builtin_va_start", "__builtin_va_end", "__builtin_va_copy", "__builtin_prefetch"))


def stable_name(name: str) -> str:
    """A name without the number that __COUNTER__ gave it."""
    if "__" not in name:
        return name
    if name.startswith("__UNIQUE_ID_"):
        match = UNIQUE.match(name)
        return match.group(1) if match else name
    if name.startswith(("__initcall_", "__compiletime_assert_")):
        return re.sub(r"_\d+", "", name)
    return name


class Expressions:
    """Reads expressions; `statements.py` and `clang.py` build on it.  One object reads one unit."""

    def __init__(self, collector: Collector, text: SourceText) -> None:
        self.collector = collector
        self.text = text
        self.types = Types()
        self.decls: dict[int, tuple] = {}
        self.noreturn: set[str] = set()
        self.wanted: dict[str, None] = {}
        self.wanted_globals: dict[str, None] = {}
        self.lines: dict[int, int] = {}
        self.local_types: dict[str, str] = {}
        self.taken_labels: dict[str, None] = {}
        self._table = {
            UNEXPOSED: self._unexposed,
            DECL_REF: lambda node: self.declared(node[1]),
            MEMBER: self._member,
            CALL: self._call,
            INTEGER: self._constant,
            CHARACTER: self._constant,
            SIZEOF: self._constant,
            FLOATING: lambda node: ("unknown", "float"),
            IMAGINARY: lambda node: ("unknown", "imaginary"),
            STRING: self._string,
            PAREN: lambda node: self.expr(node[2][0]),
            UNARY: self._unary,
            SUBSCRIPT: lambda node: ("idx", self.expr(node[2][0]), self.expr(node[2][1])),
            BINARY: self._binary,
            COMPOUND_ASSIGN: self._binary,
            CONDITIONAL: self._conditional,
            CAST: self._cast,
            COMPOUND_LITERAL: self._compound_literal,
            INIT_LIST: lambda node: self.braces(api.cursor_type(node[1]), node[2]),
            ADDRESS_OF_LABEL: self._label_address,
            STATEMENT_EXPR: self._statement_expression,
            GENERIC: self._generic,
        }

    # supplied by the classes that build on this one
    def braces(self, type_, children) -> tuple:
        raise NotImplementedError

    def block(self, node: Node) -> list[tuple]:
        raise NotImplementedError

    def label_name(self, key: int, cursor: CXCursor) -> str:
        raise NotImplementedError

    def expr(self, node: Node) -> tuple:
        """The AST of an expression node."""
        read = self._table.get(node[0])
        return read(node) if read else ("unknown", f"expression kind {node[0]}")

    def line(self, cursor: CXCursor) -> int:
        """Line in the unexpanded source, remembered by location: a call and its statement often share one."""
        location = api.cursor_location(cursor)
        found = self.lines.get(location.int_data)
        if found is None:
            found = self.lines[location.int_data] = api.line_of(location)
        return found

    def declared(self, cursor: CXCursor) -> tuple:
        """What a reference refers to."""
        target = api.referenced(cursor)
        found = self.decls.get(target.d0)
        if found is None:
            found = self.decls[target.d0] = self._declaration(target)
        return found

    def _declaration(self, target: CXCursor) -> tuple:
        kind = target.kind
        if kind == ENUM_CONSTANT:
            return ("int", api.enum_value(target))
        name = stable_name(api.cursor_spelling(target))
        if kind == FUNCTION_DECL:
            self.wanted.setdefault(name)
            if "noreturn" in api.type_spelling(api.cursor_type(target)):
                self.noreturn.add(name)
            return ("fun", name)
        if kind == VAR_DECL and api.global_storage(target):
            value = self._fixed_value(target)
            if value is not None:
                return ("int", value)
            self.wanted_globals.setdefault(name)
            return ("glob", name)
        if kind in (VAR_DECL, PARM_DECL):
            return ("var", name)
        return ("unknown", f"reference to kind {kind}")

    def _fixed_value(self, target: CXCursor) -> int | None:
        """Value of a `static const` number, None for any other object.

        Macros choose by such numbers: a `scoped_guard` asks one whether its lock can fail to be taken.
        """
        if api.storage_class(target) != STATIC:
            return None
        type_ = api.cursor_type(target)
        if not api.is_const(type_) or self.types.class_of(type_) not in ("int", "uint", "bool"):
            return None
        first = api.initializer(target)
        return api.evaluate(first) if first.kind and first.d1 else None

    def _constant(self, node: Node) -> tuple:
        value = api.evaluate(node[1])
        return ("unknown", "not constant") if value is None else ("int", value)

    def _string(self, node: Node) -> tuple:
        text = api.cursor_spelling(node[1])
        start = text.find('"')
        return ("str", text[start + 1 : -1] if start >= 0 else text)

    def _unexposed(self, node: Node) -> tuple:
        children = node[2]
        if len(children) == 1:
            child = children[0]
            if child[0] == MEMBER_REF:
                return self._constant(node)  # offsetof
            # __builtin_types_compatible_p(typeof(x), ...) has x for a child, as if it were converted to int
            if api.cursor_type(node[1]).kind == INT and not same_place(node[1], child[1]):
                value = api.evaluate(node[1])
                if value is not None:
                    return ("int", value)
            e = self.expr(child)
            if e[0] == "var" and self.local_types.get(e[1]) == VA_LIST:
                kind = self.types.class_of(api.cursor_type(node[1]))
                if kind not in (VA_LIST, "struct:__va_list_tag"):
                    return ("vaarg",)
            return e
        if not children or is_offset(node):
            return self._constant(node)
        if len(children) == 3:  # __builtin_choose_expr
            chosen = api.evaluate(children[0][1])
            if chosen is not None:
                return self.expr(children[1 if chosen else 2])
        if same_start(children):
            return ("cond", self.expr(children[0]), None, self.expr(children[-1]))
        value = api.evaluate(node[1])
        if value is not None:
            return ("int", value)
        return ("unknown", "atomic or vector builtin")

    def _member(self, node: Node) -> tuple:
        tag, field = self.types.field(api.referenced(node[1]))
        children = node[2]
        if not children:
            return ("unknown", "member without object")
        base = children[0]
        e = self.expr(base)
        kind = base[0]
        if kind == UNEXPOSED:
            arrow = len(base[2]) == 1 or api.canonical_type(api.cursor_type(base[1])).kind == POINTER
        elif kind in (MEMBER, SUBSCRIPT, DECL_REF):
            arrow = False
        else:
            arrow = api.canonical_type(api.cursor_type(base[1])).kind == POINTER
        if arrow:
            e = e[1] if e[0] == "addr" else ("deref", e)
        return ("mem", e, tag, field) if field else e

    def _call(self, node: Node) -> tuple:
        children = node[2]
        callee = self.expr(children[0])
        while callee[0] in ("deref", "addr"):
            callee = callee[1]
        if callee[0] == "fun" and callee[1].startswith("__builtin_"):
            special = self._builtin(callee[1], node)
            if special is not None:
                return special
            if callee[1][10:] in LIBRARY:
                callee = ("fun", callee[1][10:])
        return ("call", callee, tuple([self.expr(child) for child in children[1:]]), self.line(node[1]))

    def _builtin(self, name: str, node: Node) -> tuple | None:
        if name == "__builtin_expect" or name == "__builtin_expect_with_probability":
            return self.expr(node[2][1])
        if name == "__builtin_constant_p":
            return ("int", api.evaluate(node[1]) or 0)
        if name in IGNORED:
            return ZERO
        if name in ("__builtin_object_size", "__builtin_dynamic_object_size"):
            value = api.evaluate(node[1])
            return ("int", -1 if value is None else value)
        if name == "__builtin_unreachable" or name == "__builtin_trap":
            return None
        value = api.evaluate(node[1])
        return None if value is None else ("int", value)

    def _unary(self, node: Node) -> tuple:
        op = api.unary_operator(node[1])
        e = self.expr(node[2][0])
        kind = e[0]
        if op == 5:
            if kind == "deref":
                return e[1]
            inner = innermost(node[2][0])
            if kind == "int" and inner[0] == DECL_REF:
                name = stable_name(api.cursor_spelling(api.referenced(inner[1])))
                self.wanted_globals.setdefault(name)
                return ("addr", ("glob", name))
            return e if kind == "fun" else ("addr", e)
        if op == 6:
            if kind == "addr":
                return e[1]
            return e if kind == "fun" else ("deref", e)
        if op <= 4:
            return ("incdec", "+" if op in (1, 3) else "-", op >= 3, e)
        if op in (7, 13):
            return e
        if op in (8, 9, 10):
            if kind == "int":
                value = api.evaluate(node[1])
                if value is not None:
                    return ("int", value)
            return ("un", "-~!"[op - 8], e)
        return ("unknown", "complex part")

    def _binary(self, node: Node) -> tuple:
        op = api.binary_operator(node[1])
        left, right = node[2]
        a = self.expr(left)
        text = BINARY_TEXT.get(op)
        if text is not None:
            b = self.expr(right)
            if a[0] == "int" and b[0] == "int":
                value = api.evaluate(node[1])
                if value is not None:
                    return ("int", value)
            return ("bin", text, a, b)
        if op in ASSIGN_TEXT:
            return ("assign", ASSIGN_TEXT[op], a, self.expr(right))
        if op == LOGICAL_AND:
            if a[0] == "int":
                if not a[1]:
                    return ZERO
                b = self.expr(right)
                return b if truth(b) else ("and", a, b)
            return ("and", a, self.expr(right))
        if op == LOGICAL_OR:
            if a[0] == "int":
                if a[1]:
                    return ("int", 1)
                b = self.expr(right)
                return b if truth(b) else ("or", a, b)
            return ("or", a, self.expr(right))
        if op == COMMA:
            b = self.expr(right)
            return b if a[0] in ("int", "var", "glob", "str") else ("comma", a, b)
        return ("unknown", f"operator {op}")

    def _conditional(self, node: Node) -> tuple:
        condition, then, otherwise = node[2]
        c = self.expr(condition)
        if c[0] == "int":
            return self.expr(then if c[1] else otherwise)
        return ("cond", c, self.expr(then), self.expr(otherwise))

    def _cast(self, node: Node) -> tuple:
        operand = node[2][-1]
        inner = innermost(operand)
        if inner[0] == BINARY and len(inner[2]) == 2:
            offset = innermost(inner[2][1])
            if is_offset(offset):
                kind = self.types.class_of(api.cursor_type(node[1]))
                if kind.startswith("ptr:") and kind != "ptr:" and api.binary_operator(inner[1]) == 7:
                    return ("container", self.expr(inner[2][0]), kind[4:])
        e = self.expr(operand)
        if e[0] == "bin" and e[1] == "-" and is_null_member(e[3]):
            kind = self.types.class_of(api.cursor_type(node[1]))
            return ("container", e[2], kind[4:]) if kind.startswith("ptr:") and kind != "ptr:" else e
        if e[0] == "int" and not 0 <= e[1] < 128:
            value = api.evaluate(node[1])
            if value is not None:
                return ("int", value)
        return e

    def _compound_literal(self, node: Node) -> tuple:
        last = node[2][-1]
        if last[0] == INIT_LIST:
            return self.braces(api.cursor_type(node[1]), last[2])
        return self.expr(last)

    def _label_address(self, node: Node) -> tuple:
        for child in node[2]:
            if child[0] == LABEL_REF:
                self.taken_labels.setdefault(self.label_name(child[1].d0, child[1]))
        return ("unknown", "label address")

    def _generic(self, node: Node) -> tuple:
        children = self.collector.below(node[1])
        wanted = api.canonical_type(api.cursor_type(node[1]))
        choices = children[1:]
        same = [c for c in choices if api.canonical_type(api.cursor_type(c[1])).d0 == wanted.d0]
        if len(same) > 1:  # libclang shows no built-in type of an association: read them
            controlling = api.type_spelling(api.canonical_type(api.cursor_type(children[0][1])))
            written = self.text.associations(node[1])
            if len(written) == len(choices):
                exact = [c for c, text in zip(choices, written, strict=True) if text == controlling]
                default = [c for c, text in zip(choices, written, strict=True) if text == "default"]
                same = exact or default or same
        if same:
            return self.expr(same[0])
        return self.expr(choices[-1]) if choices else ("unknown", "_Generic")

    def _statement_expression(self, node: Node) -> tuple:
        statements = self.block(node[2][0])
        if not statements:
            return ZERO
        last = statements[-1]
        if last[0] != "expr":
            return ("stmtexpr", tuple(statements))
        if len(statements) == 1:
            return last[1]
        if len(statements) == 2:
            first = statements[0]
            if first[0] == "decl" and first[2] is not None and first[3] is None:
                replaced = substitute(last[1], first[1], first[2])
                if replaced is not None:
                    return replaced
        return ("stmtexpr", tuple(statements))


def is_null_member(e: tuple) -> bool:
    """Is it `&((T *)0)->member`, an offset spelled by hand?"""
    if e[0] != "addr" or e[1][0] not in ("mem", "idx"):
        return False
    e = e[1]
    while e[0] in ("mem", "idx"):
        e = e[1]
    return e == ("deref", ("int", 0))


def truth(e: tuple) -> bool:
    """Is the value 0 or 1 by its form?"""
    kind = e[0]
    return kind in ("and", "or") or (kind == "bin" and e[1] in BOOLEAN) or (kind == "un" and e[1] == "!")


def is_offset(node: Node) -> bool:
    """Is it `offsetof`?  Below it are the expression of a `typeof`, the members, the indices."""
    return node[0] == UNEXPOSED and any(child[0] == MEMBER_REF for child in node[2])


def innermost(node: Node) -> Node:
    """The node inside parentheses and implicit casts."""
    while node[0] in (PAREN, UNEXPOSED) and len(node[2]) == 1 and node[2][0][0] != MEMBER_REF:
        node = node[2][0]
    return node


def same_place(one: CXCursor, other: CXCursor) -> bool:
    """Do two nodes start at the same token?  An implicit conversion is where its operand is."""
    return api.cursor_location(one).int_data == api.cursor_location(other).int_data


def same_start(children: list[Node]) -> bool:
    """Do the first operands name the same node, as in `c ?: b`, whose condition clang lists again as its value?"""
    return len(children) == 4 and innermost(children[0])[1].d1 == innermost(children[2])[1].d1


def substitute(e: tuple, name: str, value: tuple) -> tuple | None:
    """`e` with its only use of the variable put in place; None unless `e` is a plain chain down to that variable."""
    kind = e[0]
    if kind == "var":
        return value if e[1] == name else None
    if kind in ("deref", "addr", "mem", "container"):
        inner = substitute(e[1], name, value)
        if inner is None:
            return None
        if (kind == "deref" and inner[0] == "addr") or (kind == "addr" and inner[0] == "deref"):
            return inner[1]
        return (kind, inner, *e[2:])
    return None
