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

NEG, ZERO, POS = 1, 2, 4
ANY = NEG | ZERO | POS
_ALLOW = {"errno": ZERO, "true": NEG | POS, "false": ZERO, "pointer": ZERO | POS, "count": ZERO | POS}
_POSSIBLE = {"errno": NEG | ZERO, "true": ZERO | POS}


class World:
    """A linked program with its rules."""

    def __init__(self, program: Program, doors: Doors, pack: Pack, fetch: Callable[[str], bytes | None]) -> None:
        """`fetch` gives the encoded unit of a key."""
        self.program = program
        self.doors = doors
        self.pack = pack
        self.effects = Effects(program)
        self.bodies = Bodies(fetch)
        self.rules = {rule.id: rule for rule in pack.rules}
        self.returned: dict[str, Any] = {}
        self.terms: dict[str, Any] = {}
        self._patched: dict[str, Function] = {}
        self.named = {name for rule in pack.rules for e in _expressions(rule) for name in _calls(e)} - set(pack.accessors)
        self.named |= {name for e in pack.exemptions.values() for name in _calls(e.condition)} - set(pack.accessors)

    def body(self, fid: str) -> Function | None:
        """The body of a function."""
        if fid in self._patched:
            return self._patched[fid]
        info = self.program.functions.get(fid)
        return self.bodies.body(info) if info is not None else None

    def patch(self, fid: str, fn: Function) -> None:
        """Another body for a function."""
        self._patched[fid] = fn
        self.terms.pop(fid, None)
        self.returned.clear()

    def unpatch(self, fid: str) -> None:
        """The function's own body again."""
        del self._patched[fid]
        self.terms.pop(fid, None)
        self.returned.clear()

    def writes(self, unit: str, name: str, index: int) -> bool:
        """Whether a callee may write through an argument; checks never do, unknown callees may."""
        if self.opaque(name):
            return False
        fid = self.program.resolve(unit, name)
        return fid is None or index in self.program.writes.get(fid, ())

    def opaque(self, name: str) -> bool:
        """Whether the rules know a function by name: checks and predicates are not looked into."""
        return name in self.named or self.allow(name) is not None

    def allow(self, name: str) -> int | None:
        """Outcome classes of a check that mean "allowed"; None for what is no declared check."""
        check = self.pack.check(name)
        if check is None or check.allow == "none":
            return None
        if isinstance(check.allow, str):
            return _ALLOW[check.allow]
        return ZERO if 0 in check.allow else 0

    def meaning(self, unit: str, name: str) -> int | None:
        """`allow`, and for a predicate that only rules name what its return type says."""
        known = self.allow(name)
        if known is not None or name not in self.named or self.pack.check(name) is not None:
            return known
        return POS | NEG if self.returns(unit, name) == "bool" else ZERO

    def possible(self, unit: str, name: str | None) -> int:
        """Outcome classes that a call can have."""
        if name is None:
            return ANY
        check = self.pack.check(name)
        mask = ANY
        if check is not None:
            if isinstance(check.allow, str):
                mask = _POSSIBLE.get(check.allow, ANY)
            elif 0 in check.allow and max(check.allow) <= 0:
                mask = NEG | ZERO
        return mask & ~NEG if self.returns(unit, name) == "bool" else mask

    def returns(self, unit: str, name: str) -> str | None:
        """Return type of the function that a name means in a unit."""
        fid = self.program.resolve(unit, name)
        return self.program.functions[fid].index.returns if fid is not None else None


def _expressions(rule: Any) -> list[Any]:
    return [*rule.requires, *(e.condition for e in rule.exempt), *([rule.when] if rule.when else [])]


def _calls(e: Any) -> list[str]:
    if not isinstance(e, tuple):
        return []
    own = [e[1]] if e and e[0] == "call" and isinstance(e[1], str) else []
    return own + [name for part in e for name in _calls(part)]
