"""In-source permissions: `/* kqual: allow RULE reason */` beside a statement or above a function.

A comment speaks for the statement on its own line, or for the one that follows it; where that is the beginning of a
function, for the whole function.  One without a reason permits nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from verifier.findings import Finding
from verifier.program.link import Program

MOST_LINES = 40  # of a statement
_COMMENT = re.compile(r"(?:/\*+|//)\s*kqual:\s*allow\s+(?P<rule>(?:slot|door)-sibling:[\w.]+|[\w.-]+)(?P<reason>[^\n]*)")
_NOTHING = re.compile(r"^\s*(/\*.*|\*.*|//.*)?$")
_END = re.compile(r"[;{}]\s*(/\*.*|//.*)?$")


class Permission(NamedTuple):
    """One comment: its place, the lines that it speaks for, and the text of its line."""

    file: str
    line: int
    rule: str
    reason: str
    first: int
    last: int
    text: str


def permissions(file: str, text: str) -> list[Permission]:
    """The comments of one file."""
    if "kqual:" not in text:
        return []
    lines = text.split("\n")
    out = []
    for number, line in enumerate(lines, 1):
        match = _COMMENT.search(line)
        if match is None:
            continue
        reason = match["reason"].split("*/")[0].strip(" \t:-")
        first = number
        if not line[: match.start()].strip():
            after = match["reason"].partition("*/")[2]
            while not after.strip() and first < len(lines) and first - number < MOST_LINES:
                first += 1
                after = "" if _NOTHING.match(lines[first - 1]) else lines[first - 1]
        last = first
        while last < len(lines) and last - first < MOST_LINES and not _END.search(lines[last - 1]):
            last += 1
        out.append(Permission(file, number, match["rule"], reason, first, last, line.strip()))
    return out


def apply(
    findings: Iterable[Finding], found: list[Permission], program: Program
) -> tuple[list[Finding], list[tuple[Permission, Finding]]]:
    """(findings that stay, findings with the comment that permits them)."""
    by_rule: dict[tuple[str, str], list[Permission]] = {}
    for p in found:
        if p.reason:
            by_rule.setdefault((p.file, p.rule), []).append(p)
    starts = _starts(program, {p.file for p in found})
    kept: list[Finding] = []
    allowed: list[tuple[Permission, Finding]] = []
    for f in findings:
        start = starts.get((f.file, f.function), -1)
        match = next(
            (p for p in by_rule.get((f.file, f.rule), ()) if p.first <= f.line <= p.last or p.first <= start <= p.last), None
        )
        if match is None:
            kept.append(f)
        else:
            allowed.append((match, f))
    return kept, allowed


def _starts(program: Program, files: set[str]) -> dict[tuple[str, str], int]:
    return {
        (i.index.file, i.index.name): i.index.line for i in program.functions.values() if i.index.file in files
    } if files else {}  # fmt: skip


def of_files(files: Iterable[str], read: Callable[[str], bytes | None]) -> list[Permission]:
    """The comments of many files, in order; `read` gives None for what cannot be read."""
    out: list[Permission] = []
    for file in sorted(set(files)):
        data = read(file)
        if data is not None and b"kqual:" in data:
            out += permissions(file, data.decode("utf-8", "replace"))
    return out
