"""The page of the doors: what each leads to, and which checks hold on every, some or no way there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports import wording
from reports.html.groups import Totals
from reports.html.material import DoorText, Material
from reports.html.operations import VERDICTS
from verifier.findings import door_title


@dataclass(frozen=True)
class DoorView:
    """Doors of which the same is known.  `names` are (name, page of the source), `cells` count the operations that each
    reaches in the order of VERDICTS; checks are by how many of the operations that want them come after them: all, some,
    none."""

    names: list[tuple[str, str]]
    subject: str
    cells: list[str]
    every: list[str]
    some: list[str]
    none: list[str]


@dataclass(frozen=True)
class DoorsView:
    """Doors with findings, as totals, and all doors that lead to an operation."""

    findings: list[Totals]
    count: str
    doors: list[DoorView]
    known: bool


@dataclass(frozen=True)
class _Reach:
    """What is known of a door; doors with an equal one share a row."""

    subject: str
    counts: tuple[int, ...]
    every: tuple[str, ...]
    some: tuple[str, ...]
    none: tuple[str, ...]


def doors_view(material: Material, findings: list[Totals], link: Callable[[str, int], str]) -> DoorsView:
    """The page; those doors come first from which most is unmediated."""
    rows: dict[_Reach, list[tuple[str, str]]] = {}
    for door in material.doors or ():
        rows.setdefault(_reach(door, material), []).append((wording.plain(door_title(door.name)), link(door.file, door.line)))
    ordered = sorted(((reach, sorted(names)) for reach, names in rows.items()), key=lambda row: (-row[0].counts[0], row[1]))
    views = [
        DoorView(names, wording.plain(reach.subject), [wording.number(n) if n else "" for n in reach.counts], *map(list, (reach.every, reach.some, reach.none)))
        for reach, names in ordered
    ]
    return DoorsView(findings, wording.number(len(material.doors or ())), views, material.doors is not None)


def _reach(door: DoorText, material: Material) -> _Reach:
    counts = dict.fromkeys(VERDICTS, 0)
    checks: dict[str, list[int]] = {}
    for rule, verdict, number in door.operations:
        counts[verdict] = counts.get(verdict, 0) + number
        text = material.rules.get(rule)
        for check in text.checks if text is not None else ():
            met = checks.setdefault(check, [0, 0])
            met[verdict == "mediated"] += number
    groups: dict[str, list[str]] = {"every": [], "some": [], "none": []}
    for check, (other, mediated) in sorted(checks.items()):
        groups["every" if not other else "some" if mediated else "none"].append(wording.plain(check))
    return _Reach(door.subject, tuple(counts[verdict] for verdict in VERDICTS), *map(tuple, groups.values()))
