"""The small AST between the front ends and the lowering: plain nested tuples, described in docs/engine.md.

Both front ends (`clang.py`, `pycparser_c.py`) fill an `AstUnit`; `lower.py` turns each `AstFunction` into IR.
Tuples, not classes: a kernel has some tens of millions of these nodes and they live for one unit only.

Expressions (first item is the kind)::

    ("int", n) ("str", text) ("var", name) ("glob", name) ("fun", name)
    ("mem", base, tag, field) ("deref", e) ("addr", lv) ("idx", base, index)
    ("un", op, e) ("bin", op, a, b) ("and", a, b) ("or", a, b) ("cond", c, a | None, b) ("comma", a, b)
    ("assign", op, lv, e) ("incdec", "+" | "-", prefix, lv) ("call", fn, (args...), line)
    ("container", p, tag) ("stmtexpr", (stmts...))
    ("init", tag, ((field, e)...)) ("initarr", (e...)) ("at", lo, hi, e) ("vaarg",) ("unknown", why)

Statements (line last)::

    ("expr", e, line) ("decl", name, init | None, cleanup | None, line)
    ("if", c, then, else | None, line) ("while", c, body, line) ("do", body, c, line)
    ("for", init, c, step, body, line) ("switch", e, body, line) ("case", lo, hi, line) ("default", line)
    ("block", (stmts...), line) ("label", name, line) ("goto", name, line) ("asmgoto", (labels...), line)
    ("computedgoto", (labels...), line) ("break", line) ("continue", line) ("return", e | None, line)
    ("asm", text, outputs, inputs, line)

What the short list does not say:

* `for`: `init` is a statement (a "decl", an "expr" or a "block" of decls; its names end with the loop) or None,
  `c` and `step` are expressions or None.
* `case` and `default` are markers inside the switch body (at any depth); the statement that they label follows them.
  `label` likewise.
* An element of "initarr" may be ("at", lo, hi, e) for `[lo ... hi] = e` (lo == hi for one index); elements without it
  go on after the previous one.  A field of a nested initialiser appears as a nested "init".  In an "init" whose object
  has anonymous members the fields are flattened into the list; a designator `.a.b = e` gives the field `a` a nested
  "init".  Several entries of the same field: the later overrides member by member.
* An `asm goto` is an "asm" statement (outputs, inputs) followed by an "asmgoto"; control may also fall through.
  A "computedgoto" goes to one of the labels whose address is taken and never falls through.
* `volatile`-cast accesses (`READ_ONCE`, `WRITE_ONCE`) arrive folded: ("deref", ("addr", x)) is x.
* Function-static variables are ("glob", "function.name"); they are in `AstUnit.globals` under that name.
* `va_start`/`va_end`/`va_copy` are ("int", 0), `va_arg` is ("vaarg",).
* A call whose callee is a pointer has that expression as `fn` ((*f)() and f() alike); a known function is ("fun", name).
"""

from __future__ import annotations

from typing import NamedTuple

from verifier.ir.model import GlobalInit

Expr = tuple
Stmt = tuple


class AstFunction(NamedTuple):
    """A function with a body.

    `file` is relative to the tree; `returns` and the parameters' types are type classes (`void`, `int`, `uint`,
    `bool`, `ptr:TAG`, `struct:TAG`, `fnptr`); `attributes` are `inline`, `init`, `noreturn`, `weak`, `stub`,
    `alias=NAME`; `body` is a "block"; `local_types` has the type class of every (renamed) local variable.
    """

    name: str
    file: str
    line: int
    end_line: int
    static: bool
    returns: str
    params: list[tuple[str, str]]
    attributes: list[str]
    body: tuple
    local_types: dict[str, str]


class AstUnit(NamedTuple):
    """One translation unit.

    `declarations`: "noreturn" lists functions that do not return (needed by the lowering for calls to functions
    defined elsewhere), "alias" lists "name=target".  `errors` are error diagnostics, paths relative to the tree.
    """

    file: str
    functions: list[AstFunction]
    globals: list[GlobalInit]
    declarations: dict[str, list[str]]
    errors: list[str]
