"""From the small AST (docs/engine.md) to the IR (`verifier.ir.model`), the same for every front end.

Expressions are lowered in `lower_expressions` and `lower_choices`, statements in `lower_statements`; `lower_graph`
holds the graph while it grows and tidies it up.
"""

from __future__ import annotations

import sys

from verifier.frontend.ast import AstFunction, AstUnit
from verifier.frontend.lower_graph import finish
from verifier.frontend.lower_statements import StatementLowering
from verifier.ir.model import Block, Function, Param, Unit

# Frames for sources nested deeper than Python's usual limit; pure Python calls need no C stack since 3.11.
DEEP = 20_000


def lower_function(function: AstFunction, noreturn: set[str] | frozenset[str] = frozenset()) -> Function:
    """The IR of one function.  `noreturn` names functions that do not come back.

    Never fails on odd input: what is not understood is listed in `unknowns`.  A body nested too deeply to be lowered
    becomes one block that returns something unknown, and says so.
    """
    try:
        unknowns, exprs, blocks = _body(function, noreturn)
    except RecursionError:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, DEEP))
        try:
            unknowns, exprs, blocks = _body(function, noreturn)
        except RecursionError:
            reason = "nested too deeply"
            unknowns, exprs, blocks = [reason], [("u", reason)], [Block([], ("ret", 0, function.line))]
        finally:
            sys.setrecursionlimit(limit)
    return Function(
        name=function.name,
        file=function.file,
        line=function.line,
        end_line=function.end_line,
        static=function.static,
        returns=function.returns,
        params=[Param(name, kind) for name, kind in function.params],
        attributes=list(function.attributes),
        exprs=exprs,
        blocks=blocks,
        unknowns=unknowns,
        local_types=dict(function.local_types),
    )


def _body(function: AstFunction, noreturn: set[str] | frozenset[str]) -> tuple[list[str], list[tuple], list[Block]]:
    lowering = StatementLowering(noreturn, function.returns == "void")
    lowering.function(function.body, function.end_line)
    exprs, blocks = finish(lowering.graph)
    return lowering.unknowns, exprs, blocks


def lower_unit(unit: AstUnit) -> Unit:
    """The IR of a translation unit; functions keep their order."""
    noreturn = set(unit.declarations.get("noreturn", ()))
    noreturn.update(function.name for function in unit.functions if "noreturn" in function.attributes)
    return Unit(
        file=unit.file,
        functions=[lower_function(function, noreturn) for function in unit.functions],
        globals=unit.globals,
        declarations=unit.declarations,
        errors=unit.errors,
    )
