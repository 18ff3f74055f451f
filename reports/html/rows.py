"""Findings as rows of tables, and as the data that the index filters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reports import wording
from verifier.findings import TIERS, Finding, door_title

PAGE_ROWS = 500  # rows of a list page
FIRST_ROWS = 50  # rows of the index before any script runs
MOST_DATA = 8000  # findings in the index's data: about 100 bytes each, so that it stays below a megabyte
STATES = ("", "new", "changed", "known", "dismissed")  # "": nothing to compare with
_SAFE_ID = re.compile(r"[0-9A-Za-z]{1,64}\Z")


@dataclass(frozen=True)
class Row:
    """One finding in a table; `page` is the finding's own page, "" when it has none."""

    page: str
    tier: str
    kind: str
    place: str
    function: str
    headline: str
    rule: str
    rule_page: str
    service: str
    door: str
    fingerprint: str


@dataclass(frozen=True)
class Table:
    """One page of the findings of a tier; `pages` are (label, file, is this one)."""

    tier: str
    title: str
    caption: str
    rows: list[Row]
    pages: list[tuple[str, str, bool]]
    more: str


def has_page(finding: Finding) -> bool:
    """Whether a fingerprint can name a file; those of documents from elsewhere need not."""
    return bool(_SAFE_ID.match(finding.fingerprint))


def row(finding: Finding, paged: bool, service: str, rule_page: str) -> Row:
    """A finding's row."""
    return Row(
        page=f"findings/{finding.fingerprint}.html" if paged else "",
        tier=finding.tier if finding.tier in TIERS else "note",
        kind=wording.TITLES.get(finding.kind, wording.plain(finding.kind)),
        place=wording.plain(f"{finding.file}:{finding.line}"),
        function=wording.plain(door_title(finding.function)),
        headline=wording.headline(finding, ""),
        rule=wording.plain(finding.rule),
        rule_page=rule_page,
        service=wording.plain(service),
        door=wording.door_line(finding),
        fingerprint=wording.plain(finding.fingerprint),
    )


def tables(rows: list[Row], tier: str) -> list[tuple[str, Table]]:
    """(file name, table) for the pages of one tier; at least one page."""
    cuts = [rows[start : start + PAGE_ROWS] for start in range(0, len(rows), PAGE_ROWS)] or [[]]
    files = [f"{tier}s.html" if number == 0 else f"{tier}s-{number + 1}.html" for number in range(len(cuts))]
    out = []
    for own, (name, cut) in enumerate(zip(files, cuts, strict=True)):
        pages = [(str(number + 1), other, number == own) for number, other in enumerate(files)]
        first = own * PAGE_ROWS
        caption = f"{wording.number(first + 1)} to {wording.number(first + len(cut))} of {wording.counted(len(rows), tier)}" if cut else ""
        out.append((name, Table(tier, f"{tier.capitalize()}s", caption, cut, pages if len(pages) > 1 else [], "")))
    return out


def index_data(entries: Iterable[tuple[Finding, str, bool, str, str]], rule_pages: dict[str, str]) -> tuple[bytes, int]:
    """The data of the index as a script, and how many findings it leaves out.

    `entries` are (finding, service, has a page, state, remark) in report order; a state is one of STATES.  A script and not JSON, because pages opened from
    disk may not fetch.  Words are stored once; rows hold their numbers: fingerprint, tier, kind, file, line, function,
    operation, object, wanted checks, rule, service, door, subject, state, remark, whether it has a page.
    """
    words: dict[str, int] = {}

    def word(text: str) -> int:
        return words.setdefault(wording.plain(text), len(words))

    rows: list[list[Any]] = []
    left = 0
    for finding, service, paged, state, remark in entries:
        if len(rows) >= MOST_DATA:
            left += 1
            continue
        rows.append([
            wording.plain(finding.fingerprint), TIERS.index(finding.tier) if finding.tier in TIERS else 2,
            word(finding.kind), word(finding.file), finding.line, word(door_title(finding.function)),
            word(finding.operation), word(finding.object), [word(name) for name in finding.requires], word(finding.rule),
            word(service), word(door_title(finding.door)), word(finding.subject), word(state), word(remark),
            int(paged),
        ])  # fmt: skip
    pages = {words[wording.plain(rule)]: page for rule, page in rule_pages.items() if page and wording.plain(rule) in words}
    data = {"pages": pages, "tiers": TIERS, "kinds": wording.TITLES, "sentences": wording.SENTENCES, "unnamed": wording.UNNAMED, "nameless": wording.NAMELESS, "words": list(words), "rows": rows}
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return f"window.kqualFindings={text};\n".encode(), left
