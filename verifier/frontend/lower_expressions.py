"""Expressions of the small AST become pooled, effect-free expressions; their effects become statements and branches.

Four ways to lower an expression, one for each thing that can be wanted of it: `value` (its pool index) is here; `into`
(store it in an lvalue), `effect` (nothing but what it does) and `branch` (control goes one way or the other) are in
`lower_choices`.
"""

from __future__ import annotations

from collections.abc import Callable

from verifier.frontend.lower_choices import ChoiceLowering, constant, jumping
from verifier.frontend.lower_graph import clipped

# Builtins that do not come back; `__builtin_unreachable` is no call at all.
NEVER_RETURN = frozenset(("__builtin_unreachable", "__builtin_trap", "__builtin_abort"))


class ExpressionLowering(ChoiceLowering):
    """Values of expressions; `lower_statements` completes it."""

    def value(self, e: tuple) -> int:
        """Pool index of the expression; calls, assignments and choices in it are emitted first."""
        return VALUE.get(e[0], ExpressionLowering.value_unexpected)(self, e)

    def value_int(self, e: tuple) -> int:
        return self.graph.expr(("c", clipped(e[1])))

    def value_str(self, e: tuple) -> int:
        return self.graph.expr(("s", e[1]))

    def value_var(self, e: tuple) -> int:
        return self.graph.expr(("v", e[1]))

    def value_glob(self, e: tuple) -> int:
        return self.graph.expr(("g", e[1]))

    def value_fun(self, e: tuple) -> int:
        return self.graph.expr(("f", e[1]))

    def value_mem(self, e: tuple) -> int:
        return self.graph.expr(("m", self.value(e[1]), e[2], e[3]))

    def value_deref(self, e: tuple) -> int:
        return self.graph.deref(self.value(e[1]))

    def value_addr(self, e: tuple) -> int:
        return self.graph.address(self.value(e[1]))

    def value_idx(self, e: tuple) -> int:
        base = self.value(e[1])
        return self.graph.expr(("i", base, self.value(e[2])))

    def value_un(self, e: tuple) -> int:
        if e[1] == "!" and jumping(e):
            return self.value_choice(e)
        return self.graph.unary("neg" if e[1] == "-" else e[1], self.value(e[2]))

    def value_bin(self, e: tuple) -> int:
        # Down the left spine in a loop: sums and masks of hundreds of terms exist.
        spine = []
        while e[0] == "bin":
            spine.append(e)
            e = e[2]
        left = self.value(e)
        for node in reversed(spine):
            left = self.graph.binary(node[1], left, self.value(node[3]))
        return left

    def value_choice(self, e: tuple) -> int:
        """`&&`, `||`, `?:`, compound literals: anything that is stored piecemeal goes through a temporary."""
        known = constant(e)
        if known is not None:
            return self.graph.expr(("c", clipped(known)))
        if e[0] == "cond":
            known = constant(e[1])
            if known is not None:
                return self.value(e[3] if not known else e[1] if e[2] is None else e[2])
        place = self.graph.temporary()
        self.into(place, e)
        return place

    def value_comma(self, e: tuple) -> int:
        self.effect(e[1])
        return self.value(e[2])

    def value_assign(self, e: tuple) -> int:
        """The value of an assignment is its left side, or the constant that was stored."""
        _, op, left, right = e
        place = self.value(left)
        if op:
            stored = self.graph.binary(op, place, self.value(right))
            self.graph.statements.append(("=", place, stored, self.line))
            return place
        self.into(place, right)
        return self.value(right) if right[0] == "int" else place

    def value_incdec(self, e: tuple) -> int:
        _, op, prefix, left = e
        graph = self.graph
        place = self.value(left)
        before = place
        if not prefix:
            before = graph.temporary()
            graph.statements.append(("=", before, place, self.line))
        graph.statements.append(("=", place, graph.binary(op, place, graph.expr(("c", 1))), self.line))
        return before

    def value_call(self, e: tuple) -> int:
        return self.call(e, None)

    def value_container(self, e: tuple) -> int:
        return self.graph.expr(("k", self.value(e[1]), e[2]))

    def value_stmtexpr(self, e: tuple) -> int:
        outer = self.scope
        last = self.all_but_last(e[1])
        if last is None:
            result = self.graph.expr(("u", "no value"))
        else:
            result = self.value(last)
            if self.scope is not outer:
                result = self.kept(result)
        self.unwind(outer, self.line)
        self.scope = outer
        return result

    def value_vaarg(self, e: tuple) -> int:
        # A temporary for each: two va_arg are two values although they read alike.
        place = self.graph.temporary()
        self.graph.statements.append(("=", place, self.graph.expr(("u", "va_arg")), self.line))
        return place

    def value_unknown(self, e: tuple) -> int:
        self.unknowns.append(e[1])
        return self.graph.expr(("u", e[1]))

    def value_unexpected(self, e: tuple) -> int:
        return self.value_unknown(("unknown", f"expression {e[0]}"))

    def call(self, e: tuple, place: int | None) -> int:
        """Emit a call; `place` is the destination's index, -1 for none, None for a new temporary.  Returns it."""
        _, function, arguments, line = e
        graph = self.graph
        callee = self.value(function)
        values = [self.value(argument) for argument in arguments]
        if place is None:
            place = graph.temporary()
        if function[0] == "fun" and (function[1] in self.noreturn or function[1] in NEVER_RETURN):
            if function[1] != "__builtin_unreachable":
                graph.statements.append(("call", -1, callee, values, line))
            graph.leave(("end", line))
        else:
            graph.statements.append(("call", place, callee, values, line))
        return place


VALUE: dict[str, Callable[[ExpressionLowering, tuple], int]] = {
    "int": ExpressionLowering.value_int,
    "str": ExpressionLowering.value_str,
    "var": ExpressionLowering.value_var,
    "glob": ExpressionLowering.value_glob,
    "fun": ExpressionLowering.value_fun,
    "mem": ExpressionLowering.value_mem,
    "deref": ExpressionLowering.value_deref,
    "addr": ExpressionLowering.value_addr,
    "idx": ExpressionLowering.value_idx,
    "un": ExpressionLowering.value_un,
    "bin": ExpressionLowering.value_bin,
    "and": ExpressionLowering.value_choice,
    "or": ExpressionLowering.value_choice,
    "cond": ExpressionLowering.value_choice,
    "comma": ExpressionLowering.value_comma,
    "assign": ExpressionLowering.value_assign,
    "incdec": ExpressionLowering.value_incdec,
    "call": ExpressionLowering.value_call,
    "container": ExpressionLowering.value_container,
    "stmtexpr": ExpressionLowering.value_stmtexpr,
    "init": ExpressionLowering.value_choice,
    "initarr": ExpressionLowering.value_choice,
    "vaarg": ExpressionLowering.value_vaarg,
    "unknown": ExpressionLowering.value_unknown,
}
