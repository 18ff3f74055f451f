"""What one function's analysis is told by the rule pack and the program: the `Watcher` of verifier.flow.transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lattices import answers
from verifier.flow.state import State
from verifier.flow.summary import Summary
from verifier.flow.transfer import Frame
from verifier.flow.values import Value
from verifier.flow.watcher import Call
from verifier.oracles import locked, silenced
from verifier.oracles.idmaps import neutral_idmap
from verifier.oracles.obligations import Obligations
from verifier.oracles.patterns import Matcher
from verifier.oracles.rulebook import Rulebook
from verifier.program.entry import established
from verifier.program.flags import declared
from verifier.program.link import Info, Target

if TYPE_CHECKING:
    from verifier.program.engine import Engine

_SAME = frozenset(("PTR_ERR", "ERR_PTR", "ERR_CAST", "array_index_nospec"))


def _hangs_on_current(value: Value) -> bool:
    while value.op in ("ld", ".", "*", "fv"):
        value = value.args[0]
    return value.op == "cur"


class FunctionWatcher:
    """Answers for one function of the program."""

    def __init__(self, engine: Engine, info: Info, obligations: Obligations) -> None:
        self.engine = engine
        self.info = info
        self.book: Rulebook = engine.book
        self.matcher: Matcher = engine.matcher
        self.obligations = obligations

    def at_entry(self, frame: Frame, state: State) -> list[Value]:
        """Facts that hold before the function's first statement."""
        fid = self.info.fid
        return [*established(self.engine, fid, frame, state), *declared(self.engine.program, fid, self.book, frame)]

    def allowed(self, name: str) -> tuple[int, tuple[int, ...]] | None:
        """Outcomes of a check that allow; a predicate that rules name and nobody declared goes by its return type."""
        known = self.book.allowed(name)
        if known is not None or name not in self.book.predicates or self.book.pack.check(name) is not None:
            return known
        fid = self.engine.program.resolve(self.info.unit, name)
        return (answers.undeclared(self.engine.program.functions[fid].index.returns if fid is not None else None), ())

    def possible(self, name: str) -> int:
        """Outcomes that a call can have."""
        mask = self.book.possible(name)
        fid = self.engine.program.resolve(self.info.unit, name)
        if fid is not None and self.engine.program.functions[fid].index.returns == "bool":
            mask &= ~1
        return mask

    def opaque(self, name: str) -> bool:
        """True when a call keeps its own name as a value: hooks, checks, predicates of rules."""
        return name in self.book.predicates or self.book.allowed(name) is not None

    def indivisible(self, name: str) -> bool:
        """Whether it never matters in which way a check let the caller pass: by which of several capabilities, say."""
        check = self.book.check(name)
        return check is not None and (check.whole or (check.family == "capability" and not check.objects))

    def implied(self, frame: Frame, state: State, name: str, args: tuple[Value, ...]) -> list[Value]:
        """Further facts that a passed check grants."""
        check = self.book.check(name)
        if check is None or not check.implies:
            return []
        fid = self.engine.program.resolve(self.info.unit, name)
        if fid is not None and self.engine.results.get(fid) is not None and not check.whole:
            return []  # its body was analysed and says itself what it guarantees
        out = []
        for left, right in check.implies:
            names: dict[str, Value] = {}
            if left[1] != name or not all(
                self.matcher.bind(p, a, names, frame, state) for p, a in zip(left[2], args, strict=False)
            ):
                continue
            new = []
            for p in right[2]:
                value = self.matcher.evaluate(p, names, frame, state) if p[0] not in ("any", "rest") else None
                new.append(value if value is not None else frame.values.make("un", "any"))
            subject = state.subject if state.subject is not None else frame.values.zero
            out.append(frame.values.make("fact", right[1], tuple(new), subject))
        return out

    def consequences(self, frame: Frame, state: State, facts: list[Value]) -> list[Value]:
        """What facts that have just been made say beyond themselves in this state."""
        return locked.passed(frame, state, facts, self.book.locks) if self.book.locks else []

    def mask_argument(self, name: str) -> int | None:
        """Number of a check's argument that is a mask of rights."""
        check = self.book.check(locked.bare(name))
        return check.mask if check is not None else None

    def condition(self, value: Value) -> bool:
        """True for values that rules' conditions speak of, so that states must be kept apart by them."""
        if value.op == "nfact":
            return value.args[0] in self.book.negated
        if value.op == "ld":
            place = value.args[0]
            return place.op == "." and None in self.book.conditions.get(place.args[1], ())
        if value.op == "o":
            if value.args[0] == "==" and self.book.compares_current and any(_hangs_on_current(a) for a in value.args[1:]):
                return True
            if value.args[0] == "==" and any(
                a.op == "ld" and a.args[0].op == "." and a.args[0].args[1] in self.book.compared.get(self.info.index.name, ())
                for a in value.args[1:]
            ):
                return True
            if value.args[0] == "&" and value.args[-1].op == "c" and value.args[1].op in ("ld", "fv"):
                place = value.args[1].args[0] if value.args[1].op == "ld" else value.args[1]
                bits = value.args[-1].args[0]
                return place.op in (".", "fv") and bits in self.book.conditions.get(place.args[1], ())
            return any(a.__class__ is Value and self.condition(a) for a in value.args[1:])
        return False

    def intrinsic(self, frame: Frame, state: State, name: str, args: list[Value]) -> Value | None:
        """Calls whose meaning the engine knows."""
        if name == "get_current":
            return frame.values.make("cur")
        accessor = self.book.pack.accessors.get(name)
        if accessor is not None and self.engine.program.resolve(self.info.unit, name) is None:
            names = dict(zip(accessor.params, args, strict=False))
            return self.matcher.evaluate(accessor.value, names, frame, state)
        if not args:
            return None
        if name in _SAME:
            return args[0]
        if name == "PTR_ERR_OR_ZERO":
            return frame.values.operation("err", args[0])
        if name in ("IS_ERR", "IS_ERR_VALUE"):
            return frame.values.operation("<", args[0], frame.values.zero)
        if name == "IS_ERR_OR_NULL":
            return frame.values.operation("<=", args[0], frame.values.zero)
        return None

    def subject_change(self, name: str) -> tuple[str, int] | None:
        """("set", argument) or ("revert", -1) for functions that change the subject."""
        change = self.book.pack.subjects.get(name)
        if change is None:
            return None
        if change.effect == "restore":
            return ("revert", -1)
        if change.effect == "set":
            return ("set", change.cred if change.cred is not None else -1)
        return None

    def summary(self, frame: Frame, name: str) -> Summary | None:
        """Summary of a callee; small inline functions are analysed on demand."""
        fid = self.engine.program.resolve(self.info.unit, name)
        return self.engine.summary_of(fid) if fid is not None else None

    def writes(self, frame: Frame, name: str, index: int) -> bool:
        """Whether a callee may write through an argument; unknown callees may."""
        fid = self.engine.program.resolve(self.info.unit, name)
        if fid is None:
            return True
        return index in self.engine.program.writes.get(fid, ()) and not self.engine.only_asks(fid, index)

    def outputs(self, name: str) -> tuple[int, ...]:
        """Arguments through which a check gives something back."""
        check = self.book.check(name)
        return check.writes if check is not None else ()

    def changes(self, call: Call, member: str) -> bool:
        """Whether a call may store to a member ("tag.field"), in a callee or a few calls below it."""
        if call.name is not None:
            fid = self.engine.program.resolve(self.info.unit, call.name)
            return fid is not None and self.engine.effects.may_store(fid, member)
        return any(self.engine.effects.may_store(t.fid, member) for slot in self._slots(call) for t in self.engine.program.targets(slot))

    def watched_member(self, tag: str, field: str) -> bool:
        """Whether reads of a member are controlled operations."""
        return f"{tag}.{field}" in self.book.members

    def kept(self, function: str) -> frozenset[str]:
        """Variables of a function that rules speak of: they are known until its end."""
        return self.book.kept.get(function, frozenset())

    def decided(self, frame: Frame, state: State, value: Value) -> Value | None:
        """The condition on variables of a rule for this function that is answered by what was learnt of a value."""
        for names, conditions in self.book.about.get(frame.fn.name, ()):
            bound = {name: frame.variable(state, name) for name in names}
            for condition in conditions:
                term = self.matcher.evaluate(condition, bound, frame, state)
                if term is value or (term is not None and term.op == "o" and term.args[0] == "==" and value in term.args):
                    return term
        return None

    def sweeps(self, name: str, summary: Summary | None, begun: bool) -> frozenset[str]:
        """Checks of `each(...)` that a call asks or, `begun`, that it opens anew: itself, else those its callee is sure of, by
        its summary."""
        sweeps = self.book.sweeps
        if not sweeps:
            return frozenset()
        own = frozenset(n for n in (name, f"!{name}") if n in sweeps and not (begun and sweeps[n]))
        if own or name in sweeps or self.opaque(name):
            return own
        ways = summary.alternatives if summary is not None else ()
        return frozenset(fact[1] for way in ways for fact in way.facts if fact[0] == "each")

    def due(self, member: str) -> frozenset[str]:
        """Checks of `each(...)` that are due where a member was found set."""
        return self.book.due.get(member, frozenset())

    def at_call(self, frame: Frame, state: State, call: Call) -> None:
        """Rules on the call, and the open requirements of whatever it can reach."""
        if self.book.locks:
            locked.meet(frame, state, call, self.book.locks)
        self.obligations.at_call(frame, state, call)
        check = self.book.check(call.name) if call.name is not None else None
        shape = neutral_idmap(call, check, self.book.pack.unmapped) if check is not None else None
        if shape is not None and self.info.index.file.rpartition("/")[0] not in self.engine.unmapped:
            self.obligations.shapes[call.site] = shape
        if check is not None:
            silenced.meet(self.matcher, self.obligations.silent, call, frame, state)
        if call.name is not None:
            if not self.opaque(call.name) or self.book.is_dac(call.name):
                self.obligations.passed.at_call(state, call, call.name)
            fid = self.engine.program.resolve(self.info.unit, call.name)
            if fid is not None and not self.book.is_hook(call.name):
                for requirement in self.engine.requires_of(fid):
                    self.obligations.at_requirement(frame, state, call, fid, requirement)
            return
        slots = self._slots(call)
        for slot in slots:
            self.obligations.passed.at_call(state, call, f"->{slot}")
        now = [s for s in slots if s not in self.book.later]
        for slot, target in [(s, t) for s in now for t in self.engine.program.targets(s)]:
            requires = self.engine.requires_of(target.fid)
            if requires and self._possible(state, call, slot, target):
                for requirement in requires:
                    rule = self.book.by_id.get(requirement.rule)
                    if rule is None or rule.slot != slot:  # stacked: this call is the same operation, judged above
                        self.obligations.at_requirement(frame, state, call, target.fid, requirement)

    def _slots(self, call: Call) -> list[str]:
        """The slots that an indirect call may go through: that of its term, else those that the index has for its line."""
        return [call.slot] if call.slot else self.engine.slots_at(self.info, call.line)

    def _possible(self, state: State, call: Call, slot: str, target: Target) -> bool:
        """False when the state contradicts the constants of the table entry that the target stands in."""
        holder = call.holder
        if holder is None or holder.op != "." or not target.constants:
            return True
        names = dict(target.constants)
        for value, con in state.cons.items():
            place, bits = value, None
            if value.op == "o" and value.args[0] == "&" and value.args[2].op == "c":
                place, bits = value.args[1], value.args[2].args[0]
            if place.op != "ld" or place.args[0].op != "." or place.args[0].args[0] is not holder.args[0]:
                continue
            field = place.args[0].args[1]
            number = names.get(field)
            if number is None:
                if self.engine.program.targets(f"{slot.partition('.')[0]}.{field}"):
                    continue  # a function pointer: what the entry has there is not among its constants
                number = 0
            if bits is not None:
                number &= bits
            if not (1 if number < 0 else 2 if number == 0 else 4) & con[0]:
                return False
            if con[1] is not None and con[1] != number:
                return False
        return True

    def at_store(self, frame: Frame, state: State, location: Value, value: Value, line: int) -> None:
        """Rules on stores."""
        self.obligations.at_store(frame, state, location, value, line)

    def at_return(self, frame: Frame, state: State, value: Value | None, line: int) -> None:
        """Rules on what the function hands out."""
        self.obligations.at_return(frame, state, value, line)

    def at_read(self, frame: Frame, state: State, location: Value, tag: str, field: str, line: int) -> None:
        """Rules on reads."""
        self.obligations.at_read(frame, state, location, tag, field, line)


