"""Initialiser lists: designators, elided braces, anonymous members, flattening for tables of file scope.

libclang shows an initialiser list as it was written.  Which object each expression initialises is worked out here by
the rules of C (ISO C 6.7.9): a list in braces starts at the first member, a designator moves the position, and an
aggregate without braces of its own takes as many expressions as it has members.
"""

from __future__ import annotations

from verifier.frontend import libclang_api as api
from verifier.frontend.clang_expressions import Expressions, innermost
from verifier.frontend.clang_nodes import INIT_LIST, MEMBER_REF, STRING, UNEXPOSED, Node
from verifier.frontend.clang_types import ARRAYS, RECORD, VOID, Record
from verifier.frontend.libclang_api import CXType


class Reader:
    """The expressions of a list, taken one after the other."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.place = 0

    def peek(self) -> Node | None:
        return self.nodes[self.place] if self.place < len(self.nodes) else None


def is_designated(node: Node) -> bool:
    """Is this list element `.member = ...` or `[index] = ...`?"""
    if node[0] != UNEXPOSED or not node[2] or (len(node[2]) == 1 and node[2][0][0] != MEMBER_REF):
        return False
    return api.cursor_type(node[1]).kind == VOID


class Initialisers(Expressions):
    """Reads initialisers."""

    def initial_value(self, type_: CXType, node: Node) -> tuple:
        """The value that `node` gives to an object of this type."""
        if node[0] == INIT_LIST:
            return self.braces(type_, node[2])
        return self.expr(node)

    def braces(self, type_: CXType, children: list[Node]) -> tuple:
        """A list in braces for an object of this type."""
        type_ = api.canonical_type(type_)
        reader = Reader(children)
        if type_.kind == RECORD:
            return self._fill_record(type_, reader, True)
        if type_.kind in ARRAYS:
            first = innermost(children[0]) if len(children) == 1 else None
            if first is not None and first[0] == STRING and self.types.class_of(type_) == "ptr:":
                element = api.canonical_type(api.element_type(type_)).kind
                if element in (4, 5, 13, 14):  # the character types
                    return self.expr(first)
            return self._fill_array(type_, reader, True)
        return self.expr(children[0]) if children else ("int", 0)

    def _fill_record(self, type_: CXType, reader: Reader, own_braces: bool) -> tuple:
        record = self.types.record_of(type_)
        values: list[tuple[str, tuple]] = []
        place = 0
        limit = 1 if record.union else len(record.fields)
        while (node := reader.peek()) is not None:
            if is_designated(node):
                if not own_braces:
                    break
                reader.place += 1
                steps = list(node[2])
                name, place = self._designated_field(record, steps, place)
                if name is None:
                    continue
                values.extend(self._designated(record, name, place, steps))
                place += 1
                continue
            while place < limit and not record.fields[place].name and (
                api.canonical_type(record.fields[place].type).kind != RECORD
            ):
                place += 1  # unnamed bit-fields take no value
            if place >= limit:
                if not own_braces:
                    break
                reader.place += 1
                continue
            field = record.fields[place]
            place += 1
            value = self._element(field.type, reader)
            if field.name:
                values.append((field.name, value))
            elif value[0] == "init":
                values.extend(value[2])
        return ("init", record.tag, tuple(values))

    def _designated_field(self, record: Record, steps: list[Node], place: int) -> tuple[str | None, int]:
        """Take the member designator off `steps`; (name, position of the member in the record)."""
        while steps and steps[0][0] == MEMBER_REF:
            _, name = self.types.field(api.referenced(steps.pop(0)[1]))
            if name:
                return name, self._position(record, name, place)
        return None, place

    def _position(self, record: Record, name: str, otherwise: int) -> int:
        for number, field in enumerate(record.fields):
            if field.name == name:
                return number
            inner = not field.name and api.canonical_type(field.type).kind == RECORD
            if inner and self._position(self.types.record_of(field.type), name, -1) >= 0:
                return number
        return otherwise

    def _field_type(self, record: Record, name: str) -> CXType | None:
        for field in record.fields:
            if field.name == name:
                return field.type
            if not field.name and api.canonical_type(field.type).kind == RECORD:
                found = self._field_type(self.types.record_of(field.type), name)
                if found is not None:
                    return found
        return None

    def _designated(self, record: Record, name: str, place: int, steps: list[Node]) -> list[tuple[str, tuple]]:
        type_ = self._field_type(record, name)
        if type_ is None:
            return [(name, self.expr(steps[-1]))]
        return [(name, self._behind(type_, steps))]

    def _behind(self, type_: CXType, steps: list[Node]) -> tuple:
        """The value behind what is left of a designator."""
        if len(steps) == 1:
            return self.initial_value(type_, steps[0])
        type_ = api.canonical_type(type_)
        if type_.kind == RECORD:
            record = self.types.record_of(type_)
            name, place = self._designated_field(record, steps, 0)
            if name is None:
                return self.expr(steps[-1])
            return ("init", record.tag, tuple(self._designated(record, name, place, steps)))
        if type_.kind in ARRAYS:
            return ("initarr", (self._indexed(api.element_type(type_), steps),))
        return self.expr(steps[-1])

    def _indexed(self, element: CXType, steps: list[Node]) -> tuple:
        """`[lo] = v` or `[lo ... hi] = v` or a longer path from there."""
        low = api.evaluate(steps[0][1])
        steps = steps[1:]
        high = low
        # [a ... b] and [a][b] look the same; the second needs an array to step into
        if len(steps) >= 2 and steps[0][0] != MEMBER_REF and api.canonical_type(element).kind not in ARRAYS:
            high = api.evaluate(steps[0][1])
            steps = steps[1:]
        value = self._behind(element, steps)
        return ("at", low or 0, (high if high is not None else low) or 0, value)

    def _fill_array(self, type_: CXType, reader: Reader, own_braces: bool) -> tuple:
        element = api.element_type(type_)
        size = api.array_size(type_)
        values: list[tuple] = []
        while (node := reader.peek()) is not None:
            if is_designated(node):
                if not own_braces:
                    break
                reader.place += 1
                values.append(self._indexed(element, list(node[2])))
                continue
            if not own_braces and 0 <= size <= len(values):
                break
            values.append(self._element(element, reader))
        return ("initarr", tuple(values))

    def _element(self, type_: CXType, reader: Reader) -> tuple:
        node = reader.nodes[reader.place]
        if node[0] == INIT_LIST:
            reader.place += 1
            return self.braces(type_, node[2])
        type_ = api.canonical_type(type_)
        if type_.kind == RECORD:
            if not self.types.class_of(api.cursor_type(node[1])).startswith("struct:"):
                return self._fill_record_or_skip(type_, reader)
        elif type_.kind in ARRAYS and innermost(node)[0] != STRING:
            return self._fill_array(type_, reader, False)
        reader.place += 1
        return self.expr(node)

    def _fill_record_or_skip(self, type_: CXType, reader: Reader) -> tuple:
        before = reader.place
        value = self._fill_record(type_, reader, False)
        if reader.place == before:  # an empty struct takes nothing; go on all the same
            reader.place += 1
        return value

    def plain_numbers(self, type_: CXType) -> bool:
        """Is it an array of numbers?  Such tables are not worth walking."""
        type_ = api.canonical_type(type_)
        if type_.kind not in ARRAYS:
            return False
        while type_.kind in ARRAYS:
            type_ = api.canonical_type(api.element_type(type_))
        return self.types.class_of(type_) in ("int", "uint", "bool")
