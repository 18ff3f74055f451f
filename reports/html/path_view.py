"""A finding's path through the source: frames of lines, and what is known at each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from reports import wording
from reports.html import names
from reports.html.descent import Descent, descent
from reports.html.material import Facts
from reports.html.source_text import Sources, windows
from reports.html.states_view import Graphs, gains
from verifier.findings import Finding, Step, door_title

AROUND_CALL = 4  # lines shown around a step that only calls down
AROUND_STEP = 12  # lines shown around the steps of a long function
WHOLE_FUNCTION = 90  # lines of a function that is shown whole
MOST_STEPS = 200  # steps of a path on a page; its end is kept, for there the operation stands


@dataclass(frozen=True)
class Chip:
    """What holds at a step.  `state` is `asked`, `open`, `passed` or `branch`; the letter says it without colour."""

    state: str
    letter: str
    text: str


_HERE, _PLAIN = Markup(" class=here"), Markup("")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of source.  `steps` are the numbers of the steps that stand on it; `here` marks what the page is about."""

    number: int
    code: Markup
    steps: list[int]
    here: bool

    @property
    def attributes(self) -> Markup:
        """The mark as an attribute; short, for there are hundreds of thousands of lines in a large report."""
        return _HERE if self.here else _PLAIN


@dataclass(frozen=True)
class StepView:
    """One step of a path; `link` leads to its line, on this page or where the source is."""

    number: int
    place: str
    link: str
    note: str
    chips: list[Chip]


@dataclass(frozen=True)
class Frame:
    """Consecutive steps in one function, and the lines around them; `parts` are runs of lines with gaps between."""

    function: str
    file: str
    page: str
    parts: list[list[Line]]
    steps: list[StepView]


def steps_of(finding: Finding) -> list[Step]:
    """The steps that are shown; the operation itself when no path is known."""
    own = Step(file=finding.file, line=finding.line, function=finding.function, note=finding.operation)
    return wording.condensed(finding.path)[-MOST_STEPS:] or [own]


def chips_of(finding: Finding, steps: list[Step], gained: list[list[str]]) -> list[list[Chip]]:
    """For each step: the branch taken there, checks passed since the step before (`gained`), wanted checks asked so far.

    A path's notes tell where a check was called; that its result did not admit the operation is what the finding
    says, so the last step calls every wanted check open.
    """
    asked: set[str] = set()
    out = []
    about = "its object" if finding.object in wording.NAMELESS else wording.plain(finding.object)
    for number, step in enumerate(steps, 1):
        chips = []
        branch = step.note.removeprefix("branch: ") if step.note.startswith("branch: ") else ""
        if branch.startswith("calls "):
            name = branch.removeprefix("calls ")
            asked |= {name} & set(finding.requires)
            chips.append(Chip("asked", "A", f"asks {wording.plain(name)}"))
        elif branch:
            chips.append(Chip("branch", "B", wording.step_note(steps, number - 1).removeprefix("branches, ")))
        chips += [Chip("passed", "P", text) for text in gained[number - 1]]
        last = number == len(steps)
        for name in finding.requires:
            shown = wording.plain(name)
            if last:
                chips.append(Chip("open", "U", f"{about}: unchecked, {shown} " + ("asked, does not cover this" if name in asked else "not passed")))
            elif number == 1 and name not in asked:
                chips.append(Chip("open", "U", f"{about}: unchecked, {shown} not asked yet"))
        if last:
            chips += [Chip("passed", "P", f"{wording.plain(name)}: passed") for name in finding.passed]
        out.append(chips)
    return out


def frames(finding: Finding, sources: Sources, link: Callable[[str, int], str], graphs: Graphs, facts: Facts) -> list[Frame]:
    """The path as frames of source; `link` gives the page of a line of source, `graphs` and `facts` what is known of
    functions."""
    steps = steps_of(finding)
    chips = chips_of(finding, steps, gains(steps, graphs))
    groups: list[list[int]] = []
    for index, step in enumerate(steps):
        if groups and (steps[groups[-1][0]].file, steps[groups[-1][0]].function) == (step.file, step.function):
            groups[-1].append(index)
        else:
            groups.append([index])
    following: list[Descent | None] = [descent(steps[own[-1]], steps[after[0]], facts, sources) for own, after in pairwise(groups)]
    return [
        _frame([(index + 1, steps[index], chips[index]) for index in group], down, sources, link)
        for group, down in zip(groups, [*following, None], strict=True)
    ]


def _frame(own: list[tuple[int, Step, list[Chip]]], down: Descent | None, sources: Sources, link: Callable[[str, int], str]) -> Frame:
    """One function of the path; `down` tells how it calls the next one, None for the last."""
    file = own[0][1].file
    at: dict[int, list[int]] = {}
    for number, step, _ in own:
        at.setdefault(step.line, []).append(number)
    if down is not None:
        at |= {line: [] for line in down.lines if line not in at}
    parts = lines_around(file, at, down is None, sources)
    shown = {number for part in parts for line in part for number in line.steps}
    views = []
    for number, step, chips in own:
        note = "" if step.note.startswith("branch: ") else wording.plain(step.note)
        if down is not None and down.through and number == own[-1][0]:
            note = f"{note} {down.through}".lstrip()
        page = f"#s{number}" if number in shown else link(step.file, step.line)
        views.append(StepView(number, f"line {step.line}", page, note, chips))
    return Frame(wording.plain(door_title(own[0][1].function)), wording.plain(file), link(file, own[0][1].line), parts, views)


def lines_around(file: str, at: dict[int, list[int]], whole: bool, sources: Sources) -> list[list[Line]]:
    """Runs of lines around places of one function: all of a short function when `whole`, else windows."""
    places = sorted(at)
    extent = next((e for place in places if (e := sources.extent(file, place, AROUND_CALL)) is not None), None)
    if extent is None:
        return []
    # Steps of one function can stand outside of its body: in a macro's or an inline function's lines.
    first, end = min(extent[0], max(1, places[0])), min(max(extent[1], places[-1]), len(sources.lines(file)))
    if whole and end - first < WHOLE_FUNCTION:
        runs = [(first, end)]
    else:
        head = [extent[0]] if extent[0] < places[0] else []
        around = windows(first, end, places, AROUND_STEP if whole else AROUND_CALL)
        runs = windows(first, end, head, 1) + around if head and extent[0] + 1 < around[0][0] else around
    parts = []
    for low, high in runs:
        code = sources.code(file, low, high)
        parts.append([Line(low + i, text, at.get(low + i, []), low + i in at) for i, text in enumerate(code)])
    return parts


def function_lines(file: str, first: int, last: int, here: set[int], sources: Sources) -> list[list[Line]]:
    """A function from its first to its last line, as one run; none when the source cannot be had."""
    last = min(last, len(sources.lines(file)))
    code = sources.code(file, first, last) if 0 < first <= last else []
    return [[Line(first + i, text, [], first + i in here) for i, text in enumerate(code)]] if code else []


def source_page(file: str) -> str:
    """Where the source of a file stands in the report."""
    return names.page("source", file)
