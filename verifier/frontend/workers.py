"""Worker processes that parse.

A worker that dies costs the unit that it was reading, nothing else: it is replaced and the unit is reported as lost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

import msgspec

from verifier.frontend import pch as pch_of
from verifier.frontend.limits import lower
from verifier.frontend.patched import Patched, header_name
from verifier.frontend.sources import Sources
from verifier.frontend.units import HEADERS, ExtractResult, Work, header_unit, read_unit
from verifier.tree.model import Tree

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
