"""The page of the audit's notes: the tables of reports.audit_notes with links to source and checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports import audit_notes
from verifier.findings import AuditNotes


@dataclass(frozen=True)
class Cell:
    """A text; `page` is where it leads, "" for nowhere."""

    text: str
    page: str


@dataclass(frozen=True)
class AuditTable:
    """A table of the page."""

    title: str
    text: str
    head: tuple[str, ...]
    rows: list[list[Cell]]


def audit_view(notes: AuditNotes, link: Callable[[str, int], str], hook_pages: dict[str, str]) -> list[AuditTable]:
    """The tables; `link` gives the page of a line of source."""
    return [
        AuditTable(table.title, table.text, table.head, [
            [Cell(text, _page(table, column, at, text, link, hook_pages)) for column, text in enumerate(cells)]
            for cells, at in zip(table.rows, table.places, strict=True)
        ])
        for table in audit_notes.tables(notes)
    ]  # fmt: skip


def _page(
    table: audit_notes.Table, column: int, at: tuple[str, int], text: str, link: Callable[[str, int], str], hook_pages: dict[str, str]
) -> str:
    if column == table.place:
        return link(*at)
    return hook_pages.get(text, "") if column in table.checks else ""
