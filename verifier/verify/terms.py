"""Terms: which object an expression names at a point, by reaching definitions.

    ("c", n) ("s", text) ("f", name) ("cur",)     constants, functions, the current task
    ("p", i)                                      parameter as it was at entry
    ("g", name) ("L", variable)                   global and local places
    ("m", place, field) ("d", value) ("a", place) ("i", base, index) ("o", op, ...) ("k", value, tag)
    ("r", block, index, name)                     what the call there returned
    ("V", variable, field, ...)                   what a local holds, where several definitions reach

A variable stands for its definition only where nothing that the definition rests on is written in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from verifier.ir.model import Function
from verifier.verify.points import ENTRY, Place, Point, Points
from verifier.verify.world import World

Term = tuple[Any, ...]
SAME = frozenset(("PTR_ERR", "ERR_PTR", "ERR_CAST", "array_index_nospec"))
MOST_BLOCKS = 12
MOST_DEPTH = 5
MOST_NODES = 60


class Terms:
    """Terms of one function; `depth` counts the functions that it is read inside of."""

    def __init__(
        self, fn: Function, unit: str, world: World, depth: int = 0, slots: dict[int, list[str]] | None = None
    ) -> None:
        """`slots`: the slots that are called through on a line."""
        self.slots = slots if slots is not None else {}
        self.fn = fn
        self.unit = unit
        self.world = world
        self.depth = depth
        self.points = Points(fn, lambda name, n: world.writes(unit, name, n))
        self.params = {p.name: i for i, p in enumerate(fn.params)}
        self._locals: dict[tuple[Place, Point], Term] = {}
        self._calls: dict[Point, Term] = {}
        self._busy: set[tuple[Place, Point]] = set()

    def value(self, index: int, point: Point) -> Term:
        """What an expression is worth at a point."""
        e = self.fn.exprs[index]
        op = e[0]
        if op in ("c", "s", "f"):
            return ("c", signed(e[1])) if op == "c" else (op, e[1])
        if op == "a":
            return address(self.location(e[1], point))
        if op == "o":
            return operation(e[1], *(self.value(i, point) for i in e[2:]))
        if op == "k":
            return container(self.value(e[1], point), e[2])
        if op == "u":
            return ("u", index, *point)
        place = self.points.place(index)
        if place is not None:
            return self.local(place, point) if "[]" not in place else ("u", index, *point)
        return self.location(index, point)

    def location(self, index: int, point: Point) -> Term:
        """The place that an lvalue names."""
        e = self.fn.exprs[index]
        if e[0] == "v":
            return ("L", e[1])
        if e[0] == "g":
            return ("g", e[1])
        if e[0] == "d":
            return deref(self.value(e[1], point))
        if e[0] == "m":
            return ("m", self.location(e[1], point), e[3], e[2])
        if e[0] == "i":
            return ("i", self.value(e[1], point), self.value(e[2], point))
        return deref(self.value(index, point))

    def local(self, place: Place, point: Point) -> Term:
        """What a local place holds at a point."""
        key = (place, point)
        found = self._locals.get(key)
        if found is None:
            if key in self._busy:
                return ("V", *place)
            self._busy.add(key)
            found = self._local(place, point)
            if size(found) > MOST_NODES:
                found = ("V", *place)
            self._busy.discard(key)
            self._locals[key] = found
        return found

    def _local(self, place: Place, point: Point) -> Term:
        plain: Term = ("V", *place)
        defs = self.points.definitions(place, point)
        if len(defs) != 1:
            return plain
        (at,) = defs
        if at == ENTRY:
            return project(("p", self.params[place[0]]), place[1:]) if place[0] in self.params else plain
        s = self.points.statement(at)
        if s[0] not in ("=", "call") or s[1] < 0:
            return plain
        target = self.points.place(s[1])
        if target is None or place[: len(target)] != target:
            return plain
        term = self.value(s[2], at) if s[0] == "=" else self.call(at)
        if self.points.between(self.kills(term), at, point):
            return plain
        return project(term, place[len(target) :])

    def call(self, at: Point) -> Term:
        """What a call returned, in terms of its arguments where the callee always returns the same projection."""
        found = self._calls.get(at)
        if found is None:
            found = self._calls[at] = self._call(at)
        return found

    def _call(self, at: Point) -> Term:
        name = self.points.callee(at)
        unknown: Term = ("r", *at, name or "?")
        if name is None:
            return unknown
        args = self.arguments(at)
        if name == "get_current":
            return ("cur",)
        if name in SAME and args:
            return args[0]
        if self.world.opaque(name):
            return unknown
        fid = self.world.program.resolve(self.unit, name)
        if fid is None:
            accessor = self.world.pack.accessors.get(name)
            term = evaluate(accessor.value, dict(zip(accessor.params, args, strict=False)), self.world) if accessor else None
            return term if term is not None else unknown
        returned = returned_term(self.world, fid, self.depth)
        return self.settle(substitute(returned, args), at) if returned is not None else unknown

    def settle(self, term: Term, point: Point, place: bool = False) -> Term:
        """A term put together from outside, with what locals hold at a point where it reads them."""
        fields: list[str] = []
        base = term
        while base[0] == "m":
            fields.append(base[2])
            base = base[1]
        if base[0] == "L" and not place:
            return self.local((base[1], *reversed(fields)), point)
        inner = term[0] in ("m", "a")
        return tuple(self.settle(t, point, inner) if isinstance(t, tuple) else t for t in term)

    def arguments(self, at: Point) -> list[Term]:
        """Terms of a call's arguments."""
        return [self.value(a, at) for a in self.points.statement(at)[3]]

    def kills(self, term: Term, place: bool = False) -> frozenset[Point]:
        """Statements after which the same text may name something else; of a place, only those that move it."""
        op = term[0]
        out: set[Point] = set()
        if op == "r":
            out.add((term[1], term[2]))
        elif op == "V":
            out |= self.points.touching(term[1:])
        elif op == "m":
            out |= self.points.fields.get(term[2], set())
        elif op == "g" and not place:
            out |= self.points.globals.get(term[1], set())
        elif (op == "d" and not place) or op == "i":
            out |= self.points.pointed
        for part in term[1:]:
            if isinstance(part, tuple):
                out |= self.kills(part, op in ("m", "a"))
        return frozenset(out)


def returned_term(world: World, fid: str, depth: int) -> Term | None:
    """The term over parameters that a small function returns on every path, or None."""
    key = (fid, depth)
    if key in world.returned:
        return world.returned[key]
    fn = world.body(fid) if depth < MOST_DEPTH else None
    if fn is None or not 0 < len(fn.blocks) <= MOST_BLOCKS:
        return None
    terms = Terms(fn, world.program.functions[fid].unit, world, depth + 1)
    found: set[Term] = set()
    for b, block in enumerate(fn.blocks):
        t = block.terminator
        if t[0] == "ret":
            found.add(terms.value(t[1], (b, len(block.statements))) if t[1] >= 0 else ("u",))
    term = next(iter(found)) if len(found) == 1 else None
    if term is not None and (not lasting(term) or terms.kills(term)):
        term = None
    world.returned[key] = term
    return term


def signed(number: int) -> int:
    """A constant as a signed 64-bit number."""
    return number - (1 << 64) if number >= 1 << 63 else number


def deref(value: Term) -> Term:
    """The place that a value points to."""
    return value[1] if value[0] == "a" else ("d", value)


def address(place: Term) -> Term:
    """The address of a place."""
    return place[1] if place[0] == "d" else ("a", place)


def container(pointer: Term, tag: str) -> Term:
    """container_of: undoes taking a member's address."""
    if pointer[0] == "a":
        place = pointer[1]
        while place[0] == "m":
            if place[3] == tag:
                return address(place[1])
            place = place[1]
    return ("k", pointer, tag)


def project(value: Term, fields: Place) -> Term:
    """Members of a struct value."""
    for field in fields:
        value = ("m", value, field, "")
    return value


FOLD = {"+": int.__add__, "-": int.__sub__, "&": int.__and__, "|": int.__or__, "^": int.__xor__}
COMPARE = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def operation(op: str, *args: Term) -> Term:
    """An operation; constants folded, operands of symmetric ones in a fixed order."""
    if len(args) == 2 and args[0][0] == args[1][0] == "c":
        a, b = args[0][1], args[1][1]
        if op in FOLD:
            return ("c", FOLD[op](a, b))
        if op in COMPARE:
            return ("c", int(COMPARE[op](a, b)))
    if len(args) == 2 and op in ("==", "!=") and same(args[0], args[1]):
        return ("c", int(op == "=="))
    if len(args) == 2 and op in ("==", "!=", "&", "|", "+", "*", "^"):
        args = tuple(sorted(args, key=lambda a: (a[0] == "c", repr(bare(a)))))
    if op == "!" and args[0][0] == "c":
        return ("c", int(args[0][1] == 0))
    return ("o", op, *args)


def parts(term: Term) -> Iterator[Term]:
    """The term and all terms inside."""
    yield term
    for item in term[1:]:
        if isinstance(item, tuple):
            yield from parts(item)


def size(term: Term) -> int:
    """Number of nodes."""
    return 1 + sum(size(item) for item in term[1:] if isinstance(item, tuple))


def lasting(term: Term) -> bool:
    """Whether a term speaks only of parameters, globals and what hangs on them, so that callers understand it."""
    return all(part[0] not in ("r", "V", "L", "u") for part in parts(term))


def substitute(term: Term, args: list[Term]) -> Term:
    """A callee's term with the arguments for the parameters."""
    op = term[0]
    if op == "p":
        return args[term[1]] if term[1] < len(args) else ("u", "arg", term[1])
    inner = [substitute(t, args) if isinstance(t, tuple) else t for t in term[1:]]
    if op == "d":
        return deref(inner[0])
    if op == "a":
        return address(inner[0])
    if op == "o":
        return operation(*inner)
    if op == "k":
        return container(*inner)
    return (op, *inner)


def bare(term: Term) -> Term:
    """A term without struct tags, which rules do not write."""
    if term[0] == "m":
        return ("m", bare(term[1]), term[2])
    return tuple(bare(t) if isinstance(t, tuple) else t for t in term)


def same(a: Term, b: Term) -> bool:
    """Whether two terms name the same object; what is not understood equals nothing."""
    return bare(a) == bare(b) and all(part[0] != "u" for part in parts(a))


def evaluate(pattern: Any, names: dict[str, Term], world: World) -> Term | None:
    """The term that a rule's expression names under bindings; None for `_` and calls without a declared value."""
    op = pattern[0]
    if op == "name":
        return names.get(pattern[1]) or (("cur",) if pattern[1] == "current" else ("g", pattern[1]))
    if op == "int":
        return ("c", signed(pattern[1]))
    if op == "str":
        return ("s", pattern[1])
    if op == "call" and isinstance(pattern[1], str):
        accessor = world.pack.accessors.get(pattern[1])
        if accessor is None:
            return None
        args = [evaluate(a, names, world) for a in pattern[2]]
        if any(a is None for a in args):
            return None
        return evaluate(accessor.value, dict(zip(accessor.params, args, strict=False)), world)  # type: ignore[arg-type]
    if op == "not":
        inner = evaluate(pattern[1], names, world)
        return operation("!", inner) if inner is not None else None
    items = [evaluate(p, names, world) for p in pattern[1:] if isinstance(p, tuple)]
    if any(i is None for i in items) or op in ("any", "rest", "call", "and", "or", "assign"):
        return None
    if op == "bin":
        return operation(pattern[1], *items)  # type: ignore[arg-type]
    if op == "un":
        return operation({"-": "neg"}.get(pattern[1], pattern[1]), *items)  # type: ignore[arg-type]
    if op == "member":
        return ("m", items[0], pattern[2], "")
    if op == "index":
        return ("i", *items)
    return deref(items[0]) if op == "deref" else address(items[0])  # type: ignore[arg-type]


def show(term: Term, params: list[str]) -> str:
    """C-like text of a term."""
    op = term[0]
    if op in ("c", "g", "L", "f"):
        return str(term[1])
    if op == "s":
        return f'"{term[1]}"'
    if op == "p":
        return params[term[1]] if term[1] < len(params) else f"arg{term[1]}"
    if op == "cur":
        return "current"
    if op == "m":
        base = term[1]
        return f"{show(base[1], params)}->{term[2]}" if base[0] == "d" else f"{show(base, params)}.{term[2]}"
    if op in ("d", "a"):
        return {"d": "*", "a": "&"}[op] + show(term[1], params)
    if op == "i":
        return f"{show(term[1], params)}[{show(term[2], params)}]"
    if op == "o":
        texts = [show(t, params) for t in term[2:]]
        return f"({f' {term[1]} '.join(texts)})" if len(texts) > 1 else {"neg": "-"}.get(term[1], term[1]) + texts[0]
    if op == "k":
        return f"container_of({show(term[1], params)}, {term[2]})"
    if op == "r":
        return f"{term[3]}()#{term[1]}.{term[2]}"
    return ".".join(str(t) for t in term[1:]) if op == "V" else "?"
