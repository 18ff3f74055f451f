"""SARIF 2.1.0 for code-scanning sites.

Source: OASIS, Static Analysis Results Interchange Format Version 2.1.0 (2020).  Sites show at most 5,000 results and
keep 1,000 path steps; what is left out for that is said in a notification, as is everything that was not analysed.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from reports import wording
from verifier import __version__
from verifier.findings import Document, Finding, Step, door_title

MOST_RESULTS = 5000
MOST_STEPS = 1000
MOST_NOTIFICATIONS = 200  # of one kind; the rest is counted
FINGERPRINT = "kqual/v1"
LEVELS = {"error": "error", "warning": "warning", "note": "note"}
SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(document: Document) -> bytes:
    """The log file: one run, results in report order (so that a cut loses the least grave ones), UTF-8."""
    results = [(finding, None if document.fixed is None else "new") for finding in document.findings]
    results += [(finding, "absent") for finding in document.fixed or []]
    shown = results[:MOST_RESULTS]
    rules = sorted({finding.rule for finding, _ in shown})
    index = {rule: number for number, rule in enumerate(rules)}
    notifications = _notifications(document)
    if len(shown) < len(results):
        left = len(results) - len(shown)
        text = f"{wording.number(left)} of {wording.number(len(results))} results are left out: sites show {MOST_RESULTS} at most"
        notifications.insert(0, _notification("results-left-out", "warning", text))
    long = sum(len(finding.path) > MOST_STEPS for finding, _ in shown)
    if long:
        text = f"{wording.counted(long, 'path')} cut to {wording.number(MOST_STEPS)} steps"
        notifications.insert(0, _notification("steps-left-out", "warning", text))
    log = {
        "$schema": SCHEMA_URI,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(document, rules)},
                "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notifications}],
                "originalUriBaseIds": {"TREE": {"description": {"text": "The root of the kernel tree."}}},
                "columnKind": "utf16CodeUnits",
                "results": [_result(finding, state, index) for finding, state in shown],
                "properties": {
                    "completeness": wording.completeness_line(document.completeness),
                    "configuration": dict(sorted(document.configuration.items())),
                },
            }
        ],
    }
    text = json.dumps(log, ensure_ascii=False, indent=1)
    return text.encode("utf-8", "replace") + b"\n"


def _driver(document: Document, rules: list[str]) -> dict[str, Any]:
    notes = {note.id: note for note in document.rules}
    reasons = {finding.rule: finding.reason for finding in reversed(document.findings) if finding.reason}
    described = []
    for rule in rules:
        note = notes.get(rule)
        operation = note.operation if note else ""
        reason = (note.reason if note else "") or reasons.get(rule, "")
        text = wording.plain(reason or operation or rule)
        described.append(
            {
                "id": wording.plain(rule),
                "shortDescription": {"text": wording.plain(operation or rule)},
                "fullDescription": {"text": text},
                "help": {"text": f"Type `kqual explain {wording.plain(rule)}` for the rule and its examples."},
            }
        )
    return {"name": "kqual", "version": __version__, "semanticVersion": __version__, "rules": described}


def _result(finding: Finding, state: str | None, index: dict[str, int]) -> dict[str, Any]:
    text = wording.headline(finding) + f"; door: {wording.door_line(finding)}"
    result: dict[str, Any] = {
        "ruleId": wording.plain(finding.rule),
        "ruleIndex": index[finding.rule],
        "level": LEVELS.get(finding.tier, "none"),
        "message": {"text": text},
        "locations": [_location(finding.file, finding.line, finding.function)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "codeFlows": [{"message": {"text": "from the door to the operation"}, "threadFlows": [_flow(finding)]}],
        "properties": {
            "kind": finding.kind,
            "operation": wording.plain(finding.operation),
            "object": wording.plain(finding.object),
            "requires": [wording.plain(name) for name in finding.requires],
            "assumptions": [wording.plain(text) for text in finding.assumptions],
        },
    }
    if finding.sibling is not None:
        other = finding.sibling
        related = _location(other.file, other.line, other.function)
        related["id"] = 1
        related["message"] = {"text": wording.plain(f"protected sibling: {other.function} passes {other.check}")}
        result["relatedLocations"] = [related]
    if state is not None:
        result["baselineState"] = state
    return result


def _flow(finding: Finding) -> dict[str, Any]:
    """The path; its end is kept when it is too long, for there the operation stands."""
    steps = finding.path[-MOST_STEPS:] or [
        Step(file=finding.file, line=finding.line, function=finding.function, note=finding.operation)
    ]
    locations = []
    for step in steps:
        place = _location(step.file, step.line, step.function)
        place["message"] = {"text": wording.plain(f"{door_title(step.function)}: {step.note}")}
        locations.append({"location": place})
    return {"locations": locations}


def _location(file: str, line: int, function: str) -> dict[str, Any]:
    artifact: dict[str, Any] = {"uri": quote(file.encode("utf-8", "surrogateescape"))}
    if not file.startswith("/"):
        artifact["uriBaseId"] = "TREE"
    else:
        artifact["uri"] = "file://" + artifact["uri"]
    physical: dict[str, Any] = {"artifactLocation": artifact}
    if line > 0:
        physical["region"] = {"startLine": line}
    return {
        "physicalLocation": physical,
        "logicalLocations": [{"name": wording.plain(function), "kind": "function"}],
    }


def _notifications(document: Document) -> list[dict[str, Any]]:
    out = [_notification("completeness", "note", wording.completeness_line(document.completeness))]
    for kind, title, entries in wording.ledger_groups(document.completeness):
        level = "warning" if kind in ("lost-unit", "partial-unit") else "note"
        out += [_notification(kind, level, f"{title}: {entry}") for entry in entries[:MOST_NOTIFICATIONS]]
        left = len(entries) - MOST_NOTIFICATIONS
        if left > 0:
            out.append(_notification(kind, level, f"{title}: {wording.number(left)} more"))
    return out


def _notification(kind: str, level: str, text: str) -> dict[str, Any]:
    return {"descriptor": {"id": kind}, "level": level, "message": {"text": text}}
