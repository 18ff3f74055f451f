"""A mapping over another that it leaves as it is: what a variant of a program changes, over what the program has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TypeVar

Value = TypeVar("Value")
_NONE = object()


class Layered(MutableMapping[str, Value]):
    """`base` with some keys set and some gone; costs nothing for what it shares."""

    def __init__(self, base: Mapping[str, Value]) -> None:
        self.base = base
        self.set: dict[str, Value] = {}
        self.gone: set[str] = set()

    def differing(self) -> set[str]:
        """Keys that were set or taken away; their values may be equal to the base's all the same."""
        return self.set.keys() | self.gone

    def __getitem__(self, key: str) -> Value:
        found = self.set.get(key, _NONE)
        if found is not _NONE:
            return found  # type: ignore[return-value]
        if key in self.gone:
            raise KeyError(key)
        return self.base[key]

    def get(self, key: str, default: Value | None = None) -> Value | None:  # type: ignore[override]
        """As of a dict; the detour over an exception would be most of its cost."""
        found = self.set.get(key, _NONE)
        if found is not _NONE:
            return found  # type: ignore[return-value]
        return default if key in self.gone else self.base.get(key, default)

    def __setitem__(self, key: str, value: Value) -> None:
        self.set[key] = value
        self.gone.discard(key)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self.set.pop(key, None)
        if key in self.base:
            self.gone.add(key)

    def __contains__(self, key: object) -> bool:
        return key in self.set or (key not in self.gone and key in self.base)

    def __iter__(self) -> Iterator[str]:
        yield from (key for key in self.base if key not in self.gone)
        yield from (key for key in self.set if key not in self.base)

    def __len__(self) -> int:
        return len(self.base) - len(self.gone) + sum(key not in self.base for key in self.set)


def differing(*mappings: Mapping[str, Value]) -> set[str]:
    """Keys in which mappings over one base may differ from each other; a base itself differs in none."""
    out: set[str] = set()
    for mapping in mappings:
        if isinstance(mapping, Layered):
            out |= mapping.differing()
    return out
