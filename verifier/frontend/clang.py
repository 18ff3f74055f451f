"""C through libclang: one parsed translation unit becomes an `AstUnit`.

The work is split by what is read: `clang_types`, `clang_expressions`, `clang_inits`, `clang_statements`; here are
functions, file-scope objects, and the choice of what a unit yields:

* everything that its own file (and .c files included by it) defines;
* of the headers' functions and tables those that are used, directly or through each other.  The same header function
  comes out of many units, always under the header's file name; linking keeps one;
* nothing of a precompiled header: its functions are read once, from the header's own unit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from verifier.frontend import libclang_api as api
from verifier.frontend.ast import AstFunction, AstUnit
from verifier.frontend.clang_expressions import stable_name
from verifier.frontend.clang_nodes import (
    ANNOTATE,
    COMPOUND,
    FUNCTION_DECL,
    PARM_DECL,
    VAR_DECL,
    Collector,
)  # fmt: skip
from verifier.frontend.clang_statements import NOISE, STATIC, Statements
from verifier.frontend.clang_text import SourceText
from verifier.frontend.libclang_api import CXCursor
from verifier.ir.model import GlobalInit

DEEP = 20_000  # nesting of expressions and else-ifs that is read without giving up
ALWAYS_NORETURN = ("__builtin_trap", "__builtin_unreachable")
collector = Collector()


class UnitReader(Statements):
    """Reads one translation unit."""

    def __init__(self, name_of: Callable[[str], str], read: Callable[[str], bytes]) -> None:
        super().__init__(collector, SourceText(read))
        self.name_of = name_of
        self._files: dict[int | None, str] = {}
        self._functions: dict[str, CXCursor] = {}
        self._objects: dict[str, CXCursor] = {}
        self._done: set[str] = set()
        self.functions: list[AstFunction] = []
        self.globals: list[GlobalInit] = []
        self.aliases: set[str] = set()
        self.failures: list[str] = []

    def file_of(self, cursor: CXCursor) -> str:
        """The cursor's file as the tree calls it."""
        handle = api.expansion_place(cursor)[0]
        name = self._files.get(handle)
        if name is None:
            path = api.path_of(handle)
            name = self._files[handle] = self.name_of(path) if path else ""
        return name

    def unit(self, handle: int, main: str, everything: bool = False) -> AstUnit:
        """All that the parsed unit `handle` yields; with `everything` the unused functions of headers too."""
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, DEEP))
        try:
            self._top_level(api.unit_cursor(handle), everything)
            self._used_headers()
        finally:
            sys.setrecursionlimit(limit)
        self.noreturn.update(ALWAYS_NORETURN)
        declarations = {"noreturn": sorted(self.noreturn)}
        if self.aliases:
            declarations["alias"] = sorted(self.aliases)
        errors = [f"{self.name_of(file)}:{line}: {text}" for file, line, text in api.errors(handle)]
        return AstUnit(main, self.functions, self.globals, declarations, errors + self.failures)

    def _top_level(self, top: CXCursor, everything: bool) -> None:
        for cursor in self.collector.children(top):
            kind = cursor.kind
            if kind == FUNCTION_DECL:
                if api.is_definition(cursor):
                    file = self.file_of(cursor)
                    if everything or file.endswith(".c"):
                        self.function(cursor, file)
                    elif file:
                        self._functions[stable_name(api.cursor_spelling(cursor))] = cursor
                elif api.has_attributes(cursor) and self.file_of(cursor).endswith(".c"):
                    self._alias(cursor)
            elif kind == VAR_DECL:
                first = api.initializer(cursor)
                if first.kind and first.d1:
                    file = self.file_of(cursor)
                    if everything or file.endswith(".c"):
                        self.object(cursor, file)
                    elif file:
                        self._objects[stable_name(api.cursor_spelling(cursor))] = cursor

    def _used_headers(self) -> None:
        """Functions and tables of headers that what has been read so far uses, until there are no more."""
        functions = objects = 0
        while functions < len(self.wanted) or objects < len(self.wanted_globals):
            for name in list(self.wanted)[functions:]:
                functions += 1
                cursor = self._functions.get(name)
                if cursor is not None and name not in self._done:
                    self.function(cursor, self.file_of(cursor))
            for name in list(self.wanted_globals)[objects:]:
                objects += 1
                cursor = self._objects.pop(name, None)
                if cursor is not None:
                    self.object(cursor, self.file_of(cursor))

    def _alias(self, cursor: CXCursor) -> None:
        for child in self.collector.children(cursor):
            if child.kind == ANNOTATE:
                text = api.cursor_spelling(child)
                if text.startswith("alias:"):
                    self.aliases.add(f"{api.cursor_spelling(cursor)}={text[6:].strip()}")

    def function(self, cursor: CXCursor, file: str) -> None:
        """Read a function definition."""
        name = stable_name(api.cursor_spelling(cursor))
        if name in self._done:
            return
        self._done.add(name)
        self.begin(name)
        body = None
        attributes: list[str] = []
        params: list[tuple[str, str]] = []
        children = self.collector.children(cursor)
        # Of a function that returns a function pointer, that one's parameters are listed before its own.
        foreign = sum(child.kind == PARM_DECL for child in children) - api.number_of_arguments(cursor)
        for child in children:
            kind = child.kind
            if kind == PARM_DECL:
                if foreign > 0:
                    foreign -= 1
                    continue
                spelled = api.cursor_spelling(child) or f"arg{len(params)}"
                type_class = self.types.class_of(api.cursor_type(child))
                unique = self.local_name(spelled, type_class)
                del self.local_types[unique]
                self.decls[child.d0] = ("var", unique)
                params.append((unique, type_class))
                if type_class == "ptr:__va_list_tag":
                    self.local_types[unique] = type_class
            elif kind == ANNOTATE:
                attributes.extend(known_attribute(api.cursor_spelling(child)))
            elif kind == COMPOUND:
                body = child
        if body is None:
            return
        type_ = api.cursor_type(cursor)
        if api.is_inlined(cursor):
            attributes.append("inline")
        if "noreturn" in api.type_spelling(type_):
            attributes.append("noreturn")
        line = self.line(cursor)
        try:
            statements = self.block((COMPOUND, body, self.collector.below(body)))
            self.finish()
        except RecursionError:
            self.failures.append(f"{file}:{line}: {name} is nested too deeply")
            return
        for table in self.static_tables:
            table.file = file
        self.globals.extend(self.static_tables)
        self.static_tables = []
        if name.startswith("security_") and "inline" in attributes and is_stub(statements):
            attributes.append("stub")
        for parameter, _ in params:
            self.local_types.pop(parameter, None)
        returns = self.types.class_of(api.result_type(type_))
        whole = ("block", tuple(statements), self.line(body))
        static = api.storage_class(cursor) == STATIC
        end, known = api.end_line(cursor), sorted(set(attributes))
        self.functions.append(
            AstFunction(name, file, line, end, static, returns, params, known, whole, self.local_types)
        )

    def object(self, cursor: CXCursor, file: str) -> None:
        """Read a file-scope object with an initialiser."""
        spelled = api.cursor_spelling(cursor)
        if spelled.startswith(NOISE):
            return
        self.begin("")
        type_ = api.cursor_type(cursor)
        self.types.name_after(type_, spelled)
        table = self.table(cursor, stable_name(spelled), self.types.class_of(type_))
        if table is not None:
            table.file = file
            self.globals.append(table)


def known_attribute(annotation: str) -> list[str]:
    """IR attributes for an annotation that `flags.ATTRIBUTE_MACROS` made."""
    if annotation == "weak":
        return ["weak"]
    if annotation.startswith("alias:"):
        return [f"alias={annotation[6:].strip()}"]
    if annotation.startswith(("section:.init.text", "section:.meminit.text")):
        return ["init"]
    return []


def is_stub(statements: list[tuple]) -> bool:
    """Does the body do nothing but return a constant?  So look hooks that the configuration leaves out."""
    for statement in statements:
        if statement[0] == "return":
            value = statement[1]
            if value is not None and value[0] not in ("int", "un", "str", "var"):
                return False
        elif statement[0] != "block" or statement[1]:
            return False
    return True
