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

    def __init__(self, env: dict[tuple, Term], known: dict[Term, int]) -> None:
        self.env = env
        self.known = known

    def copy(self) -> State:
        """The same, to be changed."""
        return State(dict(self.env), dict(self.known))

    def read(self, place: Term) -> Term:
        """What a place holds."""
        own = local_place(place)
        return self.local(own) if own else place

    def local(self, place: tuple) -> Term:
        """What a local place holds."""
        for n in range(len(place), 0, -1):
            value = self.env.get(place[:n])
            if value is not None:
                for field in place[n:]:
                    value = ("m", value, field, "")
                return value
        return ("V", *place)

    def settle(self, term: Any, place: bool = False) -> Any:
        """A term put together from outside, with what locals hold where it reads them."""
        if not isinstance(term, tuple):
            return term
        term = rebuilt(tuple(self.settle(t, term[:1] in (("m",), ("a",))) for t in term))
        return term if place or term[:1] not in (("L",), ("m",)) else self.read(term)

    def outcomes(self, term: Term) -> int:
        """Outcomes that a term can have."""
        if term[0] == "c" or term in self.known or term[:2] != ("o", "=="):
            return sign(term[1]) if term[0] == "c" else self.known.get(term, ANY)
        equal = [k[3] for k, m in self.known.items() if k[:3] == term[:3] and k[3][0] == term[3][0] == "c" and not m & ZERO]
        return ZERO if any((other[1] - term[3][1]) % (1 << 32) for other in equal) else ANY  # equal to another number

    def implies(self, other: State) -> bool:
        """Whether all that another state says holds in this one."""
        return all(self.local(place) == term for place, term in other.env.items()) and not any(
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

    def met(self, literal: tuple) -> bool:
        """Whether a condition is known as a literal wants it."""
        refused = ZERO if literal[2] else TRUE
        if literal[0] == "cond":
            return not self.outcomes(literal[1]) & refused
        return any(k[:2] == ("o", "==") and literal[1] in k[2:] and not m & refused for k, m in self.known.items())

    def drop(self, what: Callable[[tuple], bool]) -> None:
        """Forget some of what is known."""
        for key in [k for k in self.known if what(k)]:
            del self.known[key]

    def kill(self, hit: set[Term], rests: Callable[[tuple], frozenset[Term]]) -> None:
        """Forget what rests on something that is written; `rests` tells what of a key of `known`."""
        for place, value in list(self.env.items()):
            if not hit.isdisjoint(mentions(value)) or not hit.isdisjoint(mentions(("V", *place))):
                del self.env[place]
        self.drop(lambda key: not hit.isdisjoint(rests(key)))

    def store(self, target: Term, value: Term, rests: Callable[[tuple], frozenset[Term]]) -> None:
        """Write a value to a place."""
        hit, place = touched(target), local_place(target)
        if target[0] in ("d", "i") and value[0] in ("d", "i", "u"):
            hit.add(("m",))  # it may be a whole struct
        self.kill(hit, rests)
        if place and understood(value) and hit.isdisjoint(mentions(value)):
            self.env[place] = value


def local_place(place: Term) -> tuple:
    """The variable and fields that a place is; () of one that is not local."""
    fields: list[str] = []
    while place[0] == "m":
        fields.append(place[2])
        place = place[1]
    return (place[1], *reversed(fields)) if place[0] == "L" else ()


def touched(target: Term) -> set[Term]:
    """What of `mentions` a store to a place meets; an element of a local array is all of it."""
    place = local_place(target)
    out = set() if place else {target if target[0] == "g" else ("m", target[2]) if target[0] == "m" else ("*",)}
    while target[0] in ("m", "i") and not place:
        target = target[1]
    place = place or (target[1:] if target[0] == "V" else ())
    return out | {("<", *place), *(("V", *place[:n]) for n in range(1, len(place) + 1))} if place else out
