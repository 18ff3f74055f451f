"""Expressions of rule files, read against what the pack knows: constants, macros, members and accessors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lattices import expressions
from lattices.entries import Entry, similar
from lattices.expressions import Expr
from lattices.model import Accessor, Pack
from lattices.parsing import PatternError, parse, parse_operation


class Reader:
    """Reads the expressions of entries with the constants, globals and accessors that `pack` holds by then.

    `macros` and `aliases` (members that stand for a way of members) are expanded and appear in no record.
    """

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.macros: dict[str, Accessor] = {}
        self.aliases: dict[str, tuple[str, ...]] = {}

    def expression(self, entry: Entry, key: str, text: Any, bound: Iterable[str] | None = None) -> Expr | None:
        """Parse, fold and expand; with `bound`, report names that nothing binds.  None after a problem.

        The call that is an operation itself stays, though an accessor may have its name.
        """
        if not isinstance(text, str):
            entry.fail(f"`{key}` holds {text!r}, which is no string", "write C expressions in quotes", key)
            return None
        try:
            parsed = parse_operation(text) if key == "operation" else parse(text)
        except PatternError as error:
            entry.fail(error.message, "", key, text, error.column - 1)
            return None
        if key == "operation" and parsed[0] == "call":
            callee = parsed[1] if isinstance(parsed[1], str) else self.expand(parsed[1])
            expression: Expr = ("call", callee, tuple(self.expand(argument) for argument in parsed[2]))
        else:
            expression = self.expand(parsed)
        if bound is not None:
            allowed = set(bound) | {"current"} | self.pack.globals
            for name in expressions.names(expression):
                if name not in allowed:
                    at = re.search(rf"\b{re.escape(name)}\b", text)
                    entry.fail(
                        f"`{name}` is neither an operand nor a known constant or global",
                        similar(name, [*allowed, *self.pack.constants]),
                        key, text, at.start() if at else 0,
                    )  # fmt: skip
                    return None
        return expression

    def expand(self, expression: Expr) -> Expr:
        """Fold constants; put macros, aliased members and accessors in the form that the compiled program has."""
        constants, macros, aliases, accessors = self.pack.constants, self.macros, self.aliases, self.pack.accessors

        def change(part: Expr) -> Expr:
            if part[0] == "name" and part[1] in constants:
                return ("int", constants[part[1]])
            if part[0] == "call" and isinstance(part[1], str) and part[1] in macros:
                return _apply(macros[part[1]], part)
            if part[0] == "call" and isinstance(part[1], str) and part[1] in accessors:
                return _apply(accessors[part[1]], part)
            if part[0] == "member" and part[2] in aliases:
                base = part[1]
                for name in aliases[part[2]]:
                    base = ("member", base, name)
                return base
            return part

        return expressions.rebuild(expression, change)


def _apply(accessor: Accessor, call: Expr) -> Expr:
    if len(accessor.params) != len(call[2]):
        return call
    return expressions.substitute(accessor.value, dict(zip(accessor.params, call[2], strict=True)))
