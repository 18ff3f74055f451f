"""Terms: which object or value an expression names.

    ("c", n) ("s", text) ("f", name) ("cur",)     constants, functions, the current task
    ("p", i)                                      parameter as it was at entry
    ("g", name) ("L", variable)                   global and local places
    ("m", place, field, tag) ("d", value) ("a", place) ("i", base, index) ("o", op, ...) ("k", value, tag)
    ("r", block, index, name)                     what the call there returned when it was last executed
    ("V", variable, field, ...)                   what a local place holds now
    ("ret",)                                      in lemmas: what the function returns
    ("u",)                                        not understood
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

Term = tuple[Any, ...]
NEG, ZERO, POS = 1, 2, 4  # outcomes: of a value, whether it is negative, zero or positive
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


def container(pointer: Term, tag: str) -> Term:
    """container_of: undoes taking a member's address."""
    place = pointer[1] if pointer[0] == "a" else UNKNOWN
    while place[0] == "m":
        if place[3] == tag:
            return address(place[1])
        place = place[1]
    return ("k", pointer, tag)


def operation(op: str, *args: Term) -> Term:
    """An operation; constants folded, operands of symmetric ones in a fixed order."""
    if len(args) == 2 and args[0][0] == args[1][0] == "c" and op in _FOLD:
        return ("c", int(_FOLD[op](args[0][1], args[1][1])))
    if len(args) == 2 and op in ("==", "!=") and same(*args):
        return ("c", int(op == "=="))
    if len(args) == 2 and op in ("==", "!=", "&", "|", "+", "*", "^"):
        args = tuple(sorted(args, key=lambda a: (a[0] == "c", repr(bare(a)))))
    if op == "!" and args[0][0] == "c":
        return ("c", int(args[0][1] == 0))
    return ("o", op, *args)


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
    make: dict[Any, Callable[..., Term]] = {"d": deref, "a": address, "o": operation, "k": container}
    return make[term[0]](*term[1:]) if term and term[0] in make else term


def substitute(term: Any, args: Sequence[Term], result: Term = UNKNOWN) -> Any:
    """A callee's term, or what is made of terms, with the arguments for the parameters and what was returned."""
    if not isinstance(term, tuple):
        return term
    if term[:1] == ("p",):
        return args[term[1]] if 0 <= term[1] < len(args) else UNKNOWN
    return result if term == ("ret",) else rebuilt(tuple(substitute(t, args, result) for t in term))


@lru_cache(1 << 16)
def bare(term: Any) -> Any:
    """A term without struct tags, which rules do not write."""
    if not isinstance(term, tuple):
        return term
    return tuple(bare(t) for t in (term[:3] if term[:1] == ("m",) else term))


@lru_cache(1 << 16)
def understood(term: Term) -> bool:
    """Whether all of a term is understood, and it is of a size worth keeping."""
    inside = list(parts(term))
    return len(inside) <= 60 and all(part[:1] != ("u",) for part in inside)


def same(a: Any, b: Any) -> bool:
    """Whether two terms name the same object; what is not understood equals nothing."""
    return isinstance(a, tuple) and bare(a) == bare(b) and understood(a)


@lru_cache(1 << 16)
def mentions(term: Term, place: bool = False) -> frozenset[Term]:
    """What a term rests on, to be met by what statements write: members, ("m",) any of them, globals, memory behind plain pointers ("*",),
    results, local places and ("<", ...) the places around them."""
    op = term[0] if term else ""
    out: set[Term] = set()
    if op == "V":
        return frozenset([term, *(("<", *term[1:n]) for n in range(2, len(term) + 1))])
    if op == "r":
        out.add(term[:3])
    elif op == "m":
        out |= {("m", term[2]), ("m",)}
    elif op == "g" and not place:
        out.add(term)
    elif (op == "d" and not place) or op == "i":
        out.add(("*",))
    return frozenset(out.union(*(mentions(t, op in ("m", "a")) for t in term if isinstance(t, tuple))))


def show(term: Term, params: list[str]) -> str:
    """C-like text of a term or literal."""
    op = term[0]
    inner = [show(t, params) if isinstance(t, tuple) and t else str(t) for t in term[1:]]
    if op == "p":
        return params[term[1]] if term[1] < len(params) else f"arg{term[1]}"
    if op == "m":
        return f"{show(term[1][1], params)}->{term[2]}" if term[1][0] == "d" else f"{inner[0]}.{term[2]}"
    if op == "o":
        return f"({f' {term[1]} '.join(inner[1:])})" if len(term) > 3 else {"neg": "-"}.get(term[1], term[1]) + inner[1]
    if op in ("call", "from"):
        args = ", ".join({None: "_", "rest": "__"}.get(a) or show(a, params) for a in term[2 if op == "call" else 3])
        return f"{'!' if term[3] else ''}{term[1]}({args})" if op == "call" else f"{inner[0]} == {term[2]}({args})"
    if op in ("cond", "found"):
        return "!" * (op == "cond" and not term[2]) + inner[0] + (f" {'=' if term[2] else '!'}= _" if op == "found" else "")
    text = {"cur": "current", "s": '"{0}"', "d": "*{0}", "a": "&{0}", "i": "{0}[{1}]", "k": "container_of({0}, {1})", "u": "?",
            "r": "{2}()#{0}.{1}", "ret": "result"}.get(op)  # fmt: skip
    return text.format(*inner) if text else ".".join(inner)
