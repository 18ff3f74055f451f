"""Bodies of functions, decoded from the units' IR when they are wanted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import msgspec

from verifier.ir.model import Function
from verifier.program.link import Info


class _Split(msgspec.Struct, array_like=True):
    """A unit whose functions are left encoded (the leading fields of verifier.ir.model.Unit)."""

    file: str
    functions: list[msgspec.Raw]


class Bodies:
    """Bodies by identity; keeps the last `most` units split and decodes single functions."""

    def __init__(self, fetch: Callable[[str], bytes | None], most: int = 400) -> None:
        self.fetch = fetch
        self.most = most
        self.units: OrderedDict[str, list[msgspec.Raw]] = OrderedDict()
        self._splitter = msgspec.msgpack.Decoder(_Split)
        self._decoder = msgspec.msgpack.Decoder(Function)

    def body(self, info: Info) -> Function | None:
        """The function's body, or None when the store lost its unit."""
        data = self.raw(info)
        return self._decoder.decode(data) if data is not None else None

    def raw(self, info: Info) -> msgspec.Raw | None:
        """The function's body as it is stored; equal bytes are equal bodies."""
        split = self.units.get(info.unit)
        if split is None:
            data = self.fetch(info.unit)
            if data is None:
                return None
            split = self._splitter.decode(data).functions
            self.units[info.unit] = split
            if len(self.units) > self.most:
                self.units.popitem(last=False)
        else:
            self.units.move_to_end(info.unit)
        return split[info.position]
