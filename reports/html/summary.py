"""What stands around every page: the completeness line, the verdict, the navigation."""

from __future__ import annotations

from dataclasses import dataclass

from reports import wording
from reports.html.material import Material
from verifier.findings import TIERS, Document


@dataclass(frozen=True)
class Summary:
    """Lines and counts for the head of every page; `verdicts` are (word, count, share), `facts` (number, what)."""

    completeness: str
    verdict: str
    complete: bool
    counts: list[tuple[str, str, str]]
    verdicts: list[tuple[str, str, str]]
    facts: list[tuple[str, str]]
    kinds: list[tuple[str, str]]
    services: list[tuple[str, str]]
    gate: bool
    title: str
    pages: list[tuple[str, str]]


def summary(document: Document, services: dict[str, str], material: Material, changed: bool, over: bool = False) -> Summary:
    """Counts and lines; `services` maps findings' rules to their services."""
    completeness = document.completeness
    obligations, units, calls = completeness.obligations, completeness.units, completeness.calls
    whole = obligations.mediated + obligations.unmediated + obligations.unknown
    kinds: dict[str, int] = {}
    by_service: dict[str, int] = {}
    for finding in document.findings:
        if finding.tier != "note":
            kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
            service = services.get(finding.rule, "") or "no service"
            by_service[service] = by_service.get(service, 0) + 1
    gate = document.fixed is not None
    verdicts = [("mediated", obligations.mediated), ("unmediated", obligations.unmediated), ("unknown", obligations.unknown)]
    return Summary(
        completeness=wording.completeness_line(completeness),
        verdict=wording.verdict_line(document),
        complete=0 < units.total == units.analysed,
        counts=[(tier, f"{tier.capitalize()}s", wording.number(count)) for tier, count in wording.tally(document.findings).items() if tier in TIERS],
        verdicts=[(word, wording.number(count), wording.percent(count, whole)) for word, count in verdicts],
        facts=[
            (f"{wording.number(units.analysed)} of {wording.number(units.total)}", "units analysed"),
            (wording.number(completeness.functions), "functions"),
            (wording.number(obligations.mediated), "obligations mediated"),
            (wording.number(obligations.unmediated), "unmediated"),
            (wording.number(obligations.unknown), "unknown"),
            (f"{wording.number(calls.unresolved)} of {wording.number(calls.indirect)}", "indirect calls unresolved"),
        ],
        kinds=_ranked({wording.TITLES.get(kind, wording.plain(kind)): count for kind, count in kinds.items()}),
        services=_ranked(by_service),
        gate=gate,
        title="What the patch changes" if gate else "Security-hook placement",
        pages=[
            *([("compare.html", "Comparison")] if changed else []),
            *([("branches.html", "Branches")] if over else []),
            *([("dismissed.html", f"Dismissed ({wording.number(len(document.dismissed))})")] if document.dismissed else []),
            ("directories.html", "Directories"), ("rules.html", "Rules"), ("hooks.html", "Hooks"), ("doors.html", "Doors"),
            *([("coverage.html", "Coverage")] if material.coverage is not None or material.obligations is not None else []),
            *([("modules.html", "Modules")] if material.modules is not None else []),
            *([("audit.html", "Audit notes")] if document.audit is not None else []),
            ("ledger.html", "Not analysed"), ("configuration.html", "Configuration"), ("report.json", "JSON"),
        ],
    )  # fmt: skip


def _ranked(counts: dict[str, int]) -> list[tuple[str, str]]:
    return [(word, wording.number(count)) for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
