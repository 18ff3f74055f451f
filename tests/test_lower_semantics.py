"""The lowered graph does what the program says: an interpreter of the small AST against one of the IR.

Programs are made by Hypothesis from the part of C whose meaning does not depend on the order of unsequenced operands.
What a run does is the list of its calls with their argument values, and what it returns; calls return numbers made
from their count, so that both interpreters see the same ones.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.frontend.ast import AstFunction
from verifier.frontend.lower import lower_function
from verifier.frontend.lower_graph import fold
from verifier.ir.checker import check_function
from verifier.ir.printer import print_function
from verifier.ir.reader import read_function

pytestmark = pytest.mark.slow

NAMES = ("a", "b", "c")
FUEL = 300


class OutOfFuel(Exception):
    """The run is too long; what it did so far is compared."""


class Jump(Exception):
    """break, continue, return or goto in the AST interpreter."""

    def __init__(self, kind: str, value: int | str | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value


class Machine:
    """Variables, the trace of calls, and fuel, for either interpreter."""

    def __init__(self, arguments: tuple[int, int, int], fuel: int = FUEL) -> None:
        self.variables: dict[str, int] = dict(zip(NAMES, arguments, strict=True))
        self.trace: list[tuple] = []
        self.fuel = fuel

    def call(self, name: str, values: list) -> int:
        if len(self.trace) >= self.fuel:
            raise OutOfFuel
        self.trace.append((name, *values))
        if name == "panic":
            raise Jump("end")
        return (len(self.trace) * 7 + len(name)) % 3 - 1


class AstRun(Machine):
    """Runs the small AST directly."""

    def value(self, e: tuple) -> int:
        kind = e[0]
        if kind == "int":
            return e[1]
        if kind == "var":
            return self.variables.get(e[1], 0)
        if kind == "un":
            inner = self.value(e[2])
            return -inner if e[1] == "-" else ~inner if e[1] == "~" else int(not inner)
        if kind == "bin":
            a = self.value(e[2])
            return fold(e[1], a, self.value(e[3]))
        if kind == "and":
            return int(bool(self.value(e[1])) and bool(self.value(e[2])))
        if kind == "or":
            return int(bool(self.value(e[1])) or bool(self.value(e[2])))
        if kind == "cond":
            c = self.value(e[1])
            return self.value(e[3]) if not c else c if e[2] is None else self.value(e[2])
        if kind == "comma":
            self.value(e[1])
            return self.value(e[2])
        if kind == "assign":
            new = self.value(e[3])
            self.variables[e[2][1]] = fold(e[1], self.variables[e[2][1]], new) if e[1] else new
            return self.variables[e[2][1]]
        if kind == "incdec":
            old = self.variables[e[3][1]]
            self.variables[e[3][1]] = old + (1 if e[1] == "+" else -1)
            return self.variables[e[3][1]] if e[2] else old
        if kind == "call":
            return self.call(e[1][1], [self.value(a) for a in e[2]])
        assert kind == "stmtexpr"
        return self.statements(e[1])

    def statements(self, statements: tuple, start: int = 0) -> int:
        """Runs statements with their own scope of cleanups; the value of the last one if it is an expression."""
        cleanups: list[tuple[str, str]] = []
        result = 0
        try:
            for statement in statements[start:]:
                if statement[0] == "decl":
                    self.variables[statement[1]] = self.value(statement[2])
                    if statement[3]:
                        cleanups.append((statement[3], statement[1]))
                elif statement[0] == "expr":
                    result = self.value(statement[1])
                else:
                    self.statement(statement)
        except Jump as jump:
            if jump.kind != "end":
                self.clean(cleanups)
            raise
        self.clean(cleanups)
        return result

    def clean(self, cleanups: list[tuple[str, str]]) -> None:
        for function, name in reversed(cleanups):
            self.call(function, ["&" + name])

    def loop(self, body: tuple) -> bool:
        """One turn; False after a break."""
        self.fuel -= 1
        if self.fuel < 0:
            raise OutOfFuel
        try:
            self.statement(body)
        except Jump as jump:
            if jump.kind not in ("break", "continue"):
                raise
            return jump.kind == "continue"
        return True

    def statement(self, s: tuple) -> None:
        kind = s[0]
        if kind == "expr":
            self.value(s[1])
        elif kind == "block":
            self.statements(s[1])
        elif kind == "if":
            chosen = s[2] if self.value(s[1]) else s[3]
            if chosen is not None:
                self.statements((chosen,))
        elif kind == "while":
            while self.value(s[1]) and self.loop(s[2]):
                pass
        elif kind == "do":
            while self.loop(s[1]) and self.value(s[2]):
                pass
        elif kind == "for":
            self.statements((s[1], ("forbody", *s[2:])))
        elif kind == "forbody":
            while self.value(s[1]) and self.loop(s[3]):
                self.value(s[2])
        elif kind == "switch":
            value = self.value(s[1])
            inner = s[2][1]
            start = next((i for i, c in enumerate(inner) if c[0] == "case" and c[1] <= value <= (c[2] or c[1])), None)
            if start is None:
                start = next((i for i, c in enumerate(inner) if c[0] == "default"), None)
            if start is not None:
                try:
                    self.statements(inner, start)
                except Jump as jump:
                    if jump.kind != "break":
                        raise
        elif kind == "return":
            raise Jump("return", self.value(s[1]))
        elif kind in ("break", "continue"):
            raise Jump(kind)
        elif kind == "goto":
            raise Jump("goto", s[1])
        else:
            assert kind in ("case", "default", "label"), kind

    def run(self, body: tuple) -> object:
        try:
            self.statements(body[1])
        except Jump as jump:
            if jump.kind == "goto":
                # The only label stands in the outermost block, before what it labels.
                at = next(i for i, s in enumerate(body[1]) if s[0] == "label")
                return self.run(("block", body[1][at + 1 :], 1))
            return jump.value
        return None


class IrRun(Machine):
    """Runs the lowered function."""

    def run(self, function) -> object:
        self.exprs = function.exprs
        number = 0
        steps = 0
        while True:
            steps += 1
            if steps > 40 * FUEL:
                raise OutOfFuel
            block = function.blocks[number]
            for statement in block.statements:
                if statement[0] == "=":
                    self.variables[self.exprs[statement[1]][1]] = self.value(statement[2])
                elif statement[0] == "call":
                    try:
                        result = self.call(self.exprs[statement[2]][1], [self.value(e) for e in statement[3]])
                    except Jump:
                        return None
                    if statement[1] >= 0:
                        self.variables[self.exprs[statement[1]][1]] = result
            end = block.terminator
            if end[0] == "jmp":
                number = end[1]
            elif end[0] == "br":
                number = end[2] if self.value(end[1]) else end[3]
            elif end[0] == "sw":
                value = self.value(end[1])
                number = next((to for low, high, to in end[2] if low <= value <= high), end[3])
            else:
                return self.value(end[1]) if end[0] == "ret" and end[1] >= 0 else None

    def value(self, e: int) -> object:
        node = self.exprs[e]
        if node[0] == "c":
            return node[1]
        if node[0] == "v":
            return self.variables.get(node[1], 0)
        if node[0] == "a":
            return "&" + self.exprs[node[1]][1]
        assert node[0] == "o", node
        if len(node) == 3:
            inner = self.value(node[2])
            return -inner if node[1] == "neg" else ~inner if node[1] == "~" else int(not inner)
        return fold(node[1], self.value(node[2]), self.value(node[3]))


numbers = st.integers(-2, 3).map(lambda n: ("int", n))
variables = st.sampled_from(NAMES).map(lambda n: ("var", n))
operators = st.sampled_from(["+", "-", "&", "|", "==", "!=", "<", ">="])
functions = st.sampled_from(["f", "gg", "panic", "f", "gg", "f", "gg"]).map(lambda n: ("fun", n))


def larger(inner):
    """Expressions one level up; operands beside one that has effects are constants."""
    return st.one_of(
        st.builds(lambda op, a, b: ("bin", op, a, b), operators, inner, numbers),
        st.builds(lambda op, a: ("un", op, a), st.sampled_from("!!~-"), inner),
        st.builds(lambda k, a, b: (k, a, b), st.sampled_from(["and", "or", "comma"]), inner, inner),
        st.builds(lambda c, a, b: ("cond", c, a, b), inner, st.none() | inner, inner),
        st.builds(lambda v, a: ("assign", "", v, a), variables, inner),
        st.builds(lambda f, a, n: ("call", f, (a, n), 5), functions, inner, numbers),
        st.builds(lambda a, b: ("stmtexpr", (("expr", a, 5), ("expr", b, 5))), inner, inner),
        st.builds(
            lambda a, b: ("stmtexpr", (("decl", "t", a, "release", 5), ("expr", b, 5))), inner, inner | st.just(("var", "t"))
        ),
    )


effects = st.one_of(
    st.builds(lambda o, p, v: ("incdec", o, p, v), st.sampled_from("+-"), st.booleans(), variables),
    st.builds(lambda o, v, n: ("assign", o, v, n), st.sampled_from("+-|&"), variables, numbers),
    st.builds(lambda f, v: ("call", f, (v,), 5), functions, variables),
)
expressions = st.recursive(numbers | variables | variables | effects, larger, max_leaves=6)


@st.composite
def blocks(draw, depth: int, loop: bool, breakable: bool):
    return ("block", tuple(draw(st.lists(statements(depth, loop, breakable), max_size=4))), 7)


@st.composite
def switches(draw, depth: int, loop: bool):
    inner = []
    values = draw(st.permutations([-1, 0, 1, 2, 3]))
    if draw(st.booleans()):
        values.insert(draw(st.integers(0, 4)), None)
    for value in values[: draw(st.integers(1, 5))]:
        inner.append(("default", 8) if value is None else ("case", value, None, 8))
        inner.extend(draw(st.lists(statements(depth - 1, loop, True).filter(lambda s: s[0] != "decl"), max_size=2)))
    return ("switch", draw(expressions), ("block", tuple(inner), 8), 8)


def statements(depth: int, loop: bool, breakable: bool):
    """Statements nested at most `depth` deep."""
    choices = [
        st.builds(lambda e: ("expr", e, 3), expressions),
        st.builds(lambda e: ("return", e, 4), expressions),
        st.builds(lambda e, n: ("decl", f"d{n}", e, "release", 3), expressions, st.integers(1, 2)),
        st.just(("goto", "out", 9)),
    ]
    if loop:
        choices.append(st.just(("continue", 6)))
    if breakable:
        choices.append(st.just(("break", 6)))
    if depth:
        inner = blocks(depth - 1, loop, breakable)
        looped = blocks(depth - 1, True, True)
        choices += [
            inner,
            st.builds(lambda c, a, b: ("if", c, a, b, 5), expressions, inner, st.none() | inner),
            st.builds(lambda c, b: ("while", c, b, 5), expressions, looped),
            st.builds(lambda c, b: ("do", b, c, 5), expressions, looped),
            st.builds(
                lambda d, c, s, b: ("for", ("decl", "i", d, "release", 5), c, s, b, 5),
                expressions, expressions, expressions, looped,
            ),
            switches(depth, loop),
        ]
    return st.one_of(choices)


@st.composite
def bodies(draw):
    before = draw(st.lists(statements(2, False, False), max_size=4))
    after = draw(st.lists(statements(1, False, False).filter(lambda s: "goto" not in repr(s)), max_size=2))
    cleaned = [s for s in before if s[0] != "decl"]
    return ("block", (*cleaned, ("label", "out", 10), *after), 1)


def function(body: tuple) -> AstFunction:
    return AstFunction("tried", "t.c", 1, 20, False, "int", [(n, "int") for n in NAMES], [], body, {})


def outcome(machine: Machine, program) -> tuple:
    try:
        result = machine.run(program)
    except OutOfFuel:
        result = "out of fuel"
    return result, machine.trace


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(bodies(), st.tuples(*[st.integers(-1, 2)] * 3))
def test_graph_does_what_the_program_says(body, arguments):
    lowered = lower_function(function(body), {"panic"})
    assert check_function(lowered) == []
    assert lowered.unknowns == []
    expected, wanted = outcome(AstRun(arguments), body)
    got, made = outcome(IrRun(arguments, 10 * FUEL), lowered)
    if expected == "out of fuel" or got == "out of fuel":
        shared = min(len(wanted), len(made))
        assert wanted[:shared] == made[:shared]
    else:
        assert (got, made) == (expected, wanted), print_function(lowered)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(bodies())
def test_printed_text_reads_back(body):
    lowered = lower_function(function(body), {"panic"})
    assert read_function(print_function(lowered)) == lowered
