"""A [[rule]] as a record: its operation, what that binds, what it requires, and when it need not."""

from __future__ import annotations

import re
from typing import Any

from lattices import expressions
from lattices.entries import Entry, similar
from lattices.expressions import Expr
from lattices.model import SUBJECTS, TIERS, Exemption, Rule
from lattices.reading import Reader


def rule(reader: Reader, entry: Entry) -> Rule | None:
    """The rule that a [[rule]] describes, None after a problem; all of its lines are read in any case."""
    values = entry.values
    if values["service"] not in reader.pack.services:
        hint = similar(values["service"], reader.pack.services) or "services stand in services.toml"
        entry.fail(f"unknown service {values['service']!r}", hint, "service")
    for key, allowed in (("tier", TIERS), ("subject", SUBJECTS)):
        if values.get(key, allowed[0]) not in allowed:
            entry.fail(f"unknown {key} {values[key]!r}", f"one of {', '.join(allowed)}", key)
    operation = reader.expression(entry, "operation", values["operation"])
    operands: tuple[str, ...] | None = None  # unknown: the other lines are still read
    if operation is not None:
        operands = tuple(n for n in expressions.names(operation) if n != "current" and n not in reader.pack.globals)
        operands += tuple(n for n in entry.strings("variables") if n not in operands)
    if not values.get("in") and (values.get("variables") or (operation is not None and _stored_global(operation))):
        entry.fail("variables and globals stand for those of functions in `in`", "name the functions", "operation")
    requires = [reader.expression(entry, "requires", text, operands) for text in values["requires"]]
    when = reader.expression(entry, "when", values["when"], operands) if "when" in values else None
    exempt = [_exempt(reader, entry, item, operands) for item in values.get("exempt", [])]
    for text, line in zip(values["requires"], requires, strict=True):
        for part in expressions.walk(line) if line is not None else ():
            if part[0] == "call" and part[1] == "each" and not _each(part[2]):
                entry.fail("`each` takes a check", "write each(check(_)), each(!check(_)) or each(_->member, check(_))", "requires", text)
                return None
    if operation is None or operands is None or None in requires or None in exempt:
        return None
    return Rule(
        values["id"], values["service"], values.get("slot", ""), values.get("member", ""), operation, operands,
        tuple(item for item in requires if item is not None), when, tuple(item for item in exempt if item is not None),
        entry.strings("in"), entry.strings("not_in"), values.get("subject", "user"), values.get("tier", "error"),
        values.get("lock", ""), values.get("reason", ""), values.get("good", ""), values.get("bad", ""),
        entry.source.shown, entry.source.line_of("rule", entry.index),
        str(entry.source.tables.get("prelude", "")), values["operation"], tuple(values["requires"]),
        entry.strings("variables"),
    )  # fmt: skip


def _exempt(reader: Reader, entry: Entry, item: Any, operands: tuple[str, ...] | None) -> Exemption | None:
    if isinstance(item, dict):
        unknown = sorted(set(item) - {"condition", "reason", "name"})
        if unknown:
            entry.fail(f"unknown key `{unknown[0]}` in an exemption", "keys: condition, reason, name", "exempt", unknown[0])
        if not item.get("reason"):
            entry.fail("an exemption without its reason", 'add reason = "..."', "exempt")
        condition = reader.expression(entry, "exempt", item.get("condition"), operands)
        if condition is None:
            return None
        return Exemption(condition, str(item.get("reason", "")), str(item.get("name", "")))
    if not isinstance(item, str):
        entry.fail("`exempt` holds names of exemptions or {condition, reason}", "", "exempt")
        return None
    use = _use(reader, entry, item)
    named = reader.pack.exemptions.get(use[0]) if use else None
    if use is None or named is None:
        if use is not None:
            hint = similar(use[0], reader.pack.exemptions) or "named exemptions stand in exemptions.toml"
            entry.fail(f"unknown exemption {use[0]!r}", hint, "exempt", item)
        return None
    arguments = use[1] if use[1] is not None else tuple(("name", name) for name in named.params)
    if len(arguments) != len(named.params):
        wanted = f"{named.name}({', '.join(named.params)})"
        entry.fail(f"{named.name!r} takes {len(named.params)} operands", f"write {wanted}", "exempt", item)
        return None
    condition = expressions.substitute(named.condition, dict(zip(named.params, arguments, strict=True)))
    unbound = set(expressions.names(condition)) - {"current"} - reader.pack.globals
    unbound -= unbound if operands is None else set(operands)
    if unbound:
        hint = f"write {named.name}(...) with operands of this rule"
        entry.fail(f"{named.name!r} speaks of {min(unbound)!r}, which is no operand here", hint, "exempt", item)
        return None
    return Exemption(condition, named.reason, named.name)


def _use(reader: Reader, entry: Entry, text: str) -> tuple[str, tuple[Expr, ...] | None] | None:
    """The name of an exemption and the operands that it is given, if any; None after a problem."""
    name, opening, _ = text.partition("(")
    if not opening:
        return text.strip(), None
    # a call of a function that nothing else is called, so that only what stands in the brackets is expanded
    call = reader.expression(entry, "exempt", re.sub(r".", "_", name) + text[len(name) :])
    if call is None:
        return None
    if call[0] != "call":
        entry.fail("an exemption is a name with operands", "write name(operand, ...)", "exempt", text)
        return None
    return name.strip(), call[2]


def _each(arguments: tuple[Expr, ...]) -> bool:
    """Whether these are a check, negated or not, and a member before it or nothing."""
    *before, check = arguments or ((),)
    check = check[1] if check and check[0] == "not" else check
    return bool(check) and check[0] == "call" and isinstance(check[1], str) and len(before) < 2 and all(b[0] == "member" for b in before)


def _stored_global(operation: Expr) -> bool:
    return operation[0] == "assign" and operation[1][0] == "name"
