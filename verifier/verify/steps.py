"""What statements and edges do to what is known: the transfer function that per-block invariants are checked by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lattices.mentions import ACTS_AS
from verifier.ir.dominance import successors
from verifier.verify import terms as T
from verifier.verify.clauses import Literal, covers, evaluate
from verifier.verify.states import State, variable
from verifier.verify.terms import Term
from verifier.verify.world import World

Lemma = tuple[str, int, Literal, str]  # function, outcomes, literal over its parameters, lock


class Steps:
    """Statements and edges of one function, for a list of literals.

    `sites` are all calls, ((block, index), statement); `calls` tell for which literals a call may speak, by which lemma (None: the check itself); `used` are (literal, block or
    None, index or None, mark): where, by which call or (None) as a condition, a literal came to hold.  Marks:
    ("call", block, index), ("edge", from, to), ("return", block, outcome).
    """

    def __init__(
        self, world: World, fid: str, returns: Mapping[str, Term] = {}, lemmas: Mapping[int, Lemma] = {},
        literals: Sequence[Literal] = (), lock: str = "",
    ) -> None:  # fmt: skip
        self.world, self.fn, self.returns, self.lemmas = world, world.body(fid), returns, lemmas
        self.unit, self.index = world.program.functions[fid].unit, world.program.functions[fid].index
        self.literals, self.lock = literals, lock
        every = [((b, i), s) for b, block in enumerate(self.fn.blocks) for i, s in enumerate(block.statements)]
        self.sites = [(at, s) for at, s in every if s[0] == "call"]
        stores = [s for _, s in every if s[0] in ("=", "call") and s[1] >= 0]
        self.assigned = {*(tuple(self.fn.exprs[s[1]]) for s in stores), *(("v", p.name) for p in self.fn.params)}
        self.exposed = {x for s in stores if s[0] == "=" for x in self.lent(self.value(s[2], State({}, {})))}
        self.calls: dict[tuple[int, int], list[tuple[int, int | None]]] = {}
        self.used: set[tuple] = set()

    def value(self, index: int, s: State) -> Term:
        """What an expression is worth in a state."""
        e = self.fn.exprs[index]
        if e[0] in ("c", "s", "f", "u"):
            return T.UNKNOWN if e[0] == "u" else (e[0], T.signed(e[1]) if e[0] == "c" else e[1])
        if e[0] == "a":
            return T.address(self.location(e[1], s))
        if e[0] == "o":
            return T.operation(e[1], *(self.value(i, s) for i in e[2:]))
        return ("k", self.value(e[1], s), e[2]) if e[0] == "k" else s.read(self.location(index, s))

    def location(self, index: int, s: State) -> Term:
        """The place that an lvalue names."""
        e = self.fn.exprs[index]
        if e[0] in ("v", "g"):
            return (e[0], e[1])
        if e[0] == "m":
            return ("m", self.location(e[1], s), e[3])
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

    def rests(self, key: Term) -> frozenset[Term]:
        """What a key of a state's knowledge rests on; a literal about a local object also on what that holds."""
        if key[0] not in ("!", "?"):
            return T.mentions(key)
        own = self.literals[key[1]]
        return T.mentions(own) | T.mentions(key[2:]) | {p for p in T.parts(own) if p[:1] == ("v",)}

    def step(self, s: State, at: tuple[int, int]) -> None:
        """Execute a statement."""
        statement = self.fn.blocks[at[0]].statements[at[1]]
        if statement[0] == "call":
            self.call(s, at, statement)
            return
        value = self.value(statement[2], s) if statement[0] == "=" else T.UNKNOWN
        for target in statement[1] if statement[0] == "asm" else statement[1:2]:
            self.store(s, self.location(target, s), value)

    def store(self, s: State, place: Term, value: Term) -> None:
        """Write a value to a place; behind a pointer may lie a local variable whose address was kept, and the other way round."""
        own = variable(place)
        if own is None or own in self.exposed:
            behind = [("m", place[2]) if place[0] == "m" else ("m",), ("*",)] if own else []
            s.write([] if own else [*self.exposed], self.rests, frozenset(behind))
        s.store(place, value, self.rests)

    def lent(self, value: Term) -> set[Term]:
        """Local variables that a pointer may lead into: one whose address it is, or an array, which is never assigned."""
        if value[0] in ("o", "k", "i"):
            return set().union(*(self.lent(part) for part in value[1:] if isinstance(part, tuple)))
        own = variable(value[1]) if value[0] == "a" else value if value[0] == "v" and value not in self.assigned else None
        return {own} if own else set()

    def call(self, s: State, at: tuple[int, int], statement: tuple) -> None:
        """Execute a call: what it may write is forgotten; one that is listed for a literal is noted."""
        name = self.callee(statement)
        args = [self.value(a, s) for a in statement[3]]
        written = [self.lent(a) for n, a in enumerate(args) if self.world.writes(self.unit, name, n)]
        slots = [slot for slot, line in [*self.index.slots, *self.index.others] if line == statement[-1]] if name is None else []
        s.forget(lambda key: self.disturbed(key, name, slots))
        behind = [own for own in s.env if self.disturbed(own, name, slots)]
        met = s.write([("r", *at), *behind, *(self.exposed.union(*written) if written else ())], self.rests)
        args = [a if met.isdisjoint(T.mentions(a)) else T.UNKNOWN for a in args]
        locks = self.lock and any(p[:1] == ("m",) and p[2] == self.lock for a in args for p in T.parts(a))
        if locks or self.changes_subject(statement):  # no check made before counts
            s.forget(lambda key: key[0] in ("!", "?") or any(t[0] in ("m", "g", "*") for t in T.mentions(key)))
        result = self.result(s, at, name, args)
        s.assume(result, self.world.possible(name) if result == ("r", *at) else T.ANY)
        for n, lemma in self.calls.get(at, ()):
            for literal, allow in self.said(s, name or "", args, result, lemma):
                if covers(literal, self.literals[n], self.world.pack):
                    s.known["?", n, *at, allow, result] = 0
        self.promote(s, ("call", *at))
        if statement[1] >= 0:
            self.store(s, self.location(statement[1], s), result)

    def disturbed(self, key: Term, name: str | None, slots: list[str]) -> bool:
        """Whether a call may store to a member that a condition is about, of whatever object."""
        plain = key[0] not in ("!", "?") or self.literals[key[1]][0] == "cond"
        members = [m[1] for m in self.rests(key) if m[0] == "m" and len(m) > 1] if plain else []
        return any(self.world.stores(self.unit, name, slots, member) for member in members)

    def result(self, s: State, at: tuple[int, int], name: str | None, args: list[Term]) -> Term:
        """What a call returns, in terms of its arguments where the callee always returns the same projection of them."""
        fid = self.world.callee(self.unit, name)
        found = s.settle(T.substitute(self.returns[fid], args)) if fid is not None and fid in self.returns else T.UNKNOWN
        return ("cur",) if name == "get_current" else found if T.understood(found) else ("r", *at)

    def said(self, s: State, name: str, args: list[Term], result: Term, lemma: int | None) -> Iterator[tuple[Literal, int]]:
        """Literals that a call makes hold, each with the outcomes on which it does."""
        if lemma is not None:
            fid, outcomes, own, lock = self.lemmas[lemma]
            if lock == self.lock and self.world.callee(self.unit, name) == fid:
                yield s.settle(T.substitute(own, args, result)), outcomes
            return
        change = self.world.pack.subjects.get(name)
        if change is not None and change.effect == "set":
            own = args[change.cred] if change.cred is not None and change.cred < len(args) else ("s", name)
            yield ("call", ACTS_AS, (own,), False), T.ANY
        allow = self.world.allowed(self.unit, name)
        if allow:
            yield ("call", name, tuple(args), False), allow
            yield ("call", name, tuple(args), True), T.ANY & ~allow
        check = self.world.pack.check(name)
        for left, right in check.implies if allow and check is not None else ():
            names = {p[1]: a for p, a in zip(left[2], args, strict=False) if p[0] == "name"}
            asked, granted = (tuple(evaluate(p, names) or T.UNKNOWN for p in side[2]) for side in (left, right))
            if covers(("call", name, tuple(args), False), ("call", name, asked, False), self.world.pack):
                yield ("call", right[1], granted, False), allow

    def holds(self, s: State, literal: Literal) -> bool:
        """Whether a literal holds in a state: by constants, or by one of the listed ones."""
        if literal[0] == "cond":
            literal = ("cond", *T.truth_of(literal[1], literal[2]))
            if literal[1][0] == "c":
                return (literal[1][1] != 0) == literal[2]
        return any(("!", n) in s.known and covers(own, literal, self.world.pack) for n, own in enumerate(self.literals))

    def promote(self, s: State, mark: tuple) -> None:
        """Let literals hold whose call has an allowed outcome, or whose condition is known as they want it."""
        met = [key[1:4] for key in s.known if key[0] == "?" and not s.outcomes(key[5]) & ~key[4]]
        for n, literal in enumerate(self.literals):
            if literal[0] == "cond" and not s.outcomes(literal[1]) & (T.ZERO if literal[2] else T.TRUE):
                met.append((n, None, None))
        for own in met:
            if ("!", own[0]) not in s.known:
                self.used.add((*own, mark))
        s.known.update({("!", n): 0 for n, _, _ in met})

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
