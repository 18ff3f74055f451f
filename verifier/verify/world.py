"""What the checker takes from elsewhere and trusts: bodies of functions, link tables, doors and the rule pack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lattices.model import Pack
from verifier.ir.model import Function
from verifier.program.bodies import Bodies
from verifier.program.doors import Doors
from verifier.program.effects import Effects
from verifier.program.link import Program
from verifier.verify.terms import ANY, NEG, POS, ZERO, Fails

_ALLOW = {"errno": ZERO, "true": NEG | POS, "false": ZERO, "pointer": ZERO | POS, "count": ZERO | POS}


class World:
    """A linked program with its rules; `patched` holds bodies that take the place of a function's own."""

    def __init__(self, program: Program, doors: Doors, pack: Pack, fetch: Callable[[str], bytes | None]) -> None:
        """`fetch` gives the encoded unit of a key."""
        self.program = program
        self.doors = doors
        self.pack = pack
        self.effects = Effects(program)
        self.bodies = Bodies(fetch)
        self.rules = {rule.id: rule for rule in pack.rules}
        self.patched: dict[str, Function] = {}
        wanted = [e for rule in pack.rules for e in (*rule.requires, *(x.condition for x in rule.exempt), rule.when)]
        wanted += [e.condition for e in pack.exemptions.values()]
        self.named = {name for e in wanted for name in _calls(e)} - set(pack.accessors)

    def body(self, fid: str) -> Function:
        """The body of a function; raises Fails."""
        fn = self.patched.get(fid) or (self.bodies.body(self.program.functions[fid]) if fid in self.program.functions else None)
        if fn is None or not fn.blocks:
            raise Fails(f"{fid}: no such function")
        return fn

    def opaque(self, name: str) -> bool:
        """Whether the rules know a function by name: checks and predicates are not looked into."""
        return name in self.named or self._allow(name) is not None

    def _allow(self, name: str) -> int | None:
        check = self.pack.check(name)
        if check is None or check.allow == "none":
            return None
        return _ALLOW[check.allow] if isinstance(check.allow, str) else ZERO if 0 in check.allow else 0

    def meaning(self, unit: str, name: str) -> int:
        """Outcomes of a check that mean "allowed"; of a predicate that only rules name, what its return type says."""
        if name in self.named and self.pack.check(name) is None:
            return POS | NEG if self._returns(unit, name) == "bool" else ZERO
        return self._allow(name) or 0

    def possible(self, name: str) -> int:
        """Outcomes that a call can have: an error number is not positive."""
        check = self.pack.check(name)
        allow = check.allow if check is not None else "none"
        return NEG | ZERO if allow == "errno" or (isinstance(allow, tuple) and max(allow, default=1) == 0) else ANY

    def _returns(self, unit: str, name: str) -> str | None:
        fid = self.program.resolve(unit, name)
        return self.program.functions[fid].index.returns if fid is not None else None

    def writes(self, unit: str, name: str | None, index: int) -> bool:
        """Whether a callee may write through an argument; checks never do, unknown callees may."""
        if name is None:
            return True
        fid = self.program.resolve(unit, name)
        return not self.opaque(name) and (fid is None or index in self.program.writes.get(fid, ()))

    def callees(self, unit: str, name: str | None, slots: list[str]) -> list[str]:
        """The functions that a call may run, by the link tables."""
        if name is None:
            return [t.fid for slot in slots for t in self.program.targets(slot)]
        fid = self.program.resolve(unit, name) if not self.opaque(name) else None
        return [fid] if fid is not None else []


def _calls(e: Any) -> list[str]:
    if not isinstance(e, tuple):
        return []
    own = [e[1]] if e and e[0] == "call" and isinstance(e[1], str) else []
    return own + [name for part in e for name in _calls(part)]
