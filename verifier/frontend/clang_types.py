"""Type classes, tags and record layouts of one translation unit, remembered by the address of the clang type.

A type class is `void`, `int`, `uint`, `bool`, `ptr:TAG`, `struct:TAG` or `fnptr` (docs/engine.md).  Enumerations are
`int`; arrays are `ptr:TAG` of their element, as the values that they decay to; floating point is `int`.
"""

from __future__ import annotations

from typing import NamedTuple

from verifier.frontend import libclang_api as api
from verifier.frontend.libclang_api import CXCursor, CXType

INT = 17
VOID, BOOL, POINTER, RECORD, ENUM, FUNCTION_NO_PROTO, FUNCTION = 2, 3, 101, 105, 106, 110, 111
ARRAYS = (112, 114, 115)
UNSIGNED = (4, 5, 6, 7, 8, 9, 10, 11, 12)
STRUCT_DECL, UNION_DECL = 2, 3
ANONYMOUS_MARKS = ("(unnamed", "(anonymous")


class Field(NamedTuple):
    """A member: `name` is "" for an anonymous struct or union."""

    name: str
    type: CXType


class Record(NamedTuple):
    """A struct or union with its members in source order."""

    tag: str
    union: bool
    fields: list[Field]


class Types:
    """All that the reader of a unit asks about types."""

    def __init__(self) -> None:
        self._classes: dict[int, str] = {}
        self._tags: dict[int, str] = {}
        self._records: dict[int, Record] = {}
        self._fields: dict[int, tuple[str, str]] = {}

    def class_of(self, type_: CXType) -> str:
        """The type class of any type."""
        found = self._classes.get(type_.d0)
        if found is None:
            found = self._classes[type_.d0] = self._class_of(api.canonical_type(type_))
        return found

    def _class_of(self, type_: CXType) -> str:
        kind = type_.kind
        if kind == POINTER:
            target = api.canonical_type(api.pointee_type(type_))
            if target.kind in (FUNCTION, FUNCTION_NO_PROTO):
                return "fnptr"
            return "ptr:" + self._tag_behind(target)
        if kind == RECORD:
            return "struct:" + self.tag_of(api.type_declaration(type_))
        if kind in ARRAYS:
            return "ptr:" + self._tag_behind(type_)
        if kind == VOID:
            return "void"
        if kind == BOOL:
            return "bool"
        if kind in (FUNCTION, FUNCTION_NO_PROTO):
            return "fnptr"
        return "uint" if kind in UNSIGNED else "int"

    def _tag_behind(self, type_: CXType) -> str:
        while type_.kind in ARRAYS:
            type_ = api.canonical_type(api.element_type(type_))
        return self.tag_of(api.type_declaration(type_)) if type_.kind == RECORD else ""

    def name_after(self, type_: CXType, name: str) -> None:
        """A record without a tag that is defined with the variable `name` is called after it."""
        type_ = api.canonical_type(type_)
        while type_.kind in ARRAYS:
            type_ = api.canonical_type(api.element_type(type_))
        if type_.kind == RECORD:
            record = api.type_declaration(type_)
            if record.d0 not in self._tags and api.is_anonymous(record):
                self.tag_of(record, name)

    def tag_of(self, record: CXCursor, otherwise: str = "anon") -> str:
        """Tag of a struct or union; anonymous ones are called after what surrounds them.

        An anonymous member belongs to the record around it, a named member of anonymous type is `outer.member`, an
        anonymous record behind a typedef has the typedef's name, any other is called `otherwise`.
        """
        tag = self._tags.get(record.d0)
        if tag is None:
            tag = self._tags[record.d0] = self._tag_of(record, otherwise)
        return tag

    def _tag_of(self, record: CXCursor, otherwise: str) -> str:
        text = api.type_spelling(api.cursor_type(record))
        if not any(mark in text for mark in ANONYMOUS_MARKS):
            return text.removeprefix("const ").removeprefix("struct ").removeprefix("union ")
        outer = api.semantic_parent(record)
        if outer.kind not in (STRUCT_DECL, UNION_DECL):
            return otherwise
        surrounding = self.tag_of(outer)
        if api.is_anonymous_record(record):
            return surrounding
        for field in self.record_of(api.cursor_type(outer), outer).fields:
            target = api.canonical_type(field.type)
            while target.kind in ARRAYS or target.kind == POINTER:
                inner = api.pointee_type(target) if target.kind == POINTER else api.element_type(target)
                target = api.canonical_type(inner)
            if target.kind == RECORD and api.type_declaration(target).d0 == record.d0 and field.name:
                return f"{surrounding}.{field.name}"
        return surrounding

    def record_of(self, type_: CXType, declaration: CXCursor | None = None) -> Record:
        """Members of a struct or union type."""
        if declaration is None:
            type_ = api.canonical_type(type_)
            declaration = api.type_declaration(type_)
        found = self._records.get(declaration.d0)
        if found is None:
            fields: list[Field] = []

            def add(cursor: CXCursor, _data: int | None) -> int:
                name = api.cursor_spelling(cursor)
                # LLVM 18 gives anonymous members a descriptive spelling.
                fields.append(Field("" if "(" in name else name, api.cursor_type(cursor)))
                return 1

            visitor = api.FIELD_VISITOR(add)
            api.visit_fields(api.cursor_type(declaration), visitor, None)
            union = declaration.kind == UNION_DECL
            # The entry exists before the tag is asked for: naming a nested record looks at its neighbours.
            found = self._records[declaration.d0] = Record("", union, fields)
            found = self._records[declaration.d0] = Record(self.tag_of(declaration), union, fields)
        return found

    def field(self, declaration: CXCursor) -> tuple[str, str]:
        """(tag, name) of a member's declaration; the name of an anonymous member is ""."""
        found = self._fields.get(declaration.d0)
        if found is None:
            name = api.cursor_spelling(declaration)
            if "(" in name:
                name = ""
            found = self._fields[declaration.d0] = (self.tag_of(api.semantic_parent(declaration)), name)
        return found

    def canonical(self, type_: CXType) -> CXType:
        """The type without typedefs."""
        return api.canonical_type(type_)
