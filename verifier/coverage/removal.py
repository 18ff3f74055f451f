"""Virtual removal: the program is analysed again as if one call of a check granted nothing.

The call stays where it is, under a name that marks it: the watcher answers for it as for the original, except that no
outcome of it means "allowed" and its summary guarantees nothing.  So both branches stay feasible, arguments and what
the callee writes stay the same, and the places of all statements too.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, MutableMapping, Sequence

import msgspec

from lattices.model import Pack
from verifier.coverage.sites import Site
from verifier.coverage.upward import Upward, below_doors
from verifier.flow.state import State
from verifier.flow.summary import Result, Summary
from verifier.flow.transfer import Frame
from verifier.flow.values import Value
from verifier.flow.watcher import Call
from verifier.ir.model import Function
from verifier.oracles.obligations import Obligations
from verifier.program.bodies import Bodies
from verifier.program.engine import Engine
from verifier.program.frontier import Frontier
from verifier.program.link import Info, Program
from verifier.program.results import Results, is_loud
from verifier.program.watch import FunctionWatcher

MARK = "\0removed"
MOST_ANALYSED = 60  # functions that a removal among others may take


class TooFar(Exception):
    """A removal within some functions takes more analyses than MOST_ANALYSED."""


class Layer(MutableMapping[str, Result]):
    """Results over those of the base, which stay as they are; `own` are the new ones."""

    def __init__(self, base: Results) -> None:
        self.base = base
        self.own: dict[str, Result] = {}

    def __getitem__(self, fid: str) -> Result:
        found = self.own.get(fid)
        return found if found is not None else self.base[fid]

    def __setitem__(self, fid: str, result: Result) -> None:
        self.own[fid] = result

    def __delitem__(self, fid: str) -> None:
        raise TypeError("results of a layer are not removed")

    def __contains__(self, fid: object) -> bool:
        return fid in self.own or fid in self.base

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from (fid for fid in self.base if fid not in self.own)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def loud(self) -> list[str]:
        """Functions with a new result that takes part in open obligations, sorted."""
        return sorted(fid for fid, result in self.own.items() if is_loud(result))


class BlindWatcher(FunctionWatcher):
    """Tells of marked calls all that is told of the original, but for what they grant."""

    engine: Remover

    def allowed(self, name: str) -> tuple[int, tuple[int, ...]] | None:
        """No outcome of a marked call allows anything."""
        return None if name.endswith(MARK) else super().allowed(name)

    def possible(self, name: str) -> int:
        """Outcomes that a call can have."""
        return super().possible(_plain(name))

    def opaque(self, name: str) -> bool:
        """True when a call keeps its own name as a value."""
        return super().opaque(_plain(name))

    def mask_argument(self, name: str) -> int | None:
        """Number of a check's argument that is a mask of rights."""
        return super().mask_argument(_plain(name))

    def intrinsic(self, frame: Frame, state: State, name: str, args: list[Value]) -> Value | None:
        """Calls whose meaning the engine knows."""
        return super().intrinsic(frame, state, _plain(name), args)

    def subject_change(self, name: str) -> tuple[str, int] | None:
        """Functions that change the subject."""
        return super().subject_change(_plain(name))

    def summary(self, frame: Frame, name: str) -> Summary | None:
        """Summary of a callee; a marked one guarantees nothing."""
        found = super().summary(frame, _plain(name))
        if found is None or not name.endswith(MARK):
            return found
        ways = tuple(msgspec.structs.replace(way, facts=()) for way in found.alternatives)
        return Summary(found.returns, ways, found.requires)

    def writes(self, frame: Frame, name: str, index: int) -> bool:
        """Whether a callee may write through an argument."""
        return super().writes(frame, _plain(name), index)

    def outputs(self, name: str) -> tuple[int, ...]:
        """Arguments through which a check gives something back."""
        return super().outputs(_plain(name))

    def changes(self, call: Call, member: str) -> bool:
        """Whether a call may store to a member."""
        return super().changes(_original(call), member)

    def sweeps(self, name: str, summary: Summary | None, begun: bool) -> frozenset[str]:
        """Checks of `each(...)` that a call bears on; a marked one makes no loop one that asks, and answers nothing."""
        return super().sweeps(_plain(name), summary, begun) if begun or name == _plain(name) else frozenset()

    def at_call(self, frame: Frame, state: State, call: Call) -> None:
        """Rules on the call; of a marked one those on the original."""
        if call.name is not None and call.name.endswith(MARK):
            self.engine.met.add((self.info.fid, call.site))
        super().at_call(frame, state, _original(call))


def _plain(name: str) -> str:
    return name.removesuffix(MARK)


def _original(call: Call) -> Call:
    """A call under the name that it has in the source."""
    if call.name is None or not call.name.endswith(MARK):
        return call
    return Call(_plain(call.name), call.slot, call.holder, call.args, call.site, call.line)


class EditedBodies(Bodies):
    """Bodies of the base, but for those in `edited`."""

    def __init__(self, base: Bodies) -> None:
        super().__init__(base.fetch, base.most)
        self.edited: dict[str, Function] = {}

    def body(self, info: Info) -> Function | None:
        """The function's body, or None when the store lost its unit."""
        return self.edited.get(info.fid) or super().body(info)


class Remover(Engine):
    """An engine whose results lie over those of the base; one is used for many removals.

    Callers for which only what a callee leaves open is new wait in `upward`, and are analysed as long as it is not
    known that a door reaches that; with `upward` None they are analysed at once, as in a scan.
    """

    def __init__(self, program: Program, bodies: Bodies, pack: Pack, frontier: Frontier) -> None:
        """`frontier` is that of the base."""
        self.edits = EditedBodies(bodies)
        super().__init__(program, self.edits, pack)
        self.frontier = frontier
        self.base = frontier.results
        self.met: set[tuple[str, int]] = set()
        self.upward: Upward | None = None
        self.reachable = below_doors(frontier.doors)
        self.within: Container[str] | None = None
        self.left = 0

    def watcher(self, info: Info, obligations: Obligations) -> BlindWatcher:
        """What the analysis of one function is told."""
        return BlindWatcher(self, info, obligations)

    def without(self, sites: Sequence[Site], whole: bool = False, within: Container[str] | None = None) -> Layer:
        """The results where the calls at `sites` grant nothing, from the base's every time; `whole`: with those of all
        callers, of which otherwise only so many are there as it takes to know what reaches a door; of those only the
        ones in `within`, where it is given."""
        edited: dict[str, Function] = {}
        self.edits.edited = {}
        for site in sites:
            body = edited.get(site.fid) or self.edits.body(self.program.functions[site.fid])
            if body is not None:
                edited[site.fid] = _marked(body, site)
        return self._solve(sorted(edited), edited, whole, within)

    def again(self, fids: Sequence[str], whole: bool = False) -> Layer:
        """The results after analysing functions of the base once more: what changes is no site's doing."""
        return self._solve(sorted(fids), {}, whole)

    def analyse(self, fid: str) -> Result:
        """One analysis of one function; raises TooFar after so many within some functions."""
        if self.within is not None:
            self.left -= 1
            if self.left < 0:
                raise TooFar
        if self.upward is not None:
            self.upward.begin(fid)
        return super().analyse(fid)

    def callers_of(self, fid: str, asks: bool, ways: bool) -> list[str]:
        """Functions to analyse again at once."""
        if self.upward is None:
            return self._near(super().callers_of(fid, asks, ways))
        now = self._near(super().callers_of(fid, False, True)) if ways else []
        if asks:
            self.upward.wait(fid, self._near(super().callers_of(fid, True, False)), now)
        return [caller for caller in now if self.upward.matters(caller)]

    def _near(self, callers: list[str]) -> list[str]:
        within = self.within
        return callers if within is None else [caller for caller in callers if caller in within]

    def _solve(
        self, fids: Sequence[str], edited: dict[str, Function], whole: bool, within: Container[str] | None = None
    ) -> Layer:
        layer = Layer(self.base)
        self.within, self.left = within, MOST_ANALYSED
        self.results = layer
        self.edits.edited = edited
        self.met = set()
        for left in (self.rounds, self.active, self.deferred, self.unannounced):  # by the removal before this one
            left.clear()
        self.recursion.forget()
        self.upward = None if whole else Upward(self.frontier, layer.own, self.order, self.reachable)
        work: Iterable[str] | None = fids
        while work:
            done = self.run(work)
            work = self.upward.take(done) if self.upward is not None else None
        return layer


def _marked(fn: Function, site: Site) -> Function:
    """The body with the callee of one call renamed; expressions and places of all others stay."""
    s = fn.blocks[site.block].statements[site.index]
    exprs = [*fn.exprs, ("f", fn.exprs[s[2]][1] + MARK)]
    blocks = list(fn.blocks)
    statements = list(blocks[site.block].statements)
    statements[site.index] = ("call", s[1], len(fn.exprs), s[3], s[4])
    blocks[site.block] = msgspec.structs.replace(blocks[site.block], statements=statements)
    return msgspec.structs.replace(fn, exprs=exprs, blocks=blocks)
