"""b4's answer of a per-patch check (`review-perpatch-check-cmd`, b4 0.15 and newer).

A JSON array of records {tool, status, summary, url, details}, all values texts; `status` is pass, warn or fail.
"""

from __future__ import annotations

import json

from reports import wording
from reports.text import finding_lines
from verifier.findings import Document

TOOL = "kqual"
INCOMPLETE = 3  # exit status of a run that found nothing and saw too little


def render(document: Document, code: int) -> bytes:
    """The array for a document whose exit status is `code`: 1 fails, findings that do not fail the run and what was
    not read in full warn."""
    shown = [finding for finding in document.findings if finding.tier != "note"]
    status = "fail" if code == 1 else "warn" if shown or code == INCOMPLETE else "pass"
    lines = [wording.completeness_line(document.completeness)]
    for finding in shown:
        lines += ["", *finding_lines(finding)]
    for kind, title, entries in wording.ledger_groups(document.completeness):
        if kind in wording.FOR_REVIEWERS:
            lines += ["", f"{title}:", *(f"    {entry}" for entry in entries)]
    return record(status, wording.verdict_line(document).removeprefix("result: "), "\n".join(lines))


def trouble(message: str, hint: str) -> bytes:
    """The array for a patch about which nothing can be said, as when it does not apply."""
    return record("warn", wording.plain(f"not checked: {message}"), wording.plain(hint))


def record(status: str, summary: str, details: str) -> bytes:
    """The array with its one record."""
    answer = [{"tool": TOOL, "status": status, "summary": summary, "url": "", "details": details}]
    return json.dumps(answer, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"
