"""What a call does to a state: what it may change, what it returns, and what one way of returning means."""

from __future__ import annotations

from typing import Any

from verifier.flow import memory
from verifier.flow.evaluation import Evaluation
from verifier.flow.refine import outcome
from verifier.flow.state import ANY, State
from verifier.flow.summary import Alternative, Summary
from verifier.flow.values import Value
from verifier.flow.watcher import Call, Watcher
from verifier.ir.model import Function


class Calling(Evaluation):
    """Calls of one function; `summaries` are those of callees by the value that a call returned, `calls_made` the values
    that direct calls returned, by site."""

    def __init__(self, fn: Function, watcher: Watcher) -> None:
        super().__init__(fn, watcher)
        self.summaries: dict[Value, Summary] = {}
        self.calls_made: dict[int, Value] = {}

    def _call(self, state: State, statement: tuple[Any, ...]) -> list[State]:
        v = self.values
        args = [self.value(state, a) for a in statement[3]]
        callee_expr = self.fn.exprs[statement[2]]
        name: str | None = callee_expr[1] if callee_expr[0] == "f" else None
        slot: str | None = None
        holder: Value | None = None
        if name is None:
            target = self.value(state, statement[2])
            if target.op == "f":
                name = target.args[0]
            else:
                while target.op == "ld" and target.args[0].op == "[]":
                    target = v.make("ld", target.args[0].args[0])
                if target.op == "ld":
                    holder = target.args[0]
                    tag = self.tags.get(holder)
                    if tag is not None:
                        slot = f"{tag}.{holder.args[1]}"
        call = Call(name, slot, holder, args, self.site, self.line)
        self.watcher.at_call(self, state, call)
        result: Value | None = None
        post: list[State] = [state]
        if name is not None:
            change = self.watcher.subject_change(name)
            if change is not None:
                kind, index = change
                state.subject = None if kind == "revert" else (args[index] if 0 <= index < len(args) else v.make("s", name))
            result = self.watcher.intrinsic(self, state, name, args)
        if result is None:
            result = self._result(state, call)
        if statement[1] >= 0:
            location = self.location(state, statement[1])
            if location.op != "L":
                self.watcher.at_store(self, state, location, result, self.line)
            memory.store(v, state, location, result)
        return post

    def _result(self, state: State, call: Call) -> Value:
        v = self.values
        name = call.name
        opaque = name is not None and self.watcher.opaque(name)
        summary = self.watcher.summary(self, name) if name is not None else None
        if name is not None:
            self._unswept(state, self.watcher.sweeps(name, summary, True))
        if not opaque:
            for i, arg in enumerate(call.args):
                if name is None or self.watcher.writes(self, name, i):
                    memory.lend(v, state, arg, call.site, i, name or call.slot or "?")
            self._disturb(state, call)
        for i in self.watcher.outputs(name) if name is not None else ():
            if i < len(call.args):
                memory.store(v, state, self.pointee(call.args[i]), v.make("out", call.site, i, name))
        if summary is not None and summary.returns is not None and not opaque:
            return self.imported(state, summary.returns, call.args, None)
        result = v.make("r", call.site, name or call.slot or "?", tuple(call.args), state.subject)
        state.cons.pop(result, None)
        if name is not None:
            self.calls_made[call.site] = result
            if self.watcher.allowed(name) is not None if opaque else _asks(summary):
                state.trace = (state.trace, call.line, f"calls {name}")
            mask = self.watcher.possible(name)
            if summary is not None and summary.alternatives:
                self.summaries[result] = summary
                reach = 0
                for alternative in summary.alternatives:
                    reach |= alternative.mask
                mask &= reach or ANY
            if mask and mask != ANY:
                state.cons[result] = (mask, None, frozenset())
            if summary is not None and len(summary.alternatives) == 1 and not opaque:
                self._apply(state, summary.alternatives[0], result)
        return result

    def _disturb(self, state: State, call: Call) -> None:
        """Forget what was found out of members of the objects handed to a call that may store to them."""
        handed = {self.pointee(a) for a in call.args if a.op in ("p", "ld", "r", "phi", "out", "k", "&", "cur")}
        if not handed:
            return

        def stale(place: Value) -> bool:
            base = place.args[0]
            while base not in handed:
                if base.op not in (".", "[]"):
                    return False
                base = base.args[0]
            tag = self.tags.get(place)
            return tag is not None and self.watcher.changes(call, f"{tag}.{place.args[1]}")

        def disturbed(value: Value) -> bool:
            if value.op == "ld":
                return value.args[0].op == "." and stale(value.args[0])
            return value.op == "o" and any(a.__class__ is Value and disturbed(a) for a in value.args)

        for value in [c for c in state.cons if c.op in ("ld", "o") and disturbed(c)]:
            del state.cons[value]
        for place in [k for k in state.env if k.op == "." and stale(k)]:
            del state.env[place]
        gone = [f for f in state.facts if f.op == "cond" and disturbed(f.args[0])]
        if gone:
            state.facts = state.facts.difference(gone)

    def imported(self, state: State, term: Any, args: Any, result: Value | None) -> Value:
        """A summary's term in this function's values, read in `state`."""
        v = self.values
        op = term[0]
        if op == "p":
            return args[term[1]] if term[1] < len(args) else v.make("un", "arg", term[1])
        if op == "ret":
            return result if result is not None else v.make("un", "ret")
        if op == "ld":
            return memory.load(v, state, self.imported(state, term[1], args, result))
        if op == "*":
            return self.pointee(self.imported(state, term[1], args, result))
        if op == "k":
            return self.container(self.imported(state, term[1], args, result), term[2])
        if op == "again":
            again = tuple(self.imported(state, a, args, result) for a in term[2])
            return v.make("r", self.site, term[1], again, state.subject)
        out: list[Any] = []
        for item in term[1:]:
            if isinstance(item, (tuple, list)):
                if item and isinstance(item[0], str):
                    out.append(self.imported(state, item, args, result))
                else:
                    out.append(tuple(self.imported(state, i, args, result) for i in item))
            else:
                out.append(item)
        return v.build(op, out)

    def _apply(self, state: State, alternative: Alternative, result: Value) -> bool:
        """Add what one way of returning means; False when it contradicts what is known."""
        args = result.args[2]
        for term, mask, eq, ne in alternative.conditions:
            value = self.imported(state, term, args, result)
            now = outcome(state, value)
            if not now[0] & mask or (eq is not None and now[1] is not None and now[1] != eq):
                return False
            if eq is not None and eq in now[2]:
                return False
            if value.op != "c" and value.op != "&" and not state.narrow(value, mask, eq=eq):
                return False
            for n in ne:
                if now[1] == n:
                    return False
                if value.op not in ("c", "&") and not state.narrow(value, ANY, ne=n):
                    return False
        if alternative.facts:
            new = []
            for term in alternative.facts:
                fact = self.imported(state, term, args, result)
                if fact.op == "fact" and state.subject is not None and fact.args[2] is self.values.zero:
                    fact = self.values.make("fact", fact.args[0], fact.args[1], state.subject)
                new.append(fact)
            state.facts = state.facts.union(new, self.watcher.consequences(self, state, new))
        return True

    def _unswept(self, state: State, names: frozenset[str]) -> None:
        if names:
            state.facts = frozenset(f for f in state.facts if f.op != "each" or f.args[0] not in names)


def _asks(summary: Summary | None) -> bool:
    """Whether a function asks for a check on one of its ways."""
    return summary is not None and any(fact[0] == "fact" for way in summary.alternatives for fact in way.facts)
