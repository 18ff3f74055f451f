"""One finding over several trees: where it is open, where it is not any more, and what changed there."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from reports import wording
from reports.comparison import place_of
from reports.layout import function_extent
from verifier.findings import Document, Finding, door_title

Place = tuple[str, str, str, int, str]  # rule, file, function, line, verdict
Commits = Callable[[str, str, list[str], list[str]], list[str]]

MOST_DIFF = 60  # lines of a function's difference that are shown
STATES = {
    "open": "open",
    "fixed": "fixed",
    "protected": "protected",
    "unknown": "not decided",
    "absent": "no such operation",
    "silent": "not reported",
}
MEANINGS = {
    "open": "reached without the check",
    "fixed": "open in an earlier tree, and the same operation of the same function comes after its check here",
    "protected": "comes after its check",
    "unknown": "no door that is known leads there, or the file was not read in full",
    "absent": "the function performs no operation that the rule speaks of, or the rule does not hold for this version",
    "silent": "no finding here; a document alone does not tell whether the operation is there",
}


@dataclass(frozen=True)
class Branch:
    """The scan of one tree.  `places` are its controlled operations, None where only the document is known; `source`
    gives the text of a file."""

    name: str
    document: Document
    places: list[Place] | None = None
    source: Callable[[str], str | None] = lambda _: None


@dataclass(frozen=True)
class Change:
    """What lies between two neighbouring trees: commits that touch the check, and the function's difference."""

    before: str
    after: str
    commits: list[str]
    diff: list[str]


@dataclass
class Line:
    """One finding: its form in each tree where it is open, the state in each tree (keys of STATES), the changes."""

    finding: Finding
    open: dict[str, Finding]
    states: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True)
class Branches:
    """All findings over all trees, in the order of the last tree that has them open."""

    names: list[str]
    documents: list[Document]
    lines: list[Line]

    def count(self, number: int, state: str) -> int:
        """How many findings have a state in one tree."""
        return sum(line.states[number] == state for line in self.lines)


def over(trees: list[Branch], notes: bool = False, commits: Commits = lambda *_: []) -> Branches:
    """Match the findings of some trees, oldest first, by fingerprint and else by place and operation.

    `notes` takes findings of that tier, too.  `commits(before, after, files, checks)` names changes between two trees.
    """
    lines: list[Line] = []
    by_print: dict[str, Line] = {}
    by_place: dict[tuple[str, ...], list[Line]] = {}
    for tree in trees:
        for finding in tree.document.findings:
            if finding.tier == "note" and not notes:
                continue
            line = by_print.get(finding.fingerprint)
            if line is None or tree.name in line.open:
                line = next((x for x in by_place.get(place_of(finding), ()) if tree.name not in x.open), None)
            if line is None:
                line = Line(finding, {})
                lines.append(line)
                by_place.setdefault(place_of(finding), []).append(line)
            line.open[tree.name] = finding
            line.finding = finding
            by_print[finding.fingerprint] = line
    for line in lines:
        was_open = False
        for tree in trees:
            state = "open" if tree.name in line.open else _state(line.finding, tree)
            line.states.append("fixed" if state == "protected" and was_open else state)
            was_open = was_open or state == "open"
        for number in range(1, len(trees)):
            if (line.states[number - 1] == "open") != (line.states[number] == "open"):
                line.changes.append(_change(line, trees[number - 1], trees[number], commits))
    order = {id(f): n for tree in trees for n, f in enumerate(tree.document.findings)}
    lines.sort(key=lambda line: (-max(n for n, s in enumerate(line.states) if s == "open"), order[id(line.finding)]))
    return Branches([tree.name for tree in trees], [tree.document for tree in trees], lines)


def _state(finding: Finding, tree: Branch) -> str:
    """What a tree that does not report a finding says of it."""
    units = tree.document.completeness.units
    if any(unit.file == finding.file for unit in [*units.lost, *units.partial]):
        return "unknown"
    if tree.places is None:
        return "silent"
    verdicts = {p[4] for p in tree.places if (p[0], p[2]) == (finding.rule, finding.function)}
    if not verdicts:
        return "absent"
    return "protected" if verdicts == {"mediated"} else "unknown"


def _change(line: Line, before: Branch, after: Branch, commits: Commits) -> Change:
    files = list(dict.fromkeys(f for t in (before, after) if (f := _file(line, t))))
    texts = [_function(line.finding, _file(line, tree), tree) for tree in (before, after)]
    diff = list(difflib.unified_diff(*texts, before.name, after.name, lineterm="", n=2)) if all(texts) else []
    shown = [wording.plain(text.expandtabs()) for text in diff[:MOST_DIFF]]
    if len(diff) > MOST_DIFF:
        shown.append(f"... {wording.counted(len(diff) - MOST_DIFF, 'more line')}")
    found = commits(before.name, after.name, files, line.finding.requires)
    return Change(before.name, after.name, [wording.plain(text) for text in found], shown)


def _file(line: Line, tree: Branch) -> str:
    """Where a tree has the function of a finding."""
    if tree.name in line.open:
        return line.open[tree.name].file
    finding = line.finding
    places = [p[1] for p in tree.places or () if p[2] == finding.function]
    same = [file for file in places if file.rpartition("/")[2] == finding.file.rpartition("/")[2]]
    return next(iter([*same, *places]), finding.file)


def _function(finding: Finding, file: str, tree: Branch) -> list[str]:
    """The lines of the finding's function in a tree; empty when they cannot be had."""
    lines = (tree.source(file) or "").split("\n")
    here = finding.function if not door_title(finding.function).endswith(")") else ""
    at = [p[3] for p in tree.places or () if (p[1], p[2]) == (file, finding.function)]
    if finding in tree.document.findings:
        at.insert(0, finding.line)
    at += [n for n, text in enumerate(lines, 1) if here and f"{here}(" in text and text[:1].isalpha() and not text.rstrip().endswith(";")]
    extent = next((e for n in at if 0 < n <= len(lines) and (e := function_extent(lines, n)) is not None), None)
    return lines[extent[0] - 1 : extent[1]] if extent is not None else []


def summary_line(found: Branches) -> str:
    """`branches: 3 findings over 2 trees; 6.1: 3 open; 6.12: 1 open, 1 fixed`"""
    trees = []
    for number, name in enumerate(found.names):
        counts = [(found.count(number, state), word) for state, word in STATES.items()]
        trees.append(f"{name}: " + (", ".join(f"{wording.number(n)} {word}" for n, word in counts if n) or "nothing"))
    return wording.plain(f"branches: {wording.counted(len(found.lines), 'finding')} over {wording.counted(len(found.names), 'tree')}; " + "; ".join(trees))


def render(found: Branches, mail: bool = False) -> str:
    """All findings with their states, as text; `mail` puts a subject line before it."""
    lines = list(_lines(found))
    if mail:
        lines = [f"Subject: kqual: {summary_line(found).removeprefix('branches: ')}", "", *lines]
    return "\n".join(lines) + "\n"


def _lines(found: Branches) -> Iterator[str]:
    for name, document in zip(found.names, found.documents, strict=True):
        yield wording.plain(f"{name} ") + wording.completeness_line(document.completeness)
        yield from (wording.plain(f"    {key}: {value}") for key, value in sorted(document.configuration.items()))
    for line in found.lines:
        finding = line.finding
        yield ""
        yield wording.plain(f"{finding.file}: {finding.tier}: ") + wording.headline(finding) + wording.plain(f" [{finding.rule}]")
        yield wording.plain(f"    in {door_title(finding.function)}; door: ") + wording.door_line(finding)
        for name, state in zip(found.names, line.states, strict=True):
            here = line.open.get(name)
            where = f" at {here.file}:{here.line}, id {here.fingerprint}" if here is not None else ""
            yield wording.plain(f"    {name}: {STATES[state]}{where}")
        for change in line.changes:
            yield wording.plain(f"    from {change.before} to {change.after}:")
            yield from (f"        {text}" for text in change.commits)
            yield from (f"        {text}" for text in change.diff)
            if not change.commits and not change.diff:
                yield "        no difference to show: one of the trees lacks the function, or its source is not at hand"
    yield ""
    yield from (f"{word}: {MEANINGS[state]}" for state, word in STATES.items() if any(state in line.states for line in found.lines))
    yield summary_line(found)


def as_json(found: Branches) -> dict[str, object]:
    """The same for machines."""
    return {
        "schema": "kqual/1",
        "trees": [{"name": n, "configuration": dict(sorted(d.configuration.items()))} for n, d in zip(found.names, found.documents, strict=True)],
        "findings": [
            {
                "rule": line.finding.rule, "kind": line.finding.kind, "tier": line.finding.tier,
                "operation": line.finding.operation, "function": line.finding.function, "requires": line.finding.requires,
                "trees": [_tree_json(name, state, line.open.get(name)) for name, state in zip(found.names, line.states, strict=True)],
                "changes": [{"before": c.before, "after": c.after, "commits": c.commits, "diff": c.diff} for c in line.changes],
            }
            for line in found.lines
        ],
    }  # fmt: skip


def _tree_json(name: str, state: str, here: Finding | None) -> dict[str, object]:
    out: dict[str, object] = {"name": name, "state": state}
    return out | ({"file": here.file, "line": here.line, "fingerprint": here.fingerprint} if here is not None else {})

