"""The whole program, bottom-up: summaries to a fixpoint over the call graph.

Functions are worked on callees first, in the order of verifier.program.link; a summary that changes sends its callers to work again, through operations tables too.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, MutableMapping

import msgspec

from lattices.model import Pack
from verifier.flow.ensures import alternatives
from verifier.flow.solver import Solver
from verifier.flow.summary import TRIVIAL, Requirement, Result, Summary
from verifier.flow.transfer import Frame
from verifier.flow.watcher import Watcher
from verifier.oracles.obligations import Obligations
from verifier.oracles.patterns import Matcher
from verifier.oracles.rulebook import Rulebook
from verifier.oracles.shapes import ignored_results, numbered
from verifier.program.bodies import Bodies
from verifier.program.effects import Effects
from verifier.program.flags import unmapped
from verifier.program.link import Info, Program
from verifier.program.opened import by_opener
from verifier.program.recursion import Recursion

MOST_ROUNDS = 60
MOST_REQUIRES = 60
SMALL = 12
DEEPEST = 6


class Engine:
    """Analyses functions on demand and to the fixpoint; `results` hold what is known so far."""

    def __init__(self, program: Program, bodies: Bodies, pack: Pack) -> None:
        """`program.order` is made once and kept with the program."""
        self.program = program
        self.bodies = bodies
        self.book = Rulebook(pack)
        self.matcher = Matcher(pack)
        self.effects = Effects(program)
        self.unmapped = unmapped(program, pack.constants.get("FS_ALLOW_IDMAP", 0))
        self.results: MutableMapping[str, Result] = {}
        self.rounds: dict[str, int] = {}
        self.active: set[str] = set()
        self.deferred: set[str] = set()
        self.unannounced: set[str] = set()  # analysed for one caller; the others do not know yet
        self.order = program.order
        self.recursion = Recursion(self)
        self.opened_by = by_opener(program)
        self.analysed = 0

    def seeds(self) -> list[str]:
        """Functions that have a controlled operation or call a check."""
        return [fid for fid, info in sorted(self.program.functions.items()) if self.wanted(info)]

    def wanted(self, info: Info) -> bool:
        """Whether the rules speak of something in this function."""
        f = info.index
        if self.book.is_hook(f.name):
            return False
        return self.book.seeks(f.name, f.calls, (slot for slot, _ in f.slots), f.reads, f.stores)

    def run(self, work: Iterable[str], progress: Callable[[int, int], None] | None = None) -> set[str]:
        """Analyse `work` and whatever depends on it, to the fixpoint; returns the functions that were analysed."""
        queue: list[tuple[int, str]] = []
        waiting: set[str] = set()

        def due(fid: str) -> None:
            if fid not in waiting:
                waiting.add(fid)
                heapq.heappush(queue, (self.order.get(fid, -1), fid))

        for fid in work:
            due(fid)
        done: set[str] = set()
        owed: set[str] = set()  # functions whose callers went on without their summary
        while queue:
            _, fid = heapq.heappop(queue)
            if fid not in waiting:
                continue
            cycle = self.recursion.of(fid)
            together = cycle or (fid,)
            waiting.difference_update(together)
            before = {m: self.results.get(m) for m in together}
            if self.rounds.get(fid, 0) >= MOST_ROUNDS:
                old = before[fid]
                if old is not None and not old.cut:
                    self.results[fid] = msgspec.structs.replace(old, cut="recursion")
                continue
            for m in together:
                self.rounds[m] = self.rounds.get(m, 0) + 1
            if cycle:
                self.recursion.solve(cycle)
            else:
                self.results[fid] = self.analyse(fid)
            done.update(together)
            if progress is not None and len(done) % 50 == 0:
                progress(len(done), len(done) + len(queue))
            dependants = {m: self._dependants(m, before[m], m in owed) for m in together}
            owed.difference_update(together)
            self.unannounced.difference_update(together)
            for other in sorted(self.deferred):
                owed.add(other)
                due(other)
            self.deferred.clear()
            for m, callers in dependants.items():
                for caller in callers:
                    if caller not in cycle and not self.book.is_hook(self.program.functions[caller].index.name):
                        due(caller)
        return done

    def _dependants(self, fid: str, old: Result | None, owed: bool) -> list[str]:
        """Functions to analyse again after one was; `owed`: its callers did without its summary."""
        new = self.results[fid].summary
        before = old.summary if old is not None and fid not in self.unannounced else TRIVIAL
        asks = new.asks() != before.asks()
        ways = new.alternatives != before.alternatives
        if asks or ways:
            return self.callers_of(fid, asks, ways)
        if new.returns != (old.summary.returns if old is not None and not owed else None):
            return [c for c in self.program.callers.get(fid, ()) if c in self.results]
        return []

    def callers_of(self, fid: str, asks: bool, ways: bool) -> list[str]:
        """Functions to analyse again where what `fid` leaves open changed (`asks`), or what its outcomes mean (`ways`)."""
        callers = list(self.program.callers.get(fid, ()))
        if asks:
            callers.extend(self.slot_callers(fid))
        if ways:
            callers.extend(f for f in self.opened_by.get(fid, ()) if f in self.results)
        return callers

    def slot_callers(self, fid: str) -> list[str]:
        """Functions with an indirect call that can reach `fid`."""
        out: dict[str, None] = {}
        for slot in self.slots_of(fid):
            for caller in self.program.slot_callers.get(slot, ()):
                out[caller] = None
        return list(out)

    def slots_of(self, fid: str) -> list[str]:
        """Slots that hold `fid`."""
        return self.program.slots_of(fid)

    def slots_at(self, info: Info, line: int) -> list[str]:
        """The slots that the indirect calls at a line may go through, by the unit's index."""
        index = info.index
        return [slot for slot, at in (*index.slots, *index.others) if at == line and not slot.startswith("?")]

    def summary_of(self, fid: str) -> Summary | None:
        """A callee's summary; small functions that were not chosen are analysed for what they return."""
        if fid in self.recursion.blank:
            return None
        result = self.results.get(fid)
        if result is not None:
            return result.summary
        info = self.program.functions[fid]
        if info.index.size > SMALL or "stub" in info.index.attributes or self.book.is_hook(info.index.name):
            return None
        if info.index.size * 4 + info.index.sites > 40:
            return None
        if fid in self.active or len(self.active) >= DEEPEST:
            self.deferred.add(fid)  # `run` makes up for it, so that results do not depend on who asked first
            return None
        self.results[fid] = self.analyse(fid)
        self.unannounced.add(fid)
        return self.results[fid].summary

    def returns_of(self, info: Info, name: str) -> str | None:
        """Return type of the function that `name` means where `info` stands; None where no body is known."""
        fid = self.program.resolve(info.unit, name)
        return self.program.functions[fid].index.returns if fid is not None else None

    def only_asks(self, fid: str, param: int) -> bool:
        """Whether a function does nothing with a parameter but hand it to hooks, which decide and change nothing."""
        index = self.program.functions[fid].index
        handed = [callee for callee, _, own in index.passes if own == param]
        return param not in index.writes and bool(handed) and all(self.book.is_hook(callee) for callee in handed)

    def requires_of(self, fid: str) -> tuple[Requirement, ...]:
        """Open requirements of a function."""
        result = self.results.get(fid) if fid not in self.recursion.blank else None
        return result.summary.requires if result is not None else ()

    def watcher(self, info: Info, obligations: Obligations) -> Watcher:
        """What the analysis of one function is told."""
        from verifier.program.watch import FunctionWatcher

        return FunctionWatcher(self, info, obligations)

    def analyse(self, fid: str) -> Result:
        """One analysis of one function with the summaries at hand."""
        info = self.program.functions[fid]
        fn = self.bodies.body(info)
        if fn is None or not fn.blocks:
            return Result(cut="no body")
        named = not self.program.slots_of(fid)
        self.analysed += 1
        self.active.add(fid)
        try:
            obligations = Obligations(self.book, self.matcher, named)
            frame = Frame(fn, self.watcher(info, obligations))
            solver = Solver(frame)
            solver.run()
            if solver.exhausted:
                obligations = Obligations(self.book, self.matcher, named)
                frame = Frame(fn, self.watcher(info, obligations))
                solver = Solver(frame, most=1)
                solver.run()
            cut = "too many states" if solver.exhausted else ""
            returns, ways = alternatives(solver)
        finally:
            self.active.discard(fid)
        obligations.mark_late(frame, solver.succ, solver.loops)
        opened = obligations.requirements()
        if len(opened) > MOST_REQUIRES:
            opened = opened[:MOST_REQUIRES]
            cut = cut or "too many open requirements"
        if not any(w.facts for w in ways):
            ways = tuple(w for w in ways if w.eq is not None or w.mask != 7)[:1] if len(ways) == 1 else ()
        summary = Summary(returns, ways, tuple(opened))
        return Result(
            summary, obligations.verdicts(), obligations.unmeetable(), obligations.discharges(),
            ignored_results(fn, self.book, lambda name: self.returns_of(info, name)) + numbered(obligations.suspicious()),
            [e for e in obligations.edges], cut,
            obligations.passed.rows(frame),
        )  # fmt: skip
