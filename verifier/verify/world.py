"""What the checker takes from elsewhere and trusts: bodies of functions, link tables, doors and the rule pack."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lattices import answers
from lattices.model import Pack
from verifier.ir.model import Function
from verifier.program.bodies import Bodies
from verifier.program.doors import Doors
from verifier.program.effects import Effects
from verifier.program.link import Program
from verifier.verify.terms import Fails


class Members(Effects):
    """Effects by the names of members alone."""

    def _own(self, fid: str) -> frozenset[str]:
        return frozenset(member.partition(".")[2] for member in super()._own(fid))


class World:
    """A linked program with its rules; `patched` holds bodies that take the place of a function's own."""

    def __init__(self, program: Program, doors: Doors, pack: Pack, fetch: Callable[[str], bytes | None]) -> None:
        """`fetch` gives the encoded unit of a key."""
        self.program = program
        self.doors = doors
        self.pack = pack
        self.effects = Members(program)
        self.bodies = Bodies(fetch)
        self.rules = {rule.id: rule for rule in pack.rules}
        self.patched: dict[str, Function] = {}
        self.predicates = answers.predicates(pack)

    def body(self, fid: str) -> Function:
        """The body of a function; raises Fails."""
        fn = self.patched.get(fid) or (self.bodies.body(self.program.functions[fid]) if fid in self.program.functions else None)
        if fn is None or not fn.blocks:
            raise Fails(f"{fid}: no such function")
        return fn

    def callee(self, unit: str, name: str | None) -> str | None:
        """The function that is called by a name; None where it is not known, or not looked into: checks and predicates."""
        return None if name is None or self.opaque(name) else self.program.resolve(unit, name)

    def opaque(self, name: str) -> bool:
        """Whether the rules know a function by name: checks and predicates are not looked into."""
        return name in self.predicates or answers.allowed(self.pack.check(name)) is not None

    def allowed(self, unit: str, name: str) -> int:
        """Outcomes of a check that mean "allowed"; of a predicate that only rules name, what its return type says."""
        check = self.pack.check(name)
        if check is not None or name not in self.predicates:
            return answers.allowed(check) or 0
        fid = self.program.resolve(unit, name)
        return answers.undeclared(self.program.functions[fid].index.returns if fid is not None else None)

    def possible(self, name: str | None) -> int:
        """Outcomes that a call can have."""
        return answers.possible(self.pack.check(name)) if name is not None else answers.ANY

    def writes(self, unit: str, name: str | None, index: int) -> bool:
        """Whether a callee may write through an argument; checks never do, unknown callees may."""
        fid = self.callee(unit, name)
        return index in self.program.writes.get(fid, ()) if fid is not None else name is None or not self.opaque(name)

    def stores(self, unit: str, name: str | None, slots: Iterable[str], member: str) -> bool:
        """Whether a call, by name or through slots, may run a function that stores to a member."""
        fid = self.callee(unit, name)
        fids = [t.fid for slot in slots for t in self.program.targets(slot)] if name is None else [fid] if fid is not None else []
        return any(self.effects.may_store(f, member) for f in fids)

    def callers(self, fid: str) -> tuple[set[str], set[str]]:
        """Functions that call a function by name, and through slots; a slot's call of one that runs for nobody is none."""
        slots = self.program.slots_of(fid) if self.subject(fid) != "none" else []
        return set(self.program.callers.get(fid, ())), {f for slot in slots for f in self.program.slot_callers.get(slot, ())}

    def subject(self, fid: str) -> str:
        """For whom a function runs that is itself a door, "" of any other."""
        door = self.doors.entries.get(fid)
        return door.subject if door is not None else ""

    def entered(self, fid: str, subject: str) -> bool:
        """Whether a function is itself a door that counts for a rule."""
        own = self.subject(fid)
        return own == "user" or (own not in ("", "none") and subject == "any")
