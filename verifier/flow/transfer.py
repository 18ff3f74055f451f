"""The qualifier transfer function: what a statement does to a state.

    { state }  statement  { states }

Facts are made by `Frame.learn` only, on the edge where a check's result says "allowed".  What is a check, and what
an operation needs, is told by a `Watcher`; this module knows C and nothing of Linux.
"""

from __future__ import annotations

from typing import Any

from verifier.flow import memory, twins
from verifier.flow.calls import Calling
from verifier.flow.refine import outcome, refine
from verifier.flow.state import ANY, NEG, NONZERO, POS, ZERO, Constraint, State
from verifier.flow.summary import in_common
from verifier.flow.values import Value, point_of
from verifier.flow.watcher import Watcher
from verifier.ir.model import Function


class Frame(Calling):
    """One analysis of one function: its values, and where the transfer function stands."""

    def __init__(self, fn: Function, watcher: Watcher) -> None:
        super().__init__(fn, watcher)
        self.repeated: dict[twins.Point, list[twins.Asked]] = {}  # the solver finds them, who knows the loops

    def step(self, state: State, statement: tuple[Any, ...]) -> list[State]:
        """States after one statement; `state` may be changed in place."""
        kind = statement[0]
        self.line = statement[-1]
        if self.repeated:
            self._repeat(state, self.repeated.get(point_of(self.site), []))
        if kind == "=":
            value = self.value(state, statement[2])
            location = self.location(state, statement[1])
            if location.op != "L":
                self.watcher.at_store(self, state, location, value, self.line)
            memory.store(self.values, state, location, value)
            return [state]
        if kind == "call":
            return self._call(state, statement)
        if kind == "havoc":
            location = self.location(state, statement[1])
            memory.store(self.values, state, location, self.values.make("un", "var", location, self.site))
            return [state]
        for n, out in enumerate(statement[1]):
            location = self.location(state, out)
            memory.store(self.values, state, location, self.values.make("out", self.site, n, "asm"))
        return [state]

    def _repeat(self, state: State, asked: list[twins.Asked]) -> None:
        """Checks that an earlier walk over the same members passed for this one."""
        v = self.values
        for check, args, names in asked if state.subject is None else ():
            env = state.env.copy()
            for first, second in names.items():
                here = v.make("L", second)
                env[v.make("L", first)] = state.env.get(here, v.make("ld", here))
            view = State(state.facts, env, state.cons, None, None)
            watched, self._watched = self._watched, frozenset()  # nothing is read here
            values = tuple(self.value(view, i) for i in args)
            self._watched = watched
            new = [v.make("fact", check, values, v.zero), *self.watcher.implied(self, state, check, values)]
            state.facts = state.facts.union(new, self.watcher.consequences(self, state, new))

    def learn(self, state: State, value: Value) -> list[State]:
        """Facts that follow from what has just been learnt of `value`; several states where a callee that returned
        so may have done it in several ways."""
        if value.op != "r":
            if value.op == "ld" and value.args[0].op == "." and not outcome(state, value)[0] & ZERO:
                self._unswept(state, self.watcher.due(value.args[0].args[1]))
            if self.watcher.condition(value):
                self._remember(state, value)
            else:
                self._told(state, value)
            return [state]
        con = state.cons.get(value)
        if con is None:
            return [state]
        out = self._ways(state, value, con)
        for s in out:
            self._passed(s, value)
        return out

    def _passed(self, state: State, value: Value) -> None:
        """Add the fact of a check whose result is known to allow, or to deny where rules ask for that."""
        con = state.cons[value]
        name, args = value.args[1], value.args[2]
        allow = self.watcher.allowed(name)
        if allow is None:
            return
        mask, constants = allow
        subject = value.args[3] if value.args[3] is not None else self.values.zero
        if (con[1] is not None and con[1] in constants) or not con[0] & ~mask:
            fact = self.values.make("fact", name, args, subject)
            if fact not in state.facts:
                new = [fact, *self.watcher.implied(self, state, name, args)]
                state.facts = state.facts.union(new, self.watcher.consequences(self, state, new))
            if name in self.watcher.sweeps(name, None, False):
                state.facts = state.facts | {self.swept(name)}
        elif not con[0] & mask and (con[1] is not None or not constants):
            denied = self.values.make("nfact", name, args, subject)
            if self.watcher.condition(denied):
                state.facts = state.facts | {denied}
            if f"!{name}" in self.watcher.sweeps(name, None, False):
                state.facts = state.facts | {self.swept(f"!{name}")}

    def swept(self, name: str) -> Value:
        """The fact that whatever a loop came past so far passed a check (`!` before its name: failed it).

        It holds where a loop that asks the check begins; a call of the check, or what makes it due, takes it away, and
        the outcome that was wanted gives it back.  So it holds after a loop over nothing, too.
        """
        return self.values.make("each", name, (), self.values.zero)

    def swept_in(self, blocks: set[int]) -> frozenset[str]:
        """Names of such facts that calls in some blocks bear on."""
        callees = {self.fn.exprs[s[2]][1] for b in blocks for s in self.fn.blocks[b].statements if s[0] == "call" and self.fn.exprs[s[2]][0] == "f"}
        summaries = {name: None if self.watcher.opaque(name) else self.watcher.summary(self, name) for name in sorted(callees)}
        return frozenset().union(*(self.watcher.sweeps(name, summary, False) for name, summary in summaries.items()))

    def _ways(self, state: State, value: Value, con: Constraint) -> list[State]:
        """One state for each way in which the callee may have returned what is known of its result."""
        summary = self.summaries.get(value)
        if summary is None or not any(a.facts for a in summary.alternatives):
            return [state]
        marker = self.values.make("took", value)
        if state.cons.get(marker) is not None:
            return [state]
        ways = [
            a
            for a in summary.alternatives
            if a.mask & con[0] and not (a.eq is not None and con[1] is not None and a.eq != con[1])
            and not (a.eq is not None and a.eq in con[2])
        ]
        state.cons[marker] = (POS, None, frozenset())
        if len(ways) > 1 and self.watcher.indivisible(value.args[1]):
            ways = [in_common(ways)]
        out: list[State] = []
        for i, way in enumerate(ways):
            s = state if i == len(ways) - 1 else state.copy()
            if self._apply(s, way, value) and s.narrow(value, way.mask, eq=way.eq):
                out.append(s)
        return out

    def _remember(self, state: State, value: Value) -> None:
        con = state.cons.get(value)
        if con is not None and con[0] in (ZERO, NEG, POS, NONZERO):
            held = self.values.make("cond", value, 0 if con[0] == ZERO else 1)
            state.facts = state.facts | {held}

    def _told(self, state: State, value: Value) -> None:
        """Remember what follows for a rule's condition on variables, so that states stay apart by it."""
        term = self.watcher.decided(self, state, value)
        mask = outcome(state, term)[0] if term is not None else ANY
        if mask in (ZERO, NEG, POS, NONZERO):
            state.facts = state.facts | {self.values.make("cond", term, 0 if mask == ZERO else 1)}

    def pending(self, state: State, value: Value) -> bool:
        """True when testing `value` could still make facts, so that states that hold it must stay apart."""
        if value.op == "o":
            return any(a.__class__ is Value and self.pending(state, a) for a in value.args)
        if value.op != "r":
            return False
        con = state.cons.get(value)
        mask = con[0] if con is not None else ANY
        allow = self.watcher.allowed(value.args[1])
        if allow is not None and mask & allow[0] and mask & ~allow[0]:
            return True
        summary = self.summaries.get(value)
        if summary is None or mask.bit_count() < 2:
            return False
        return any(a.facts and a.mask & mask for a in summary.alternatives)

    def allowing(self, value: Value) -> tuple[int, ...]:
        """Error numbers that a check, whose result a value is, reads as "allowed"."""
        allow = self.watcher.allowed(value.args[1]) if value.op == "r" else None
        return tuple(n for n in allow[1] if n < 0) if allow is not None else ()

    def branch(self, state: State, condition: int, line: int) -> tuple[list[State], list[State]]:
        """States on the two edges of a branch."""
        self.line = line
        value = self.value(state, condition)
        taken = refine(state.copy(), value, NONZERO, self.learn)
        other = refine(state, value, ZERO, self.learn)
        return taken, other

    def meaning(self, name: str) -> tuple[int, int] | None:
        """Outcome classes in which a check allows, and all that it has; None for other functions."""
        allow = self.watcher.allowed(name)
        return (allow[0], self.watcher.possible(name)) if allow is not None and not allow[1] else None
