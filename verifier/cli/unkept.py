"""A store that is only read: what a run would write to it stays in memory, and is gone with the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from verifier.store import Store


class Unkept(Store):
    """Reads the file; keeps new values beside it.  `readonly` is true, so that nobody takes a result for stored."""

    def __init__(self, path: Path, readonly: bool = True, say: Callable[[str], None] | None = None) -> None:
        super().__init__(path, True, say)
        self._fresh: dict[tuple[str, str], bytes | None] = {}  # None: deleted
        self._properties: dict[str, str] = {}

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of those `keys` that have one, in the order of `keys`."""
        wanted = list(keys)
        below = super().get_many(kind, [key for key in wanted if (kind, key) not in self._fresh])
        found = {key: self._fresh.get((kind, key), below.get(key)) for key in wanted}
        return {key: value for key, value in found.items() if value is not None}

    def put_many(self, kind: str, items: Iterable[tuple[str, bytes]]) -> None:
        """Keep (key, value) pairs for this run."""
        self._fresh.update({(kind, key): data for key, data in items})

    def keys(self, kind: str, prefix: str = "") -> list[str]:
        """The keys of a kind that begin with `prefix`, sorted."""
        fresh = {key: value is not None for (of, key), value in self._fresh.items() if of == kind and key.startswith(prefix)}
        return sorted({key for key in super().keys(kind, prefix) if fresh.get(key, True)} | {k for k, there in fresh.items() if there})

    def count(self, kind: str) -> int:
        """How many values a kind has."""
        return len(self.keys(kind))

    def delete(self, kind: str, key: str) -> None:
        """Forget one value for this run."""
        self._fresh[kind, key] = None

    def prune(self, kind: str, keep: Iterable[str]) -> int:
        """Forget the values of a kind whose key is not in `keep`, for this run; returns how many."""
        gone = set(self.keys(kind)) - set(keep)
        self._fresh.update({(kind, key): None for key in gone})
        return len(gone)

    def clear(self, kind: str) -> None:
        """Forget all values of a kind for this run."""
        self.prune(kind, ())

    def meta(self, key: str) -> str | None:
        """A property of the whole store, or None."""
        return self._properties.get(key) or super().meta(key)

    def set_meta(self, key: str, value: str) -> None:
        """Set a property for this run."""
        self._properties[key] = value
