"""GitLab's code-quality report: a JSON array of issues, a subset of Code Climate's issue format.

GitLab takes an issue for new whose fingerprint the report of the target branch lacks.  The array has no place for what
was not analysed, so that is an issue of its own, of severity `info`; a complete result has none.
"""

from __future__ import annotations

import json
from typing import Any

from reports import wording
from verifier.findings import Document, Finding, fingerprint

SEVERITIES = {"error": "critical", "warning": "minor", "note": "info"}
INCOMPLETE = "incomplete"


def render(document: Document) -> bytes:
    """The array, in the order of the report."""
    issues = [_issue(finding, document) for finding in document.findings]
    missing = _incomplete(document)
    if missing is not None:
        issues.append(missing)
    return json.dumps(issues, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def _issue(finding: Finding, document: Document) -> dict[str, Any]:
    text = f"{wording.headline(finding)}; door: {wording.door_line(finding)}"
    body = [text]
    if finding.reason:
        body.append(wording.plain(f"why: {finding.reason}"))
    path = wording.condensed(finding.path)
    body += [
        wording.plain(f"{step.file}:{step.line}: {step.function}: ") + wording.step_note(path, index)
        for index, step in enumerate(path)
    ]
    return {
        "type": "issue",
        "description": text,
        "check_name": wording.plain(finding.rule or finding.kind),
        "categories": ["Security"],
        "fingerprint": finding.fingerprint,
        "severity": SEVERITIES.get(finding.tier, "info"),
        "location": {"path": wording.plain(finding.file), "lines": {"begin": max(1, finding.line)}},
        "content": {"body": "\n".join([*body, wording.completeness_line(document.completeness)])},
    }


def _incomplete(document: Document) -> dict[str, Any] | None:
    """What was not read, at the first file of it."""
    units, change = document.completeness.units, document.completeness.change
    trouble = [t for part in (change, units) if part is not None for t in (*part.lost, *part.partial)]
    if not trouble and units.total:
        return None
    first = trouble[0].file if trouble else "."
    said = "; ".join(wording.plain(t.error) for t in trouble[:3])
    return {
        "type": "issue",
        "description": wording.completeness_line(document.completeness) + (f"; {said}" if said else ""),
        "check_name": INCOMPLETE,
        "categories": ["Security"],
        "fingerprint": fingerprint(INCOMPLETE, "", "", "", "", "", [], 0),
        "severity": "info",
        "location": {"path": wording.plain(first), "lines": {"begin": 1}},
    }
