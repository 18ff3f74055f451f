"""C types as pycparser declares them: classes and tags as docs/engine.md wants them, sizes as on x86-64.

A type is a small tuple: ("void",) ("bool",) ("int", bytes, signed) ("float", bytes) ("enum",) ("ptr", type)
("arr", type, elements or None) ("fn", result) ("rec", key).  Records are looked up by key, so that they may contain
pointers to themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pycparser import c_ast

Type = tuple
VOID, BOOL, INT, ENUM, CHAR = ("void",), ("bool",), ("int", 4, True), ("enum",), ("int", 1, True)
UNSIGNED, LONG, UNSIGNED_LONG = ("int", 4, False), ("int", 8, True), ("int", 8, False)
BUILT_IN = {"__u128": ("int", 16, False), "__builtin_va_list": ("ptr", VOID)}


@dataclass
class Record:
    """A struct or union; a member's name is "" where it is anonymous."""

    tag: str
    union: bool
    fields: list[tuple[str, Type]] = field(default_factory=list)
    complete: bool = False


class Types:
    """The types of one unit.  `constant` evaluates array dimensions and enumerators (given by the reader)."""

    def __init__(self, constant) -> None:
        self.constant = constant
        self.records: dict[str, Record] = {}
        self.scopes: list[dict[str, Type]] = [{}]
        self.enumerators: dict[str, int] = {}
        self._keys: dict[int, str] = {}

    # from pycparser

    def of(self, node: c_ast.Node, name: str = "") -> Type:
        """Type of a declarator node; `name` is what an anonymous record in it is called after."""
        layers = []
        while True:
            if isinstance(node, c_ast.PtrDecl):
                layers.append(("ptr",))
            elif isinstance(node, c_ast.ArrayDecl):
                layers.append(("arr", self.constant(node.dim) if node.dim is not None else None))
            elif isinstance(node, c_ast.FuncDecl):
                layers.append(("fn",))
            elif not isinstance(node, (c_ast.TypeDecl, c_ast.Typename)):
                break
            node = node.type
        kind = self._base(node, name)
        for layer in reversed(layers):
            kind = ("arr", kind, layer[1]) if layer[0] == "arr" else (layer[0], kind)
        return kind

    def _base(self, node: c_ast.Node, name: str) -> Type:
        if isinstance(node, (c_ast.Struct, c_ast.Union)):
            return self._record(node, name)
        if isinstance(node, c_ast.Enum):
            value = 0
            for item in node.values.enumerators if node.values is not None else ():
                if item.value is not None:
                    value = self.constant(item.value) or 0
                self.enumerators[item.name] = value
                value += 1
            return ENUM
        names = list(getattr(node, "names", ()))
        if len(names) == 1 and names[0] in BUILT_IN:
            return BUILT_IN[names[0]]
        if len(names) == 1:
            for scope in reversed(self.scopes):
                if names[0] in scope:
                    return scope[names[0]]
        return basic(names)

    def _record(self, node: c_ast.Struct | c_ast.Union, name: str) -> Type:
        union = isinstance(node, c_ast.Union)
        key = self._keys.get(id(node))
        if key is None:
            key = f"tag {node.name}" if node.name else f"anonymous {len(self._keys)}"
            self._keys[id(node)] = key
        record = self.records.get(key)
        if record is None:
            record = self.records[key] = Record(node.name or name or "anon", union)
        if node.decls is not None and not record.complete:
            record.complete = True
            for member in node.decls:
                if not isinstance(member, c_ast.Decl):
                    continue
                plain = isinstance(member.type, (c_ast.Struct, c_ast.Union))
                if plain and member.name is None and member.type.name is not None:
                    self.of(member.type)  # declares a tag, has no member
                    continue
                inner = record.tag if member.name is None else f"{record.tag}.{member.name}"
                kind = self.of(member.type, inner)
                if member.name is not None or kind[0] == "rec":
                    record.fields.append((member.name or "", kind))
        return ("rec", key)

    # what they are

    def record(self, kind: Type) -> Record | None:
        """The record of a struct type, None for any other."""
        return self.records[kind[1]] if kind[0] == "rec" else None

    def class_of(self, kind: Type) -> str:
        """The type class of any type."""
        if kind[0] == "ptr":
            return "fnptr" if kind[1][0] == "fn" else "ptr:" + self._tag_behind(kind[1])
        if kind[0] == "arr":
            return "ptr:" + self._tag_behind(kind)
        if kind[0] == "rec":
            return "struct:" + self.records[kind[1]].tag
        if kind[0] == "int":
            return "int" if kind[2] else "uint"
        return {"void": "void", "bool": "bool", "fn": "fnptr"}.get(kind[0], "int")

    def _tag_behind(self, kind: Type) -> str:
        while kind[0] == "arr":
            kind = kind[1]
        return self.records[kind[1]].tag if kind[0] == "rec" else ""

    def member(self, kind: Type, name: str) -> tuple[str, Type] | None:
        """(tag, type) of a member, through anonymous ones; None if there is none."""
        record = self.record(kind)
        for own, inner in record.fields if record else ():
            if own == name:
                return record.tag, inner
            found = self.member(inner, name) if not own else None
            if found is not None:
                return found
        return None

    def position(self, record: Record, name: str) -> int:
        """Place of a member in its record, that of the anonymous one that holds it; -1 if there is none."""
        for place, (own, inner) in enumerate(record.fields):
            if own == name or not own and self.member(inner, name) is not None:
                return place
        return -1

    # layout

    def size(self, kind: Type) -> int | None:
        """Bytes of a type, None where it is not complete."""
        layout = self._layout(kind)
        return layout[0] if layout else None

    def alignment(self, kind: Type) -> int | None:
        """Alignment of a type in bytes, None where it is not complete."""
        layout = self._layout(kind)
        return layout[1] if layout else None

    def offset(self, kind: Type, name: str) -> int | None:
        """Bytes before a member."""
        record = self.record(kind)
        at = 0
        for own, inner in record.fields if record else ():
            layout = self._layout(inner)
            if layout is None:
                return None
            at = 0 if record.union else -(-at // layout[1]) * layout[1]
            if own == name:
                return at
            below = self.offset(inner, name) if not own else None
            if below is not None:
                return at + below
            at += layout[0]
        return None

    def _layout(self, kind: Type) -> tuple[int, int] | None:
        """(size, alignment)."""
        if kind[0] in ("int", "float"):
            return kind[1], kind[1]
        if kind[0] == "ptr":
            return 8, 8
        if kind[0] in ("void", "bool", "fn"):
            return 1, 1
        if kind[0] == "enum":
            return 4, 4
        if kind[0] == "arr":
            inner = self._layout(kind[1])
            return (inner[0] * kind[2], inner[1]) if inner and kind[2] is not None else None
        record = self.records[kind[1]]
        if not record.complete:
            return None
        size, align = 0, 1
        for _, inner in record.fields:
            layout = self._layout(inner if inner[0] != "arr" or inner[2] is not None else ("arr", inner[1], 0))
            if layout is None:
                return None
            align = max(align, layout[1])
            size = max(size, layout[0]) if record.union else -(-size // layout[1]) * layout[1] + layout[0]
        return -(-size // align) * align, align


def basic(names: list[str]) -> Type:
    """Type of a list of basic type words in any order."""
    if "void" in names:
        return VOID
    if "_Bool" in names:
        return BOOL
    if "float" in names or "double" in names:
        return ("float", 16 if "long" in names else 4 if "float" in names else 8)
    signed = "unsigned" not in names
    if "char" in names:
        return ("int", 1, signed)
    if "short" in names:
        return ("int", 2, signed)
    if "__int128" in names:
        return ("int", 16, signed)
    return ("int", 8 if "long" in names else 4, signed)


def promoted(kind: Type) -> Type:
    """The type that an operand of arithmetic has."""
    if kind[0] == "int" and kind[1] >= 4:
        return kind
    return INT if kind[0] in ("int", "bool", "enum") else kind


def common_type(a: Type, b: Type) -> Type:
    """The type of `a + b` (ISO C 6.3.1.8); a pointer where one of them is."""
    for kind in (a, b):
        if kind[0] in ("ptr", "arr", "float", "fn"):
            return ("ptr", kind[1]) if kind[0] == "arr" else kind
    a, b = promoted(a), promoted(b)
    if a[0] != "int" or b[0] != "int":
        return INT
    if a[1] == b[1]:
        return a if not a[2] else b
    return a if a[1] > b[1] else b


def wrapped(value: int, kind: Type) -> int:
    """The value as an object of this type holds it."""
    if kind[0] == "bool":
        return int(bool(value))
    if kind[0] != "int":
        return value
    bits = 8 * kind[1]
    value &= (1 << bits) - 1
    return value - (1 << bits) if kind[2] and value >> (bits - 1) else value
