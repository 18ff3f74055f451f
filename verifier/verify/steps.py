"""What statements and edges do to what is known: the transfer function that per-block invariants are checked by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from verifier.ir.dominance import successors
from verifier.verify import terms as T
from verifier.verify.clauses import Literal, covers, evaluate
from verifier.verify.states import State, touched
from verifier.verify.terms import Term
from verifier.verify.world import World

Lemma = tuple[str, int, Literal, str]  # function, outcomes, literal over its parameters, lock
ACTS_AS = "acts_as"  # what rules call it to have credentials in force
_SAME = frozenset(("PTR_ERR", "ERR_PTR", "ERR_CAST", "array_index_nospec"))
_REFUSED = {"IS_ERR": "<", "IS_ERR_VALUE": "<", "IS_ERR_OR_NULL": "<="}


class Steps:
    """Statements and edges of one function, for a list of literals.

    `listed` are (literal, block or None, index or None, mark): where which call, or (None) a condition, may make a literal
    hold; `calls` the lemmas (None: the check itself) by which a call may.  Marks: ("call", block, index), ("edge", from, to),
    ("return", block, outcome).
    """

    def __init__(
        self, world: World, fid: str, returns: Mapping[str, Term] = {}, lemmas: Mapping[int, Lemma] = {},
        literals: Sequence[Literal] = (), lock: str = "",
    ) -> None:  # fmt: skip
        self.world, self.fn, self.returns, self.lemmas = world, world.body(fid), returns, lemmas
        self.unit, self.index = world.program.functions[fid].unit, world.program.functions[fid].index
        self.literals, self.lock = literals, lock
        self.params = [p.name for p in self.fn.params]
        self.calls: dict[tuple[int, int], list[tuple[int, int | None]]] = {}
        self.listed: set[tuple] = set()
        self.used: set[tuple] = set()

    def value(self, index: int, s: State) -> Term:
        """What an expression is worth in a state."""
        e = self.fn.exprs[index]
        op = e[0]
        if op in ("c", "s", "f", "u"):
            return T.UNKNOWN if op == "u" else (op, T.signed(e[1]) if op == "c" else e[1])
        if op == "a":
            return T.address(self.location(e[1], s))
        if op == "o":
            return T.operation(e[1], *(self.value(i, s) for i in e[2:]))
        return T.container(self.value(e[1], s), e[2]) if op == "k" else s.read(self.location(index, s))

    def location(self, index: int, s: State) -> Term:
        """The place that an lvalue names."""
        e = self.fn.exprs[index]
        if e[0] in ("v", "g"):
            return ("L" if e[0] == "v" else "g", e[1])
        if e[0] == "m":
            return ("m", self.location(e[1], s), e[3], e[2])
        if e[0] == "i":
            return ("i", self.value(e[1], s), self.value(e[2], s))
        return T.deref(self.value(e[1] if e[0] == "d" else index, s))

    def callee(self, statement: tuple) -> str | None:
        """Name of the function that a call statement calls directly."""
        e = self.fn.exprs[statement[2]]
        return e[1] if e[0] == "f" else None

    def changes_subject(self, statement: tuple) -> bool:
        """Whether a call puts on other credentials, or takes them off."""
        change = self.world.pack.subjects.get(self.callee(statement) or "")
        return change is not None and change.effect in ("set", "restore")

    def slots(self, line: int) -> list[str]:
        """The slots that are called through on a line."""
        return [slot for slot, at in [*self.index.slots, *self.index.others] if at == line]

    def rests(self, key: tuple) -> frozenset[Term]:
        """What a key of a state's knowledge rests on; a literal about a local object also on what that holds."""
        if key[0] not in ("!", "?"):
            return T.mentions(key)
        own = self.literals[key[1]]
        return T.mentions(own) | T.mentions(key[2:]) | {("V", p[1]) for p in T.parts(own) if p[:1] == ("L",)}

    def step(self, s: State, at: tuple[int, int]) -> None:
        """Execute a statement."""
        statement = self.fn.blocks[at[0]].statements[at[1]]
        if statement[0] == "call":
            self.call(s, at, statement)
            return
        value = self.value(statement[2], s) if statement[0] == "=" else T.UNKNOWN
        for target in statement[1] if statement[0] == "asm" else statement[1:2]:
            s.store(self.location(target, s), value, self.rests)

    def call(self, s: State, at: tuple[int, int], statement: tuple) -> None:
        """Execute a call: what it may write is forgotten; a listed one that asks for a literal is noted."""
        name = self.callee(statement)
        args = [self.value(a, s) for a in statement[3]]
        hit = {("r", *at)}
        for n, arg in enumerate(args):
            if self.world.writes(self.unit, name, n):
                hit |= {m for p in T.parts(arg) if p[:1] == ("a",) for m in touched(p[1]) if m[0] in ("V", "<")}
        self.disturb(s, name, statement[-1], args)
        s.kill(hit, self.rests)
        args = [a if hit.isdisjoint(T.mentions(a)) else T.UNKNOWN for a in args]
        locks = self.lock and any(p[:1] == ("m",) and p[2] == self.lock for a in args for p in T.parts(a))
        if locks or self.changes_subject(statement):  # no check made before counts
            s.drop(lambda key: key[0] in ("!", "?") or any(t[0] in ("m", "g", "*") for t in T.mentions(key)))
        result = self.result(s, at, name, args)
        s.assume(result, self.world.possible(result[3]) if result[0] == "r" else T.ANY)
        for n, lemma in self.calls.get(at, ()):
            for literal, allow in self.said(s, name, args, result, lemma):
                if covers(literal, self.literals[n], self.world.pack):
                    s.known["?", n, *at, allow, result] = 0
        self.promote(s, ("call", *at))
        if statement[1] >= 0:
            s.store(self.location(statement[1], s), result, self.rests)

    def disturb(self, s: State, name: str | None, line: int, args: list[Term]) -> None:
        """Forget conditions on members that a call may store to, of an object that it is handed."""
        fids = self.world.callees(self.unit, name, self.slots(line) if name is None else [])
        handed = {T.bare(a) for a in args}

        def may(key: tuple) -> bool:
            literal = self.literals[key[1]] if key[0] == "!" else ("cond", key)
            inside = list(T.parts(literal[1])) if literal[0] in ("cond", "found") and key[0] != "?" else []
            members = [p for p in inside if p[:1] == ("m",)]
            if not members or handed.isdisjoint(x for p in inside for x in (T.bare(p), ("a", T.bare(p)))):
                return False
            return any(not p[3] or any(self.world.effects.may_store(f, f"{p[3]}.{p[2]}") for f in fids) for p in members)

        if name is None or not self.world.opaque(name):
            s.drop(may)

    def result(self, s: State, at: tuple[int, int], name: str | None, args: list[Term]) -> Term:
        """What a call returns, in terms of its arguments where the callee always returns the same projection of them."""
        found: Term | None = None
        if name == "get_current":
            found = ("cur",)
        elif args and (name in _SAME or name in _REFUSED):
            found = args[0] if name in _SAME else T.operation(_REFUSED[name], args[0], ("c", 0))
        elif name is not None and not self.world.opaque(name):
            fid = self.world.program.resolve(self.unit, name)
            accessor = self.world.pack.accessors.get(name) if fid is None else None
            if accessor is not None:
                found = evaluate(accessor.value, dict(zip(accessor.params, args, strict=False)), self.world.pack)
            elif fid in self.returns:
                found = s.settle(T.substitute(self.returns[fid], args))
        return found if found is not None and T.understood(found) else ("r", *at, name or "?")

    def said(self, s: State, name: str | None, args: list[Term], result: Term, lemma: int | None) -> Iterator[tuple[Literal, int]]:
        """Literals that a call makes hold, each with the outcomes on which it does."""
        if name is None:
            return
        if lemma is not None:
            fid, outcomes, own, lock = self.lemmas[lemma]
            if lock == self.lock and not self.world.opaque(name) and self.world.program.resolve(self.unit, name) == fid:
                yield s.settle(T.substitute(own, args, result)), outcomes
            return
        yield ("from", result, name, tuple(args)), T.ANY
        change = self.world.pack.subjects.get(name)
        if change is not None and change.effect == "set":
            own = args[change.cred] if change.cred is not None and change.cred < len(args) else ("s", name)
            yield ("call", ACTS_AS, (own,), False), T.ANY
        allow = self.world.meaning(self.unit, name)
        check = self.world.pack.check(name)
        if allow:
            yield ("call", name, tuple(args), False), allow
            yield ("call", name, tuple(args), True), T.ANY & ~allow
        for left, right in check.implies if allow and check is not None else ():
            names = {p[1]: a for p, a in zip(left[2], args, strict=False) if p[0] == "name"}
            yield ("call", right[1], tuple(evaluate(p, names, self.world.pack) or T.UNKNOWN for p in right[2]), False), allow

    def holds(self, s: State, literal: Literal) -> bool:
        """Whether a literal holds in a state: by constants, or by one of the listed ones."""
        if literal[0] == "cond":
            literal = ("cond", *T.truth_of(literal[1], literal[2]))
            if literal[1][0] == "c":
                return (literal[1][1] != 0) == literal[2]
        return any(s.known.get(("!", n)) == 0 and covers(own, literal, self.world.pack) for n, own in enumerate(self.literals))

    def promote(self, s: State, mark: tuple) -> None:
        """Let literals hold that are listed with a mark and hold in a state."""
        for key in [k for k in s.known if k[0] == "?" and not s.outcomes(k[5]) & ~k[4]]:
            if self.may(key[1], key[2], key[3], mark):
                s.known["!", key[1]] = 0
        for n, literal in enumerate(self.literals):
            if literal[0] in ("cond", "found") and s.met(literal) and self.may(n, None, None, mark):
                s.known["!", n] = 0

    def may(self, *item: Any) -> bool:
        """Whether the certificate lists that a literal comes to hold there."""
        self.used.add(item)
        return item in self.listed

    def leave(self, s: State, block: int) -> Iterator[tuple[int, State]]:
        """The successors of a block, with what is known on the way to them."""
        t = self.fn.blocks[block].terminator
        ways: list[tuple[int, list[tuple[Term, int]]]] = [(x, []) for x in successors(t)]
        if t[0] == "br" and t[2] != t[3]:
            value = self.value(t[1], s)
            ways = [(t[2], [(value, T.TRUE)]), (t[3], [(value, T.ZERO)])]
        elif t[0] == "sw":
            value = self.value(t[1], s)
            cases = [(T.operation("==", value, ("c", T.signed(low))), low == high, to) for low, high, to in t[2]]
            ways = [(to, [(is_it, T.TRUE)] if one else []) for is_it, one, to in cases]
            ways.append((t[3], [(is_it, T.ZERO) for is_it, one, _ in cases if one]))
        for target, facts in ways:
            after = s.copy()
            if all(after.assume(term, mask) for term, mask in facts):
                self.promote(after, ("edge", block, target))
                yield target, after

    def returned(self, s: State, block: int, outcomes: int) -> Iterator[tuple[State, Term]]:
        """What is known, and what is returned, where a block returns with each of some outcomes."""
        t = self.fn.blocks[block].terminator
        for outcome in (T.NEG, T.ZERO, T.POS) if t[0] == "ret" else ():
            after = s.copy()
            value = self.value(t[1], s) if t[1] >= 0 else T.UNKNOWN
            if outcome & outcomes and after.assume(value, outcome):
                self.promote(after, ("return", block, outcome))
                yield after, value
