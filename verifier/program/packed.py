"""Tables of a linked program as arrays of numbers, unpacked row by row when they are asked for.

A program has some 200,000 functions and three quarters of a million calls.  A gate looks at a few hundred of them, so
what is read from the store stays as it is there: names once, everything else as numbers of names (the compressed
sparse rows of numerical linear algebra).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

Value = TypeVar("Value")
WIDTH = "I"


class Numbering:
    """Names and their numbers."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.numbers = dict(zip(names, range(len(names)), strict=True))


class Late(Mapping[str, Value]):
    """A mapping that is made when it is first asked for something."""

    def __init__(self, make: Callable[[], dict[str, Value]]) -> None:
        self._make = make
        self._made: dict[str, Value] | None = None

    def _all(self) -> dict[str, Value]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, key: str) -> Value:
        return self._all()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class RowData(msgspec.Struct, array_like=True):
    """Rows of numbers: row n lies from `starts[n]` to `starts[n + 1]`; both as bytes of 32-bit numbers."""

    starts: bytes
    items: bytes


def pack_rows(rows: Iterable[Iterable[int]]) -> RowData:
    """Rows as two arrays."""
    starts, items = array(WIDTH, [0]), array(WIDTH)
    for row in rows:
        items.extend(row)
        starts.append(len(items))
    return RowData(starts.tobytes(), items.tobytes())


def numbers_of(data: bytes) -> array[int]:
    """The array that `data` holds; ValueError when it holds none."""
    out = array(WIDTH)
    out.frombytes(data)
    return out


class Table(Mapping[str, Value]):
    """Values by name, each made by `make` from its number when it is first asked for; None there means that it is not.

    Equal questions get the same object.
    """

    def __init__(
        self, keys: Numbering, make: Callable[[int], Value | None], every: bool = False, has: Callable[[int], bool] | None = None
    ) -> None:  # fmt: skip
        """`every`: no number is without a value; `has` tells without making it whether there is one."""
        self.keys_numbered = keys
        self._make = make
        self._made: dict[str, Value | None] = {}
        self.every = every
        self._has = has or (lambda number: every or make(number) is not None)

    def get(self, key: str, default: Value | None = None) -> Value | None:  # type: ignore[override]
        """As of a dict."""
        try:
            found = self._made[key]
        except KeyError:
            number = self.keys_numbered.numbers.get(key)
            found = self._made[key] = None if number is None else self._make(number)
        return default if found is None else found

    def __getitem__(self, key: str) -> Value:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        number = self.keys_numbered.numbers.get(key) if isinstance(key, str) else None
        return number is not None and (self.every or self._has(number))

    def __iter__(self) -> Iterator[str]:
        names = self.keys_numbered.names
        return iter(names) if self.every else (name for number, name in enumerate(names) if self._has(number))

    def __len__(self) -> int:
        return len(self.keys_numbered.names) if self.every else sum(1 for _ in self)


def numbering(table: Mapping[str, Value]) -> Numbering:
    """The numbers of a mapping's keys in their order."""
    if isinstance(table, Table) and table.every:
        return table.keys_numbered
    return Numbering(sorted(table))


def rows(keys: Numbering, data: RowData, value: Callable[[array[int]], Value]) -> Table[Value]:
    """The rows of `data` by the names of `keys`; an empty row is none."""
    starts, items = numbers_of(data.starts), numbers_of(data.items)
    if len(starts) != len(keys.names) + 1:
        raise ValueError("rows and names do not belong together")

    def make(number: int) -> Value | None:
        first, last = starts[number], starts[number + 1]
        return value(items[first:last]) if first < last else None

    return Table(keys, make, has=lambda number: starts[number] < starts[number + 1])


def name_rows(keys: Numbering, data: RowData, names: list[str]) -> Table[list[str]]:
    """Rows of numbers as lists of the names that they stand for."""
    return rows(keys, data, lambda numbers: [names[n] for n in numbers])
