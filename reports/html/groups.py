"""Findings by rule, hook and door, and the ledger: the pages that count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from reports import wording
from reports.html import names
from reports.html.coverage_view import SiteView
from reports.html.material import Material, RuleText
from reports.html.operations import OperationView, VerdictView
from reports.html.rows import Row
from verifier.findings import TIERS, Document, Finding, door_title

MOST_ROWS = 500  # findings in one group's table
MOST_ENTRIES = 5000  # lines of one class of gaps


@dataclass
class Totals:
    """Findings by tier; `link` filters the index down to them."""

    name: str
    page: str = ""
    note: str = ""
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TIERS, 0))
    query: str = ""

    @property
    def cells(self) -> list[str]:
        """Counts for the columns, gravest first."""
        return [wording.number(self.counts[tier]) for tier in TIERS]

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        tier = finding.tier if finding.tier in TIERS else "note"
        self.counts[tier] += 1


@dataclass(frozen=True)
class RuleView:
    """The page of a rule."""

    text: RuleText
    service: str
    rows: list[Row]
    left: int
    hooks: list[tuple[str, str]]
    verdicts: list[VerdictView]
    deciders: str


@dataclass(frozen=True)
class Place:
    """A place with the page of its source, "" when there is none."""

    text: str
    page: str
    function: str
    note: str


@dataclass(frozen=True)
class HookView:
    """The page of a check: rules that want it, places without it, places that pass it, and who decides.

    `asks` tells whether modules are asked at all (the check is a security hook and the modules are known).
    """

    name: str
    rules: list[tuple[str, str]]
    rows: list[Row]
    left: int
    siblings: list[Place]
    sites: list[SiteView]
    operations: list[OperationView]
    verdicts: list[VerdictView]
    modules: list[str]
    asks: bool
    loaded: dict[str, bool]


@dataclass(frozen=True)
class Gap:
    """Entries of one kind that were not analysed or are taken for granted."""

    title: str
    count: str
    entries: list[str]
    left: str
    open: bool


def grouped(findings: list[Finding], key: Callable[[Finding], list[str]]) -> dict[str, list[Finding]]:
    """Findings by each of their keys, keys in order."""
    out: dict[str, list[Finding]] = {}
    for finding in findings:
        for name in dict.fromkeys(key(finding)):
            out.setdefault(name, []).append(finding)
    return dict(sorted(out.items()))


def totals(findings: dict[str, list[Finding]], folder: str, parameter: str, titled: Callable[[str], str] = wording.plain) -> list[Totals]:
    """A line for each group, those with the gravest findings first."""
    out = []
    for name, members in findings.items():
        line = Totals(titled(name), names.page(folder, name) if folder else "", query=f"{parameter}={quote(titled(name), safe='')}")
        for finding in members:
            line.add(finding)
        out.append(line)
    return sorted(out, key=lambda line: (*(-line.counts[tier] for tier in TIERS), line.name))


def rule_text(rule: str, document: Document, material: Material) -> RuleText:
    """A rule in full when the rules were handed over, else what the document says of it."""
    if rule in material.rules:
        return material.rules[rule]
    note = next((note for note in document.rules if note.id == rule), None)
    if note is None:
        return RuleText(rule)
    return RuleText(rule, note.service, "", note.operation, reason=note.reason)


def shown_rule(text: RuleText) -> RuleText:
    """The rule with every text made harmless to print; examples keep their lines."""
    def lines(code: str) -> str:
        return "\n".join("\t".join(wording.plain(part) for part in line.split("\t")) for line in code.split("\n"))

    return RuleText(
        wording.plain(text.id), wording.plain(text.service), wording.plain(text.tier), wording.plain(text.operation), wording.plain(text.slot),
        tuple(wording.plain(line) for line in text.requires), text.checks, wording.plain(text.subject), wording.plain(text.reason),
        tuple((wording.plain(name), wording.plain(reason)) for name, reason in text.exempt), lines(text.good), lines(text.bad),
        wording.plain(text.place),
    )  # fmt: skip


def hooks_of(finding: Finding) -> list[str]:
    """Checks that a finding speaks of: wanted ones, and the one that its protected sibling passes."""
    return [*finding.requires, *([finding.sibling.check] if finding.sibling is not None else [])]


def doors_of(finding: Finding) -> list[str]:
    """The doors of a finding by their names for people; one that stands for none."""
    return [door_title(door) for door in dict.fromkeys([finding.door, *finding.doors]) if door] or ["no door is known"]


def siblings(findings: list[Finding], hook: str, link: Callable[[str, int], str]) -> list[Place]:
    """Places that pass a check, as protected siblings of findings tell."""
    found = {(s.file, s.line, s.function) for f in findings if (s := f.sibling) is not None and s.check == hook}
    return [
        Place(wording.plain(f"{file}:{line}"), link(file, line), wording.plain(door_title(function)), "")
        for file, line, function in sorted(found)
    ]


def read_of_the_tree(document: Document) -> str:
    """Which part of the tree a scan can see at all, in a sentence or two."""
    configuration = document.configuration
    units = wording.counted(document.completeness.units.total, "C file")
    if "union of" in configuration:
        return wording.plain(f"Read was what at least one of the configurations {configuration['union of']} compiles: {units}. The rest is listed here.")
    scope = f" below {configuration['scope']}" if configuration.get("scope") else ""
    return wording.plain(f"Read was what this configuration compiles{scope}: {units}. Code that it leaves out, Rust and assembly are not listed here; a union of configurations (or of this one alone) lists them:")


def gaps(document: Document) -> list[Gap]:
    """The ledger."""
    out = []
    for _, title, entries in wording.ledger_groups(document.completeness):
        left = len(entries) - MOST_ENTRIES
        out.append(
            Gap(title, wording.number(len(entries)), entries[:MOST_ENTRIES], wording.number(left) if left > 0 else "", len(entries) <= 20)
        )
    return out
