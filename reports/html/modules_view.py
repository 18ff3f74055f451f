"""The page of the security modules, and which of them would decide about a finding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports import wording
from reports.html.material import Modules


@dataclass(frozen=True)
class ModuleRow:
    """A module: its hooks, whether it counts as loaded, and notes."""

    name: str
    hooks: str
    loaded: str
    notes: str


@dataclass(frozen=True)
class ModulesView:
    """The table (`columns` are modules), the modules, hooks without any module, and rules that none of the loaded
    decides as (rule, page, service, hooks)."""

    order: str
    columns: list[str]
    services: list[tuple[str, str, list[str]]]
    totals: tuple[str, list[str]]
    modules: list[ModuleRow]
    unimplemented: list[str]
    vacuous: list[tuple[str, str, str, str]]


def modules_view(found: Modules, rule_pages: dict[str, str]) -> ModulesView:
    """The page; `rule_pages` are the pages of rules that there are."""
    columns = [module.name for module in found.modules]
    sums = [sum(row.get(name, 0) for _, _, row in found.services) for name in columns]
    return ModulesView(
        order=wording.plain(found.order),
        columns=[wording.plain(name) for name in columns],
        services=[
            (wording.plain(title), wording.number(total), [wording.number(row[name]) if name in row else "" for name in columns])
            for title, total, row in found.services
        ],
        totals=(wording.number(sum(total for _, total, _ in found.services)), [wording.number(count) for count in sums]),
        modules=[
            ModuleRow(wording.plain(m.name), wording.number(m.hooks), "yes" if m.loaded else "no", wording.plain("; ".join(m.notes)))
            for m in found.modules
        ],
        unimplemented=[wording.plain(hook) for hook in found.unimplemented],
        vacuous=[
            (wording.plain(rule), rule_pages.get(rule, ""), wording.plain(service), wording.plain(", ".join(hooks)))
            for rule, service, hooks in found.vacuous
        ],
    )  # fmt: skip


def deciders(found: Modules | None, rule: str, checks: Iterable[str] = ()) -> str:
    """Which modules would have been asked about the operation of a rule, in one sentence; "" where that is not known.

    `checks` are the wanted ones: they tell of rules that ask for no hook themselves, and of siblings, which have no rule.
    """
    if found is None:
        return ""
    if rule in found.rules:
        hooks, modules = found.rules[rule]
        what = wording.listed(list(hooks), "")
    else:
        asking = [check for check in checks if check.startswith("security_") or check in found.checks]
        if not asking:
            return "No security module: the wanted check is the kernel's own (a capability, a permission, lockdown) and holds whatever modules are loaded."
        asked = {name for check in asking for name in found.checks.get(check, ())}
        modules = tuple(module.name for module in found.modules if module.name in asked)
        names = [check.removeprefix("security_") for check in asking]
        what = wording.listed(names, "") if names != asking else f"a hook that {wording.listed(names, '')} asks"
    return wording.plain(_decide(found, what, modules))


def _decide(found: Modules, what: str, modules: tuple[str, ...]) -> str:
    """Who of some modules is loaded and implements `what`."""
    loaded = {module.name for module in found.modules if module.loaded}
    on, off = [m for m in modules if m in loaded], [m for m in modules if m not in loaded]
    if not modules:
        return f"None: no module of this tree implements {what}, so the check is there in name only."
    implement = "implements" if len(on or off) == 1 else "implement"
    if not found.order:
        return f"{wording.listed(on, '')} {implement} {what}; whichever of them is loaded is asked."
    if not on:
        return f"None of those loaded (lsm={found.order}): only {wording.listed(off, '')} {implement} {what}."
    rest = f"; {wording.listed(off, '')} would, too, but not with lsm={found.order}" if off else ""
    return f"{wording.listed(on, '')} {implement} {what}{rest}."
