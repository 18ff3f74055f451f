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


def render(
    document: Document, suppressed: dict[str, str] | None = None, states: dict[str, str] | None = None, gone: list[Finding] | None = None
) -> bytes:
    """The log file: one run, results in report order (so that a cut loses the least grave ones), UTF-8.

    `suppressed` maps fingerprints of findings that somebody accepted to their justification; `states` says of findings
    whether they are `new`, `changed` or `known` against an older scan, whose findings that are `gone` are results, too.
    """
    before = {"new": "new", "changed": "updated", "known": "unchanged"}
    default = None if document.fixed is None else "new"
    results = [(finding, before.get((states or {}).get(finding.fingerprint, ""), default)) for finding in document.findings]
    results += [(finding, "absent") for finding in [*(document.fixed or []), *(gone or [])]]
    results += [(item.finding, None) for item in document.dismissed]
    said = {item.finding.fingerprint: f"{item.verdict}: {item.reason}" for item in document.dismissed}
    suppressed = (suppressed or {}) | said
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
                "tool": {"driver": _driver(document, rules, [finding for finding, _ in shown])},
                "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notifications}],
                "originalUriBaseIds": {"TREE": {"description": {"text": "The root of the kernel tree."}}},
                "columnKind": "utf16CodeUnits",
                "results": [_result(finding, state, index, suppressed) for finding, state in shown],
                "properties": {
                    "completeness": wording.completeness_line(document.completeness),
                    "configuration": dict(sorted(document.configuration.items())),
                },
            }
        ],
    }
    text = json.dumps(log, ensure_ascii=False, indent=1)
    return text.encode("utf-8", "replace") + b"\n"


def _driver(document: Document, rules: list[str], shown: list[Finding]) -> dict[str, Any]:
    notes = {note.id: note for note in document.rules}
    reasons = {finding.rule: finding.reason for finding in reversed(document.findings) if finding.reason}
    described = []
    members: dict[str, list[Finding]] = {}
    for finding in shown:
        members.setdefault(finding.rule, []).append(finding)
    for rule in rules:
        note = notes.get(rule)
        operation = note.operation if note else ""
        reason = (note.reason if note else "") or reasons.get(rule, "")
        text, markdown = _help(rule, operation, reason, members[rule])
        described.append(
            {
                "id": wording.plain(rule),
                "shortDescription": {"text": wording.plain(operation or rule)},
                "fullDescription": {"text": wording.plain(reason or operation or rule)},
                "help": {"text": text, "markdown": markdown},
                "properties": {"tags": ["security", *([wording.plain(note.service)] if note and note.service else [])]},
            }
        )
    return {"name": "kqual", "version": __version__, "semanticVersion": __version__, "rules": described}


def _help(rule: str, operation: str, reason: str, findings: list[Finding]) -> tuple[str, str]:
    """What a site shows beside a result, as text and as Markdown (names in code spans without backquotes of their own)."""
    checks = sorted({name for finding in findings for name in finding.requires})
    kinds = [kind for kind in wording.TITLES if any(finding.kind == kind for finding in findings)]
    lines = [f"{wording.plain(operation or rule)} must come after {wording.listed(checks, '')}." if checks else wording.plain(operation or rule)]
    if reason:
        lines.append(f"Why: {wording.plain(reason)}.")
    lines += [f"{wording.TITLES[kind]}: {wording.EFFECTS[kind]} {wording.FIXES[kind].replace('{checks}', 'the check')}" for kind in kinds]
    lines.append(f"Type: kqual explain {wording.plain(rule)}")
    plain = [wording.plain(line) for line in lines]
    return "\n".join(plain), "\n\n".join("".join("\\" + c if c in "\\`*_{}[]<>#|!" else c for c in line) for line in plain)


def _result(finding: Finding, state: str | None, index: dict[str, int], suppressed: dict[str, str]) -> dict[str, Any]:
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
    if finding.reachable_with:
        result["properties"]["reachableWith"] = [wording.plain(need) for need in finding.reachable_with]
    if finding.sibling is not None:
        other = finding.sibling
        related = _location(other.file, other.line, other.function)
        related["id"] = 1
        related["message"] = {"text": wording.plain(f"protected sibling: {other.function} passes {other.check}")}
        result["relatedLocations"] = [related]
    if state is not None:
        result["baselineState"] = state
    # An empty list says that suppressions were looked for and that there is none (section 3.27.23).
    result["suppressions"] = []
    if finding.fingerprint in suppressed:
        justification = wording.plain(suppressed[finding.fingerprint])
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    return result


def _flow(finding: Finding) -> dict[str, Any]:
    """The path; its end is kept when it is too long, for there the operation stands."""
    path = wording.condensed(finding.path) or [Step(file=finding.file, line=finding.line, function=finding.function, note=finding.operation)]
    locations = []
    for index in range(max(0, len(path) - MOST_STEPS), len(path)):
        step = path[index]
        place = _location(step.file, step.line, step.function)
        place["message"] = {"text": wording.plain(f"{door_title(step.function)}: ") + wording.step_note(path, index)}
        locations.append({"location": place, "importance": "essential" if index == len(path) - 1 else "important"})
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
