"""The page of a finding, computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports import bug_report, wording
from reports.html import path_view
from reports.html.call_view import CallView, call_view
from reports.html.material import Facts
from reports.html.path_view import Frame, Line
from reports.html.reach_view import doors_above
from reports.html.rows import Row
from reports.html.source_text import Sources
from reports.html.states_view import Graphs, Nearby, nearby
from verifier.findings import Document, Finding, door_title

MOST_DOORS = 40


@dataclass(frozen=True)
class SiblingView:
    """The protected sibling, beside the operation itself."""

    place: str
    page: str
    function: str
    check: str
    parts: list[list[Line]]


@dataclass(frozen=True)
class FindingView:
    """Everything on a finding's page.  `links` are (key, label, page) of neighbours; `hooks` (name, page)."""

    row: Row
    title: str
    obligation: str
    doors: list[str]
    doors_left: str
    doors_above: list[str]
    subject: str
    reachable: str
    effect: str
    fix: str
    operation: str
    object: str
    hooks: list[tuple[str, str]]
    passed: list[str]
    reason: str
    deciders: str
    assumptions: list[str]
    exemptions: list[str]
    sibling: SiblingView | None
    own: list[list[Line]]
    frames: list[Frame]
    steps_left: str
    calls: CallView | None
    nearby: list[Nearby]
    triage: str
    function_page: str
    source_page: str
    report: str
    previous: str
    next: str


def triage_line(finding: Finding) -> str:
    """The command that gives a finding a verdict, to be completed by hand."""
    return wording.plain(f'kqual triage TREE add {finding.fingerprint} false-positive --reason "..."')


def finding_view(
    finding: Finding, row: Row, document: Document, sources: Sources, *, link: Callable[[str, int], str],
    hook_pages: dict[str, str], function_page: str, reason: str, deciders: str, facts: Facts, graphs: Graphs,
    previous: str, following: str,
) -> FindingView:  # fmt: skip
    """The view; `*_pages` give the pages of what the finding names, relative to the report's folder; `link` that of a
    line of source."""
    doors = [door_title(door) for door in dict.fromkeys([finding.door, *finding.doors]) if door]
    sibling, own = None, []
    if finding.sibling is not None:
        other = finding.sibling
        sibling = SiblingView(
            wording.plain(f"{other.file}:{other.line}"), link(other.file, other.line),
            wording.plain(door_title(other.function)), wording.plain(other.check),
            path_view.lines_around(other.file, {other.line: []}, False, sources),
        )  # fmt: skip
        own = path_view.lines_around(finding.file, {finding.line: []}, False, sources)
    left = len(finding.path) - path_view.MOST_STEPS
    return FindingView(
        row=row, title=wording.headline(finding, ""), obligation=wording.obligation(finding, ""),
        doors=[wording.plain(door) for door in doors[:MOST_DOORS]],
        doors_left=wording.number(len(doors) - MOST_DOORS) if len(doors) > MOST_DOORS else "",
        doors_above=doors_above(finding, facts), subject=wording.subject_line(finding), reachable=wording.reachable_line(finding), effect=wording.effect(finding), fix=wording.suggested_fix(finding, ""),
        operation=wording.plain(finding.operation), object=wording.plain(finding.object),
        hooks=[(wording.plain(name), hook_pages.get(name, "")) for name in finding.requires],
        passed=[wording.plain(name) for name in finding.passed], reason=wording.plain(reason or finding.reason),
        deciders=deciders,
        assumptions=[wording.plain(text) for text in finding.assumptions],
        exemptions=[wording.plain(text) for text in finding.exemptions],
        sibling=sibling, own=own, frames=path_view.frames(finding, sources, link, graphs, facts),
        steps_left=wording.number(left) if left > 0 else "", function_page=function_page,
        source_page=link(finding.file, finding.line),
        calls=call_view(finding, facts, link), nearby=nearby(finding, graphs, link), triage=triage_line(finding),
        report=bug_report.render(finding, document, reason), previous=previous, next=following,
    )  # fmt: skip
