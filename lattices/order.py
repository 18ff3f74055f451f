"""Finite partial orders, their products, and their encoding in integers.

An order is given by covering pairs; the closure is kept as one bit mask of upper and of lower elements per element.
Least upper bounds exist where the set of common upper bounds has a least element (Davey and Priestley, Introduction
to Lattices and Order, chapter 2).  Distributive lattices are encoded by the join-irreducible elements below each
element (Birkhoff's representation theorem, ibid. chapter 5), so that join is `|`, meet is `&` and the order is inclusion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from itertools import product as cartesian


class OrderError(ValueError):
    """A set of pairs that is no partial order, or an element that an order does not have."""


class Order:
    """A finite partial order over names, in the order given.

    `pairs` are (lower, upper); reflexive and transitive closure is taken.  Raises OrderError for an unknown name, a
    name given twice, or a cycle.
    """

    def __init__(self, elements: Iterable[str], pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.elements: tuple[str, ...] = tuple(elements)
        self._index = {name: n for n, name in enumerate(self.elements)}
        if len(self._index) != len(self.elements):
            twice = next(name for n, name in enumerate(self.elements) if self._index[name] != n)
            raise OrderError(f"{twice!r} is there twice")
        size = len(self.elements)
        self._up = [1 << n for n in range(size)]
        for lower, upper in pairs:
            self._up[self.index(lower)] |= 1 << self.index(upper)
        for middle in range(size):  # closure after Warshall, on rows of bits
            row = self._up[middle]
            for n in range(size):
                if self._up[n] >> middle & 1:
                    self._up[n] |= row
        self._down = [sum(1 << m for m in range(size) if self._up[m] >> n & 1) for n in range(size)]
        for n in range(size):
            both = self._up[n] & self._down[n] & ~(1 << n)
            if both:
                raise OrderError(f"{self.elements[n]!r} and {self.elements[_low(both)]!r} stand below each other")

    def index(self, name: str) -> int:
        """Position of an element; raises OrderError for a stranger."""
        try:
            return self._index[name]
        except KeyError:
            raise OrderError(f"{name!r} is no element of this order") from None

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def __len__(self) -> int:
        return len(self.elements)

    def __eq__(self, other: object) -> bool:
        """Same elements in any sequence, same order."""
        if not isinstance(other, Order):
            return NotImplemented
        return set(self.elements) == set(other.elements) and set(self.below()) == set(other.below())

    def __repr__(self) -> str:
        return f"Order({list(self.elements)!r}, {list(self.covers())!r})"

    def leq(self, a: str, b: str) -> bool:
        """a is b or below b."""
        return bool(self._up[self.index(a)] >> self.index(b) & 1)

    def below(self) -> Iterator[tuple[str, str]]:
        """All pairs (lower, upper) of different elements."""
        for n, lower in enumerate(self.elements):
            for m in _bits(self._up[n] & ~(1 << n)):
                yield lower, self.elements[m]

    def covers(self) -> Iterator[tuple[str, str]]:
        """The pairs of the Hasse diagram: nothing stands between."""
        for n, lower in enumerate(self.elements):
            above = self._up[n] & ~(1 << n)
            for m in _bits(above):
                if not any(self._up[k] >> m & 1 for k in _bits(above & ~(1 << m))):
                    yield lower, self.elements[m]

    def join(self, a: str, b: str) -> str | None:
        """Least upper bound, None where there is none."""
        n = self._least(self._up[self.index(a)] & self._up[self.index(b)], self._up)
        return None if n is None else self.elements[n]

    def meet(self, a: str, b: str) -> str | None:
        """Greatest lower bound, None where there is none."""
        n = self._least(self._down[self.index(a)] & self._down[self.index(b)], self._down)
        return None if n is None else self.elements[n]

    def _least(self, candidates: int, reach: list[int]) -> int | None:
        return next((n for n in _bits(candidates) if reach[n] & candidates == candidates), None)

    @property
    def top(self) -> str | None:
        """The greatest element, if there is one."""
        n = self._least((1 << len(self)) - 1, self._down) if len(self) else None
        return None if n is None else self.elements[n]

    @property
    def bottom(self) -> str | None:
        """The least element, if there is one."""
        n = self._least((1 << len(self)) - 1, self._up) if len(self) else None
        return None if n is None else self.elements[n]

    def is_lattice(self) -> bool:
        """Every two elements have a join and a meet, and there is an element at all."""
        pairs = list(cartesian(self.elements, repeat=2))
        return bool(pairs) and all(self.join(a, b) is not None and self.meet(a, b) is not None for a, b in pairs)

    def is_discrete(self) -> bool:
        """No two different elements are related."""
        return all(mask == 1 << n for n, mask in enumerate(self._up))

    def is_sound_for_cqual(self) -> bool:
        """The orders for which CQUAL promises correct work: lattices, discrete ones, and those of at most three points."""
        return len(self) <= 3 or self.is_discrete() or self.is_lattice()

    def dual(self) -> Order:
        """The order upside down."""
        return Order(self.elements, [(b, a) for a, b in self.below()])


def discrete(names: Iterable[str]) -> Order:
    """Unrelated elements."""
    return Order(names)


def chain(names: Sequence[str]) -> Order:
    """Elements from the lowest to the highest."""
    return Order(names, pairwise(names))


def is_monotone(function: Callable[[str], str], source: Order, target: Order) -> bool:
    """a below b implies f(a) below f(b), over every related pair."""
    return all(target.leq(function(a), function(b)) for a, b in source.below())


class Code:
    """Integers for the elements of an order: `encode[name]` and `decode[code]`.

    `leq(a, b)` is `a & ~b == 0` for every order.  In a distributive lattice (`bitwise`) join is `a | b` and meet
    `a & b`; else both are looked up, with None where a bound is missing.  `width` is the number of bits.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        names = order.elements
        self.bitwise = False
        if order.is_lattice():
            irreducible = [name for name in names if sum(upper == name for _, upper in order.covers()) == 1]
            codes = {name: sum(1 << n for n, i in enumerate(irreducible) if order.leq(i, name)) for name in names}
            values = set(codes.values())
            # a lattice is distributive exactly if its elements are all the unions of these sets
            self.bitwise = len(values) == len(names) and all(
                codes[order.join(a, b) or a] == codes[a] | codes[b] for a, b in cartesian(names, repeat=2)
            )
            self.encode, self.width = codes, len(irreducible)
        if not self.bitwise:
            self.encode = {b: sum(1 << n for n, a in enumerate(names) if order.leq(a, b)) for b in names}
            self.width = len(names)
        self.decode = {code: name for name, code in self.encode.items()}
        self._joins: dict[tuple[int, int], int | None] = {}
        self._meets: dict[tuple[int, int], int | None] = {}
        if not self.bitwise:
            for a, b in cartesian(names, repeat=2):
                key = self.encode[a], self.encode[b]
                up, down = order.join(a, b), order.meet(a, b)
                self._joins[key] = None if up is None else self.encode[up]
                self._meets[key] = None if down is None else self.encode[down]

    @staticmethod
    def leq(a: int, b: int) -> bool:
        """Order of two codes."""
        return a & ~b == 0

    def join(self, a: int, b: int) -> int | None:
        """Least upper bound of two codes."""
        return a | b if self.bitwise else self._joins[a, b]

    def meet(self, a: int, b: int) -> int | None:
        """Greatest lower bound of two codes."""
        return a & b if self.bitwise else self._meets[a, b]


class Product:
    """The product of several orders: tuples compared component by component, packed side by side in one integer."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self.orders = tuple(orders)
        self.codes = [Code(order) for order in self.orders]
        self.shifts: list[int] = []
        self.width = 0
        for code in self.codes:
            self.shifts.append(self.width)
            self.width += code.width
        self.bitwise = all(code.bitwise for code in self.codes)

    def __len__(self) -> int:
        size = 1
        for order in self.orders:
            size *= len(order)
        return size

    def elements(self) -> Iterator[tuple[str, ...]]:
        """All tuples, the last component changing fastest."""
        return cartesian(*(order.elements for order in self.orders))

    def encode(self, element: Sequence[str]) -> int:
        """Integer of a tuple of names; raises OrderError for a stranger."""
        if len(element) != len(self.orders):
            raise OrderError(f"{len(self.orders)} components are wanted, not {len(element)}")
        value = 0
        for name, order, code, shift in zip(element, self.orders, self.codes, self.shifts, strict=True):
            value |= code.encode[order.elements[order.index(name)]] << shift
        return value

    def decode(self, value: int) -> tuple[str, ...]:
        """Names of a code."""
        return tuple(code.decode[part] for code, part in zip(self.codes, self._parts(value), strict=True))

    def _parts(self, value: int) -> list[int]:
        return [
            value >> shift & ((1 << code.width) - 1) for code, shift in zip(self.codes, self.shifts, strict=True)
        ]

    @staticmethod
    def leq(a: int, b: int) -> bool:
        """Order of two codes, all components at once."""
        return a & ~b == 0

    def join(self, a: int, b: int) -> int | None:
        """Least upper bound of two codes; None where a component has none."""
        return a | b if self.bitwise else self._each(Code.join, a, b)

    def meet(self, a: int, b: int) -> int | None:
        """Greatest lower bound of two codes; None where a component has none."""
        return a & b if self.bitwise else self._each(Code.meet, a, b)

    def _each(self, bound: Callable[[Code, int, int], int | None], a: int, b: int) -> int | None:
        value = 0
        for code, shift, x, y in zip(self.codes, self.shifts, self._parts(a), self._parts(b), strict=True):
            part = bound(code, x, y)
            if part is None:
                return None
            value |= part << shift
        return value

    def missing(self, a: int, b: int) -> list[int]:
        """Components in which a is not below b: what keeps a state `a` from satisfying `b`."""
        parts = zip(self._parts(a), self._parts(b), strict=True)
        return [n for n, (x, y) in enumerate(parts) if x & ~y]


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield _low(mask)
        mask &= mask - 1


def _low(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
