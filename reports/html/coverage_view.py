"""The coverage of services by hooks: which sites of checks bear load, which are redundant, which nobody explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reports import wording
from reports.html import names
from verifier.findings import Finding

VERDICTS = ("mediated", "unmediated", "unknown")
STATUSES = ("load-bearing", "redundant", "unexplained")
MOST_SITES = 2000


@dataclass(frozen=True)
class CoverageRow:
    """A hook within a service: cells in the order VERDICTS, STATUSES, other; all of them text."""

    hook: str
    page: str
    family: str
    sites: str
    cells: list[str]


@dataclass(frozen=True)
class CoverageService:
    """The hooks of one service, and their totals."""

    name: str
    anchor: str
    rows: list[CoverageRow]
    sites: str
    cells: list[str]


@dataclass(frozen=True)
class CoverageView:
    """The matrix; `columns` are its headings."""

    columns: list[str]
    services: list[CoverageService]
    sites: str
    totals: list[str]


def protected(site: dict[str, Any]) -> int:
    """How many obligations a site meets; `protects` is a number or a list of them."""
    value = site.get("protects")
    return value if isinstance(value, int) else len(value) if isinstance(value, list) else 0


def coverage_view(coverage: dict[str, Any], findings: list[tuple[Finding, str]]) -> CoverageView:
    """The matrix of a coverage document, with the findings (each with its service) that no site covers.

    `mediated` counts obligations that a site meets, `unmediated` errors and warnings, `unknown` notes.
    """
    cells: dict[tuple[str, str], dict[str, int]] = {}
    families: dict[tuple[str, str], str] = {}
    columns = (*VERDICTS, *STATUSES)

    def cell(service: str, hook: str) -> dict[str, int]:
        return cells.setdefault((service or "no service", hook), dict.fromkeys(("sites", *columns, "other"), 0))

    for site in sites_of(coverage):
        key = str(site.get("service") or ""), str(site.get("check") or "")
        counts = cell(*key)
        families.setdefault((key[0] or "no service", key[1]), str(site.get("family") or ""))
        counts["sites"] += 1
        counts["mediated"] += protected(site)
        status = str(site.get("status") or "")
        counts[status if status in STATUSES else "other"] += 1
    for finding, service in findings:
        for hook in finding.requires:
            cell(service, hook)["unknown" if finding.tier == "note" else "unmediated"] += 1
    services: dict[str, list[tuple[str, dict[str, int]]]] = {}
    for (service, hook), counts in sorted(cells.items()):
        services.setdefault(service, []).append((hook, counts))
    shown = (*columns, "other")
    out = []
    for service, hooks in services.items():
        rows = [
            CoverageRow(wording.plain(hook), names.page("hooks", hook), wording.plain(families.get((service, hook), "")),
                        wording.number(counts["sites"]), [_cell(counts[c]) for c in shown])
            for hook, counts in hooks
        ]  # fmt: skip
        out.append(CoverageService(
            wording.plain(service), names.page("", service)[1:].removesuffix(".html"), rows,
            wording.number(sum(c["sites"] for _, c in hooks)), [wording.number(sum(c[n] for _, c in hooks)) for n in shown],
        ))  # fmt: skip
    totals = [wording.number(sum(c[n] for c in cells.values())) for n in shown]
    return CoverageView(list(shown), out, wording.number(sum(c["sites"] for c in cells.values())), totals)


def sites_of(coverage: dict[str, Any]) -> list[dict[str, Any]]:
    """The sites of a coverage document; anything that is none is left out."""
    sites = coverage.get("sites")
    return [site for site in sites if isinstance(site, dict)] if isinstance(sites, list) else []


def site_lines(coverage: dict[str, Any]) -> dict[str, list[list[str]]]:
    """For each check the cells of its sites: place, function, service, status, protects, dominated by, reason."""
    out: dict[str, list[list[str]]] = {}
    for site in sites_of(coverage):
        cells = [f"{site.get('file', '')}:{site.get('line', '')}", site.get("function"), site.get("service"), site.get("status"),
                 wording.number(protected(site)), _words(site.get("dominated_by")), site.get("reason")]  # fmt: skip
        out.setdefault(str(site.get("check") or ""), []).append([wording.plain(str(cell or "")) for cell in cells])
    return {check: sorted(lines)[:MOST_SITES] for check, lines in out.items()}


def _cell(count: int) -> str:
    return wording.number(count) if count else ""


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, dict):
        return " ".join(str(item) for item in value.values())
    return "" if value is None else str(value)
