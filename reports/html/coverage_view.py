"""The coverage of services by checks: which operations are mediated, and which sites of checks bear load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reports import wording
from reports.html import names, operations
from reports.html.material import Material
from reports.html.operations import VERDICTS
from verifier.findings import AuditNotes, Finding

STATUSES = ("load-bearing", "redundant", "unexplained")
MOST_SITES = 2000
NO_SERVICE = "no service"


@dataclass(frozen=True)
class CoverageRow:
    """A check within a service; `cells` are (text, page with the list behind it)."""

    hook: str
    page: str
    family: str
    cells: list[tuple[str, str]]


@dataclass(frozen=True)
class CoverageService:
    """The checks of one service, and its totals."""

    name: str
    anchor: str
    rows: list[CoverageRow]
    cells: list[str]


@dataclass(frozen=True)
class CoverageView:
    """The matrix; `columns` are its headings, `sites` tells whether sites of checks were judged, `blind` how many errors
    come before any hook ("" when that was not asked)."""

    columns: list[str]
    services: list[CoverageService]
    totals: list[str]
    sites: bool
    operations: bool
    blind: str


def protected(site: dict[str, Any]) -> int:
    """How many obligations a site meets; `protects` is a number or a list of them."""
    value = site.get("protects")
    return value if isinstance(value, int) else len(value) if isinstance(value, list) else 0


def coverage_view(
    material: Material, found: operations.Index, findings: list[tuple[Finding, str]], audit: AuditNotes | None
) -> CoverageView:
    """The matrix of a report; `findings` go with the titles of their services.

    Verdicts are those of the scan's operations.  Where no scan told of them, what sites of checks meet counts as
    mediated, errors and warnings as unmediated, and notes as unknown.  Totals count an operation once, though several
    checks may be wanted for it.
    """
    coverage = material.coverage
    shown = [*(["sites"] if coverage is not None else []), *VERDICTS]
    shown += [*STATUSES, "other"] if coverage is not None else []
    cells: dict[str, dict[str, dict[str, int]]] = {}
    families: dict[str, str] = {}
    totals: dict[str, dict[str, int]] = {}

    def cell(service: str, hook: str) -> dict[str, int]:
        return cells.setdefault(service or NO_SERVICE, {}).setdefault(hook, dict.fromkeys(shown, 0))

    def total(service: str, column: str, number: int) -> None:
        for name in (service or NO_SERVICE, ""):
            row = totals.setdefault(name, dict.fromkeys(shown, 0))
            row[column] += number

    def titled(service: str) -> str:
        return material.services.get(service, service)

    for site in sites_of(coverage or {}):
        service, hook = titled(str(site.get("service") or "")), str(site.get("check") or "")
        families.setdefault(hook, str(site.get("family") or ""))
        status = str(site.get("status") or "")
        met = {} if found.known else {"mediated": protected(site)}
        for column, number in {"sites": 1, status if status in STATUSES else "other": 1, **met}.items():
            cell(service, hook)[column] += number
            total(service, column, number)
    if found.known:
        for hook, rules in found.rules_of.items():
            for rule in rules:
                service = titled(material.rules[rule].service)
                for verdict, number in operations.count(found.by_rule.get(rule, ())).items():
                    cell(service, hook)[verdict] += number
        for rule, own in found.by_rule.items():
            service = titled(material.rules[rule].service) if rule in material.rules else ""
            for verdict, number in operations.count(own).items():
                total(service, verdict, number)
    else:
        for finding, service in findings:
            column = "unknown" if finding.tier == "note" else "unmediated"
            for hook in finding.requires:
                cell(service, hook)[column] += 1
            total(service, column, 1)
    services = []
    for service, hooks in sorted(cells.items()):
        rows = [
            CoverageRow(wording.plain(hook), names.page("hooks", hook), wording.plain(families.get(hook) or family_of(hook, material)),
                        [(_text(counts[column]), _link(hook, column)) for column in shown])
            for hook, counts in sorted(hooks.items()) if any(counts.values())
        ]  # fmt: skip
        if rows:
            sums = totals.get(service, dict.fromkeys(shown, 0))
            services.append(CoverageService(
                wording.plain(service), names.page("", service)[1:].removesuffix(".html"), rows, [_text(sums[c]) for c in shown],
            ))  # fmt: skip
    whole = totals.get("", dict.fromkeys(shown, 0))
    blind = wording.number(len(audit.blind)) if audit is not None else ""
    return CoverageView(shown, services, [_text(whole[c]) for c in shown], coverage is not None, found.known, blind)


def family_of(hook: str, material: Material) -> str:
    """The family of a check: as the rules declare it, else by its name."""
    return material.families.get(hook) or ("lsm" if hook.startswith("security_") else "")


def _link(hook: str, column: str) -> str:
    """The part of a check's page that lists what a column counts."""
    return f"{names.page('hooks', hook)}#{column if column in VERDICTS else 'sites'}"


def sites_of(coverage: dict[str, Any]) -> list[dict[str, Any]]:
    """The sites of a coverage document; anything that is none is left out."""
    sites = coverage.get("sites")
    return [site for site in sites if isinstance(site, dict)] if isinstance(sites, list) else []


@dataclass(frozen=True)
class SiteView:
    """A call of a check: cells (place, function, service, status, dominated by, reason), and what it protects."""

    cells: list[str]
    protects: list[str]


def site_views(coverage: dict[str, Any]) -> dict[str, list[SiteView]]:
    """The sites of each check, by place."""
    out: dict[str, list[SiteView]] = {}
    for site in sites_of(coverage):
        cells = [f"{site.get('file', '')}:{site.get('line', '')}", site.get("function"), site.get("service"), site.get("status"),
                 _words(site.get("dominated_by")), site.get("reason")]  # fmt: skip
        listed = site.get("protects")
        names_of = [wording.plain(str(item)) for item in listed] if isinstance(listed, list) else []
        view = SiteView([wording.plain(str(cell or "")) for cell in cells], names_of)
        out.setdefault(str(site.get("check") or ""), []).append(view)
    return {check: sorted(views, key=lambda view: view.cells)[:MOST_SITES] for check, views in out.items()}


def _text(count: int) -> str:
    return wording.number(count) if count else ""


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, dict):
        return " ".join(str(item) for item in value.values())
    return "" if value is None else str(value)
