"""Who else comes to a place: doors from which direct calls lead down to a finding's function."""

from __future__ import annotations

from reports import wording
from reports.html.material import Facts
from verifier.findings import Finding, door_title

MOST_VISITED = 80  # functions looked at on the way up
MOST_SHOWN = 12
NOBODY = "none"  # the subject of what the kernel starts for itself


def doors_above(finding: Finding, facts: Facts) -> list[str]:
    """Doors beside those that the finding names, nearest first, each with its subject where that is not the caller.

    Only direct calls are followed: through a table anybody may come.
    """
    named = {finding.door, *finding.doors}
    work = [(finding.function, finding.file)]
    seen = set(work)
    out = []
    for place in work:
        function, file = place
        own = facts(file, function)
        if own is None:
            continue
        if own.door and own.subject != NOBODY and function not in named:
            subject = wording.SUBJECTS.get(own.subject or "user", own.subject)
            out.append(wording.plain(door_title(function) + (f" ({subject})" if own.subject not in ("", "user") else "")))
        for caller in sorted(own.callers):
            if caller not in seen and len(seen) < MOST_VISITED:
                seen.add(caller)
                work.append(caller)
    return list(dict.fromkeys(out))[:MOST_SHOWN]
