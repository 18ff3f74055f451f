"""How far up a removal has to be followed: until it is known of everything that it opens whether a door reaches it.

A site protects the lowest nodes that open (see verifier.coverage.difference).  Once a door is known to reach one of
them, callers in which nothing but this node is new can only add nodes above it, so they are not analysed.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from verifier.flow.summary import Result
from verifier.program.doors import Doors
from verifier.program.frontier import Frontier, Node

NO_DOOR = 1 << 30


def below_doors(doors: Doors) -> frozenset[str]:
    """Functions that doors reach, through contexts that run for nobody too: nothing else can come to be reached."""
    out = set(doors.nearest) | set(doors.other)
    work = sorted(out)
    while work:
        for callee in doors.callees(work.pop()):
            if callee not in out:
                out.add(callee)
                work.append(callee)
    return frozenset(out)


class Upward:
    """The callers that wait in one removal, and what is known to be reached by a door."""

    def __init__(self, base: Frontier, own: dict[str, Result], order: dict[str, int], reachable: frozenset[str]) -> None:
        """`own` are the new results, `order` the program's, callees first; `reachable` are `below_doors`."""
        self.base = base
        self.own = own
        self.order = order
        self.reachable = reachable
        self.hot: set[Node] = set()  # reached by a door now, and not in the base
        self.down: dict[Node, set[Node]] = {}
        self.opened: dict[str, list[Node]] = {}  # nodes that callers see otherwise than in the base
        self.waiting: dict[str, set[str]] = {}  # caller -> callees that leave something new open
        self.queue: list[tuple[int, int, str]] = []

    def matters(self, fid: str) -> bool:
        """Whether anything that is open at a function can be reached by a door."""
        return fid in self.reachable

    def begin(self, fid: str) -> None:
        """A function is being analysed: it sees what it has waited for."""
        self.waiting.pop(fid, None)

    def wait(self, callee: str, callers: Iterable[str], besides: Iterable[str]) -> None:
        """Keep callers until somebody has to know about them; those `besides` are analysed at once."""
        old = self.base.results[callee].summary.asks() if callee in self.base.results else frozenset()
        self.opened[callee] = [(r[0], callee) for r in self.own[callee].summary.asks() if r not in old]
        at_once = frozenset(besides)
        for caller in callers:
            if self.matters(caller) and caller not in at_once:
                if caller not in self.waiting:
                    heapq.heappush(self.queue, (self._distance(caller), self.order.get(caller, -1), caller))
                self.waiting.setdefault(caller, set()).add(callee)

    def _distance(self, fid: str) -> int:
        doors = self.base.doors
        found = doors.nearest.get(fid) or doors.other.get(fid)
        return found[1] if found is not None else NO_DOOR

    def take(self, done: Iterable[str]) -> list[str]:
        """Note the results of the functions just analysed; the next caller to analyse, the nearest to a door."""
        for fid in sorted(done):
            self._note(fid, self.own[fid])
        while self.queue:
            _, _, caller = heapq.heappop(self.queue)
            callees = self.waiting.pop(caller, ())
            if any(node not in self.hot for callee in callees for node in self.opened[callee]):
                return [caller]
        return []

    def _note(self, fid: str, result: Result) -> None:
        for key, callee, _ in result.edges:
            self.down.setdefault((key, fid), set()).add((key, callee))
        ends = self.base.ends(fid, result)
        for requirement in (*result.summary.requires, *result.closed):
            node = (requirement.key, fid)
            if node in ends or node in self.hot or node in self.base.hot:
                self._heat(node)

    def _heat(self, node: Node) -> None:
        """A door reaches this node, and so whatever it leaves open below."""
        work = [node]
        while work:
            at = work.pop()
            if at not in self.base.hot:
                self.hot.add(at)
            below = [*self.down.get(at, ()), *(self.base.down.get(at, ()) if at[1] not in self.own else ())]
            work.extend(n for n in below if n not in self.hot and n not in self.base.hot)
