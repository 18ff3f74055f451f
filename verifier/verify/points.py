"""Places of a function and what each statement writes: the base of the checker.

A point is (block, index): just before that statement; index len(statements) is the terminator.  A local place is a
tuple (variable, field, ...).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from verifier.ir.dominance import predecessors, successors
from verifier.ir.model import Function

Point = tuple[int, int]
Place = tuple[str, ...]
ENTRY: Point = (-1, -1)


class Points:
    """Stores, definitions and reachability of one function.

    `writes(name, index)` says whether a callee may write through an argument (link table).
    """

    def __init__(self, fn: Function, writes: Callable[[str, int], bool]) -> None:
        self.fn = fn
        self.succ = [list(dict.fromkeys(successors(b.terminator))) for b in fn.blocks]
        self.pred = predecessors(fn.blocks)
        self.written: dict[str, list[tuple[Point, Place]]] = {}  # local variable: what is written of it, and where
        self.fields: dict[str, set[Point]] = {}  # stores to a member of anything that is no local
        self.globals: dict[str, set[Point]] = {}
        self.pointed: set[Point] = set()  # stores through plain pointers and to elements
        self.calls: list[Point] = []
        self._defs: dict[tuple[Place, Point], frozenset[Point]] = {}
        self._reach: dict[tuple[Point, Point, Point], bool] = {}
        for b, block in enumerate(fn.blocks):
            for i, s in enumerate(block.statements):
                if s[0] in ("=", "havoc"):
                    self._store(s[1], (b, i))
                elif s[0] == "asm":
                    for out in s[1]:
                        self._store(out, (b, i))
                elif s[0] == "call":
                    self.calls.append((b, i))
                    if s[1] >= 0:
                        self._store(s[1], (b, i))
                    name = self.callee((b, i))
                    for n, arg in enumerate(s[3]):
                        for place in self._addressed(arg):
                            if name is None or writes(name, n):
                                self.written.setdefault(place[0], []).append(((b, i), place))

    def statement(self, point: Point) -> tuple:
        """The statement at a point."""
        return self.fn.blocks[point[0]].statements[point[1]]

    def callee(self, point: Point) -> str | None:
        """Name of the function that a call statement calls directly."""
        e = self.fn.exprs[self.statement(point)[2]]
        return e[1] if e[0] == "f" else None

    def place(self, index: int) -> Place | None:
        """The local place that an lvalue names, None for memory behind a pointer and globals."""
        e = self.fn.exprs[index]
        if e[0] == "v":
            return (e[1],)
        if e[0] in ("m", "i"):
            base = self.place(e[1])
            if base is None or (e[0] == "i" and self._is_pointer(base)):
                return None
            return (*base, e[3] if e[0] == "m" else "[]")
        return None

    def _is_pointer(self, place: Place) -> bool:
        types = {p.name: p.type for p in self.fn.params} | self.fn.local_types
        return len(place) > 1 or types.get(place[0], "").startswith("ptr")

    def _store(self, index: int, point: Point) -> None:
        place = self.place(index)
        e = self.fn.exprs[index]
        if place is not None:
            self.written.setdefault(place[0], []).append((point, place))
        elif e[0] == "m":
            self.fields.setdefault(e[3], set()).add(point)
        elif e[0] == "g":
            self.globals.setdefault(e[1], set()).add(point)
        else:
            self.pointed.add(point)

    def _addressed(self, index: int) -> list[Place]:
        """Local places whose address an argument contains."""
        e = self.fn.exprs[index]
        if e[0] == "a":
            place = self.place(e[1])
            return [place] if place is not None else self._addressed(e[1])
        parts = e[2:] if e[0] == "o" else e[1:3] if e[0] == "i" else e[1:2] if e[0] in ("m", "d", "k") else ()
        return [p for part in parts for p in self._addressed(part)]

    def touching(self, place: Place) -> set[Point]:
        """Statements that may change what a local place holds."""
        return {
            point
            for point, other in self.written.get(place[0], ())
            if other[: len(place)] == place or place[: len(other)] == other
        }

    def definitions(self, place: Place, point: Point) -> frozenset[Point]:
        """Definitions of a local place that reach a point; ENTRY where it may be as it was at entry."""
        key = (place, point)
        found = self._defs.get(key)
        if found is not None:
            return found
        last: dict[int, list[int]] = {}
        for b, i in sorted(self.touching(place)):
            last.setdefault(b, []).append(i)
        out: set[Point] = set()
        work: deque[Point] = deque([point])
        seen: set[int] = set()
        while work:
            b, end = work.popleft()
            before = [i for i in last.get(b, ()) if i < end]
            if before:
                out.add((b, before[-1]))
                continue
            if b == 0:
                out.add(ENTRY)
            for p in self.pred[b]:
                if p not in seen:
                    seen.add(p)
                    work.append((p, 1 << 30))
        self._defs[key] = frozenset(out)
        return self._defs[key]

    def reaches(self, start: Point, end: Point, without: Point = ENTRY) -> bool:
        """Whether control can come from just before `start` to just before `end` without executing `without`."""
        key = (start, end, without)
        found = self._reach.get(key)
        if found is None:
            found = self._reach[key] = self._reaches(start, end, without)
        return found

    def _reaches(self, start: Point, end: Point, without: Point) -> bool:
        b, i = start
        if end[0] == b and i <= end[1] and not (without[0] == b and i <= without[1] < end[1]):
            return True
        if without[0] == b and without[1] >= i:
            return False
        seen: set[int] = set()
        work = list(self.succ[b])
        while work:
            x = work.pop()
            if x in seen:
                continue
            seen.add(x)
            if x == end[0] and not (without[0] == x and without[1] < end[1]):
                return True
            if without[0] != x:
                work.extend(self.succ[x])
        return False

    def between(self, kills: set[Point] | frozenset[Point], start: Point, end: Point) -> bool:
        """Whether some of `kills` can run after the statement at `start` and before `end`, `start` not again."""
        after = (start[0], start[1] + 1) if start != ENTRY else (0, 0)
        return any(
            self.reaches(after, k, start) and self.reaches((k[0], k[1] + 1), end, start) for k in sorted(kills) if k != start
        )
