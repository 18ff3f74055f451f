"""Side effects of calls, as far as constraints on members must fall after them.

A member is named by (struct tag, field) alone, so two objects of a type are not told apart here; the caller asks only
for members of objects that it hands over.  Modification sets in the manner of Banning, "An efficient way to find the
side effects of procedure calls" (POPL 1979), asked for on demand and to a bounded depth.
"""

from __future__ import annotations

from verifier.program.link import Program, callees

DEPTH = 3  # calls below the called function that are looked into
MOST_TARGETS = 24  # a slot with more functions is taken to store what its first ones do


class Effects:
    """Answers whether a function may store to a member; remembers the answers for one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._stores: dict[str, frozenset[str]] = {}
        self._below: dict[str, list[str]] = {}
        self._known: dict[tuple[str, str, int], bool] = {}

    def may_store(self, fid: str, member: str, depth: int = DEPTH) -> bool:
        """Whether `fid`, or a function at most `depth` calls below it, stores to `member` ("tag.field")."""
        key = (fid, member, depth)
        known = self._known.get(key)
        if known is None:
            known = member in self._own(fid) or (
                depth > 0 and any(self.may_store(callee, member, depth - 1) for callee in self._callees(fid))
            )
            self._known[key] = known
        return known

    def _own(self, fid: str) -> frozenset[str]:
        found = self._stores.get(fid)
        if found is None:
            found = self._stores[fid] = frozenset(self.program.functions[fid].index.stores)
        return found

    def _callees(self, fid: str) -> list[str]:
        found = self._below.get(fid)
        if found is None:
            info = self.program.functions[fid]
            found = callees(self.program, info)
            for slot in info.index.slot_names():
                found.extend(t.fid for t in self.program.targets(slot)[:MOST_TARGETS])
            self._below[fid] = found = list(dict.fromkeys(f for f in found if f in self.program.functions))
        return found
