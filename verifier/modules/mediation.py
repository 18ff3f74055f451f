"""What the modules of a tree decide: controlled operation by operation, service by service, for an order of modules."""

from __future__ import annotations

import msgspec

from lattices import expressions
from lattices.model import Pack
from verifier.modules.hookdefs import Definitions
from verifier.modules.tables import Module


class Operation(msgspec.Struct, frozen=True):
    """A rule, the LSM hooks that it asks for, and the modules that implement one of them."""

    rule: str
    service: str
    hooks: list[str]
    modules: list[str]


class Vacuous(msgspec.Struct, frozen=True):
    """A rule that asks for LSM hooks of which no module that counts implements one."""

    rule: str
    service: str
    hooks: list[str]


class Mediation(msgspec.Struct):
    """The answer of `kqual modules`; its JSON form is the contract.

    `loaded` are the modules against which `vacuous` was computed: all of the tree where no order was given.
    `services` counts for each service the rules that a module decides.
    """

    schema: str
    kernel: str
    modules: dict[str, Module]
    loaded: list[str]
    unimplemented: list[str]
    vacuous: list[Vacuous]
    services: dict[str, dict[str, int]]
    operations: list[Operation]


def mediation(
    kernel: str, modules: dict[str, Module], definitions: Definitions, pack: Pack, order: list[str] | None = None
) -> Mediation:
    """Put the modules' hooks and the rules together; `order` is the value of the boot parameter `lsm=`, split.

    Modules that the kernel activates whatever the order says (`Module.always`) count as loaded; names that are no
    modules of the tree are passed over, as the kernel does.
    """
    asked = [(rule, hooks_of_rule(rule.requires, definitions, pack)) for rule in pack.rules]
    operations = [
        Operation(rule.id, rule.service, hooks, [name for name, m in modules.items() if set(m.hooks) & set(hooks)])
        for rule, hooks in asked
        if hooks
    ]
    implemented = {hook for module in modules.values() for hook in module.hooks}
    services: dict[str, dict[str, int]] = {}
    for operation in operations:
        row = services.setdefault(operation.service, {})
        for name in operation.modules:
            row[name] = row.get(name, 0) + 1
    found = Mediation(
        "kqual/1",
        kernel,
        modules,
        [],
        sorted(definitions.configured - implemented),
        [],
        {service: services[service] for service in pack.services if service in services},
        operations,
    )
    return with_order(found, order)


def with_order(found: Mediation, order: list[str] | None) -> Mediation:
    """The same modules and rules for another order of modules; None: all modules of the tree."""
    loaded = {n for n, m in found.modules.items() if order is None or m.always or n == "capability" or n in order}
    vacuous = [Vacuous(o.rule, o.service, o.hooks) for o in found.operations if not loaded & set(o.modules)]
    return msgspec.structs.replace(found, loaded=sorted(loaded), vacuous=vacuous)


def hooks_of_rule(requires: list[expressions.Expr], definitions: Definitions, pack: Pack) -> list[str]:
    """The LSM hooks that the lines of a rule ask for, by their functions or by wrappers of these; sorted.

    A capability test or a permission of another family that asks a hook on the way decides by itself, too: a hook within
    one of those is not what the rule rests on.
    """
    names = {name for line in requires for name in expressions.calls(line)}
    found = set()
    for hook in definitions.hooks:
        entry = pack.hooks.get(hook)
        own = definitions.functions(hook) if entry is None or entry.functions else ()
        wrappers = [n for n in (entry.within if entry is not None else ()) if n in pack.checks and pack.checks[n].family == "lsm"]
        if names & {*own, *pack.functions(hook), *wrappers}:
            found.add(hook)
    return sorted(found)
