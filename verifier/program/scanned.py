"""What the last scan of a store was made from, so that its program can be taken up again without looking at the tree."""

from __future__ import annotations

from typing import Any

import msgspec

from lattices.model import Pack
from verifier.errors import KqualError
from verifier.program.analyse import Analysis, shaped

KIND, KEY = "scanned", "last"


class Unit(msgspec.Struct, array_like=True):
    """A unit as the analysis knows it; see verifier.frontend.seen.UnitRecord."""

    file: str
    key: str
    status: str
    error: str
    header: str
    dependencies: list[str] = []  # left out: the tree is not looked at


class Scanned(msgspec.Struct):
    """`origin`, `version` and `config_digest` are the tree's; `scope` the folders that were analysed."""

    origin: str
    version: str
    config_digest: str
    scope: list[str]
    units: list[Unit]


def keep(found: Analysis, tree: Any, scope: tuple[str, ...], store: Any) -> None:
    """Write down what an analysis was made from."""
    units = [Unit(r.file, r.key, r.status, r.error, r.header) for r in found.records]
    last = Scanned(tree.origin, tree.version, tree.config_digest, list(scope), units)
    store.put(KIND, KEY, msgspec.msgpack.encode(last))


def kept(store: Any) -> Scanned | None:
    """What the last finished scan left; None when there is none, or it was made by a version that kept other things."""
    data = store.get(KIND, KEY)
    return shaped(data, msgspec.msgpack.Decoder(Scanned)) if data is not None else None


def restore(last: Scanned, store: Any, pack: Pack, root: str) -> Analysis:
    """The analysis of the last scan, all of it from the store; KqualError when results with these rules are not there."""
    plain = last.origin == "plain"
    if store.get("results", Analysis.digests(last.units, pack, plain)[1]) is None:
        raise KqualError("the store has no results for these rules", "run `kqual scan` with the same --rules first")
    found = Analysis(last.units, store, pack, plain, None, root)
    found.run()
    return found
