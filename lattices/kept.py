"""A pack that was read already, as bytes: reading the rule files again costs more than gating a patch with them.

`key` changes with every byte of the files and of the code that reads them, so that what is kept under it needs no other
proof that it is the pack of these files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from lattices.layers import files_of
from lattices.model import Accessor, Check, Exemption, Pack, Privilege, Rule

EXPRESSIONS: dict[type, tuple[str, ...]] = {  # fields that hold expressions, which are tuples all through
    Rule: ("operation", "requires", "when"),
    Check: ("implies",),
    Accessor: ("value",),
    Exemption: ("condition", "checks", "silences"),
    Privilege: ("registrars", "when"),
}


def key(places: Sequence[Path], version: str) -> str:
    """Stands for the pack that `lattices.pack` makes of the files in `places`, for one kernel version."""
    h = hashlib.sha256(f"{version}\n".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        h.update(hashlib.sha256(path.read_bytes()).digest())
    for place in places:
        h.update(f"{place}\n".encode("utf-8", "surrogateescape"))
        for path in files_of(place):
            h.update(f"{path}\n".encode("utf-8", "surrogateescape") + _content(path))
    return h.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:  # whoever reads the rules in it says what is wrong
        return b""


def encode(pack: Pack) -> bytes:
    """The bytes of a pack."""
    return msgspec.msgpack.encode(pack)


def decode(data: bytes) -> Pack:
    """The pack again; msgspec.MsgspecError when the bytes are none."""
    pack = msgspec.msgpack.decode(data, type=Pack)
    for record in _records(pack):
        for name in EXPRESSIONS.get(type(record), ()):
            object.__setattr__(record, name, _tuples(getattr(record, name)))
    return pack


def _records(pack: Pack) -> Iterator[Any]:
    yield from (*pack.rules, *(exemption for rule in pack.rules for exemption in rule.exempt))
    for table in (pack.checks, pack.accessors, pack.exemptions, pack.declared):
        yield from table.values()


def _tuples(item: Any) -> Any:
    """Lists become tuples, through and through."""
    return tuple([_tuples(part) for part in item]) if isinstance(item, (list, tuple)) else item
