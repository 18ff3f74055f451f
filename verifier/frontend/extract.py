"""All units of a tree, parsed by worker processes; only what the store lacks is parsed.

The store holds, under "unit-record", what is known of a unit by its command (status, files it was made from), and
under "unit" the IR by content.  A unit is up to date when hashing the same files again gives the same key.

Results are the same for any number of workers and any order, because nothing of one unit goes into another.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from verifier.frontend import pch as pch_of
from verifier.frontend.flags import digest
from verifier.frontend.patched import Patched, header_name
from verifier.frontend.seen import BLOBS, UnitRecord, recall, remember
from verifier.frontend.sources import Sources
from verifier.frontend.units import ExtractResult, Work, reader_version, work_of
from verifier.frontend.workers import PATCH_LIMITS, Limits, Task, run
from verifier.tree.model import CompileCommand, Tree

Progress = Callable[[str, int, int], None]
RECORDS = "unit-record"
BATCH = 64  # results in one transaction


def extract(
    tree: Tree, store: Any, jobs: int, scope: tuple[str, ...] | list[str] = (), progress: Progress | None = None
) -> list[UnitRecord]:
    """Records of all units in `scope` (folders; all if empty), sorted; the units of header functions come first.

    `store` has get(kind, key), put_many(kind, items).  `progress(phase, done, total)` is called now and then.
    """
    recalled = recall(store, tree, scope, reader_version())
    if recalled is not None:
        return recalled
    begin = time.time_ns()
    build = tree.build or tree.root
    sources = Sources(tree.root, build)
    works = [work_of(command, tree.root, build) for command in tree.commands if in_scope(command.file, scope)]
    place = pch_of.folder(tree.build)
    groups: dict[str, pch_of.Group] = {}
    for work in works:
        if work.group is not None:
            groups.setdefault(work.group.key, work.group)
    made = {key: pch_of.lookup(group, place, sources) for key, group in sorted(groups.items())}
    records: dict[int, UnitRecord] = {}
    shared: dict[str, list[str]] = {}
    tasks: list[Task] = []
    for number, work in enumerate(works):
        record = known(work, made.get(work.group.key) if work.group else None, store, sources)
        if record is None:
            tasks.append(Task(number, work, work.group, work.group is not None))
        else:
            records[number] = record
    headers: dict[str, UnitRecord] = {}
    missing = []
    for key, group in sorted(groups.items()):
        found = made[key]
        record = decoded(store.get(RECORDS, header_name(group)))
        if found is None or record is None or record.header != found.key:
            missing.append(group)
        else:
            headers[key] = record
    total = len(works)
    report = progress or (lambda phase, done, total: None)
    if missing:
        report("headers", 0, len(missing))
        queue = [Task(number, None, group, True) for number, group in enumerate(missing)]
        for task, result in run(queue, tree, str(place), jobs):
            headers[task.group.key] = keep(store, [(header_name(task.group), result)])[0]
        for group in missing:
            made[group.key] = pch_of.lookup(group, place, sources)
        # units of a store from elsewhere, or of a build directory that was cleaned, may fit the new headers
        unread = []
        for task in tasks:
            record = known(task.work, made.get(task.group.key) if task.group else None, store, sources)
            if record is None:
                unread.append(task)
            else:
                records[task.number] = record
        tasks = unread
    if tasks:
        usable = {key for key, found in made.items() if found is not None}
        tasks = [t._replace(header=t.group is not None and t.group.key in usable) for t in tasks]
        pending: list[tuple[Task, ExtractResult]] = []
        report("parse", total - len(tasks), total)
        done = total - len(tasks)
        for task, result in run(tasks, tree, str(place), jobs):
            pending.append((task, result))
            done += 1
            if len(pending) >= BATCH:
                flush(store, pending, records)
                report("parse", done, total)
        flush(store, pending, records)
        report("parse", total, total)
    for key, found in made.items():
        if found is not None:
            shared[found.key] = found.dependencies
    ordered = [headers[key] for key in sorted(headers)]
    ordered.sort(key=lambda r: r.key)
    for number in range(total):
        record = records[number]
        if record.header in shared:
            record.dependencies = [*record.dependencies, *shared[record.header]]
        ordered.append(record)
    ordered.sort(key=lambda r: (not r.file.startswith("<"), r.file, r.key))
    files = [path for found in made.values() if found is not None for path in (found.path, found.path.removesuffix(".pch") + ".json")]
    remember(store, tree, scope, reader_version(), ordered, shared, sorted(files), begin)
    return ordered


def in_scope(file: str, scope: tuple[str, ...] | list[str]) -> bool:
    """Is the file inside one of the folders?"""
    return not scope or any(file == s or file.startswith(s.rstrip("/") + "/") for s in scope)


def decoded(data: bytes | None) -> UnitRecord | None:
    """A record as the store gives it; one of another shape counts as absent."""
    try:
        return msgspec.msgpack.decode(data, type=UnitRecord) if data else None
    except msgspec.MsgspecError:
        return None


def known(work: Work, made: pch_of.Precompiled | None, store: Any, sources: Sources) -> UnitRecord | None:
    """The stored record of a unit if all that it was made from is unchanged."""
    record = decoded(store.get(RECORDS, work.name))
    if record is None or (record.header and (made is None or made.key != record.header)):
        return None
    if record.key != digest(sources.key(work.name, record.dependencies), record.header):
        return None
    return record


def keep(store: Any, results: list[tuple[str, ExtractResult]]) -> list[UnitRecord]:
    """Store results under their names; returns their records."""
    records = [UnitRecord(r.file, r.status, r.error, r.key, r.dependencies, r.header) for _, r in results]
    store.put_many(BLOBS, [(r.key, r.blob) for _, r in results if r.blob])
    # a lost unit is tried again by the next run: its cause may lie outside of the tree
    store.put_many(
        RECORDS,
        [
            (name, msgspec.msgpack.encode(record))
            for (name, _), record in zip(results, records, strict=True)
            if record.status != "lost"
        ],
    )
    return records


def flush(store: Any, pending: list[tuple[Task, ExtractResult]], records: dict[int, UnitRecord]) -> None:
    """Store what is pending."""
    done = keep(store, [(task.work.name, result) for task, result in pending])
    for (task, _), record in zip(pending, done, strict=True):
        records[task.number] = record
    pending.clear()


def extract_files(
    tree: Tree, commands: list[CompileCommand], overlay: dict[str, bytes], jobs: int, limits: Limits = PATCH_LIMITS
) -> Iterator[tuple[CompileCommand | None, ExtractResult]]:
    """`extract_file` for many units in worker processes; yields in the order in which they are done.

    First come the header units that the overlay changes, with None for a command.
    """
    build = tree.build or tree.root
    works = [work_of(command, tree.root, build) for command in commands]
    tasks = [Task(number, work, work.group, False) for number, work in enumerate(works)]
    with tempfile.TemporaryDirectory(prefix="kqual-pch-") as place:
        groups = Patched(tree, overlay).groups()
        headers = [Task(number, None, group, True) for number, group in enumerate(groups)]
        if headers:
            for _, result in run(headers, tree, place, jobs, overlay, limits):
                yield None, result
        if tasks:
            for task, result in run(tasks, tree, place, jobs, overlay, limits):
                yield commands[task.number], result
