"""Laws of partial orders, their bounds, their products and their integer codes."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lattices.order import Code, Order, OrderError, Product, chain, discrete, is_monotone


@st.composite
def orders(draw, largest=6):
    """Any partial order: pairs only from an earlier to a later name, then the names shuffled."""
    size = draw(st.integers(1, largest))
    names = [f"e{n}" for n in range(size)]
    pairs = [(a, b) for n, a in enumerate(names) for b in names[n + 1 :]]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return Order(draw(st.permutations(names)), chosen)


@given(orders())
def test_order_is_reflexive_antisymmetric_transitive(order):
    for a, b, c in product(order.elements, repeat=3):
        assert order.leq(a, a)
        assert not (order.leq(a, b) and order.leq(b, a)) or a == b
        assert not (order.leq(a, b) and order.leq(b, c)) or order.leq(a, c)


@given(orders())
def test_join_is_the_least_upper_bound_and_meet_its_dual(order):
    dual = order.dual()
    for a, b in product(order.elements, repeat=2):
        upper = [x for x in order.elements if order.leq(a, x) and order.leq(b, x)]
        least = [x for x in upper if all(order.leq(x, y) for y in upper)]
        assert order.join(a, b) == (least[0] if least else None)
        assert order.join(a, b) == order.join(b, a)
        assert order.meet(a, b) == dual.join(a, b)
        assert (order.join(a, b) == b) == order.leq(a, b)


@given(orders())
def test_lattice_joins_are_associative_and_absorb(order):
    if not order.is_lattice():
        return
    assert order.top is not None and order.bottom is not None
    for a, b, c in product(order.elements, repeat=3):
        assert order.join(order.join(a, b), c) == order.join(a, order.join(b, c))
        assert order.join(a, order.meet(a, b)) == a


@given(orders())
def test_covers_generate_the_order(order):
    assert Order(order.elements, order.covers()) == order


@given(orders())
def test_codes_keep_order_and_bounds(order):
    code = Code(order)
    for a, b in product(order.elements, repeat=2):
        x, y = code.encode[a], code.encode[b]
        assert code.leq(x, y) == order.leq(a, b)
        for bound, real in ((code.join, order.join), (code.meet, order.meet)):
            expected = real(a, b)
            assert bound(x, y) == (None if expected is None else code.encode[expected])
    assert all(code.decode[code.encode[name]] == name for name in order.elements)


@given(st.lists(orders(3), min_size=1, max_size=3))
def test_products_are_ordered_component_by_component(parts):
    whole = Product(parts)
    elements = list(whole.elements())[:12]
    assert len(whole) == len(list(whole.elements()))
    for a, b in product(elements, repeat=2):
        x, y = whole.encode(a), whole.encode(b)
        assert whole.decode(x) == a
        assert whole.leq(x, y) == all(o.leq(p, q) for o, p, q in zip(parts, a, b, strict=True))
        assert whole.missing(x, y) == [n for n, o in enumerate(parts) if not o.leq(a[n], b[n])]
        joins = [o.join(p, q) for o, p, q in zip(parts, a, b, strict=True)]
        assert whole.join(x, y) == (None if None in joins else whole.encode(joins))
        meets = [o.meet(p, q) for o, p, q in zip(parts, a, b, strict=True)]
        assert whole.meet(x, y) == (None if None in meets else whole.encode(meets))


@given(orders(), orders())
def test_monotone_maps_compose(first, second):
    low = first.elements[0]

    def to_second(name):
        return second.elements[0] if first.leq(name, low) else second.elements[-1]

    if is_monotone(to_second, first, second):
        for a, b in product(first.elements, repeat=2):
            assert not first.leq(a, b) or second.leq(to_second(a), to_second(b))


def test_identity_is_monotone_and_reversal_is_not():
    order = chain(["checked", "unchecked"])
    assert is_monotone(lambda name: name, order, order)
    assert not is_monotone({"checked": "unchecked", "unchecked": "checked"}.get, order, order)


def test_two_point_products_use_bit_operations():
    whole = Product([chain(["checked", "unchecked"])] * 4)
    assert whole.bitwise and whole.width == 4
    assert whole.join(0b0001, 0b0100) == 0b0101
    assert whole.missing(0b0101, 0) == [0, 2]


def test_a_lattice_that_is_not_distributive_falls_back_to_tables():
    middle = ["a", "b", "c"]
    diamond = Order(["0", *middle, "1"], [("0", m) for m in middle] + [(m, "1") for m in middle])
    assert diamond.is_lattice() and not Code(diamond).bitwise


def test_discrete_orders_have_no_bounds_between_elements():
    order = discrete(["$locked", "$unlocked"])
    assert order.is_discrete() and order.join("$locked", "$unlocked") is None and order.is_sound_for_cqual()


@pytest.mark.parametrize(
    ("names", "pairs"),
    [(["a", "a"], []), (["a"], [("a", "b")]), (["a", "b"], [("a", "b"), ("b", "a")])],
    ids=["twice", "stranger", "cycle"],
)
def test_what_is_no_order_is_refused(names, pairs):
    with pytest.raises(OrderError):
        Order(names, pairs)
