"""Which stored values the last scan used; everything else of the same kinds is left from scans before it."""

from __future__ import annotations

from typing import Any

import msgspec

from verifier.program.index import index_key
from verifier.store import Store

KIND, KEY = "used", "scan"
# kinds of values that a scan makes and can make again, those that cost least to make first
REMADE = ("catalogue", "rules", "modules", "completeness", "obligations", "siblings", "door-reach", "doors", "program", "scanned", "results", "index",
          "seen", "unit-record", "unit")  # fmt: skip


class Used(msgspec.Struct, array_like=True):
    """Keys of units, of the linked program, and of the analysis."""

    units: list[str]
    linked: str
    digest: str


def note(analysis: Any, store: Store) -> None:
    """Write down what an analysis (verifier.program.analyse.Analysis) used."""
    used = Used(sorted({record.key for record in analysis.records}), analysis.linked, analysis.digest)
    store.put(KIND, KEY, msgspec.msgpack.encode(used))


def used(store: Store) -> Used | None:
    """What the last finished scan used; None when the store does not say."""
    data = store.get(KIND, KEY)
    try:
        return msgspec.msgpack.decode(data, type=Used) if data is not None else None
    except msgspec.MsgspecError:
        return None


def prune(store: Store, keep: Used) -> dict[str, int]:
    """Forget what the last scan did not use; how many values of each kind."""
    units = set(keep.units)
    gone = {"unit": store.prune("unit", units)}
    gone["index"] = store.prune("index", map(index_key, units))
    gone["unit-record"] = store.prune("unit-record", [name for name, data in store.items("unit-record") if _key(data) in units])
    gone["program"] = store.prune("program", [keep.linked])
    gone["rules"] = store.prune("rules", ())
    for kind in ("doors", "results", "completeness", "obligations", "siblings", "door-reach"):
        gone[kind] = store.prune(kind, [keep.digest])
    return {kind: count for kind, count in gone.items() if count}


def _key(record: bytes) -> str:
    """The key of the unit that a record of verifier.frontend.seen speaks of."""
    try:
        return str(msgspec.msgpack.decode(record).get("key", ""))
    except (msgspec.MsgspecError, AttributeError):
        return ""
