"""Functions that call each other are solved together, so that their results do not depend on who was looked at first.

What a function guarantees is cut to a few ways to return (verifier.flow.ensures), which is not monotone: around a cycle of
calls results can swing for ever, or settle in more than one place.  So whenever one function of a cycle is due, all of
them start from nothing and take turns in one order: what comes out depends on their bodies and on what they call outside
of the cycle alone.  Where they do not settle, nothing is taken to be guaranteed by them, and their results say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from verifier.flow.summary import Result, Summary
from verifier.program.link import callees

if TYPE_CHECKING:
    from verifier.program.engine import Engine

MOST_TURNS = 12
MOST_SEEN = 2000


class Recursion:
    """The cycles of direct calls among analysed functions; `changed` are functions whose calls the order of the program does
    not know yet, `blank` those of the cycle being solved that have no result yet."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.changed: set[str] = set()
        self.blank: set[str] = set()
        self._found: dict[str, tuple[str, ...]] = {}
        self._below: dict[str, list[str]] = {}

    def forget(self) -> None:
        """Begin anew, with other results."""
        self.blank.clear()
        self._found.clear()

    def of(self, fid: str) -> tuple[str, ...]:
        """The functions of the cycle that one is in, in the order of their turns; none where it is in no cycle."""
        found = self._found.get(fid)
        if found is None:
            old = self.engine.results.get(fid)
            members = self._through(fid) | {m for m in (old.cycle if old is not None else ()) if m in self.engine.program.functions}
            found = self._join(members) if members else ()
        return found

    def _join(self, members: set[str]) -> tuple[str, ...]:
        together = members.union(*(self._found.get(m, ()) for m in members))
        order = self.engine.order
        joined = tuple(sorted(together, key=lambda m: (order.get(m, -1), m)))
        self._found.update(dict.fromkeys(joined, joined))
        return joined

    def _through(self, fid: str) -> set[str]:
        """A function and the analysed ones that call each other with it; those of a cycle have one rank in the order."""
        results, order = self.engine.results, self.engine.order
        rank = order.get(fid) if fid not in self.changed else None
        up: dict[str, list[str]] = {}
        seen, work = {fid}, [fid]
        while work and len(seen) <= MOST_SEEN:
            above = work.pop()
            for below in self._callees(above):
                if below == fid or ((rank is None or order.get(below) == rank) and below in results):
                    up.setdefault(below, []).append(above)
                    if below not in seen:
                        seen.add(below)
                        work.append(below)
        if fid not in up:
            return set()
        found, work = {fid}, [fid]
        while work:
            for above in up.get(work.pop(), ()):
                if above not in found:
                    found.add(above)
                    work.append(above)
        return found

    def _callees(self, fid: str) -> list[str]:
        found = self._below.get(fid)
        if found is None:
            book, functions = self.engine.book, self.engine.program.functions
            found = self._below[fid] = [
                c for c in callees(self.engine.program, functions[fid]) if not book.is_hook(functions[c].index.name)
            ]
        return found

    def solve(self, members: tuple[str, ...]) -> None:
        """Analyse the functions of a cycle, from nothing, until nothing changes any more."""
        self.blank = set(members)
        for turn in range(2 * MOST_TURNS):
            if not any(list(self._turn(members, turn >= MOST_TURNS))):
                return
        for m in members:
            self.engine.results[m] = msgspec.structs.replace(self.engine.results[m], cut="recursion")

    def _turn(self, members: tuple[str, ...], silent: bool) -> Iterator[bool]:
        """Analyse each function once and tell whether it changed; `silent` ones guarantee nothing."""
        results = self.engine.results
        for m in members:
            new = self.engine.analyse(m)
            if silent:
                new = msgspec.structs.replace(new, summary=Summary(None, (), new.summary.requires), cut=new.cut or "recursion")
            new = msgspec.structs.replace(new, cycle=members)
            old = results[m] if m not in self.blank else None
            self.blank.discard(m)
            results[m] = new
            yield old is None or differs(old, new)


def differs(old: Result, new: Result) -> bool:
    """Whether callers learn something else from a result."""
    a, b = old.summary, new.summary
    return a.returns != b.returns or a.alternatives != b.alternatives or a.asks() != b.asks()
