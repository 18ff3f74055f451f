"""The printed text of a function: a golden, and everything printed reads back to an equal function."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.frontend.lower_graph import Graph, finish
from verifier.ir.checker import check_function
from verifier.ir.model import Block, Function, GlobalInit, Param, Unit
from verifier.ir.printer import print_function, print_unit
from verifier.ir.reader import ReadError, read_function

GOLDEN = r"""
int may_open(ptr:inode inode, struct:path path, ptr: "")  fs/namei.c:10-40
  attributes static init
  local int err
  local ptr: p.1
  unknown "va\n_arg"
block 0:
    11  err = ?
    12  err = security_path(path:path.dentry, &path:path.mnt, "a\"b\\")
    13  %1 = [inode->inode.i_op->inode_operations.get](*p.1, (*p.1)[-1], $helper, @table[(err + 2)]:table.slot)
    13  if (!%1 != 0) goto 1 else 3
block 1 <- 0, 1:
    14  *p.1 = {container &inode->inode.i_list "outer thing"}
    14  inode->.x = -(3)
    14  asm(err, *p.1 : inode, 4)
    14  asm(: )
    15  switch err {1: 2, 3 .. 9: 3, -5: 1, default: 2}
block 2 <- 1:
    16  goto {3, 4}
block 3 <- 0, 1, 2:
    17  return ({unknown "why \"not\""} << ~err)
block 4 <- 2:
    18  gone()
    18  end
""".lstrip("\n")


def test_golden_reads_and_prints_back():
    function = read_function(GOLDEN)
    assert check_function(function) == []
    assert function.params[2] == Param("", "ptr:")
    assert function.unknowns == ["va\n_arg"]
    assert function.blocks[0].statements[0] == ("havoc", 0, 11)
    assert print_function(function) == GOLDEN


def test_unit_text_has_tables_and_declarations():
    table = GlobalInit("ops", "a.c", 3, True, "struct:ops", [([0, "ops.open"], ("f", "do_open")), ([], ("c", -1))])
    unit = Unit("a.c", [], [table], {"noreturn": ["gone", "panic"]}, ["a.c:1: odd"])
    assert print_unit(unit) == (
        "unit a.c\n\nerror a.c:1: odd\n\nnoreturn: gone, panic\n\n"
        'static struct:ops ops  a.c:3\n    [0] ops.open = f "do_open"\n    . = c -1\n'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected a word"),
        ("int f()", "line 1: no file and lines"),
        ("int f()  a.c:1-2\nblock 1:\n", "line 2: bad block heading"),
        ("int f()  a.c:1-2\n     1  x = 1\n", "line 2: unknown line"),
        ("int f()  a.c:1-2\nblock 0:\n     1  x = \n", "line 3: expected an expression"),
        ("int f()  a.c:1-2\nblock 0:\n     1  x = (1 ? 2)\n", "line 3: unknown operator"),
        ("int f()  a.c:1-2\nblock 0:\n     1  return x y\n", "line 3: 'y' is left over"),
        ("int f()  a.c:1-2\nblock 0:\n     1  x = 1\n", "line 3: a block has no end"),
        ("int f()  a.c:1-2\nblock 0:\n     1  x = `\n", "line 3: cannot read"),
    ],
)
def test_what_is_no_printed_function_has_a_line(text, message):
    with pytest.raises(ReadError, match=message):
        read_function(text)


NAMES = st.sampled_from(["x", "x.1", "%1", "%27", "inode", "default", "end", "asm", "container"])
TEXTS = st.text(alphabet="ab_.1 \"\\-:\n\x00é", max_size=5)
TAGS = st.sampled_from(["inode", "outer.field", "", "odd tag", "1x"])
NUMBERS = st.integers(-(1 << 63), (1 << 64) - 1) | st.integers(-2, 2)
BINARY = st.sampled_from(["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">="])


@st.composite
def functions(draw):
    """Any function that the model allows, by way of the graph that the lowering uses."""
    graph = Graph()
    leaves = st.one_of(
        NUMBERS.map(lambda n: ("c", n)), TEXTS.map(lambda t: ("s", t)), NAMES.map(lambda n: ("v", n)),
        st.sampled_from(["g", "f"]).flatmap(lambda k: (NAMES | TEXTS).map(lambda n: (k, n))),
        TEXTS.map(lambda t: ("u", t)), TEXTS.map(lambda t: ("v", t)),
    )  # fmt: skip
    pool = [graph.expr(draw(leaves)) for _ in range(draw(st.integers(1, 6)))]
    for _ in range(draw(st.integers(0, 12))):
        a, b = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
        node = draw(
            st.one_of(
                st.builds(lambda t, f, a=a: ("m", a, t, f), TAGS, NAMES | TEXTS),
                st.just(("d", a)), st.just(("a", a)), st.just(("i", a, b)),
                st.builds(lambda o, a=a, b=b: ("o", o, a, b), BINARY),
                st.builds(lambda o, a=a: ("o", o, a), st.sampled_from(["neg", "~", "!"])),
                st.builds(lambda t, a=a: ("k", a, t), TAGS),
            )
        )  # fmt: skip
        pool.append(graph.expr(node))
    places = [e for e in pool if graph.exprs[e][0] in ("v", "g", "m", "d", "i", "u")]
    places.append(graph.expr(("v", "place")))
    any_e, place, lines = st.sampled_from(pool), st.sampled_from(places), st.integers(0, 99999)
    listed = st.lists(any_e, max_size=3)
    statement = st.one_of(
        st.tuples(st.just("="), place, any_e, lines),
        st.tuples(st.just("havoc"), place, lines),
        st.tuples(st.just("call"), place | st.just(-1), any_e, listed, lines),
        st.tuples(st.just("asm"), st.lists(place, max_size=2), listed, lines),
    )
    count = draw(st.integers(1, 6))
    graph.blocks = [[draw(st.lists(statement, max_size=4)), None] for _ in range(count + 1)]
    target = st.integers(1, count)
    for block in graph.blocks:
        block[1] = draw(
            st.one_of(
                st.tuples(st.just("jmp"), target),
                st.tuples(st.just("br"), any_e, target, target, lines),
                st.tuples(
                    st.just("sw"), any_e,
                    st.lists(st.tuples(st.integers(-3, 3), st.integers(4, 6), target).map(list), max_size=3),
                    target, lines,
                ),
                st.tuples(st.just("ret"), any_e | st.just(-1), lines),
                st.tuples(st.just("end"), lines),
                st.tuples(st.just("any"), st.lists(target, min_size=1, max_size=3), lines),
            )
        )  # fmt: skip
    exprs, blocks = finish(graph)
    return Function(
        name=draw(NAMES | TEXTS), file=draw(st.just("a/b.c") | TEXTS), line=1, end_line=9, static=draw(st.booleans()),
        returns=draw(st.sampled_from(["int", "ptr:a.b", "ptr:"])),
        params=[Param(n, "ptr:x") for n in draw(st.lists(NAMES | TEXTS, max_size=2))],
        attributes=draw(st.lists(st.sampled_from(["inline", "alias=x y", "init"]), max_size=2)),
        exprs=exprs, blocks=blocks, unknowns=draw(st.lists(TEXTS, max_size=2)),
        local_types=draw(st.dictionaries(NAMES | TEXTS, st.sampled_from(["int", "ptr:"]), max_size=2)),
    )  # fmt: skip


@settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(functions())
def test_printed_functions_read_back(function):
    assert check_function(function) == []
    assert read_function(print_function(function)) == function


def test_blocks_are_printed_with_what_leads_to_them():
    blocks = [
        Block([], ("br", 0, 1, 2, 1)),
        Block([], ("jmp", 2)),
        Block([], ("ret", -1, 2)),
    ]
    text = print_function(Function("f", "a.c", 1, 2, False, "void", [], [], [("v", "x")], blocks))
    assert "block 2 <- 0, 1:\n     2  return\n" in text
