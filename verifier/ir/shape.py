"""The shape of a function's body: a digest that stays when the body moves, is indented anew, or names change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from verifier.ir.model import Function

NAMED = ("v", "g", "f")


def shape(function: Function, renamed: Mapping[str, str] | None = None) -> str:
    """16 hex digits over statements and terminators, without lines.

    Parameters and locals count by the order of their first use; the function's own name, and those in `renamed`, by
    what stands for them there.
    """
    names = {function.name: "<self>"} | dict(renamed or {})
    local: dict[str, str] = {}
    spelled = []
    for expression in function.exprs:
        if expression[0] == "v":
            expression = ("v", local.setdefault(expression[1], f"{len(local)}"))
        elif expression[0] in NAMED:
            expression = (expression[0], names.get(expression[1], expression[1]))
        spelled.append(repr(tuple(expression)))
    state = hashlib.sha256("\n".join(spelled).encode("utf-8", "surrogateescape"))
    state.update(repr([param.type for param in function.params]).encode())
    for block in function.blocks:
        statements = [_plain(statement[:-1]) for statement in block.statements]
        last = block.terminator if block.terminator[0] == "jmp" else block.terminator[:-1]
        state.update(repr((statements, _plain(last))).encode("utf-8", "surrogateescape"))
    return state.hexdigest()[:16]


def _plain(value: object) -> object:
    """Lists as tuples: a body that was stored and read back has the same shape."""
    return tuple(_plain(item) for item in value) if isinstance(value, list | tuple) else value
