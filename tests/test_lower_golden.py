"""What single constructs are lowered to, as printed graphs; and that size and nesting do not matter."""

from __future__ import annotations

import textwrap

import pytest

from verifier.frontend.ast import AstFunction, AstUnit
from verifier.frontend.lower import lower_function, lower_unit
from verifier.ir.checker import check_function
from verifier.ir.printer import print_function

X, Y, P = ("var", "x"), ("var", "y"), ("var", "p")


def call(name: str, *arguments: tuple) -> tuple:
    return ("call", ("fun", name), arguments, 1)


def expr(e: tuple) -> tuple:
    return ("expr", e, 1)


def function(*statements: tuple, returns: str = "int") -> AstFunction:
    return AstFunction("f", "a.c", 1, 2, False, returns, [("x", "int")], [], ("block", statements, 1), {})


def lines(*statements: tuple, noreturn: tuple[str, ...] = (), returns: str = "int") -> str:
    """The printed blocks without heading and source lines."""
    lowered = lower_function(function(*statements, returns=returns), set(noreturn))
    assert check_function(lowered) == []
    text = "\n".join(line if line.startswith("block") else "  " + line[8:] for line in
                     print_function(lowered).splitlines() if not line.startswith(("int", "void", "  unknown")))
    return text


CASES = {
    "a call's result goes where it is wanted": (
        [expr(("assign", "", X, call("g", call("h", X)))), ("return", None, 1)],
        """
        block 0:
          %1 = h(x)
          x = g(%1)
          return
        """,
    ),
    "address and dereference cancel": (
        [expr(call("g", ("addr", ("deref", P)), ("deref", ("addr", X)))), ("return", ("fun", "g"), 1)],
        """
        block 0:
          g(p, x)
          return $g
        """,
    ),
    "conditions branch without temporaries": (
        [("if", ("and", ("un", "!", X), ("or", call("g"), ("un", "!", Y))), expr(call("h")), None, 1),
         ("return", X, 1)],
        """
        block 0:
          if x goto 4 else 1
        block 1 <- 0:
          %1 = g()
          if %1 goto 3 else 2
        block 2 <- 1:
          if y goto 4 else 3
        block 3 <- 1, 2:
          h()
          goto 4
        block 4 <- 0, 2, 3:
          return x
        """,
    ),
    "?: with an omitted middle tests the variable that it is stored in": (
        [expr(("assign", "", X, ("cond", call("g"), None, call("h")))), ("return", X, 1)],
        """
        block 0:
          x = g()
          if x goto 2 else 1
        block 1 <- 0:
          x = h()
          goto 2
        block 2 <- 0, 1:
          return x
        """,
    ),
    "unless the other arm needs the old value": (
        [expr(("assign", "", X, ("cond", call("g"), None, ("bin", "+", X, ("int", 1))))), ("return", X, 1)],
        """
        block 0:
          %1 = g()
          if %1 goto 1 else 2
        block 1 <- 0:
          x = %1
          goto 3
        block 2 <- 0:
          x = (x + 1)
          goto 3
        block 3 <- 1, 2:
          return x
        """,
    ),
    "each arm of a returned choice returns for itself": (
        [("return", ("cond", call("g"), None, ("and", X, Y)), 1)],
        """
        block 0:
          %1 = g()
          if %1 goto 1 else 2
        block 1 <- 0:
          return %1
        block 2 <- 0:
          if x goto 3 else 5
        block 3 <- 2:
          if y goto 4 else 5
        block 4 <- 3:
          return 1
        block 5 <- 2, 3:
          return 0
        """,
    ),
    "constants decide at once": (
        [("if", ("int", 0), ("goto", "l", 1), expr(call("g")), 1),
         ("switch", ("bin", "*", ("int", 2), ("int", 4)), ("block", (
             ("case", 4, 4, 1), expr(call("four")), ("break", 1),
             ("case", 8, 8, 1), expr(call("eight")), ("break", 1)), 1), 1),
         ("do", expr(call("once")), ("int", 0), 1),
         ("return", ("un", "-", ("int", 22)), 1), ("label", "l", 1), expr(call("dead"))],
        """
        block 0:
          g()
          eight()
          once()
          return -22
        """,
    ),
    "ranges, fall through, labels in inner blocks": (
        [("switch", X, ("block", (
            ("case", 1, 3, 1), expr(call("low")),
            ("block", (("case", 4, 4, 1), expr(call("four"))), 1), ("break", 1)), 1), 1),
         ("return", None, 1)],
        """
        block 0:
          switch x {1 .. 3: 1, 4: 2, default: 3}
        block 1 <- 0:
          low()
          goto 2
        block 2 <- 0, 1:
          four()
          goto 3
        block 3 <- 0, 2:
          return
        """,
    ),
    "cleanups run in reverse on every way out, after the value was taken": (
        [("decl", "a", call("take"), "drop", 1),
         ("while", X, ("block", (("decl", "b", None, "put", 1), ("if", Y, ("goto", "out", 1), None, 1),
                                 ("if", P, ("break", 1), None, 1), ("continue", 1)), 1), 1),
         ("return", ("mem", ("deref", P), "thing", "id"), 1),
         ("label", "out", 1), ("return", ("int", 0), 1)],
        """
        block 0:
          a = take()
          goto 1
        block 1 <- 0, 6:
          if x goto 2 else 7
        block 2 <- 1:
          b = ?
          if y goto 3 else 4
        block 3 <- 2:
          put(&b)
          drop(&a)
          return 0
        block 4 <- 2:
          if p goto 5 else 6
        block 5 <- 4:
          put(&b)
          goto 7
        block 6 <- 4:
          put(&b)
          goto 1
        block 7 <- 1, 5:
          %1 = p->thing.id
          drop(&a)
          return %1
        """,
    ),
    "asm goto may fall through first": (
        [("asm", "x", (X,), (Y,), 1), ("asmgoto", ["l"], 1), ("return", ("int", 1), 1),
         ("label", "l", 1), ("return", ("int", 2), 1)],
        """
        block 0:
          asm(x : y)
          goto {1, 2}
        block 1 <- 0:
          return 1
        block 2 <- 0:
          return 2
        """,
    ),
    "what does not come back ends its block": (
        [("if", X, expr(call("panic", ("str", "no"))), None, 1), expr(call("__builtin_unreachable"))],
        """
        block 0:
          if x goto 1 else 2
        block 1 <- 0:
          panic("no")
          end
        block 2 <- 0:
          end
        """,
    ),
    "initialisers are stored member by member, literals through a temporary": (
        [("decl", "s", ("init", "s", (("a", X), ("b", ("init", "t", (("c", call("g")),))))), None, 1),
         ("decl", "v", ("initarr", (("int", 1), ("at", 3, 4, Y))), None, 1),
         expr(("assign", "", ("var", "s"), ("init", "s", (("a", ("mem", ("var", "s"), "s", "b")),)))),
         ("return", None, 1)],
        """
        block 0:
          s = ?
          s:s.a = x
          s:s.b:t.c = g()
          v = ?
          v[0] = 1
          v[3] = y
          v[4] = y
          %1 = ?
          %1:s.a = s:s.b
          s = %1
          return
        """,
    ),
    "increments": (
        [expr(("assign", "", ("deref", ("incdec", "+", False, P)), ("incdec", "-", True, X))), ("return", None, 1)],
        """
        block 0:
          %1 = p
          p = (p + 1)
          x = (x - 1)
          *%1 = x
          return
        """,
    ),
    "statement expressions keep their value over their cleanups": (
        [("return", ("bin", "+", ("stmtexpr", (
            ("decl", "g", call("take"), "drop", 1), expr(("mem", ("deref", P), "t", "f")))), ("int", 1)), 1)],
        """
        block 0:
          g = take()
          %1 = p->t.f
          drop(&g)
          return (%1 + 1)
        """,
    ),
}
@pytest.mark.parametrize("name", CASES)
def test_lowered_to(name):
    statements, expected = CASES[name]
    assert lines(*statements, noreturn=("panic",)) == textwrap.dedent(expected).strip("\n")


def test_void_functions_return_nothing():
    text = lines(("return", call("g"), 1), returns="void")
    assert text == "block 0:\n  g()\n  return"


def test_unknowns_are_listed():
    lowered = lower_function(function(
        expr(("unknown", "float")), expr(("odd", 1)), ("strange", 1), ("break", 1), ("case", 1, 1, 1),
        ("goto", "nowhere", 1), ("return", ("vaarg",), 1)))  # fmt: skip
    assert check_function(lowered) == []
    assert lowered.unknowns == [
        "float", "expression odd", "statement strange", "break or continue outside a loop", "case outside a switch",
        "label nowhere is missing",
    ]  # fmt: skip


def test_length_and_depth_do_not_matter():
    chain = None
    for n in range(3000):
        chain = ("if", ("bin", "==", X, ("int", n)), ("block", (("return", ("int", n), 1),), 1),
                 chain and ("block", (chain,), 1), 1)  # fmt: skip
    total = X
    for n in range(3000):
        total = ("bin", "|", total, ("glob", f"g{n}"))
    nested = X
    for _ in range(2000):
        nested = ("un", "~", nested)
    lowered = lower_function(function(chain, expr(("assign", "", Y, total)), ("return", nested, 1)))
    assert check_function(lowered) == [] and lowered.unknowns == []
    assert len(lowered.blocks) == 6001


def test_hopeless_depth_is_said():
    nested = X
    for _ in range(200_000):
        nested = ("deref", nested)
    lowered = lower_function(function(("return", nested, 1)))
    assert lowered.unknowns == ["nested too deeply"] and check_function(lowered) == []


def test_units_know_their_own_noreturn_functions():
    stop = function(expr(call("panic")))._replace(name="stop", attributes=["noreturn"], returns="void")
    user = function(("if", X, expr(call("stop")), None, 1), ("return", X, 1))
    unit = lower_unit(AstUnit("a.c", [user, stop], [], {"noreturn": ["panic"]}, ["a.c:1: x"]))
    assert [block.terminator[0] for block in unit.functions[0].blocks] == ["br", "end", "ret"]
    assert unit.functions[1].blocks[0].terminator[0] == "end"
    assert unit.errors == ["a.c:1: x"]
