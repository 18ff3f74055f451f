"""What is known at a point of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from verifier.verify.terms import ANY, POS, TRUE, ZERO, Term, compared, mentions, rebuilt, sign, truth_of, understood


class State:
    """One alternative of what holds at a point.

    `env` tells what local places hold, where that is more than themselves.  `known` tells outcomes of terms, and, with 0,
    ("!", n) that literal n holds and ("?", n, block, index, allow, term) that it does once `term` has an outcome in `allow`.
    """

    __slots__ = ("env", "known")

    def __init__(self, env: dict[Term, Term], known: dict[Term, int]) -> None:
        self.env = env
        self.known = known

    def copy(self) -> State:
        """The same, to be changed."""
        return State(dict(self.env), dict(self.known))

    def read(self, place: Term) -> Term:
        """What a place holds."""
        return self.env.get(place, place)

    def settle(self, term: Any, place: bool = False) -> Any:
        """A term put together from outside, with what locals hold where it reads them."""
        if not isinstance(term, tuple):
            return term
        term = rebuilt(tuple(self.settle(t, term[:1] in (("m",), ("a",))) for t in term))
        return term if place or term[:1] not in (("v",), ("m",)) else self.read(term)

    def outcomes(self, term: Term) -> int:
        """Outcomes that a term can have."""
        if term[0] == "c" or term in self.known or term[:2] != ("o", "=="):
            return sign(term[1]) if term[0] == "c" else self.known.get(term, ANY)
        equal = [k[3] for k, m in self.known.items() if k[:3] == term[:3] and k[3][0] == term[3][0] == "c" and not m & ZERO]
        return ZERO if any((other[1] - term[3][1]) % (1 << 32) for other in equal) else ANY  # equal to another number

    def implies(self, other: State) -> bool:
        """Whether all that another state says holds in this one."""
        return all(self.read(place) == term for place, term in other.env.items()) and not any(
            self.outcomes(term) & ~mask for term, mask in other.known.items()
        )

    def assume(self, term: Term, mask: int) -> bool:
        """Take it that a term has one of some outcomes; false where it cannot."""
        if not understood(term):
            return True
        inner, truth = truth_of(term)
        if term[0] == "o" and (not truth or inner != term):
            yes, no = (TRUE, ZERO) if truth else (ZERO, TRUE)
            return self.assume(inner, (yes if mask & POS else 0) | (no if mask & ZERO else 0))
        left = self.outcomes(term) & mask
        if term[0] == "c" or left in (0, ANY):
            return bool(left)
        self.known[term] = left
        if term[0] == "o" and term[1] in ("==", "<", "<=") and term[3][0] == "c" and not (left & ZERO and left & TRUE):
            return self.assume(term[2], compared(term[1], term[3][1])[left == ZERO])
        return True

    def forget(self, what: Callable[[Term], bool]) -> None:
        """Forget some of what is known."""
        for key in [k for k in self.known if what(k)]:
            del self.known[key]

    def write(self, places: list[Term], rests: Callable[[Term], frozenset[Term]], more: frozenset[Term] = frozenset()) -> frozenset[Term]:
        """Forget what rests on places that are written, or on `more`; `rests` tells what of a key of `known`.  All that was met."""
        met = more.union(*map(touched, places))
        for own, value in list(self.env.items()):
            apart = met.isdisjoint(mentions(value)) and met.isdisjoint(mentions(own, True))
            if not apart or any(within(own, place) or within(place, own) for place in places):
                del self.env[own]
        self.forget(lambda key: not met.isdisjoint(rests(key)))
        return met

    def store(self, target: Term, value: Term, rests: Callable[[Term], frozenset[Term]]) -> None:
        """Write a value to a place."""
        whole = target[0] in ("d", "i") and value[0] not in ("a", "c", "cur", "f", "k", "o", "s")  # it may be a struct
        met = self.write([target], rests, frozenset([("m",)] if whole else ()))
        if root(target)[0] == "v" and understood(value) and met.isdisjoint(mentions(value)):
            self.env[target] = value


def root(place: Term) -> Term:
    """What a member of a member is finally one of."""
    return root(place[1]) if place[0] == "m" else place


def within(inner: Term, place: Term) -> bool:
    """Whether a place is another one, or a member of it."""
    return inner == place or (inner[0] == "m" and within(inner[1], place))


def variable(place: Term) -> Term | None:
    """The variable that a place lies in, also as an element of an array."""
    while place[0] in ("m", "i"):
        place = place[1]
    return place if place[0] == "v" else None


def touched(target: Term) -> frozenset[Term]:
    """What of `mentions` a store to a place meets; of a variable that the place lies in, all."""
    own = ("m", target[2]) if target[0] == "m" else target if target[0] in ("g", "r", "v") else ("*",)
    inside = variable(target)
    return frozenset([own, inside] if inside and inside != root(target) else [inside or own])
