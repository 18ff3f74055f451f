"""Statements of the small AST become blocks; leaving a scope calls its cleanup functions.

A scope is a linked list of the variables with `__attribute__((cleanup))` that are alive, innermost first:
(outer, variable, function) or None.  Leaving towards another scope calls the functions of all that the other does not
share, in reverse order of declaration, as GCC documents for the attribute.
"""

from __future__ import annotations

from collections.abc import Callable

from verifier.frontend.lower_choices import constant, jumping
from verifier.frontend.lower_expressions import ExpressionLowering
from verifier.frontend.lower_graph import clipped


class StatementLowering(ExpressionLowering):
    """Lowers the body of one function into `self.graph`."""

    def __init__(self, noreturn: set[str] | frozenset[str], void: bool) -> None:
        super().__init__(noreturn)
        self.void = void
        self.breaks: list[tuple[int, tuple | None]] = []
        self.continues: list[tuple[int, tuple | None]] = []
        self.switches: list[list] = []
        self.labels: dict[str, int] = {}
        self.label_scopes: dict[str, tuple | None] = {}
        self.pads: list[tuple[int, tuple | None, str, int]] = []

    def function(self, body: tuple, end_line: int) -> None:
        """Lower a whole body; every path ends in a terminator afterwards."""
        self.line = body[-1]
        for statement in body[1]:
            self.statement(statement)
        self.unwind(None, end_line)
        self.scope = None
        self.graph.leave(("ret", -1, end_line))
        for pad, scope, name, line in self.pads:
            # Where a goto leaves scopes with cleanups, known only now that its label has been seen.
            self.graph.enter(pad)
            self.scope = scope
            self.unwind(common(scope, self.label_scopes.get(name)), line)
            self.graph.jump(self.labels[name])
        for name in self.labels:
            if name not in self.label_scopes:
                self.unknowns.append(f"label {name} is missing")
                self.graph.enter(self.labels[name])
                self.graph.leave(("end", end_line))

    def statement(self, statement: tuple) -> None:
        """Emit one statement."""
        self.line = statement[-1]
        STATEMENT.get(statement[0], StatementLowering.unexpected)(self, statement)

    def unexpected(self, statement: tuple) -> None:
        self.unknowns.append(f"statement {statement[0]}")

    def unwind(self, outer: tuple | None, line: int) -> None:
        """Call the cleanup functions of the scopes between the current one and `outer`."""
        scope = self.scope
        graph = self.graph
        while scope is not outer:
            variable = graph.expr(("a", graph.expr(("v", scope[1]))))
            graph.statements.append(("call", -1, graph.expr(("f", scope[2])), [variable], line))
            scope = scope[0]

    def scoped(self, statement: tuple) -> None:
        """Emit a statement whose declarations end with it."""
        outer = self.scope
        self.statement(statement)
        if self.scope is not outer:
            self.unwind(outer, self.line)
            self.scope = outer

    # simple statements

    def expr(self, statement: tuple) -> None:
        self.effect(statement[1])

    def decl(self, statement: tuple) -> None:
        _, name, init, cleanup, line = statement
        graph = self.graph
        place = graph.expr(("v", name))
        if init is None:
            graph.statements.append(("havoc", place, line))
        elif init[0] == "init" or init[0] == "initarr":
            graph.statements.append(("havoc", place, line))
            self.initialise(place, init)
        else:
            self.into(place, init)
        if cleanup is not None:
            self.scope = (self.scope, name, cleanup)

    def block(self, statement: tuple) -> None:
        outer = self.scope
        for inner in statement[1]:
            self.statement(inner)
        if self.scope is not outer:
            self.unwind(outer, self.line)
            self.scope = outer

    def asm(self, statement: tuple) -> None:
        _, _, outputs, inputs, line = statement
        values = [self.value(e) for e in inputs]
        places = [self.value(e) for e in outputs]
        self.graph.statements.append(("asm", places, values, line))

    # choices and loops

    def if_(self, statement: tuple) -> None:
        graph = self.graph
        end = graph.block()
        while True:
            _, c, then, otherwise, self.line = statement
            yes = graph.block()
            no = end if otherwise is None else graph.block()
            self.branch(c, yes, no)
            graph.enter(yes)
            self.scoped(then)
            graph.jump(end)
            if otherwise is None:
                break
            graph.enter(no)
            while otherwise[0] == "block" and len(otherwise[1]) == 1:
                otherwise = otherwise[1][0]
            if otherwise[0] != "if":
                self.scoped(otherwise)
                break
            statement = otherwise
        graph.enter(end)

    def body(self, statement: tuple, end: int, again: int) -> None:
        """A loop's body: `break` goes to `end`, `continue` to `again`."""
        self.breaks.append((end, self.scope))
        self.continues.append((again, self.scope))
        self.scoped(statement)
        self.continues.pop()
        self.breaks.pop()

    def while_(self, statement: tuple) -> None:
        _, c, body, _ = statement
        graph = self.graph
        head, inside, end = graph.block(), graph.block(), graph.block()
        graph.enter(head)
        self.branch(c, inside, end)
        graph.enter(inside)
        self.body(body, end, head)
        graph.jump(head)
        graph.enter(end)

    def do(self, statement: tuple) -> None:
        _, body, c, _ = statement
        graph = self.graph
        inside, tail, end = graph.block(), graph.block(), graph.block()
        graph.enter(inside)
        self.body(body, end, tail)
        graph.enter(tail)
        self.branch(c, inside, end)
        graph.enter(end)

    def for_(self, statement: tuple) -> None:
        _, init, c, step, body, line = statement
        graph = self.graph
        outer = self.scope
        if init is not None:
            # The names of a declaration here live as long as the loop does.
            for inner in init[1] if init[0] == "block" else (init,):
                self.statement(inner)
        self.line = line
        head, inside, tail, end = graph.block(), graph.block(), graph.block(), graph.block()
        graph.enter(head)
        if c is not None:
            self.branch(c, inside, end)
        graph.enter(inside)
        self.body(body, end, tail)
        graph.enter(tail)
        last = self.line
        self.line = line
        if step is not None:
            self.effect(step)
        graph.jump(head)
        graph.enter(end)
        self.line = last
        if self.scope is not outer:
            self.unwind(outer, last)
            self.scope = outer

    def switch(self, statement: tuple) -> None:
        _, e, body, line = statement
        graph = self.graph
        end = graph.block()
        value = self.value(e)
        dispatch = graph.current
        graph.leave(("end", line))
        self.switches.append([[], None])
        self.breaks.append((end, self.scope))
        self.scoped(body)
        self.breaks.pop()
        cases, default = self.switches.pop()
        graph.enter(end)
        if dispatch < 0:
            return
        default = end if default is None else default
        node = graph.exprs[value]
        if node[0] == "c":
            # switch (sizeof(x)): the usual way to choose by width at compile time
            hit = [target for low, high, target in cases if low <= node[1] <= high]
            graph.blocks[dispatch][1] = ("jmp", hit[0] if hit else default)
        elif cases:
            graph.blocks[dispatch][1] = ("sw", value, cases, default, line)
        else:
            graph.blocks[dispatch][1] = ("jmp", default)

    def case(self, statement: tuple) -> None:
        low, high = constant(statement[1]), constant(statement[2])
        high = low if statement[2] is None else high
        block = self.graph.block()
        self.graph.enter(block)
        if not self.switches:
            self.unknowns.append("case outside a switch")
        elif low is None or high is None:
            self.unknowns.append("case is no constant")
            # May be taken at any value that has no case of its own: between `default` and here nothing is known.
            self.switches[-1][0].append([-(1 << 63), (1 << 64) - 1, block])
        else:
            self.switches[-1][0].append([clipped(low), clipped(high), block])

    def default(self, statement: tuple) -> None:
        block = self.graph.block()
        self.graph.enter(block)
        if self.switches:
            self.switches[-1][1] = block
        else:
            self.unknowns.append("default outside a switch")

    # jumps

    def leave_to(self, targets: list[tuple[int, tuple | None]], line: int) -> None:
        if not targets:
            self.unknowns.append("break or continue outside a loop")
            return
        target, scope = targets[-1]
        self.unwind(scope, line)
        self.graph.jump(target)

    def break_(self, statement: tuple) -> None:
        self.leave_to(self.breaks, statement[1])

    def continue_(self, statement: tuple) -> None:
        self.leave_to(self.continues, statement[1])

    def label(self, statement: tuple) -> None:
        name = statement[1]
        block = self.labels.get(name)
        if block is None:
            block = self.labels[name] = self.graph.block()
        self.label_scopes[name] = self.scope
        self.graph.enter(block)

    def towards(self, name: str, line: int) -> int:
        """Block to jump to for a label: the label's, or a pad for cleanups in between."""
        block = self.labels.get(name)
        if block is None:
            block = self.labels[name] = self.graph.block()
        if self.scope is None:
            return block
        pad = self.graph.block()
        self.pads.append((pad, self.scope, name, line))
        return pad

    def goto(self, statement: tuple) -> None:
        self.graph.jump(self.towards(statement[1], statement[2]))

    def asmgoto(self, statement: tuple) -> None:
        _, labels, line = statement
        following = self.graph.block()
        self.graph.leave(("any", [following, *[self.towards(name, line) for name in labels]], line))
        self.graph.enter(following)

    def computedgoto(self, statement: tuple) -> None:
        _, labels, line = statement
        if labels:
            self.graph.leave(("any", [self.towards(name, line) for name in labels], line))
        else:
            self.unknowns.append("computed goto without a target")
            self.graph.leave(("end", line))

    def return_(self, statement: tuple) -> None:
        _, e, line = statement
        if e is None or self.void:
            if e is not None:
                self.effect(e)
            self.unwind(None, line)
            self.graph.leave(("ret", -1, line))
        elif self.scope is not None:
            result = self.kept(self.value(e))
            self.unwind(None, line)
            self.graph.leave(("ret", result, line))
        else:
            self.give(e, line)

    def give(self, e: tuple, line: int) -> None:
        """Return an expression's value without cleanups: each arm of a choice returns for itself."""
        graph = self.graph
        kind = e[0]
        known = constant(e[1]) if kind == "cond" else None
        if known is not None:
            self.give(e[3] if not known else e[1] if e[2] is None else e[2], line)
        elif kind == "cond":
            yes, no = graph.block(), graph.block()
            if e[2] is None:
                tested = self.kept(self.value(e[1]))
                self.test(tested, yes, no)
                graph.enter(yes)
                graph.leave(("ret", tested, line))
            else:
                self.branch(e[1], yes, no)
                graph.enter(yes)
                self.give(e[2], line)
            graph.enter(no)
            self.give(e[3], line)
        elif jumping(e) and constant(e) is None:
            yes, no = graph.block(), graph.block()
            self.branch(e, yes, no)
            for block, truth in ((yes, 1), (no, 0)):
                graph.enter(block)
                graph.leave(("ret", graph.expr(("c", truth)), line))
        elif kind == "comma":
            self.effect(e[1])
            self.give(e[2], line)
        else:
            graph.leave(("ret", self.value(e), line))


def common(scope: tuple | None, other: tuple | None) -> tuple | None:
    """Innermost scope that both are inside."""
    outers = set()
    while other is not None:
        outers.add(id(other))
        other = other[0]
    while scope is not None and id(scope) not in outers:
        scope = scope[0]
    return scope


STATEMENT: dict[str, Callable[[StatementLowering, tuple], None]] = {
    "expr": StatementLowering.expr,
    "decl": StatementLowering.decl,
    "if": StatementLowering.if_,
    "while": StatementLowering.while_,
    "do": StatementLowering.do,
    "for": StatementLowering.for_,
    "switch": StatementLowering.switch,
    "case": StatementLowering.case,
    "default": StatementLowering.default,
    "block": StatementLowering.block,
    "label": StatementLowering.label,
    "goto": StatementLowering.goto,
    "asmgoto": StatementLowering.asmgoto,
    "computedgoto": StatementLowering.computedgoto,
    "break": StatementLowering.break_,
    "continue": StatementLowering.continue_,
    "return": StatementLowering.return_,
    "asm": StatementLowering.asm,
}
