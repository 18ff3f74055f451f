"""The page of a comparison, computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports import comparison, wording
from reports.html.rows import Row
from verifier.findings import Finding


@dataclass(frozen=True)
class ServiceView:
    """One service; `changed` are (row of the later finding, what changed)."""

    name: str
    cells: list[str]
    new: list[Row]
    fixed: list[Row]
    changed: list[tuple[Row, list[str]]]


@dataclass(frozen=True)
class CompareView:
    """Both completeness lines, the configuration as (key, old, new), the services."""

    line: str
    old: str
    new: str
    configuration: list[tuple[str, str, str]]
    services: list[ServiceView]
    mail: str


def compare_view(found: comparison.Comparison, row: Callable[[Finding], Row]) -> CompareView:
    """The view; `row` makes a row of a finding."""
    old, new = found.old.configuration, found.new.configuration
    return CompareView(
        comparison.summary_line(found), wording.completeness_line(found.old.completeness),
        wording.completeness_line(found.new.completeness),
        [(wording.plain(key), wording.plain(old.get(key, "")), wording.plain(new.get(key, ""))) for key in sorted({*old, *new})],
        [
            ServiceView(
                service.name, [wording.number(len(part)) for part in (service.new, service.fixed, service.changed)],
                [row(finding) for finding in service.new], [row(finding) for finding in service.fixed],
                [(row(after), comparison.changes(before, after)) for before, after in service.changed],
            )
            for service in found.services
        ],
        comparison.render(found, mail=True),
    )  # fmt: skip
