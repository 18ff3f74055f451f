"""The steps that invariants are checked by, held against execution: random functions are run, and on every run what an
invariant says of a block must be so."""

from __future__ import annotations

import random
from types import SimpleNamespace

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattices.model import Check, Pack, SubjectChange
from verifier.certificates.passes import Explorer, by_conditions, by_results, joined, plain, solve
from verifier.ir.dominance import successors
from verifier.ir.model import Block, Function, Param
from verifier.verify import states
from verifier.verify.states import State
from verifier.verify.steps import Steps
from verifier.verify.terms import sign

NAMES = ["a", "b", "c", "x", "y"]
MEMBERS = ["f", "g"]
CHECK = "security_thing"
RUNS = 40


class World:
    """As much of a world as these functions need: one check, one call that changes who asks, one that does anything."""

    def __init__(self, fn):
        index = SimpleNamespace(slots=[], others=[])
        self.fn = fn
        self.program = SimpleNamespace(functions={fn.name: SimpleNamespace(unit="u", index=index)}, resolve=lambda unit, name: None)
        self.pack = Pack("6.12", checks={CHECK: Check(CHECK)}, subjects={"become": SubjectChange("become", "set", None, "", "")})

    def body(self, fid):
        return self.fn

    def opaque(self, name):
        return name == CHECK

    def allowed(self, unit, name):
        return 2 if name == CHECK else 0

    def possible(self, name):
        return 3 if name == CHECK else 7

    def writes(self, unit, name, index):
        return name != CHECK

    def callee(self, unit, name):
        return None

    def stores(self, unit, name, slots, member):
        return False


def drawn(rng):
    """A function of integers and members, with branches, loops, checks and calls."""
    pool: list[tuple] = []

    def expr(*e):
        if e not in pool:
            pool.append(e)
        return pool.index(e)

    def var():
        return expr("v", rng.choice(NAMES))

    def member():
        return expr("m", expr("d", expr("v", rng.choice(["a", "b"]))), "tag", rng.choice(MEMBERS))

    def value():
        kind = rng.randint(0, 5)
        if kind == 0:
            return expr("c", rng.choice([-1, 0, 1, 7, 2**64 - 1]))
        if kind == 1:
            return expr("o", rng.choice(["+", "-", "&", "==", "!=", "<"]), var(), expr("c", rng.choice([0, 1, 3])))
        return member() if kind == 2 else var()

    def test():
        kind = rng.randint(0, 3)
        if kind == 0:
            return expr("o", "!", var())
        if kind == 1:
            return expr("o", rng.choice(["==", "!=", "<", "<=", ">", ">="]), rng.choice([var, member])(), expr("c", rng.choice([-1, 0, 1, 2**64 - 1])))
        return var()

    size = rng.randint(2, 7)
    blocks = []
    for _ in range(size):
        statements = []
        for _ in range(rng.randint(0, 3)):
            kind = rng.randint(0, 8)
            if kind <= 2:
                statements.append(("=", rng.choice([var, var, member])(), value(), 1))
            elif kind <= 5:
                statements.append(("call", rng.choice([-1, var(), var()]), expr("f", CHECK), [rng.choice([var, member])()], 1))
            elif kind == 6:
                statements.append(("call", rng.choice([-1, var()]), expr("f", "anything"), [expr("a", var()), var()], 1))
            elif kind == 7:
                statements.append(("call", -1, expr("f", "become"), [], 1))
            else:
                statements.append(("havoc", var(), 1))
        to = [rng.randint(1, size - 1) for _ in range(3)]
        kind = rng.randint(0, 4)
        if kind <= 2:
            end = ("br", test(), to[0], to[1], 1)
        elif kind == 3:
            end = ("sw", var(), [[-1, -1, to[0]], [0, 2, to[1]]], to[2], 1)
        else:
            end = ("ret", value(), 1)
        blocks.append(Block(statements, end))
    return Function("f", "a.c", 1, 2, False, "int", [Param("a", "int"), Param("b", "int")], [], pool, blocks)


class Run:
    """One execution: locals, memory by (address, member), what calls returned, which values passed the check since."""

    def __init__(self, fn, rng):
        self.fn, self.rng = fn, rng
        self.local = {name: rng.choice([-2, -1, 0, 1, 3]) for name in NAMES}
        self.entry = [self.local["a"], self.local["b"]]
        self.memory: dict[tuple, int] = {}
        self.results: dict[tuple, int] = {}
        self.passed: set[int] = set()

    def load(self, address, field):
        return self.memory.setdefault((address, field), self.rng.choice([-1, 0, 1, 5]))

    def value(self, index):
        e = self.fn.exprs[index]
        if e[0] == "c":
            return e[1] - (1 << 64) if e[1] >= 1 << 63 else e[1]
        if e[0] == "v":
            return self.local[e[1]]
        if e[0] == "m":
            return self.load(self.value(self.fn.exprs[e[1]][1]), e[3])
        if e[0] == "a":
            return ("address", e[1])
        return operate(e[1], *(self.value(i) for i in e[2:]))

    def store(self, index, value):
        e = self.fn.exprs[index]
        if e[0] == "v":
            self.local[e[1]] = value
        else:
            self.memory[self.value(self.fn.exprs[e[1]][1]), e[3]] = value

    def statement(self, at, s):
        if s[0] == "=":
            self.store(s[1], self.value(s[2]))
        elif s[0] == "havoc":
            self.store(s[1], self.rng.choice([-1, 0, 1]))
        else:
            name = self.fn.exprs[s[2]][1]
            args = [self.value(a) for a in s[3]]
            result = self.rng.choice([-1, 0]) if name == CHECK else self.rng.choice([-1, 0, 1])
            if name == CHECK and result == 0:
                self.passed.add(args[0])
            if name == "become":
                self.passed.clear()
            if name == "anything":
                self.store(args[0][1], self.rng.choice([-1, 0, 1]))
            self.results[at] = result
            if s[1] >= 0:
                self.store(s[1], result)

    def term(self, t):
        """What a term of the checker is worth now."""
        if t[0] == "c":
            return t[1]
        if t[0] == "p":
            return self.entry[t[1]]
        if t[0] == "v":
            return self.local[t[1]]
        if t[0] == "r":
            return self.results[t[1], t[2]]
        if t[0] == "m":
            return self.load(self.term(t[1][1]), t[2])
        assert t[0] == "o", t
        return operate(t[1], *(self.term(x) for x in t[2:]))

    def agrees(self, s, literals):
        """Whether all that a state says is so; one that speaks of a call that was not made is of another run."""
        try:
            return self.is_so(s, literals)
        except KeyError:
            return False

    def is_so(self, s, literals):
        for place, term in s.env.items():
            if self.local[place[1]] != self.term(term):
                return False
        for key, mask in s.known.items():
            if key[0] == "!":
                literal = literals[key[1]]
                if literal[0] == "call" and self.term(literal[2][0]) not in self.passed:
                    return False
                if literal[0] == "cond" and bool(self.term(literal[1])) != literal[2]:
                    return False
            elif key[0] != "?" and not sign(self.term(key)) & mask:
                return False
        return True

    def follow(self):
        block, steps = 0, 0
        while steps < 25:
            yield block
            steps += 1
            for i, s in enumerate(self.fn.blocks[block].statements):
                self.statement((block, i), s)
            t = self.fn.blocks[block].terminator
            if t[0] == "ret":
                return
            if t[0] == "br":
                block = t[2] if self.value(t[1]) else t[3]
            else:
                value = self.value(t[1])
                block = next((to for low, high, to in t[2] if low <= value <= high), t[3])


def operate(op, *args):
    if op == "!":
        return int(not args[0])
    a, b = args
    return {"+": a + b, "-": a - b, "&": a & b, "==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op] + 0


LITERALS = [
    ("call", CHECK, (("p", 0),), False), ("call", CHECK, (("v", "x"),), False),
    ("call", CHECK, (("m", ("d", ("p", 1)), "f"),), False), ("cond", ("p", 0), True), ("cond", ("v", "y"), False),
    ("cond", ("m", ("d", ("p", 0)), "g"), True),
]  # fmt: skip
TRACKED = frozenset(("v", n) for n in NAMES)
KEYS = [[plain], [by_results(TRACKED), plain], [by_conditions(TRACKED, frozenset(NAMES), frozenset()), plain]]


def wrong(seed, keys=KEYS, runs=RUNS):
    """A block that a run came to in no way that its invariant knows of; None where there is none."""
    fn = drawn(random.Random(seed))
    graph = nx.DiGraph([(b, t) for b, block in enumerate(fn.blocks) for t in successors(block.terminator)])
    graph.add_nodes_from(range(len(fn.blocks)))
    steps = Explorer(World(fn), "f", {}, {}, LITERALS, "")
    calls = [(b, i) for b, block in enumerate(fn.blocks) for i, s in enumerate(block.statements) if s[0] == "call"]
    steps.calls = {at: [(n, None) for n in range(3)] for at in calls}
    start = State({("v", "a"): ("p", 0), ("v", "b"): ("p", 1)}, {})
    for key in keys:
        found = solve(steps, [start], set(graph), key)
        for n in range(runs):
            run = Run(fn, random.Random(seed + n))
            for block in run.follow():
                if not any(run.agrees(s, LITERALS) for s in found.get(block, [])):
                    return fn, block, found.get(block), vars(run)
    return None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_what_an_invariant_says_is_so_on_every_run(seed):
    assert wrong(seed) is None


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        (State, "write", lambda self, places, rests, more=frozenset(): frozenset()),
        (State, "forget", lambda self, what: None),
        (Steps, "changes_subject", lambda self, statement: False),
        (Steps, "rests", lambda self, key: frozenset()),
        (states, "touched", lambda target: frozenset()),
        (states, "compared", lambda op, number: (2, 5)),
        (states, "truth_of", lambda term, truth=True: (term[2], not truth) if term[:2] == ("o", "==") else (term, truth)),
        (World, "allowed", lambda self, unit, name: 3),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_steps_that_forget_too_little_are_found_out(monkeypatch, owner, name, broken):
    """What the property above is worth: each part of the steps that is broken makes some run disagree."""
    monkeypatch.setattr(owner, name, broken)
    assert any(wrong(seed, KEYS[1:2], 10) is not None for seed in range(1500))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_a_state_implies_what_is_joined_of_it(seed):
    rng = random.Random(seed)

    def state():
        terms = [("p", 0), ("c", 1), ("v", "x"), ("r", 0, 0), ("m", ("d", ("p", 0)), "f")]
        env = {("v", n): rng.choice(terms) for n in NAMES if rng.random() < 0.5}
        known = {t: rng.choice([1, 2, 4, 3, 5]) for t in terms if t[0] != "c" and rng.random() < 0.5}
        known |= {("!", n): 0 for n in range(2) if rng.random() < 0.5}
        return State(env, known)

    a, b = state(), state()
    both = joined(a, b)
    assert a.implies(both) and b.implies(both)
    assert a.implies(a)


def stepped(exprs, statements, env):
    """A state after statements of one block, from what is known of locals."""
    fn = Function("f", "a.c", 1, 2, False, "int", [Param("a", "int"), Param("b", "int")], [], exprs, [Block(statements, ("ret", -1, 1))])
    s = State(dict(env), {})
    steps = Steps(World(fn), "f")
    for i in range(len(statements)):
        steps.step(s, (0, i))
    return s


def test_a_variable_whose_address_is_kept_falls_with_a_store_through_any_pointer():
    """A certificate may say less than there is to know: not that the pointer is this variable's address."""
    exprs = [("v", "x"), ("v", "y"), ("a", 0), ("v", "q"), ("d", 3), ("v", "b"), ("v", "z"), ("m", 4, "tag", "f"), ("m", 1, "tag", "f")]
    known = {("v", "x"): ("p", 0), ("m", ("v", "y"), "f"): ("p", 0), ("v", "z"): ("p", 0)}
    keep, forget_q = ("=", 3, 2, 1), ("havoc", 3, 1)
    after = stepped(exprs, [keep, forget_q, ("=", 4, 5, 1)], known).env
    assert ("v", "x") not in after and after["v", "z"] == ("p", 0)
    after = stepped(exprs, [keep, forget_q, ("=", 7, 5, 1)], known).env
    assert ("m", ("v", "y"), "f") not in after and ("v", "x") not in after and ("v", "z") in after
    after = stepped(exprs, [("=", 4, 5, 1)], known).env
    assert ("v", "x") in after  # its address is kept nowhere


def test_what_a_check_implies_is_granted_for_what_was_asked():
    left = ("call", CHECK, (("name", "t"), ("int", 6)))
    granted = ("call", "look", (("name", "t"), ("int", 1)))
    world = World(Function("f", "a.c", 1, 2, False, "int", [], [], [], [Block([], ("ret", -1, 1))]))
    world.pack = Pack("6.12", checks={CHECK: Check(CHECK, mask=1, implies=((left, granted),))})
    steps = Steps(world, "f")

    def said(mode):
        return [literal for literal, _ in steps.said(State({}, {}), CHECK, [("p", 0), mode], ("r", 0, 0), None) if literal[1] == "look"]

    assert said(("c", 6)) == said(("c", 7)) == [("call", "look", (("p", 0), ("c", 1)), False)]
    assert said(("c", 2)) == said(("p", 1)) == said(("u",)) == []
