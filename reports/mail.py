"""Plain text for a mailing list, in the manner of the 0-day robot: what, how reachable, how to reproduce."""

from __future__ import annotations

from reports import wording
from reports.text import finding_lines
from verifier.findings import Document


def render(document: Document) -> str:
    """Subject line, an empty line, the body.  New findings are marked `>>`."""
    counts = wording.tally(document.findings)
    worst = next((tier for tier, count in counts.items() if count), "")
    subject = "kqual: " + (wording.counted(counts[worst], f"new {worst}" if document.fixed is not None else worst) if worst else "nothing found")
    mark = ">> " if document.fixed is not None else ""
    out = [f"Subject: {subject}", "", wording.completeness_line(document.completeness), ""]
    for finding in document.findings:
        if finding.tier == "note":
            continue
        first, *rest = finding_lines(finding)
        out += [mark + first, *rest, ""]
    for finding in document.fixed or []:
        out.append(wording.plain(f"fixed: {finding.file}:{finding.line}: ") + wording.headline(finding))
    configuration = dict(document.configuration)
    command = configuration.pop("command", "")
    out += ["", "How to reproduce:", *([wording.plain(f"    {command}")] if command else []), "    kqual explain ID    (one of them, in full)"]
    if configuration:
        out += ["", "With:", *(wording.plain(f"    {key}: {value}") for key, value in sorted(configuration.items()))]
    out += ["", wording.verdict_line(document)]
    return "\n".join(out) + "\n"
