"""The catalogue: what `kqual show` looks up, written to the store at the end of a scan.

One record for each function, slot, name and file, so that a question reads a handful of records and never the whole
program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from verifier.errors import KqualError
from verifier.store import Store

KIND = "catalogue"
VERSION = "3"
BATCH = 2000
MOST_NAMESAKES = 30  # static functions of one name that are answered for together


class FunctionRecord(msgspec.Struct, array_like=True):
    """A linked function.  `callees` are (name, fid), `slots` (slot, line) of its indirect calls, `held_in` slots that
    hold it; `result` is the engine's Result in MessagePack, empty when the function was not analysed."""

    fid: str
    name: str
    file: str
    line: int
    unit: str
    position: int
    callers: list[str]
    callees: list[tuple[str, str]]
    external: list[str]
    slots: list[tuple[str, int]]
    held_in: list[str]
    door: str
    subject: str
    nearest_door: str
    result: bytes


class SlotRecord(msgspec.Struct, array_like=True):
    """A slot of operations tables: functions that it may hold, and functions that call through it."""

    slot: str
    targets: list[str]
    callers: list[str]


class Info(msgspec.Struct, array_like=True):
    """Which analysis the catalogue describes."""

    digest: str
    plain: bool
    version: str


Record = TypeVar("Record", FunctionRecord, SlotRecord, Info)


def write(analysis: Any, store: Store, progress: Callable[[str, int, int], None]) -> None:
    """Write the catalogue of an analysis (verifier.program.analyse.Analysis), unless the store has it already."""
    digest = f"{VERSION} {analysis.digest}"
    if store.meta("catalogue") == digest:
        return
    store.set_meta("catalogue", "")
    store.clear(KIND)
    total = len(analysis.program.functions)
    batch: list[tuple[str, bytes]] = []
    for count, item in enumerate(_records(analysis)):
        batch.append(item)
        if len(batch) >= BATCH:
            store.put_many(KIND, batch)
            batch = []
            progress("writing the catalogue", min(count, total), total)
    store.put_many(KIND, batch)
    store.set_meta("catalogue", digest)


def _records(analysis: Any) -> Iterator[tuple[str, bytes]]:
    program, doors = analysis.program, analysis.doors
    encoder = msgspec.msgpack.Encoder()
    held: dict[str, dict[str, None]] = {}
    for slot, targets in sorted(program.slots.items()):
        for target in targets:
            held.setdefault(target.fid, {})[slot] = None
    names: dict[str, list[str]] = {}
    outside: dict[str, list[str]] = {}
    files: dict[str, list[tuple[int, str]]] = {}
    for fid, info in sorted(program.functions.items()):
        index = info.index
        callees, external = [], []
        for name in index.calls:
            callee = program.resolve(info.unit, name)
            if callee is None:
                external.append(name)
                outside.setdefault(name, []).append(fid)
            else:
                callees.append((name, callee))
        result = analysis.results.get(fid)
        door = doors.entries.get(fid)
        nearest = doors.nearest.get(fid)
        record = FunctionRecord(
            fid, index.name, index.file, index.line, info.unit, info.position, program.callers.get(fid, []), callees,
            external, [tuple(s) for s in [*index.slots, *index.others]], list(held.get(fid, ())), door.name if door else "",
            door.subject if door else "", nearest[0] if nearest else "", encoder.encode(result) if result else b"",
        )  # fmt: skip
        names.setdefault(index.name, []).append(fid)
        files.setdefault(index.file, []).append((index.line, fid))
        yield f"f:{fid}", encoder.encode(record)
    for slot in sorted(set(program.slots) | set(program.slot_callers)):
        targets = [target.fid for target in program.targets(slot)]
        record = SlotRecord(slot, list(dict.fromkeys(targets)), program.slot_callers.get(slot, []))
        yield f"s:{slot}", encoder.encode(record)
    yield from ((f"n:{name}", encoder.encode(fids)) for name, fids in sorted(names.items()))
    yield from ((f"x:{name}", encoder.encode(fids)) for name, fids in sorted(outside.items()))
    yield from ((f"p:{file}", encoder.encode(sorted(rows))) for file, rows in sorted(files.items()))
    yield "checks", encoder.encode(sorted(name for name in {*names, *outside} if decides(analysis.pack, name)))
    yield "info", encoder.encode(Info(analysis.digest, analysis.plain, analysis.pack.version))


def _read(data: bytes, shape: Any) -> Any:
    try:
        return msgspec.msgpack.decode(data, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise KqualError(f"the catalogue is damaged: {error}", "run `kqual scan TREE` again") from error


def decides(pack: Any, name: str) -> bool:
    """Whether a function of this name is a check that decides something."""
    check = pack.check(name)
    return check is not None and check.allow != "none"


class Catalogue:
    """Reads a catalogue."""

    def __init__(self, store: Store) -> None:
        """Raises KqualError when the store has no complete catalogue."""
        self.store = store
        if not (store.meta("catalogue") or "").startswith(f"{VERSION} "):
            raise KqualError(f"{store.path} holds no finished scan", "run `kqual scan TREE` to the end first")
        info = self._one("info", Info)
        if info is None:
            raise KqualError(f"the catalogue in {store.path} is damaged", "run `kqual scan TREE` again")
        self.info = info

    def _one(self, key: str, shape: type[Record]) -> Record | None:
        data = self.store.get(KIND, key)
        return _read(data, shape) if data is not None else None

    def _list(self, key: str, shape: Any) -> list[Any]:
        data = self.store.get(KIND, key)
        return _read(data, list[shape]) if data is not None else []

    def functions(self, fids: Iterable[str]) -> dict[str, FunctionRecord]:
        """Records of those functions that there are."""
        keys = [f"f:{fid}" for fid in fids]
        found = self.store.get_many(KIND, keys)
        return {key[2:]: _read(data, FunctionRecord) for key, data in found.items()}

    def slots(self, slots: Iterable[str]) -> dict[str, SlotRecord]:
        """Records of those slots that there are."""
        found = self.store.get_many(KIND, [f"s:{slot}" for slot in slots])
        return {key[2:]: _read(data, SlotRecord) for key, data in found.items()}

    def named(self, name: str) -> list[FunctionRecord]:
        """Functions of a name: a C symbol, `symbol@file` for one static function, or `chroot` / `chroot(2)` for a
        system call.  Raises KqualError, with close names, when there is none."""
        if "@" in name:
            found = self.functions([name])
            if found:
                return list(found.values())
        bare = name.removesuffix("(2)").partition("@")[0]
        for symbol in (bare, f"__do_sys_{bare}", f"__do_compat_sys_{bare}"):
            fids = self._list(f"n:{symbol}", str)
            if len(fids) > MOST_NAMESAKES:
                some = " or ".join(sorted(fids)[:3])
                raise KqualError(f"{len(fids)} functions are named {symbol}", f"one of them with its file, e.g. {some}")
            if fids:
                return list(self.functions(fids).values())
        raise KqualError(f"no function {name!r} in this scan", self._close(bare, "n:", "the C symbol, e.g. vfs_unlink"))

    def deciding(self) -> frozenset[str] | None:
        """Names of the scan's functions that are checks, apart from those that decide nothing; None when they were not
        written down."""
        names = self._list("checks", str)
        return frozenset(names) if names else None

    def callers_outside(self, name: str) -> list[str]:
        """Identities of the functions that call `name`, when it has no body in the scan; else nothing."""
        return [] if self._list(f"n:{name}", str) else self._list(f"x:{name}", str)

    def slot(self, name: str) -> SlotRecord:
        """A slot; raises KqualError, with close names, when there is none."""
        record = self._one(f"s:{name}", SlotRecord)
        if record is None:
            raise KqualError(f"no slot {name!r} in this scan", self._close(name, "s:", "STRUCT.FIELD, e.g. inode_operations.unlink"))
        return record

    def in_file(self, file: str) -> list[tuple[int, str]]:
        """(first line, fid) of the functions of a file, in order; raises KqualError when the scan does not know it."""
        rows = self._list(f"p:{file}", tuple[int, str])
        if not rows:
            raise KqualError(f"no function of {file!r} in this scan", self._close(file, "p:", "the path relative to the tree"))
        return rows

    def _close(self, name: str, prefix: str, otherwise: str) -> str:
        from difflib import get_close_matches

        for begin in (prefix + name[:1], prefix):  # most typing errors leave the first letter alone, and it is quicker
            known = (key[len(prefix) :] for key in self.store.keys(KIND, begin))
            near = [other for other in known if abs(len(other) - len(name)) < 8]
            close = get_close_matches(name, near, 3, 0.7)
            if close:
                return " or ".join(close)
        return otherwise
