"""Results of functions, decoded from the store when they are asked for.

A gate reads a handful of a hundred thousand results, so the stored form keeps each one encoded and names those that
take part in open obligations.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import msgspec

from verifier.flow.summary import Result

_encoder = msgspec.msgpack.Encoder()
_plain = msgspec.msgpack.Decoder()


class Stored(msgspec.Struct, array_like=True):
    """The stored form: encoded results by function, and the functions whose results are loud."""

    raw: dict[str, bytes]
    loud: list[str]


def tuples(item: Any) -> Any:
    """MessagePack's lists as tuples at every depth: terms are compared and hashed."""
    if item.__class__ is list:
        return tuple([tuples(i) for i in item])
    if item.__class__ is dict:
        return {k: tuples(v) for k, v in item.items()}
    return item


def is_loud(result: Result) -> bool:
    """Whether a result takes part in open obligations or findings."""
    return bool(result.summary.requires or result.closed or result.discharges or result.shapes)


class Results(MutableMapping[str, Result]):
    """A mapping from function identity to result; `copy` shares what is not decoded yet."""

    def __init__(self, raw: dict[str, bytes] | None = None, loud: set[str] | None = None) -> None:
        self._raw = raw if raw is not None else {}
        self._done: dict[str, Result] = {}
        self._loud = loud if loud is not None else set()

    @classmethod
    def decode(cls, data: bytes) -> Results:
        """From the stored form; msgspec.DecodeError or ValidationError on anything else."""
        stored = msgspec.msgpack.decode(data, type=Stored)
        return cls(stored.raw, set(stored.loud))

    def encode(self) -> bytes:
        """The stored form, the same bytes for the same results."""
        raw = {fid: self._raw[fid] if fid not in self._done else _encoder.encode(self._done[fid]) for fid in sorted(self)}
        return _encoder.encode(Stored(raw, self.loud()))

    def copy(self) -> Results:
        """An independent mapping over the same results."""
        other = Results(dict(self._raw), set(self._loud))
        other._done = dict(self._done)
        return other

    def renewed(self, base: Results) -> list[str]:
        """Functions whose results were set since this mapping was copied from `base`, sorted."""
        return sorted(f for f, r in self._done.items() if f not in self._raw and base._done.get(f) is not r)

    def loud(self) -> list[str]:
        """Functions whose results take part in open obligations or findings, sorted."""
        return sorted(self._loud)

    def __getitem__(self, fid: str) -> Result:
        found = self._done.get(fid)
        if found is None:
            found = msgspec.convert(tuples(_plain.decode(self._raw[fid])), type=Result)
            self._done[fid] = found
        return found

    def __setitem__(self, fid: str, result: Result) -> None:
        self._done[fid] = result
        self._raw.pop(fid, None)
        if is_loud(result):
            self._loud.add(fid)
        else:
            self._loud.discard(fid)

    def __delitem__(self, fid: str) -> None:
        if fid not in self:
            raise KeyError(fid)
        self._done.pop(fid, None)
        self._raw.pop(fid, None)
        self._loud.discard(fid)

    def __contains__(self, fid: object) -> bool:
        return fid in self._done or fid in self._raw

    def __iter__(self) -> Iterator[str]:
        yield from self._done
        yield from (fid for fid in self._raw if fid not in self._done)

    def __len__(self) -> int:
        return sum(1 for _ in self)
