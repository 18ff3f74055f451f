"""The notes of an audit as tables: errors before any hook, and hooks before discretionary access control."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from reports import wording
from verifier.findings import AuditNotes, Blind, door_title

BLIND_HEAD = ("Door", "Fails at", "Error", "Through", "Hook that other ways ask")
EARLY_HEAD = ("Place", "Check", "Asked before it", "Door")


class Table(NamedTuple):
    """A title, a sentence, the column heads, and rows of cells; all cells are plain text.

    `places` are (file, line) of the rows, which column number `place` shows; `checks` are the columns that name a check.
    """

    title: str
    text: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    places: list[tuple[str, int]]
    place: int
    checks: tuple[int, ...]


def tables(notes: AuditNotes) -> list[Table]:
    """Both tables, each even where it is empty."""
    blind = Table(
        "Errors before any hook",
        "Calls that fail here were seen by no security module, so that a policy's audit trail does not have them. No findings: "
        "a kernel may well reject nonsense before it asks.",
        BLIND_HEAD, [_blind(note) for note in notes.blind], [(note.file, note.line) for note in notes.blind], 1, (4,),
    )  # fmt: skip
    early = Table(
        "Hooks before discretionary access control",
        "The hook was asked first: modules see, and audit, what the file's mode or the owner would have refused anyway.",
        EARLY_HEAD,
        [
            _plain(f"{note.file}:{note.line} in {door_title(note.function)}", note.check, note.hook, door_title(note.door))
            for note in notes.early
        ],
        [(note.file, note.line) for note in notes.early], 0, (1, 2),
    )  # fmt: skip
    return [blind, early]


def lines(notes: AuditNotes) -> Iterator[str]:
    """Both tables as text, columns joined by two blanks or more."""
    for table in tables(notes):
        yield f"audit: {table.title}: {wording.number(len(table.rows))}"
        widths = [max(len(row[i]) for row in [table.head, *table.rows]) for i in range(len(table.head))]
        for row in [table.head, *table.rows] if table.rows else []:
            yield "    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield ""


def _blind(note: Blind) -> tuple[str, ...]:
    through = " > ".join(door_title(step.function) for step in note.path[1:])
    return _plain(
        door_title(note.door), f"{note.file}:{note.line} in {door_title(note.function)}", note.error or "negative", through, note.hook
    )


def _plain(*cells: str) -> tuple[str, ...]:
    return tuple(wording.plain(cell) for cell in cells)
