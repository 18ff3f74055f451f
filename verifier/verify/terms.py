"""Terms: which object or value an expression names.

    ("c", n) ("s", text) ("f", name) ("cur",)     constants, functions, the current task
    ("p", i)                                      parameter as it was at entry
    ("r", block, index)                           what the call there returned when it was last executed
    ("v", name) ("g", name) ("m", place, member) ("d", value) ("i", base, index)
                                                  places; where a value is wanted, what stands there now
    ("a", place) ("o", op, ...) ("k", value, tag) addresses, operations, container_of
    ("ret",)                                      in lemmas: what the function returns
    ("u",)                                        not understood
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from lattices.answers import NEG, POS, ZERO

Term = tuple[Any, ...]
ANY, TRUE = NEG | ZERO | POS, NEG | POS
UNKNOWN: Term = ("u",)
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_FOLD = {"+": operator.add, "-": operator.sub, "&": operator.and_, "|": operator.or_, "^": operator.xor, **_COMPARE}
_OPPOSITE = {"!=": "==", ">": "<=", ">=": "<"}


class Fails(Exception):
    """A certificate that does not hold; the message says where."""


def signed(number: int) -> int:
    """A constant as a signed 64-bit number."""
    return number - (1 << 64) if number >= 1 << 63 else number


def sign(number: int) -> int:
    """The outcome that a number is."""
    return ZERO if number == 0 else POS if number > 0 else NEG


def deref(value: Term) -> Term:
    """The place that a value points to."""
    return value[1] if value[0] == "a" else ("d", value)


def address(place: Term) -> Term:
    """The address of a place."""
    return place[1] if place[0] == "d" else ("a", place)


def operation(op: str, *args: Term) -> Term:
    """An operation; constants folded, operands of symmetric ones in a fixed order."""
    if len(args) == 2 and args[0][0] == args[1][0] == "c" and op in _FOLD:
        return ("c", int(_FOLD[op](args[0][1], args[1][1])))
    if len(args) == 2 and op in ("==", "!=") and same(*args):
        return ("c", int(op == "=="))
    if len(args) == 2 and op in ("==", "!=", "&", "|", "+", "*", "^"):
        args = tuple(sorted(args, key=lambda a: (a[0] == "c", repr(a))))
    return ("c", int(args[0][1] == 0)) if op == "!" and args[0][0] == "c" else ("o", op, *args)


def truth_of(term: Term, truth: bool = True) -> tuple[Term, bool]:
    """A condition in one of its spellings: no `!`, `!=`, `>` or `>=` outside, no comparison with 0."""
    while term[0] == "o" and (term[1] == "!" or term[1] in _OPPOSITE or term[1:4:2] == ("==", ("c", 0))):
        if term[1] in _OPPOSITE and term[1:4:2] != ("!=", ("c", 0)):
            term, truth = operation(_OPPOSITE[term[1]], *term[2:]), not truth
        else:
            term, truth = term[2], truth == (term[1] == "!=")
    return term, truth


def compared(op: str, number: int) -> tuple[int, int]:
    """Outcomes of x where `x op number` is true, and where it is false."""
    if (op, number) in (("<", -4095), ("<=", -4096)):  # IS_ERR_VALUE() compares without sign
        return ZERO | POS, NEG
    some = (number - 1, number, number + 1, -1, 0, 1, -abs(number) - 1, abs(number) + 1)
    true = sum({sign(x) for x in some if _COMPARE[op](x, number)})
    return true, sum({sign(x) for x in some if not _COMPARE[op](x, number)})


def parts(term: Term) -> Iterator[Term]:
    """The term and all terms inside."""
    yield term
    for item in term:
        if isinstance(item, tuple):
            yield from parts(item)


def rebuilt(term: Any) -> Any:
    """A term whose parts have changed, in its one spelling."""
    make: dict[Any, Callable[..., Term]] = {"d": deref, "a": address, "o": operation}
    return make[term[0]](*term[1:]) if term and term[0] in make else term


def substitute(term: Any, args: Sequence[Term], result: Term = UNKNOWN) -> Any:
    """A callee's term, or what is made of terms, with the arguments for the parameters and what was returned."""
    if not isinstance(term, tuple):
        return term
    if term[:1] == ("p",):
        return args[term[1]] if 0 <= term[1] < len(args) else UNKNOWN
    return result if term == ("ret",) else rebuilt(tuple(substitute(t, args, result) for t in term))


@lru_cache(1 << 16)
def understood(term: Term) -> bool:
    """Whether all of a term is understood, and it is of a size worth keeping."""
    inside = list(parts(term))
    return len(inside) <= 60 and all(part[:1] != ("u",) for part in inside)


def same(a: Any, b: Any) -> bool:
    """Whether two terms name the same object; what is not understood equals nothing."""
    return isinstance(a, tuple) and a == b and understood(a)


@lru_cache(1 << 16)
def mentions(term: Term, address: bool = False) -> frozenset[Term]:
    """What a term rests on, to be met by what statements write: results, variables, members (("m",): any of them), globals,
    memory behind plain pointers ("*",); `address`: where only the address is wanted."""
    out: set[Term] = set()
    base = term
    while base[:1] == ("m",):
        out |= {("m", base[2]), ("m",)}
        base = base[1]
    if base[:1] == ("i",) or (base[:1] == ("d",) and not address and base is term):
        out.add(("*",))
    elif base[:1] in (("r",), ("v",), ("g",)) and not address:
        out.add(base)
    return frozenset(out.union(*(mentions(t, base[0] == "a") for t in base if isinstance(t, tuple))))
