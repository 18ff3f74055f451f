"""A finished scan with all that its store tells of what was read: for reports over several configurations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from reports.html.material import Obligation
from verifier.cli import facts, messages, usage
from verifier.errors import KqualError
from verifier.findings import Document, decode
from verifier.store import Store

_QUALITY = {"analysed": 0, "partial": 1, "lost": 2}


@dataclass
class Scan:
    """One configuration's scan.  `units` maps files to status and first error, `read` holds every file that some unit
    read, `functions` (file, line) of all functions."""

    name: str
    path: Path
    tree: str
    document: Document
    obligations: list[Obligation] | None
    units: dict[str, tuple[str, str]]
    read: set[str]
    functions: set[tuple[str, int]]


def opened(name: str, file: str) -> Scan:
    """The scan that a store holds; raises KqualError when it holds none."""
    with Store.open(Path(file), readonly=True, say=messages.warning) as store:
        data, used, tree = store.get("document", "scan"), usage.used(store), store.meta("tree")
        if data is None or used is None or tree is None:
            raise KqualError(f"{file} holds no finished scan", "run `kqual scan TREE` to the end first")
        keys = set(used.units)
        units: dict[str, tuple[str, str]] = {}
        read: set[str] = set()
        for _, blob in store.items("unit-record"):
            record = msgspec.msgpack.decode(blob)
            if record["key"] not in keys or record["file"].startswith("<"):
                continue
            units[record["file"]] = better(units.get(record["file"]), (record["status"], record["error"]))
            read.update([record["file"], *record["dependencies"]])
        rows = store.get_many("catalogue", store.keys("catalogue", "p:"))
        functions = {(key[2:], line) for key, blob in rows.items() for line, _ in msgspec.msgpack.decode(blob)}
        return Scan(name, store.path, tree, decode(data), facts.obligations(store), units, read, functions)


def better(one: tuple[str, str] | None, other: tuple[str, str]) -> tuple[str, str]:
    """Of two (status, error) of a unit the one that was read more fully."""
    return other if one is None or _QUALITY.get(other[0], 3) < _QUALITY.get(one[0], 3) else one
