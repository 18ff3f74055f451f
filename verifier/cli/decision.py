"""How a run ends: the exit status, and one last line on standard error that says what was decided and on what ground."""

from __future__ import annotations

from dataclasses import dataclass

from reports.wording import counted
from verifier.findings import Document, Units, at_or_above

WORDS = {0: "passed", 1: "failed", 3: "incomplete"}


@dataclass(frozen=True)
class Terms:
    """What the options say: --fail-on, --allow-incomplete (a share), --strict."""

    fail_on: str = "error"
    allow_incomplete: float = 0.02
    strict: bool = False


def stale_comments(document: Document) -> list[str]:
    """Comments that permit nothing; with --strict they fail the run."""
    return [entry.what for entry in document.completeness.ledger if entry.kind == "stale-allow"]


def status(document: Document, terms: Terms) -> int:
    """Exit status of the contract: 1 findings as grave as `fail_on`, 3 too incomplete and nothing found, else 0."""
    if at_or_above(document.findings, terms.fail_on) or (terms.strict and stale_comments(document)):
        return 1
    return 3 if document.completeness.missing_share > terms.allow_incomplete else 0


def line(document: Document, terms: Terms, tree: str) -> str:
    """The last line: the decision, what it rests on, and how complete that is."""
    code = status(document, terms)
    grave = len(at_or_above(document.findings, terms.fail_on))
    if terms.fail_on == "never":
        reasons = [f"{counted(len(document.findings), 'finding')}, --fail-on never"]
    else:
        reasons = [f"{counted(grave, 'finding')} of tier {terms.fail_on} or graver"]
    stale = len(stale_comments(document)) if terms.strict else 0
    if stale:
        reasons.append(f"{counted(stale, 'comment')} without effect (--strict)")
    change = document.completeness.change
    if change is not None and change.total:
        reasons.append(_share(change, "units of the change"))
    reasons.append(_share(document.completeness.units, "units"))
    if code == 3:
        reasons.append(f"{terms.allow_incomplete:.1%} are allowed (--allow-incomplete); `kqual doctor {tree}` says what is missing")
    return f"{WORDS[code]} (status {code}): {'; '.join(reasons)}"


def _share(units: Units, what: str) -> str:
    """How many were analysed."""
    if units.analysed == units.total:
        return f"all {units.total:,} {what} fully analysed" if units.total else f"no {what} analysed"
    return f"{units.total - units.analysed:,} of {units.total:,} {what} were not fully analysed"
