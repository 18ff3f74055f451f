"""The report of one finding to the maintainers of the code.

Its questions are those of the kernel's Documentation/process/researcher-guidelines.rst: what the problem is, how it is
reached, what follows, how it was found, how it was tested, and what would fix it.
"""

from __future__ import annotations

import textwrap

from reports import wording
from verifier.findings import Document, Finding, door_title

WIDTH = 74
MOST_STEPS = 40


def render(finding: Finding, document: Document, checks_reason: str = "") -> str:
    """Subject line, an empty line, the body; ends in a newline.  `checks_reason` is the rule's reason when known."""
    where = wording.plain(finding.file)
    function = wording.plain(door_title(finding.function))
    reason = checks_reason or finding.reason
    out = [f"Subject: {where}: {function}: {wording.headline(finding, '')}", ""]
    out += _section("What is the problem?", [
        wording.plain(f"{finding.file}:{finding.line}, {function}: ") + wording.headline(finding) + ".",
        wording.obligation(finding),
        wording.plain(f"The rule's reason: {reason}.") if reason else "",
    ])  # fmt: skip
    doors = [f"Door: {wording.door_line(finding)}.", f"Acting subject: {wording.subject_line(finding)}."]
    if finding.reachable_with:
        doors.append(f"Privilege that the way there asks for: {wording.reachable_line(finding)}.")
    if finding.passed:
        doors.append(wording.plain(f"Passed on the way all the same: {', '.join(finding.passed)}."))
    out += _section("Who can reach it?", doors)
    out += _section("What follows?", [wording.effect(finding)])
    out += ["Evidence", ""]
    path = wording.condensed(finding.path)
    first = max(0, len(path) - MOST_STEPS)
    if first:
        out.append(f"    ... {wording.counted(first, 'earlier step')}")
    for index, step in list(enumerate(path))[first:]:
        out.append(wording.plain(f"    {step.file}:{step.line}: {door_title(step.function)}: ") + wording.step_note(path, index))
    if not path:
        out.append(wording.plain(f"    {finding.file}:{finding.line}: {function}: {finding.operation}"))
    if finding.sibling is not None:
        other = finding.sibling
        out += ["", "    The same operation after the check:"]
        out.append(wording.plain(f"    {other.file}:{other.line}: {door_title(other.function)} passes {other.check}"))
    out.append("")
    if finding.assumptions:
        out += _section("What does this assume?", [f"- {wording.plain(text)}" for text in finding.assumptions])
    out += _section("Suggested fix", [wording.suggested_fix(finding)])
    configuration = ", ".join(f"{key} {value}" for key, value in sorted(document.configuration.items()))
    out += _section("How was it found, how was it tested?", [
        "By kqual, a static verifier of security-hook placement"
        + (wording.plain(f" ({configuration})") if configuration else "") + ".",
        wording.plain(f"Finding {finding.fingerprint}, rule {finding.rule}, kind {finding.kind}."),
        "Not tested on a running kernel: before sending this, confirm by hand that the path can be taken, and say so here.",
    ])  # fmt: skip
    return "\n".join(out).rstrip("\n") + "\n"


def _section(title: str, paragraphs: list[str]) -> list[str]:
    out = [title, ""]
    for paragraph in paragraphs:
        if paragraph:
            out += textwrap.wrap(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    return [*out, ""]
