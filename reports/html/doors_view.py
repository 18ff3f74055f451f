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
    """A door.  `cells` count the operations that it reaches in the order of VERDICTS; checks are by how many of the
    operations that want them come after them: all, some, none."""

    name: str
    page: str
    subject: str
    cells: list[str]
    every: list[str]
    some: list[str]
    none: list[str]


@dataclass(frozen=True)
class DoorsView:
    """Doors with findings, as totals, and all doors that lead to an operation."""

    findings: list[Totals]
    doors: list[DoorView]
    known: bool


def doors_view(material: Material, findings: list[Totals], link: Callable[[str, int], str]) -> DoorsView:
    """The page; those doors come first from which something is unmediated."""
    views = [(_open(door), _door(door, material, link)) for door in material.doors or ()]
    views.sort(key=lambda pair: (-pair[0], pair[1].name, pair[1].page))
    return DoorsView(findings, [view for _, view in views], material.doors is not None)


def _open(door: DoorText) -> int:
    return sum(number for _, verdict, number in door.operations if verdict == "unmediated")


def _door(door: DoorText, material: Material, link: Callable[[str, int], str]) -> DoorView:
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
    return DoorView(
        wording.plain(door_title(door.name)), link(door.file, door.line), wording.plain(door.subject),
        [wording.number(counts[v]) if counts[v] else "" for v in VERDICTS], groups["every"], groups["some"], groups["none"],
    )  # fmt: skip
