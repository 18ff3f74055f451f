"""The qualifier transfer function: what a statement does to a state.

    { state }  statement  { states }

Facts are made by `Frame.learn` only, on the edge where a check's result says "allowed".  What is a check, and what
an operation needs, is told by a `Watcher`; this module knows C and nothing of Linux.
"""

from __future__ import annotations

from typing import Any, Protocol

from verifier.flow import memory, twins
from verifier.flow.refine import outcome, refine
from verifier.flow.state import ANY, NEG, NONZERO, POS, ZERO, Constraint, State
from verifier.flow.summary import Alternative, Summary, in_common
from verifier.flow.values import Value, Values, point_of
from verifier.ir.model import Function


class Watcher(Protocol):
    """What the rule pack and the program say of the calls and members that a function meets."""

    def at_entry(self, frame: Frame, state: State) -> list[Value]: ...
    def allowed(self, name: str) -> tuple[int, tuple[int, ...]] | None: ...
    def possible(self, name: str) -> int: ...
    def opaque(self, name: str) -> bool: ...
    def indivisible(self, name: str) -> bool: ...
    def implied(self, frame: Frame, state: State, name: str, args: tuple[Value, ...]) -> list[Value]: ...
    def consequences(self, frame: Frame, state: State, facts: list[Value]) -> list[Value]: ...
    def mask_argument(self, name: str) -> int | None: ...
    def condition(self, value: Value) -> bool: ...
    def intrinsic(self, frame: Frame, state: State, name: str, args: list[Value]) -> Value | None: ...
    def subject_change(self, name: str) -> tuple[str, int] | None: ...
    def summary(self, frame: Frame, name: str) -> Summary | None: ...
    def writes(self, frame: Frame, name: str, index: int) -> bool: ...
    def outputs(self, name: str) -> tuple[int, ...]: ...
    def changes(self, call: Call, member: str) -> bool: ...
    def watched_member(self, tag: str, field: str) -> bool: ...
    def kept(self, function: str) -> frozenset[str]: ...
    def decided(self, frame: Frame, state: State, value: Value) -> Value | None: ...
    def sweeps(self, name: str, summary: Summary | None, begun: bool) -> frozenset[str]: ...
    def due(self, member: str) -> frozenset[str]: ...
    def at_call(self, frame: Frame, state: State, call: Call) -> None: ...
    def at_store(self, frame: Frame, state: State, location: Value, value: Value, line: int) -> None: ...
    def at_read(self, frame: Frame, state: State, location: Value, tag: str, field: str, line: int) -> None: ...


class Call:
    """A call as one state sees it: `name` of a direct callee, or `slot` ("tag.field") and `holder` (the location
    that the function pointer was read from)."""

    __slots__ = ("args", "holder", "line", "name", "site", "slot")

    def __init__(
        self, name: str | None, slot: str | None, holder: Value | None, args: list[Value], site: int, line: int
    ) -> None:
        self.name = name
        self.slot = slot
        self.holder = holder
        self.args = args
        self.site = site
        self.line = line


class Frame:
    """One analysis of one function: its values, and where the transfer function stands."""

    def __init__(self, fn: Function, watcher: Watcher) -> None:
        self.fn = fn
        self.watcher = watcher
        self.values = Values()
        self.site = 0
        self.line = fn.line
        self.summaries: dict[Value, Summary] = {}
        self.tags: dict[Value, str] = {}
        self.calls_made: dict[int, Value] = {}
        self._watched = frozenset(
            i for i, e in enumerate(fn.exprs) if e[0] == "m" and watcher.watched_member(e[2], e[3])
        )
        self.masks = self._mask_variables()
        self.repeated: dict[twins.Point, list[twins.Asked]] = {}  # the solver finds them, who knows the loops

    def meaning(self, name: str) -> tuple[int, int] | None:
        """Outcome classes in which a check allows, and all that it has; None for other functions."""
        allow = self.watcher.allowed(name)
        return (allow[0], self.watcher.possible(name)) if allow is not None and not allow[1] else None

    def _mask_variables(self) -> frozenset[Value]:
        """Locations of the variables that a check's mask is made of; paths with different masks stay apart."""
        out: set[Value] = set()
        for block in self.fn.blocks:
            for s in block.statements:
                if s[0] == "call" and self.fn.exprs[s[2]][0] == "f":
                    at = self.watcher.mask_argument(self.fn.exprs[s[2]][1])
                    if at is not None and at < len(s[3]):
                        work = [s[3][at]]
                        while work:
                            e = self.fn.exprs[work.pop()]
                            if e[0] == "v":
                                out.add(self.values.make("L", e[1]))
                            elif e[0] == "o":
                                work.extend(e[2:])
        return frozenset(out)

    # --- expressions -------------------------------------------------------------------------------------------

    def entry(self) -> State:
        """The state at the function's entry: parameters hold themselves, what the watcher says is known."""
        v = self.values
        env = {v.make("L", p.name): v.make("p", i) for i, p in enumerate(self.fn.params)}
        state = State(frozenset(), env, {}, None, None)
        for i, p in enumerate(self.fn.params):
            if p.type == "bool":
                state.cons[v.make("p", i)] = (ZERO | POS, None, frozenset())
        state.facts = frozenset(self.watcher.at_entry(self, state))
        return state

    def location(self, state: State, index: int) -> Value:
        """The location that an lvalue expression names."""
        e = self.fn.exprs[index]
        v = self.values
        op = e[0]
        if op == "v":
            return v.make("L", e[1])
        if op == "g":
            return v.make("G", e[1])
        if op == "d":
            return self.pointee(self.value(state, e[1]))
        if op == "m":
            place = v.make(".", self.location(state, e[1]), e[3])
            self.tags[place] = e[2]
            return place
        if op == "i":
            inner = self.fn.exprs[e[1]]
            if inner[0] in ("m", "g", "v"):
                base = self.location(state, e[1])
                held = state.env.get(base)
                if held is not None:
                    base = v.deref(held)
            else:
                base = v.deref(self.value(state, e[1]))
            return v.make("[]", base, self.value(state, e[2]))
        return v.deref(self.value(state, index))

    def pointee(self, value: Value) -> Value:
        """The location behind a pointer; pointer plus index is an element."""
        if value.op == "o" and value.args[0] == "+" and len(value.args) == 3:
            a, b = value.args[1], value.args[2]
            if a.op == "c" or (b.op in ("ld", "r", "&") and not self._may_point(a)):
                a, b = b, a
            base = a.args[0] if a.op == "ld" else self.values.deref(a)
            return self.values.make("[]", base, b)
        return self.values.deref(value)

    def _may_point(self, value: Value) -> bool:
        """False for a summand that is an index and no pointer: sums are kept in order of creation, not of C."""
        if value.op == "p":
            return self.fn.params[value.args[0]].type.startswith("ptr:")
        return value.op in ("ld", "r", "&")

    def value(self, state: State, index: int) -> Value:
        """The value of an expression."""
        e = self.fn.exprs[index]
        v = self.values
        op = e[0]
        if op == "v":
            location = v.make("L", e[1])
            found = state.env.get(location)
            return found if found is not None else v.make("ld", location)
        if op == "c":
            return v.const(e[1])
        if op in ("m", "d", "g", "i"):
            location = self.location(state, index)
            if index in self._watched:
                self.watcher.at_read(self, state, location, e[2], e[3], self.line)
            return memory.load(v, state, location)
        if op == "a":
            return v.address(self.location(state, e[1]))
        if op == "o":
            args = [self.value(state, i) for i in e[2:]]
            folded = []
            for a in args:
                if a.op not in ("c", "o"):
                    con = state.cons.get(a)
                    if con is not None and con[1] is not None and e[1] in ("&", "|", "+", "-", "==", "!="):
                        a = v.const(con[1]) if e[1] in ("&", "|") else a
                folded.append(a)
            return v.operation(e[1], *folded)
        if op == "f":
            return v.make("f", e[1])
        if op == "s":
            return v.make("s", e[1])
        if op == "k":
            return self.container(self.value(state, e[1]), e[2])
        return v.make("un", "expr", self.site, index)

    def variable(self, state: State, name: str) -> Value:
        """What a parameter or local variable holds; one of a struct type stands for its place."""
        location = self.values.make("L", name)
        if self.fn.local_types.get(name, "").startswith(("struct", "union")):
            return self.values.make("ld", location)
        return memory.load(self.values, state, location)

    def container(self, pointer: Value, tag: str) -> Value:
        """container_of: the pointer to the object around a member, the inverse of taking the member's address."""
        if pointer.op == "&":
            place = pointer.args[0]
            while place.op in (".", "[]"):
                found = self.tags.get(place)
                place = place.args[0]
                if found == tag:
                    return self.values.address(place)
        return self.values.make("k", pointer, tag)

    # --- statements --------------------------------------------------------------------------------------------

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
                if arg.op == "&" and (name is None or self.watcher.writes(self, name, i)):
                    place = arg.args[0]
                    top = memory.root(place)
                    if top.op == "L":
                        memory.store(v, state, place, v.make("out", call.site, i, name or call.slot or "?"))
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

    def line_of(self, site: int) -> int:
        """The line of a statement."""
        block, index = point_of(site)
        statements = self.fn.blocks[block].statements
        return int(statements[index][-1]) if index < len(statements) else self.fn.line

    # --- summaries in terms of this function ---------------------------------------------------------------------

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

    def _unswept(self, state: State, names: frozenset[str]) -> None:
        if names:
            state.facts = frozenset(f for f in state.facts if f.op != "each" or f.args[0] not in names)

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


def _asks(summary: Summary | None) -> bool:
    """Whether a function asks for a check on one of its ways."""
    return summary is not None and any(fact[0] == "fact" for way in summary.alternatives for fact in way.facts)


__all__ = ["NEG", "POS", "ZERO", "Call", "Frame", "Watcher"]
