"""What the last reading of a tree found, and the state of the files that it rests on.

Hashing all files of a kernel again to learn that none changed takes longer than gating a patch.  As git's index does,
the size, times and inode of every file are compared instead; anything in doubt (a file touched within a second of the
reading, another command, another parser) is left to the hashes.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from verifier.frontend.flags import digest
from verifier.frontend.sources import Sources
from verifier.tree.commands import digest as digest_of_commands
from verifier.tree.model import Tree

KIND, BLOBS = "seen", "unit"
SLACK = 1_000_000_000  # nanoseconds
ABSENT = (0, 0, 0, 0)


class FileNames:
    """Names of files and their numbers."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.numbers = dict(zip(names, range(len(names)), strict=True))


class Numbered(Sequence[str]):
    """Files of a unit: its own and those of its precompiled header, as numbers of names."""

    def __init__(self, files: FileNames, own: array[int], shared: array[int]) -> None:
        self.files, self.own, self.shared = files, own, shared

    def __getitem__(self, at: Any) -> Any:
        return list(self)[at]

    def __len__(self) -> int:
        return len(self.own) + len(self.shared)

    def __iter__(self) -> Iterator[str]:
        names = self.files.names
        yield from (names[n] for n in self.own)
        yield from (names[n] for n in self.shared)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


class _Kept(msgspec.Struct, array_like=True):
    """A unit's record; `own` are the numbers of its own files as bytes."""

    file: str
    status: str
    error: str
    key: str
    own: bytes
    header: str


class _Seen(msgspec.Struct, array_like=True):
    """`state` has four numbers for each name: size, times of contents and inode, inode."""

    commands: str
    names: list[str]
    state: bytes
    shared: dict[str, bytes]
    records: list[_Kept]


class UnitRecord(msgspec.Struct):
    """What is known of a unit.  Its IR is in the store under ("unit", key) unless the status is "lost"."""

    file: str
    status: str  # "analysed" | "partial" | "lost"
    error: str
    key: str
    dependencies: Sequence[str]
    header: str = ""


def place_of(tree: Tree, scope: Iterable[str]) -> str:
    """Where the store keeps what was seen of a part of a tree."""
    return digest(tree.root, tree.build or "", *scope)


def commands_of(tree: Tree, version: str) -> str:
    """Stands for all compile commands and for the parser that read them."""
    return digest(version, digest_of_commands(tree.commands))


def recall(store: Any, tree: Tree, scope: Iterable[str], version: str) -> list[UnitRecord] | None:
    """The records of the last reading when nothing that they rest on was touched since; None otherwise."""
    data = store.get(KIND, place_of(tree, scope))
    try:
        seen = msgspec.msgpack.decode(data, type=_Seen) if data else None
    except msgspec.MsgspecError:
        return None  # of another shape
    if seen is None or seen.commands != commands_of(tree, version):
        return None
    if not {r.key for r in seen.records}.issubset(store.keys(BLOBS)):
        return None  # dropped to save space, or damaged
    if seen.state != _state(seen.names, Sources(tree.root, tree.build)).tobytes():
        return None
    files = FileNames(seen.names)
    shared = {key: _numbers(numbers) for key, numbers in seen.shared.items()}
    nothing = array("I")
    return [
        UnitRecord(r.file, r.status, r.error, r.key, Numbered(files, _numbers(r.own), shared.get(r.header, nothing)), r.header)
        for r in seen.records
    ]


def remember(
    store: Any, tree: Tree, scope: Iterable[str], version: str, records: list[UnitRecord], shared: dict[str, list[str]],
    made: list[str], begin: int,
) -> None:  # fmt: skip
    """Keep the records of a reading that began at the time `begin` (nanoseconds).

    `shared` are the files of precompiled headers by the header's key, `made` the files of these headers themselves.
    Nothing is kept when a unit was lost, which is tried again every time, or a file was touched just before.
    """
    if any(r.status == "lost" for r in records):
        return
    names = sorted({name for r in records for name in r.dependencies}.union(*shared.values()))
    sources = Sources(tree.root, tree.build)
    state = _state(names, sources)
    if any(max(state[at + 1], state[at + 2]) > begin - SLACK for at in range(0, len(state), 4)):
        return
    files = FileNames([*names, *made])
    state.extend(_state(made, sources))
    own = {key: set(names) for key, names in shared.items()}
    kept = []
    for r in records:
        common = own.get(r.header, ())
        numbers = array("I", [files.numbers[name] for name in r.dependencies if name not in common])
        kept.append(_Kept(r.file, r.status, r.error, r.key, numbers.tobytes(), r.header))
    headers = {key: array("I", [files.numbers[name] for name in names]).tobytes() for key, names in sorted(shared.items())}
    seen = _Seen(commands_of(tree, version), files.names, state.tobytes(), headers, kept)
    store.put_many(KIND, [(place_of(tree, scope), msgspec.msgpack.encode(seen))])


def including(records: Iterable[UnitRecord], files: set[str]) -> dict[str, list[UnitRecord]]:
    """For each of some files the units made from it; files that no unit is made from are left out."""
    out: dict[str, list[UnitRecord]] = {}
    common: dict[tuple[int, int], list[str]] = {}
    for record in records:
        found = record.dependencies
        if not isinstance(found, Numbered):
            hits = sorted(files.intersection(found))
        else:
            mark = (id(found.files), id(found.shared))
            if mark not in common:
                common[mark] = [f for f in files if found.files.numbers.get(f, -1) in found.shared]
            hits = [f for f in files if found.files.numbers.get(f, -1) in found.own] + common[mark]
        for name in hits:
            out.setdefault(name, []).append(record)
    return out


def own_files(record: UnitRecord, shared: set[str]) -> list[str]:
    """The files of a unit without the `shared` ones of its precompiled header."""
    found = record.dependencies
    if isinstance(found, Numbered):
        return [found.files.names[n] for n in found.own]
    return [name for name in found if name not in shared]


def _numbers(data: bytes) -> array[int]:
    out = array("I")
    out.frombytes(data)
    return out


def _state(names: list[str], sources: Sources) -> array[int]:
    out = array("Q")
    top = sources.root + os.sep
    for name in names:
        try:
            try:
                s = os.stat(name if name.startswith(os.sep) else top + name)  # most lie there
            except OSError:
                s = os.stat(sources.path(name))
            out.extend((s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino))
        except OSError:
            out.extend(ABSENT)
    return out
