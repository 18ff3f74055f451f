"""A variant of an analysed program: some files with other contents, analysed again only as far as they reach.

Functions whose body changed are analysed again, then callers for as long as summaries change; those that only stand
elsewhere in their file keep their results, shifted.  Starting from old results instead of from nothing can leave results
that only support each other around a cycle of calls; so functions that call each other start from nothing together
(verifier.program.recursion), and open obligations whose operation is gone are taken back (Pollock and Soffa, "An incremental
version of iterative data flow analysis", IEEE TSE 1989, call this restarting).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import msgspec

from verifier.flow.summary import TRIVIAL, Summary
from verifier.gate import trusted
from verifier.gate.overlay import Overlay
from verifier.gate.shift import shifted
from verifier.gate.units import Reading, read
from verifier.ir.model import Function
from verifier.program.analyse import Analysis, Progress
from verifier.program.bodies import Bodies
from verifier.program.engine import Engine
from verifier.program.layered import differing
from verifier.program.link import callees
from verifier.program.relink import relink
from verifier.program.results import Results

MOST_RETRIES = 5


class Variant:
    """`changed` are functions whose body differs from the stored program's (new ones too), `moved` the ones that only
    stand elsewhere, with the number of lines that they went down; `overlay` and `reading` tell where it came from."""

    def __init__(self, base: Analysis, overlay: Overlay, reading: Reading) -> None:
        self.base = base
        self.overlay = overlay
        self.reading = reading
        self.program = base.program
        self.bodies = base.bodies
        self.doors = base.doors
        self.results: Results = base.results
        self.changed: set[str] = set()
        self.moved: dict[str, int] = {}
        if reading.exchanged:
            self._build()
        self.frontier = base.frontier_of(self.program, self.doors, self.results)

    def _build(self) -> None:
        base, reading = self.base, self.reading
        self.program = relink(base.program, reading.exchanged, lambda names: base.mentioning(names, reading.exchanged))
        self.bodies = Bodies(lambda key: reading.blobs.get(key) or base.store.get("unit", key))
        touched = sorted(differing(self.program.functions))
        self._compare(touched)
        self.doors = base.doors.over(self.program, set(touched), base.plain)
        engine = Engine(self.program, self.bodies, base.pack)
        engine.results = self.results = base.results.copy()
        for fid in touched:
            if fid not in self.program.functions:
                self.results.pop(fid, None)
        for fid, lines in sorted(self.moved.items()):
            if fid in self.results:
                self.results[fid] = shifted(self.results[fid], lines)
        engine.recursion.changed = self.changed
        work = self._work(engine)
        engine.run(sorted(work), None)
        for _ in range(MOST_RETRIES):
            stale = unfounded(self.results)
            if not stale:
                break
            for fid in stale:
                result = self.results[fid]  # shared with the base, which must keep its own
                summary = msgspec.structs.replace(result.summary, requires=())
                self.results[fid] = msgspec.structs.replace(result, summary=summary)
            engine.rounds.clear()
            engine.run(sorted(stale), None)

    def _compare(self, touched: Iterable[str]) -> None:
        for fid in touched:
            new, old = self.program.functions.get(fid), self.base.program.functions.get(fid)
            if new is None:
                continue
            now = self.bodies.raw(new)
            was = self.base.bodies.raw(old) if old is not None else None
            if now == was:
                continue
            a, b = self.bodies.body(new), self.base.bodies.body(old) if old is not None else None
            if a is None or b is None or a.file != b.file or shape_of(a) != shape_of(b):
                self.changed.add(fid)
            else:
                self.moved[fid] = a.line - b.line

    def _work(self, engine: Engine) -> set[str]:
        """Functions to begin with: what a scan would analyse among those that something changed for."""
        old, new = self.base.program, self.program
        came_or_went = {f for f in differing(new.functions) if (f in old.functions) != (f in new.functions)}
        suspects = set(self.changed)
        for fid in came_or_went:
            suspects.update([*old.callers.get(fid, ()), *new.callers.get(fid, ())])
        for fid in self.changed - came_or_went:
            if old.functions[fid].index.returns != new.functions[fid].index.returns:
                suspects.update(new.callers.get(fid, ()))
        for fid in differing(new.writes):
            suspects.update(new.callers.get(fid, ()))
        for slot in differing(new.slots):
            suspects.update(new.slot_callers.get(slot, ()))
            # what an entry declares is known at the handler
            suspects.update(t.fid for t in set(old.slots.get(slot, ())) ^ set(new.slots.get(slot, ())))
        suspects.update(differing(new.opening))
        return {fid for fid in suspects if fid in new.functions and self._analysed(engine, fid)}

    def _analysed(self, engine: Engine, fid: str) -> bool:
        """Whether a scan analyses a function: the rules speak of it, or something that it calls tells of it."""
        info = self.program.functions[fid]
        if engine.book.is_hook(info.index.name):
            return False
        if fid in self.results or engine.wanted(info):
            return True
        below = [(c, False) for c in callees(self.program, info)]
        below += [(t.fid, True) for slot in info.index.slot_names() for t in self.program.targets(slot)]
        return any(c in self.results and tells(self.results[c].summary, indirect) for c, indirect in below)


def tells(summary: Summary, indirect: bool) -> bool:
    """Whether a callee's summary sends its callers to work."""
    if summary.requires:
        return True
    return not indirect and summary.alternatives != TRIVIAL.alternatives


def unfounded(results: Results) -> list[str]:
    """Functions with an open obligation that no chain of calls leads down to an operation from."""
    open_at: dict[tuple[Any, str], bool] = {}
    up: dict[tuple[Any, str], list[str]] = {}
    for fid in results.loud():
        result = results[fid]
        for r in [*result.summary.requires, *result.closed]:
            node = (r.key, fid)
            open_at[node] = open_at.get(node, False) or len(r.trail) == 1
        for key, callee, _ in result.edges:
            up.setdefault((key, callee), []).append(fid)
    work = [node for node, sink in open_at.items() if sink]
    founded = set(work)
    while work:
        key, fid = work.pop()
        for caller in up.get((key, fid), ()):
            node = (key, caller)
            if node in open_at and node not in founded:
                founded.add(node)
                work.append(node)
    return sorted({fid for (key, fid) in open_at if (key, fid) not in founded})


def shape_of(fn: Function) -> Any:
    """A body without its position: lines relative to the function's first."""
    base = fn.line

    def shift(item: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*item[:-1], item[-1] - base)

    return (
        fn.exprs, fn.params, fn.attributes, fn.returns, fn.local_types,
        [([shift(s) for s in b.statements], shift(b.terminator) if b.terminator[0] != "jmp" else b.terminator) for b in fn.blocks],
    )  # fmt: skip


def make_variant(
    tree: Any, base: Analysis, overlay: Overlay, jobs: int = 1, scope: tuple[str, ...] = (), trust: Progress | None = None
) -> Variant:
    """The stored program with an overlay.  Where `trust` observes it, Kbuild is asked about the patched tree."""
    asking = trusted.asked(tree, overlay, trust) if trust is not None and overlay.touched else nullcontext()
    with asking as patched:
        return Variant(base, overlay, read(tree, base, overlay, jobs, scope, patched))
