"""All units of a tree, parsed by worker processes; only what the store lacks is parsed.

The store holds, under "unit-record", what is known of a unit by its command (status, files it was made from), and
under "unit" the IR by content.  A unit is up to date when hashing the same files again gives the same key.

A worker that dies costs the unit that it was reading, nothing else: it is replaced and the unit is reported as lost.
Results are the same for any number of workers and any order, because nothing of one unit goes into another.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from verifier.frontend import pch as pch_of
from verifier.frontend.flags import digest
from verifier.frontend.limits import lower
from verifier.frontend.seen import BLOBS, UnitRecord, recall, remember
from verifier.frontend.sources import Sources
from verifier.frontend.units import HEADERS, ExtractResult, Work, header_unit, read_unit, reader_version, work_of
from verifier.tree.model import CompileCommand, Tree

Progress = Callable[[str, int, int], None]
RECORDS = "unit-record"
BATCH = 64  # results in one transaction
SECONDS = 300.0  # a unit that takes longer is lost
DEBUG = "KQUAL_DEBUG"  # set by `kqual --debug`; workers are processes of their own
RECYCLE = 1000  # units after which a worker is replaced; libclang does not give all memory back


class Limits(NamedTuple):
    """What a worker that reads files of strangers may use; None is as much as there is."""

    memory: int | None = None  # bytes of address space
    seconds: int | None = None  # CPU seconds for one unit


UNLIMITED = Limits()
PATCH_LIMITS = Limits(4 << 30, 120)


class Task(NamedTuple):
    """Work for a worker: a unit, or (with `work` None) the headers of a group."""

    number: int
    work: Work | None
    group: pch_of.Group | None
    header: bool


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


def header_name(group: pch_of.Group) -> str:
    """Store key of a group's record."""
    return digest(reader_version(), HEADERS, group.key)


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


class Worker:
    """One worker process and the task that it is at."""

    def __init__(
        self, tree: Tree, place: str, overlay: dict[str, bytes] | None = None, limits: Limits = UNLIMITED
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        arguments = (other, msgspec.structs.replace(tree, commands=[], notes=[]), place, overlay, limits)
        self.process = context.Process(target=serve, args=arguments, daemon=True)
        # a worker is born with Ctrl-C blocked: the terminal sends it to the whole group, and the parent decides
        resource_tracker.ensure_running()  # when `start` has to do it, it unblocks the signal again
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        other.close()
        self.task: Task | None = None
        self.since = 0.0
        self.served = 0

    def give(self, task: Task) -> None:
        """Hand over a task."""
        self.task = task
        self.since = time.monotonic()
        self.served += 1
        with contextlib.suppress(BrokenPipeError):  # a dead worker; what reads its answer finds that out
            self.connection.send(task)

    def stop(self) -> None:
        """End the process, politely if it is idle."""
        if self.task is None and self.process.is_alive():
            with contextlib.suppress(BrokenPipeError):  # it may end between the question and the word
                self.connection.send(None)
            self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.connection.close()


def run(
    tasks: list[Task], tree: Tree, place: str, jobs: int, overlay: dict[str, bytes] | None = None, limits: Limits = UNLIMITED
) -> Iterator[tuple[Task, ExtractResult]]:
    """Do the tasks in worker processes; yields results as they come."""
    waiting = list(reversed(tasks))
    workers = [Worker(tree, place, overlay, limits) for _ in range(max(1, min(jobs, len(tasks))))]
    try:
        for worker in workers:
            worker.give(waiting.pop())
        while any(worker.task is not None for worker in workers):
            busy = {worker.connection: worker for worker in workers if worker.task is not None}
            ready = wait(list(busy), timeout=10)
            for connection in ready:
                worker = busy[connection]
                task = worker.task
                try:
                    answer = worker.connection.recv()
                except (EOFError, OSError):
                    worker.process.join()
                    answer = lost(task, ended(worker.process.exitcode, limits))
                worker.task = None
                yield task, answer
                if waiting:
                    if not worker.process.is_alive() or worker.served >= RECYCLE:
                        worker.stop()
                        place_of = workers.index(worker)
                        worker = workers[place_of] = Worker(tree, place, overlay, limits)
                    worker.give(waiting.pop())
            for worker in list(workers):
                if worker.task is not None and time.monotonic() - worker.since > SECONDS:
                    task = worker.task
                    worker.stop()
                    place_of = workers.index(worker)
                    fresh = workers[place_of] = Worker(tree, place, overlay, limits)
                    yield task, lost(task, f"parsing took more than {SECONDS:.0f} s")
                    if waiting:
                        fresh.give(waiting.pop())
    finally:
        for worker in workers:
            worker.stop()


def ended(status: int | None, limits: Limits) -> str:
    """Why a worker is gone, by its exit status."""
    if status == -signal.SIGXCPU:
        return f"parsing took more than {limits.seconds} CPU seconds"
    return f"the parser ended with status {status}"


def lost(task: Task, why: str) -> ExtractResult:
    """The result of a task that has none."""
    if task.work is None:
        return ExtractResult(HEADERS, b"", "lost", why, header_name(task.group), [])
    return ExtractResult(task.work.file, b"", "lost", f"{task.work.file}: {why}", task.work.name, [])


def serve(connection: Connection, tree: Tree, place: str, overlay: dict[str, bytes] | None, limits: Limits) -> None:
    """A worker's life: tasks in, results out, until None comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    if limits.memory is not None:
        lower(resource.RLIMIT_AS, limits.memory)
    if overlay is not None:
        lower(resource.RLIMIT_CORE, 0)  # a patch may crash libclang on purpose
    sources = Sources(tree.root, tree.build)
    patched = Patched(tree, overlay, Path(place)) if overlay is not None else None
    made: dict[str, pch_of.Precompiled | None] = {}
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return  # the parent is gone
        if task is None:
            return
        if limits.seconds is not None:
            used = resource.getrusage(resource.RUSAGE_SELF)
            lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + limits.seconds)
        try:
            if patched is not None:
                result = patched.read(task.work) if task.work is not None else patched.header(task.group)
            elif task.work is None:
                found, result = header_unit(task.group, Path(place), sources)
                made[task.group.key] = found
                if found is not None:
                    result.header = found.key
            else:
                found = None
                if task.header:
                    key = task.group.key
                    if key not in made:
                        made[key] = pch_of.lookup(task.group, Path(place), sources)
                    found = made[key]
                result = read_unit(task.work, found, sources)
        except Exception as error:  # noqa: BLE001  our mistake in one unit is reported as lost, the others go on
            if os.environ.get(DEBUG):
                traceback.print_exc()
            result = lost(task, f"internal error: {error!r}")
        try:
            connection.send(result)
        except OSError:
            return  # the parent is gone


class Patched:
    """Units of a tree as if some files had other contents (`overlay`: by name relative to the tree)."""

    def __init__(self, tree: Tree, overlay: dict[str, bytes], place: Path | None = None) -> None:
        """Precompiled headers that the overlay changes are kept in `place`, or in a scratch folder."""
        self.tree = tree
        self.overlay = overlay
        self.build = tree.build or tree.root
        self.base = Sources(tree.root, self.build)
        self.sources = Sources(tree.root, self.build, overlay, tree.beside)
        self._scratch: tempfile.TemporaryDirectory | None = None
        self._place = place
        self._made: dict[str, tuple[pch_of.Precompiled | None, ExtractResult | None]] = {}

    def unit(self, command: CompileCommand) -> ExtractResult:
        """The unit of a command."""
        return self.read(work_of(command, self.tree.root, self.build))

    def read(self, work: Work) -> ExtractResult:
        """The unit of a command that is understood already."""
        made = self._header(work.group, False)[0] if work.group is not None else None
        return read_unit(work, made, self.sources)

    def groups(self) -> list[pch_of.Group]:
        """The groups whose precompiled header the overlay changes."""
        groups: dict[str, pch_of.Group] = {}
        if not pch_of.holds(pch_of.folder(self.tree.build), self.overlay):
            return []
        for command in self.tree.commands:
            group = work_of(command, self.tree.root, self.build).group
            if group is not None:
                groups.setdefault(group.key, group)
        return [group for _, group in sorted(groups.items()) if self.base_of(group) is not None]

    def headers(self) -> list[ExtractResult]:
        """The header units that the overlay changes, each under the key of the base's unit that it stands for."""
        return [self.header(group) for group in self.groups()]

    def header(self, group: pch_of.Group) -> ExtractResult:
        """The header unit of a group that the overlay changes, under the key of the base's unit."""
        before = self.base_of(group)
        result = self._header(group, True)[1]
        assert before is not None and result is not None
        result.key = digest(header_name(group), before.key)
        return result

    def base_of(self, group: pch_of.Group) -> pch_of.Precompiled | None:
        """The base's precompiled header when the overlay changes any file of it."""
        made = pch_of.lookup(group, pch_of.folder(self.tree.build), self.base)
        return made if made is not None and set(made.dependencies) & set(self.overlay) else None

    def _header(self, group: pch_of.Group, unit: bool) -> tuple[pch_of.Precompiled | None, ExtractResult | None]:
        """The precompiled header with the overlay's contents; its unit too where the overlay changes any of it.

        Without `unit` one that another worker has left in the same place will do.
        """
        if group.key not in self._made or (unit and self._made[group.key][1] is None):
            made = pch_of.lookup(group, pch_of.folder(self.tree.build), self.base)
            result = None
            if made is not None and set(made.dependencies) & set(self.overlay):
                if self._place is None:
                    self._scratch = tempfile.TemporaryDirectory(prefix="kqual-pch-")
                    self._place = Path(self._scratch.name)
                made = pch_of.lookup(group, self._place, self.sources) if not unit else None
                if made is None:
                    made, result = header_unit(group, self._place, self.sources)
            self._made[group.key] = made, result
        return self._made[group.key]


def changed_headers(tree: Tree, overlay: dict[str, bytes]) -> dict[str, set[str]]:
    """The precompiled headers of which an overlay changes a file, by key, with all their files."""
    patched = Patched(tree, overlay)
    found = [patched.base_of(group) for group in patched.groups()]
    return {made.key: set(made.dependencies) for made in found if made is not None}


_patched: list[Patched] = []  # the session of the previous call


def extract_file(tree: Tree, command: CompileCommand, overlay: dict[str, bytes] | None = None) -> ExtractResult:
    """One unit in this process, with new contents for some files (by name relative to the tree).

    Uses the group's precompiled header if it is on disk, or one made for the overlay when that changes a header in it;
    a unit parsed plainly gives the same functions under the same names.  Calls with the same `tree` and `overlay`
    objects share what they prepare.
    """
    overlay = overlay if overlay is not None else {}
    if not _patched or _patched[0].tree is not tree or _patched[0].overlay is not overlay:
        _patched[:] = [Patched(tree, overlay)]
    return _patched[0].unit(command)


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
