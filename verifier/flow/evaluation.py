"""Expressions of a function as values: what an lvalue names and what an expression holds, in one state."""

from __future__ import annotations

from verifier.flow import memory
from verifier.flow.state import POS, ZERO, State
from verifier.flow.values import Value, Values, point_of
from verifier.flow.watcher import Watcher
from verifier.ir.model import Function


class Evaluation:
    """One analysis of one function: its values, and the place at which they are read (`site`, `line`)."""

    def __init__(self, fn: Function, watcher: Watcher) -> None:
        self.fn = fn
        self.watcher = watcher
        self.values = Values()
        self.site = 0
        self.line = fn.line
        self.tags: dict[Value, str] = {}
        self._watched = frozenset(
            i for i, e in enumerate(fn.exprs) if e[0] == "m" and watcher.watched_member(e[2], e[3])
        )
        self.masks = self._mask_variables()

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
                if held is not None and not memory.unset(held):  # an array is never stored to as a whole
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

    def line_of(self, site: int) -> int:
        """The line of a statement."""
        block, index = point_of(site)
        statements = self.fn.blocks[block].statements
        return int(statements[index][-1]) if index < len(statements) else self.fn.line
