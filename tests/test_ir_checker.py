"""The checker accepts what the lowering makes and names what is wrong with anything else."""

from __future__ import annotations

import pytest

from verifier.ir.checker import check_function, check_unit
from verifier.ir.model import Block, Function, GlobalInit, Unit

RETURN = ("ret", -1, 9)


def function(exprs, blocks) -> Function:
    return Function("f", "a.c", 1, 9, False, "void", [], [], exprs, blocks)


def test_a_good_function_has_no_problems():
    exprs = [("v", "x"), ("c", 1), ("o", "+", 0, 1), ("f", "g"), ("d", 0)]
    statements = [("=", 0, 2, 3), ("call", 4, 3, [0, 1], 4), ("havoc", 0, 5), ("asm", [0], [1], 6)]
    blocks = [Block(statements, ("br", 0, 1, 2, 7)), Block([], ("sw", 0, [[1, 2, 2]], 2, 8)), Block([], RETURN)]
    assert check_function(function(exprs, blocks)) == []


@pytest.mark.parametrize(
    ("exprs", "statements", "end", "problem"),
    [
        ([("d", 0)], [], RETURN, "operand is not smaller"),
        ([("d", 1), ("v", "x")], [], RETURN, "operand is not smaller"),
        ([("v", "x"), ("v", "x")], [], RETURN, "expression 1 is expression 0 again"),
        ([("z", 1)], [], RETURN, "unknown form"),
        ([()], [], RETURN, "no form"),
        ([("v", "x", 1)], [], RETURN, "bad length"),
        ([("v", "x"), ("o", "**", 0, 0)], [], RETURN, "bad operator"),
        ([("v", "x"), ("o", "!", 0, 0)], [], RETURN, "bad operator"),
        ([("c", "1")], [], RETURN, "constant is no integer"),
        ([("v", 7)], [], RETURN, "name is no text"),
        ([("v", "x"), ("m", 0, None, "f")], [], RETURN, "member is no text"),
        ([("c", 1)], [("=", 0, 0, 1)], RETURN, "not an lvalue"),
        ([("v", "x")], [("=", 0, 5, 1)], RETURN, "no expression 5"),
        ([("v", "x")], [("=", -1, 0, 1)], RETURN, "no expression -1"),
        ([("v", "x")], [("call", 0, 0, [3], 1)], RETURN, "no expression 3"),
        ([("v", "x")], [("nop", 1)], RETURN, "unknown or wrong length"),
        ([("v", "x")], [("=", 0, 0)], RETURN, "unknown or wrong length"),
        ([("v", "x")], [("havoc", 0, None)], RETURN, "no line"),
        ([], [], ("jmp", 4), "no block 4"),
        ([], [], ("jmp", 0), "the entry has a predecessor"),
        ([("v", "x")], [], ("br", 0, 1, 1), "unknown or wrong length"),
        ([("v", "x")], [], ("sw", 0, [[3, 1, 0]], 0, 1), "bad case"),
        ([], [], ("ret", 2, 1), "no expression 2"),
        ([], [], ("ret", -1, "9"), "no line"),
    ],
)
def test_each_fault_is_named(exprs, statements, end, problem):
    found = check_function(function(exprs, [Block(statements, end)]))
    assert found and all(text.startswith("f: ") for text in found)
    assert any(problem in text for text in found), found


def test_order_and_reachability_of_blocks():
    unreachable = [Block([], RETURN), Block([], RETURN)]
    assert check_function(function([], unreachable)) == ["f: block 1 is unreachable"]
    backwards = [Block([], ("jmp", 2)), Block([], RETURN), Block([], ("jmp", 1))]
    assert check_function(function([], backwards)) == ["f: block 1 is not in reverse postorder"]
    assert check_function(function([], [])) == ["f: no blocks"]


def test_tables_are_checked_too():
    table = GlobalInit("t", "a.c", 1, False, "int", [([1.5], ("c", 1)), ([], ("zz", 1))])
    assert check_unit(Unit("a.c", [], [table])) == ["t: bad access [1.5]", "t: bad value ('zz', 1)"]
