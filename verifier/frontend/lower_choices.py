"""Where values go and where control goes: stores, effects and branches of expressions.

Destination-driven: `into` hands an lvalue down to calls and to the arms of `?:`, so that they store there without a
temporary; `branch` hands two blocks down, so that no boolean is ever materialised for `if (a && !b)`.

Source: translation of boolean expressions by jumping code, A. Aho et al., "Compilers", section 6.6.
"""

from __future__ import annotations

from verifier.frontend.lower_graph import Graph, clipped, fold

# Stores for array initialisers stop here: the variable was havocked before, so leaving stores out is sound.
STORED_ELEMENTS = 64
# Expressions whose value nothing can change.
STEADY = frozenset(("c", "s", "f"))


def constant(e: tuple | int | None) -> int | None:
    """Value of an AST expression made of integer constants only, else None."""
    if isinstance(e, int):
        return e
    if e is None:
        return None
    kind = e[0]
    if kind == "int":
        return e[1]
    if kind == "un":
        inner = constant(e[2])
        if inner is None:
            return None
        return -inner if e[1] == "-" else ~inner if e[1] == "~" else int(not inner)
    if kind == "bin":
        a = constant(e[2])
        if a is None:
            return None
        b = constant(e[3])
        return None if b is None else fold(e[1], a, b)
    if kind in ("and", "or"):
        a = constant(e[1])
        if a is not None and bool(a) == (kind == "or"):
            return int(bool(a))
        b = constant(e[2])
        return None if a is None or b is None else int(bool(b))
    if kind == "cond":
        c = constant(e[1])
        if c is None:
            return None
        return constant(e[3]) if not c else c if e[2] is None else constant(e[2])
    return None


def mentions(e: object, name: str) -> bool:
    """Does the variable `name` occur in this AST?"""
    pending = [e]
    while pending:
        node = pending.pop()
        if isinstance(node, tuple):
            if len(node) == 2 and node[0] == "var" and node[1] == name:
                return True
            pending.extend(node)
    return False


def jumping(e: tuple) -> bool:
    """Is this a boolean made by control flow: `&&`, `||`, or negations of one?"""
    while e[0] == "un" and e[1] == "!":
        e = e[2]
    return e[0] == "and" or e[0] == "or"


class ChoiceLowering:
    """State of one function's lowering, and what does not need to know how each kind of expression is valued."""

    def __init__(self, noreturn: set[str] | frozenset[str]) -> None:
        self.graph = Graph()
        self.noreturn = noreturn
        self.line = 0
        self.scope: tuple | None = None
        self.unknowns: list[str] = []

    # filled in by the classes that build on this one
    def value(self, e: tuple) -> int:
        raise NotImplementedError

    def value_incdec(self, e: tuple) -> int:
        raise NotImplementedError

    def call(self, e: tuple, place: int | None) -> int:
        raise NotImplementedError

    def statement(self, statement: tuple) -> None:
        raise NotImplementedError

    def unwind(self, outer: tuple | None, line: int) -> None:
        raise NotImplementedError

    def kept(self, e: int) -> int:
        """The value of `e` as it is now: a temporary, unless nothing can change it."""
        node = self.graph.exprs[e]
        if node[0] in STEADY or node[0] == "v" and node[1][0] == "%":
            return e
        place = self.graph.temporary()
        self.graph.statements.append(("=", place, e, self.line))
        return place

    def all_but_last(self, statements: tuple) -> tuple | None:
        """Lower a statement expression up to its value; returns that expression, None if there is none."""
        if not statements:
            return None
        for statement in statements[:-1]:
            self.statement(statement)
        last = statements[-1]
        if last[0] == "expr":
            self.line = last[-1]
            return last[1]
        self.statement(last)
        return None

    # into

    def into(self, place: int, e: tuple) -> None:
        """Store the expression's value in the lvalue with pool index `place`."""
        kind = e[0]
        graph = self.graph
        if kind == "call":
            self.call(e, place)
        elif kind == "cond":
            self.choose(place, e)
        elif kind == "and" or kind == "or" or kind == "un" and e[1] == "!" and jumping(e):
            known = constant(e)
            if known is not None:
                graph.statements.append(("=", place, graph.expr(("c", clipped(known))), self.line))
                return
            yes, no, end = graph.block(), graph.block(), graph.block()
            self.branch(e, yes, no)
            for block, truth in ((yes, 1), (no, 0)):
                graph.enter(block)
                graph.statements.append(("=", place, graph.expr(("c", truth)), self.line))
                graph.jump(end)
            graph.enter(end)
        elif kind == "comma":
            self.effect(e[1])
            self.into(place, e[2])
        elif kind == "stmtexpr":
            outer = self.scope
            last = self.all_but_last(e[1])
            if last is not None:
                self.into(place, last)
            self.unwind(outer, self.line)
            self.scope = outer
        elif kind == "init" or kind == "initarr":
            node = graph.exprs[place]
            if node[0] == "v" and node[1][0] == "%":
                graph.statements.append(("havoc", place, self.line))
                self.initialise(place, e)
            else:
                # The fields may read what is being overwritten, so the literal is made first.
                literal = graph.temporary()
                self.into(literal, e)
                graph.statements.append(("=", place, literal, self.line))
        else:
            # Not in one line: the value may end this block and enter another, whose list takes the store.
            stored = self.value(e)
            graph.statements.append(("=", place, stored, self.line))

    def choose(self, place: int, e: tuple) -> None:
        """`place = c ? a : b`, each arm storing for itself."""
        _, c, a, b = e
        graph = self.graph
        known = constant(c)
        if known is not None:
            self.into(place, b if not known else c if a is None else a)
            return
        yes, no, end = graph.block(), graph.block(), graph.block()
        if a is None:
            # `err = first() ?: second()` tests err itself, unless `second` still needs the old value.
            node = graph.exprs[place]
            direct = node[0] == "v" and not mentions(b, node[1])
            tested = place if direct else graph.temporary()
            self.into(tested, c)
            graph.leave(("br", tested, end if direct else yes, no, self.line))
            if not direct:
                graph.enter(yes)
                graph.statements.append(("=", place, tested, self.line))
                graph.jump(end)
        else:
            self.branch(c, yes, no)
            graph.enter(yes)
            self.into(place, a)
            graph.jump(end)
        graph.enter(no)
        self.into(place, b)
        graph.enter(end)

    def initialise(self, place: int, e: tuple) -> None:
        """Store the entries of an initialiser list member by member; `place` was havocked before."""
        if e[0] == "init":
            for field, entry in e[2]:
                self.initialise(self.graph.expr(("m", place, e[1], field)), entry)
        elif e[0] == "initarr":
            index = 0
            for entry in e[1]:
                low = high = index
                if entry[0] == "at":
                    low, high, entry = constant(entry[1]), constant(entry[2]), entry[3]
                if low is None or high is None or high >= STORED_ELEMENTS:
                    self.effect(entry)
                else:
                    for i in range(low, high + 1):
                        self.initialise(self.graph.expr(("i", place, self.graph.expr(("c", i)))), entry)
                index = (high if high is not None else index) + 1
        else:
            self.into(place, e)

    # effect

    def effect(self, e: tuple) -> None:
        """Emit what the expression does; its value is not wanted."""
        kind = e[0]
        graph = self.graph
        if kind == "call":
            self.call(e, -1)
        elif kind == "assign" and not e[1]:
            self.into(self.value(e[2]), e[3])
        elif kind == "incdec":
            self.value_incdec((kind, e[1], True, e[3]))
        elif kind == "comma":
            self.effect(e[1])
            self.effect(e[2])
        elif kind == "stmtexpr":
            outer = self.scope
            for statement in e[1]:
                self.statement(statement)
            self.unwind(outer, self.line)
            self.scope = outer
        elif kind in ("and", "or"):
            then, end = graph.block(), graph.block()
            self.branch(e[1], *((then, end) if kind == "and" else (end, then)))
            graph.enter(then)
            self.effect(e[2])
            graph.enter(end)
        elif kind == "cond":
            yes, no, end = graph.block(), graph.block(), graph.block()
            self.branch(e[1], yes, no)
            graph.enter(yes)
            if e[2] is not None:
                self.effect(e[2])
            graph.jump(end)
            graph.enter(no)
            self.effect(e[3])
            graph.enter(end)
        elif kind == "un":
            self.effect(e[2])
        elif kind == "bin":
            self.effect(e[2])
            self.effect(e[3])
        else:
            self.value(e)

    # branch

    def branch(self, e: tuple, yes: int, no: int) -> None:
        """Close the current block: go to `yes` where the expression is not zero, else to `no`."""
        graph = self.graph
        while True:
            kind = e[0]
            if kind == "un" and e[1] == "!":
                e, yes, no = e[2], no, yes
            elif kind == "and" or kind == "or":
                second = graph.block()
                self.branch(e[1], *((second, no) if kind == "and" else (yes, second)))
                graph.enter(second)
                e = e[2]
            elif kind == "cond":
                first, second = graph.block(), graph.block()
                self.branch(e[1], yes if e[2] is None else first, second)
                if e[2] is not None:
                    graph.enter(first)
                    self.branch(e[2], yes, no)
                graph.enter(second)
                e = e[3]
            elif kind == "comma":
                self.effect(e[1])
                e = e[2]
            elif kind == "bin" and e[1] in ("==", "!=") and e[3] == ("int", 0) and jumping(e[2]):
                if e[1] == "==":
                    yes, no = no, yes
                e = e[2]
            elif kind == "stmtexpr":
                outer = self.scope
                last = self.all_but_last(e[1])
                if last is not None and self.scope is outer:
                    e = last
                    continue
                tested = self.graph.expr(("u", "no value")) if last is None else self.kept(self.value(last))
                self.unwind(outer, self.line)
                self.scope = outer
                return self.test(tested, yes, no)
            else:
                return self.test(self.value(e), yes, no)

    def test(self, tested: int, yes: int, no: int) -> None:
        """Close the current block with a branch on a pooled expression, or a jump if it is constant."""
        node = self.graph.exprs[tested]
        if node[0] == "c":
            self.graph.jump(yes if node[1] else no)
        elif node[0] in ("s", "f"):
            self.graph.jump(yes)
        else:
            self.graph.leave(("br", tested, yes, no, self.line))
