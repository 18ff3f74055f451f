"""Abstract states: facts, environment, constraints and the subject in force on one class of paths.

States with different facts are kept apart and states with the same facts are joined, which is property simulation
(Das, Lerner and Seigle, "ESP", PLDI 2002): correlated branches stay correlated for as long as it matters to a check.
"""

from __future__ import annotations

from typing import Any

from verifier.flow.values import Value, Values

NEG, ZERO, POS = 1, 2, 4
ANY = NEG | ZERO | POS
NONZERO = NEG | POS

Constraint = tuple[int, int | None, frozenset[int]]
FREE: Constraint = (ANY, None, frozenset())


def sign(number: int) -> int:
    """The outcome class of a constant."""
    return ZERO if number == 0 else POS if number > 0 else NEG


class State:
    """One abstract state.  `facts` are passed checks and held conditions, `env` what locations hold, `cons` what is
    known of values, `subject` the credentials in force (None: the caller's own), `trace` the way here."""

    __slots__ = ("cons", "env", "facts", "subject", "trace")

    def __init__(
        self,
        facts: frozenset[Value],
        env: dict[Value, Value],
        cons: dict[Value, Constraint],
        subject: Value | None,
        trace: tuple[Any, ...] | None,
    ) -> None:
        self.facts = facts
        self.env = env
        self.cons = cons
        self.subject = subject
        self.trace = trace

    def copy(self) -> State:
        """An independent copy (facts and trace are shared, they never change in place)."""
        return State(self.facts, self.env.copy(), self.cons.copy(), self.subject, self.trace)

    def narrow(self, value: Value, mask: int, eq: int | None = None, ne: int | None = None) -> bool:
        """Add knowledge about a value; False if it contradicts what is known (the path is infeasible)."""
        old_mask, old_eq, old_ne = self.cons.get(value, FREE)
        new = old_mask & mask
        if eq is not None:
            if (old_eq is not None and old_eq != eq) or eq in old_ne:
                return False
            new &= sign(eq)
            old_eq = eq
        if old_eq is not None:
            new &= sign(old_eq)
            if ne is not None and old_eq == ne:
                return False
        if ne is not None:
            if ne == 0:
                new &= ~ZERO
            elif len(old_ne) < 12:
                old_ne = old_ne | {ne}
        if not new:
            return False
        self.cons[value] = (new, 0 if new == ZERO else old_eq, old_ne)
        return True


def join(old: State, new: State, values: Values, block: int) -> State | None:
    """Least state above both, for the same facts and subject; None when `old` already covers `new`."""
    changed = False
    env: dict[Value, Value] = {}
    extra: list[tuple[Value, Constraint]] = []
    for location, a in old.env.items():
        b = new.env.get(location)
        if b is None:
            changed = True
            continue
        if a is b:
            env[location] = a
            continue
        merged = values.make("phi", block, location)
        if a is not merged:
            changed = True
            extra.append((merged, either(known(old, a), known(new, b))))
        else:
            wider = either(old.cons.get(a, FREE), known(new, b))
            if wider != old.cons.get(a, FREE):
                changed = True
            extra.append((merged, wider))
        env[location] = merged
    cons: dict[Value, Constraint] = {}
    for value, a_con in old.cons.items():
        b_con = new.cons.get(value)
        if b_con is None:
            changed = True
            continue
        wider = either(a_con, b_con)
        if wider != a_con:
            changed = True
        if wider != FREE:
            cons[value] = wider
    for value, con in extra:
        if con != FREE:
            cons[value] = con
        else:
            cons.pop(value, None)
    if not changed:
        return None
    return State(old.facts, env, cons, old.subject, old.trace)


def known(state: State, value: Value) -> Constraint:
    """What the state itself says of a value, without looking into operations."""
    if value.op == "c":
        number = value.args[0]
        return (sign(number), number, frozenset())
    if value.op in ("&", "s"):
        return (POS, None, frozenset())
    return state.cons.get(value, FREE)


def either(a: Constraint, b: Constraint) -> Constraint:
    """Join of two constraints."""
    if a == b:
        return a
    ne = a[2] & b[2] if a[2] and b[2] else frozenset()
    if a[1] is not None and b[2] and a[1] not in b[2]:
        ne = b[2] - {a[1]}
    elif b[1] is not None and a[2] and b[1] not in a[2]:
        ne = a[2] - {b[1]}
    return (a[0] | b[0], a[1] if a[1] == b[1] else None, ne)
