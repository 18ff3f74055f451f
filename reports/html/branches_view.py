"""The page of one finding over several trees, computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports import branches, wording
from reports.html.rows import Row
from verifier.findings import Finding


@dataclass(frozen=True)
class StateView:
    """A finding in one tree; `place` is "" where it is not open."""

    state: str
    word: str
    letter: str
    place: str


@dataclass(frozen=True)
class ChangeView:
    """What lies between two trees."""

    title: str
    commits: list[str]
    diff: list[tuple[str, str]]  # (added, gone or "", text)


@dataclass(frozen=True)
class LineView:
    """A finding; `row` links to its page where the report has one."""

    anchor: str
    row: Row
    states: list[StateView]
    changes: list[ChangeView]


@dataclass(frozen=True)
class BranchesView:
    """The page: trees with their completeness, findings, and what the states mean."""

    line: str
    trees: list[tuple[str, str, list[tuple[str, str]]]]
    names: list[str]
    lines: list[LineView]
    legend: list[tuple[str, str, str, str]]
    mail: str


LETTERS = {"open": "U", "fixed": "F", "protected": "C", "unknown": "?", "absent": "-", "silent": "n"}


def branches_view(found: branches.Branches, row: Callable[[Finding], Row]) -> BranchesView:
    """The view; `row` makes a row of a finding."""
    used = [state for state in branches.STATES if any(state in line.states for line in found.lines)]
    return BranchesView(
        branches.summary_line(found),
        [
            (wording.plain(name), wording.completeness_line(document.completeness),
             [(wording.plain(k), wording.plain(v)) for k, v in sorted(document.configuration.items())])
            for name, document in zip(found.names, found.documents, strict=True)
        ],
        [wording.plain(name) for name in found.names],
        [_line(number, line, found.names, row) for number, line in enumerate(found.lines, 1)],
        [(LETTERS[state], state, branches.STATES[state], branches.MEANINGS[state]) for state in used],
        branches.render(found, mail=True),
    )  # fmt: skip


def _line(number: int, line: branches.Line, names: list[str], row: Callable[[Finding], Row]) -> LineView:
    states = []
    for name, state in zip(names, line.states, strict=True):
        here = line.open.get(name)
        place = wording.plain(f"{here.file}:{here.line}") if here is not None else ""
        states.append(StateView(state, branches.STATES[state], LETTERS[state], place))
    changes = [
        ChangeView(wording.plain(f"From {c.before} to {c.after}"), c.commits, [(_sign(text), text) for text in c.diff])
        for c in line.changes
    ]
    return LineView(f"finding-{number}", row(line.finding), states, changes)


def _sign(text: str) -> str:
    if text.startswith(("+++", "---", "@@")):
        return "gap"
    return {"+": "added", "-": "gone"}.get(text[:1], "")
