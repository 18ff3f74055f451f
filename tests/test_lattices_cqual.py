"""CQUAL's configuration grammar: the shapes that must load, round trips, errors at their place, and rubbish."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import lattices
from lattices.cqual import LatticeError, LatticeFile, PartialOrder, Qualifier, load, parse, show
from lattices.order import OrderError, chain
from lattices.qualifiers import order_of

HOOKS = Path(lattices.__file__).parent / "linux" / "hooks.lattice"

SHAPES = {
    "two points with signs": """
        partial order { $untainted [color = "green", sign = neg] $tainted [color="red",sign=pos] $untainted<$tainted }""",
    "two unrelated points, flow-sensitive": """
        partial order [flow-sensitive] { $locked [sign = eq]  $unlocked [sign = eq] }""",
    "one point, nonprop": "partial order [nonprop] { restrict }",
    "const above nonconst": "partial order { const [level = ref] $nonconst [level = ref, sign = neg] $nonconst < const }",
    "four unrelated points": "partial order { $a $b /* c */ $c\n$d }",
    "two under a third": "partial order [flow-sensitive] { $locked < $unknown $unlocked < $unknown }",
    "checked": "partial order { $checked < $unchecked }",
    "several checks": """partial order {
        $checked12 < $checked1  $checked12 < $checked2  $checked1 < $unchecked  $checked2 < $unchecked }""",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_load_and_survive_printing(shape):
    read = parse(SHAPES[shape])
    assert parse(show(read)) == read
    assert all(block.order.is_sound_for_cqual() for block in read.orders)


def test_options_and_order_mean_what_they_say():
    block = parse(SHAPES["two points with signs"]).orders[0]
    assert block.order == chain(["$untainted", "$tainted"])
    assert block.qualifier("$tainted") == Qualifier("$tainted", "red", None, "pos")
    assert not block.nonprop and not block.flow_sensitive
    assert parse(SHAPES["several checks"]).orders[0].order.is_lattice()
    assert parse(SHAPES["one point, nonprop"]).orders[0].nonprop


def test_orders_of_a_file_are_orthogonal():
    read = parse("partial order { $a < $b } partial order { $c < $d }")
    product = read.product()
    assert len(product) == 4 and product.bitwise
    assert not product.leq(product.encode(("$b", "$c")), product.encode(("$a", "$d")))


def test_the_lattice_of_hooks_loads():
    first = load(HOOKS).orders[0]
    assert first.order == chain(["$checked", "$unchecked"]) and first.flow_sensitive


def test_the_verifier_moves_along_the_orders_of_the_file(tmp_path):
    states, verdicts = order_of("$checked"), order_of("$mediated")
    assert states.encode["$checked"] | states.encode["$unchecked"] == states.encode["$unchecked"]
    joined = verdicts.encode["$mediated"] | verdicts.encode["$unknown"]
    assert verdicts.decode[joined] == "$unknown"
    assert verdicts.decode[joined | verdicts.encode["$unmediated"]] == "$unmediated"
    file = tmp_path / "own.lattice"
    file.write_text("partial order { $a $b }")
    with pytest.raises(OrderError, match="no order has"):
        order_of("$c", file)
    with pytest.raises(OrderError, match="no distributive lattice"):
        order_of("$a", file)


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("partial order { $a < $b\n  $b < $a }", 2, 3, "below each other"),
        ("partial order { x }", 1, 17, "starts with $"),
        ("partial order {", 1, 16, "before the end"),
        ("partial\norder [foo] { $a }", 2, 8, "nonprop"),
        ("partial order { $a [color = red] }", 1, 29, "quotes"),
        ("partial order { $a [level = both] }", 1, 29, "ref or value"),
        ("partial order { $a [sign = pos, sign = neg] }", 1, 33, "each once"),
        ("partial order { $a $a }", 1, 20, "twice"),
        ("partial order { $a }\n\npartial order { $a }", 3, 1, "two orders"),
        ("/* never closed", 1, 1, "not closed"),
        ('partial order { $a [color = "red] }', 1, 29, "not closed"),
        ("partial order { $a ; }", 1, 20, "unexpected"),
        ("order { $a }", 1, 1, "partial"),
    ],
)
def test_errors_name_the_place(text, line, column, word):
    with pytest.raises(LatticeError, match="orders.lattice:") as caught:
        parse(text, "orders.lattice")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert word in caught.value.message


def test_a_file_that_is_not_text_is_an_error_with_its_line(tmp_path):
    path = tmp_path / "x.lattice"
    path.write_bytes(b"partial order {\n  $a\xff }")
    with pytest.raises(LatticeError, match=r"x\.lattice:2:1"):
        load(path)


names = st.from_regex(r"\$[a-z][a-z0-9_]{0,5}", fullmatch=True)


@st.composite
def files(draw):
    words = draw(st.lists(names, unique=True, min_size=1, max_size=9))
    blocks, at = [], 0
    while at < len(words):
        size = draw(st.integers(1, 4))
        own = words[at : at + size]
        at += size
        quals = tuple(
            Qualifier(
                name,
                draw(st.none() | st.from_regex(r"[a-z0-9 #]{0,6}", fullmatch=True)),
                draw(st.sampled_from([None, "ref", "value"])),
                draw(st.sampled_from([None, "pos", "neg", "eq"])),
            )
            for name in own
        )
        possible = [(a, b) for n, a in enumerate(own) for b in own[n + 1 :]]
        pairs = tuple(draw(st.lists(st.sampled_from(possible), unique=True))) if possible else ()
        blocks.append(PartialOrder(quals, pairs, draw(st.booleans()), draw(st.booleans())))
    return LatticeFile(tuple(blocks))


@given(files())
def test_printing_and_reading_are_inverse(read):
    assert parse(show(read)) == read


pieces = st.sampled_from(
    ["partial", "order", "{", "}", "[", "]", "<", "=", ",", "$a", "$b", "const", "color", "level", "sign", "pos", "ref"]
    + ['"red"', "/*", "*/", "nonprop", "flow-sensitive", " ", "\n", "$", '"', ";", "é"]
)


@given(st.text() | st.lists(pieces).map(" ".join) | st.lists(pieces).map("".join))
@example("partial order{}")
def test_nothing_but_its_own_error_comes_out_of_the_reader(text):
    try:
        read = parse(text)
    except LatticeError as error:
        assert error.line >= 1 and error.column >= 1
    else:
        assert parse(show(read)) == read
