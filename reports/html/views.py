"""What the HTML pages show, computed; templates only print it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers.c_cpp import CLexer

from reports import wording
from verifier.findings import TIERS, Document, Finding, door_title

Source = Callable[[str], str | None]  # the text of a file of the tree, None when it cannot be had

PAGE_ROWS = 500
CONTEXT = 4  # lines of source around a place
_LEXER = CLexer(stripnl=False, ensurenl=False)
_FORMATTER = HtmlFormatter(nowrap=True)
_SAFE_ID = re.compile(r"[0-9A-Za-z]{1,64}\Z")


@dataclass(frozen=True)
class SourceLine:
    """One line of an excerpt; `code` is highlighted and escaped."""

    number: int
    code: Markup
    here: bool


@dataclass(frozen=True)
class StepView:
    """One step of a path."""

    number: int
    place: str
    function: str
    note: str
    excerpt: list[SourceLine]


@dataclass(frozen=True)
class Row:
    """One finding in a table; `page` is the finding's own page, "" when it has none."""

    page: str
    tier: str
    kind: str
    place: str
    function: str
    headline: str
    rule: str
    door: str
    fingerprint: str


@dataclass(frozen=True)
class FindingView:
    """The page of a finding."""

    row: Row
    title: str
    operation: str
    object: str
    requires: list[str]
    passed: list[str]
    reason: str
    assumptions: list[str]
    exemptions: list[str]
    sibling: StepView | None
    sibling_check: str
    place: list[SourceLine]
    steps: list[StepView]


@dataclass(frozen=True)
class Group:
    """Entries of one kind that were not analysed or are taken for granted."""

    kind: str
    title: str
    entries: list[str]


@dataclass(frozen=True)
class Table:
    """One page of the findings of a tier; `pages` are (label, file, is this one)."""

    tier: str
    total: int
    rows: list[Row]
    pages: list[tuple[str, str, bool]]


@dataclass(frozen=True)
class Summary:
    """What every page shows around its own content."""

    completeness: str
    verdict: str
    complete: bool
    counts: list[tuple[str, int]]
    verdicts: list[tuple[str, int, str]]
    kinds: list[tuple[str, int]]
    configuration: list[tuple[str, str]]
    gate: bool


def summary(document: Document) -> Summary:
    """Counts and lines for the head of the index."""
    completeness = document.completeness
    obligations = completeness.obligations
    whole = obligations.mediated + obligations.unmediated + obligations.unknown
    kinds: dict[str, int] = {}
    for finding in document.findings:
        kinds[finding.kind] = kinds.get(finding.kind, 0) + 1
    return Summary(
        completeness=wording.completeness_line(completeness),
        verdict=wording.verdict_line(document),
        complete=0 < completeness.units.total == completeness.units.analysed,
        counts=list(wording.tally(document.findings).items()),
        verdicts=[
            (word, count, wording.percent(count, whole))
            for word, count in (
                ("mediated", obligations.mediated),
                ("unmediated", obligations.unmediated),
                ("unknown", obligations.unknown),
            )
        ],
        kinds=sorted(((wording.TITLES.get(kind, kind), count) for kind, count in kinds.items()), key=lambda k: (-k[1], k[0])),
        configuration=[(wording.plain(key), wording.plain(value)) for key, value in sorted(document.configuration.items())],
        gate=document.fixed is not None,
    )


def row(finding: Finding, has_page: bool) -> Row:
    """A finding's row."""
    usable = has_page and _SAFE_ID.match(finding.fingerprint)
    return Row(
        page=f"findings/{finding.fingerprint}.html" if usable else "",
        tier=finding.tier if finding.tier in TIERS else "note",
        kind=wording.TITLES.get(finding.kind, wording.plain(finding.kind)),
        place=wording.plain(f"{finding.file}:{finding.line}"),
        function=wording.plain(door_title(finding.function)),
        headline=wording.headline(finding, ""),
        rule=wording.plain(finding.rule),
        door=wording.door_line(finding),
        fingerprint=wording.plain(finding.fingerprint),
    )


def tables(rows: list[Row], tier: str, stem: str) -> list[tuple[str, Table]]:
    """(file name, table) for the pages of one tier; at least one page."""
    cuts = [rows[start : start + PAGE_ROWS] for start in range(0, len(rows), PAGE_ROWS)] or [[]]
    names = [f"{stem}.html" if number == 0 else f"{stem}-{number + 1}.html" for number in range(len(cuts))]
    out = []
    for own, (name, cut) in enumerate(zip(names, cuts, strict=True)):
        pages = [(str(number + 1), other, number == own) for number, other in enumerate(names)]
        out.append((name, Table(tier, len(rows), cut, pages if len(pages) > 1 else [])))
    return out


def groups(document: Document) -> list[Group]:
    """The ledger."""
    return [Group(*group) for group in wording.ledger_groups(document.completeness)]


class Excerpts:
    """Highlighted source around a place; each file is read once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.files: dict[str, list[str]] = {}
        self.done: dict[tuple[str, int], list[SourceLine]] = {}

    def around(self, file: str, line: int) -> list[SourceLine]:
        """The lines around `line` of `file`; empty when the source is not there."""
        key = file, line
        if key not in self.done:
            if file not in self.files:
                self.files[file] = (self.source(file) or "").split("\n")
            text = self.files[file]
            first = max(1, line - CONTEXT)
            cut = [wording.plain(part.expandtabs(8))[:400] for part in text[first - 1 : line + CONTEXT]]
            if not 0 < line <= len(text) or not any(cut):
                self.done[key] = []
            else:
                marked = highlight("\n".join(cut), _LEXER, _FORMATTER).split("\n")
                self.done[key] = [
                    SourceLine(first + offset, Markup(code), first + offset == line)
                    for offset, code in enumerate(marked[: len(cut)])
                ]
        return self.done[key]


def finding_view(finding: Finding, excerpts: Excerpts) -> FindingView:
    """Everything on a finding's page."""
    steps = [
        StepView(
            number=number,
            place=wording.plain(f"{step.file}:{step.line}"),
            function=wording.plain(door_title(step.function)),
            note=wording.plain(step.note),
            excerpt=excerpts.around(step.file, step.line),
        )
        for number, step in enumerate(finding.path, 1)
    ]
    sibling = None
    if finding.sibling is not None:
        other = finding.sibling
        sibling = StepView(
            number=0,
            place=wording.plain(f"{other.file}:{other.line}"),
            function=wording.plain(door_title(other.function)),
            note=wording.plain(other.check),
            excerpt=excerpts.around(other.file, other.line),
        )
    return FindingView(
        row=row(finding, True),
        title=wording.headline(finding, ""),
        operation=wording.plain(finding.operation),
        object=wording.plain(finding.object),
        requires=[wording.plain(name) for name in finding.requires],
        passed=[wording.plain(name) for name in finding.passed],
        reason=wording.plain(finding.reason),
        assumptions=[wording.plain(text) for text in finding.assumptions],
        exemptions=[wording.plain(text) for text in finding.exemptions],
        sibling=sibling,
        sibling_check=wording.plain(finding.sibling.check) if finding.sibling else "",
        place=excerpts.around(finding.file, finding.line),
        steps=steps,
    )
