"""The page of the security modules, and which of them would decide about a finding."""

from __future__ import annotations

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


def deciders(found: Modules | None, rule: str) -> str:
    """Which modules would have been asked about the operation of a rule, in one sentence; "" where that is not known."""
    if found is None:
        return ""
    if rule not in found.rules:
        return "No security module: the wanted check is the kernel's own (a capability, a permission, lockdown) and holds whatever modules are loaded."
    hooks, modules = found.rules[rule]
    loaded = {module.name for module in found.modules if module.loaded}
    on, off = [m for m in modules if m in loaded], [m for m in modules if m not in loaded]
    asked = wording.listed(list(hooks), "")
    if not modules:
        return wording.plain(f"None: no module of this tree implements {asked}, so the check is there in name only.")
    implement = "implements" if len(on or off) == 1 else "implement"
    if not found.order:
        return wording.plain(f"{wording.listed(on, '')} {implement} {asked}; whichever of them is loaded is asked.")
    if not on:
        return wording.plain(f"None of those loaded (lsm={found.order}): only {wording.listed(off, '')} {implement} {asked}.")
    rest = f"; {wording.listed(off, '')} would, too, but not with lsm={found.order}" if off else ""
    return wording.plain(f"{wording.listed(on, '')} {implement} {asked}{rest}.")
