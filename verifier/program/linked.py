"""From a parsed tree to its link tables and doors: linked anew, without the engine and its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from lattices.model import Pack
from verifier.ir.model import decode
from verifier.program.doors import Doors
from verifier.program.index import INDEX_VERSION, UnitIndex, index_unit
from verifier.program.link import Program, link


def link_anew(
    records: Sequence[Any], store: Any, pack: Pack, plain: bool, progress: Callable[[str, int, int], None]
) -> tuple[Program, Doors]:
    """Program and doors of a tree's unit records (`file`, `key`, `status`), whose units the store holds."""
    ordered = sorted((r for r in records if r.status != "lost"), key=lambda r: (r.file, r.key))
    indexes: list[tuple[str, UnitIndex]] = []
    for n, record in enumerate(ordered):
        data = store.get("index", f"{record.key}/{INDEX_VERSION}")
        if data is not None:
            indexes.append((record.key, msgspec.msgpack.decode(data, type=UnitIndex)))
            continue
        blob = store.get("unit", record.key)
        if blob is not None:
            indexes.append((record.key, index_unit(decode(blob))))
        if n % 100 == 0:
            progress("indexing", n, len(ordered))
    progress("linking", 0, len(indexes))
    program = link(indexes)
    return program, Doors(program, pack, plain)
