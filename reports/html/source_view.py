"""One page for each file of the tree that a finding names: its functions on paths, with links to the findings."""

from __future__ import annotations

from dataclasses import dataclass

from reports import wording
from reports.html.material import Obligation
from reports.html.path_view import Line
from reports.html.source_text import Sources, windows
from verifier.findings import AuditNotes, Finding

CONTEXT = 6
MOST_LINES = 250  # lines of one function that are shown whole
AROUND = 40


@dataclass(frozen=True)
class Mark:
    """A finding on a line."""

    page: str
    tier: str
    headline: str
    line: int


@dataclass(frozen=True)
class SourceView:
    """The page of a file; `parts` are runs of lines."""

    file: str
    parts: list[list[Line]]
    marks: list[Mark]
    left_out: str


def places(findings: list[Finding], obligations: list[Obligation], notes: AuditNotes) -> dict[str, set[int]]:
    """Lines that findings, controlled operations and notes of an audit name, by file."""
    out: dict[str, set[int]] = {}
    for obligation in obligations:
        out.setdefault(obligation.file, set()).add(obligation.line)
    for note in [*notes.blind, *notes.early]:
        out.setdefault(note.file, set()).add(note.line)
    for finding in findings:
        named = [(finding.file, finding.line), *((step.file, step.line) for step in finding.path)]
        if finding.sibling is not None:
            named.append((finding.sibling.file, finding.sibling.line))
        for file, line in named:
            out.setdefault(file, set()).add(line)
    return out


def source_view(file: str, lines: set[int], findings: list[tuple[Finding, str]], sources: Sources) -> SourceView | None:
    """The functions of a file that hold `lines`; `findings` are those of the file with their pages.

    None when the source cannot be had.
    """
    runs: list[tuple[int, int]] = []
    for line in sorted(lines):
        extent = sources.extent(file, line, CONTEXT)
        if extent is None:
            continue
        first, last = extent
        if last - first >= MOST_LINES:
            first, last = windows(first, last, [line], AROUND)[0]
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = runs[-1][0], max(last, runs[-1][1])
        else:
            runs.append((first, last))
    if not runs:
        return None
    here = {finding.line for finding, _ in findings}
    parts = [
        [Line(first + i, code, [], first + i in here) for i, code in enumerate(sources.code(file, first, last))]
        for first, last in runs
    ]
    marks = [Mark(page, finding.tier, wording.headline(finding, ""), finding.line) for finding, page in findings]
    shown = sum(len(part) for part in parts)
    left = len(sources.lines(file)) - shown
    return SourceView(wording.plain(file), parts, sorted(marks, key=lambda m: (m.line, m.page)), wording.number(left) if left > 0 else "")
