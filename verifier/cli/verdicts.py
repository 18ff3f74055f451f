"""Verdicts meet findings: which are dismissed, which came back because their code changed, which entries are stale."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from verifier.cli.answers import body_of
from verifier.cli.catalogue import Catalogue
from verifier.cli.triage_file import DISMISSING, Entry
from verifier.errors import KqualError
from verifier.findings import Dismissed, Document, Finding, LedgerEntry, finish_completeness
from verifier.ir.model import Function
from verifier.ir.shape import shape


class Bodies:
    """Shapes of the functions that findings speak of, from the store of a scan."""

    def __init__(self, store: Any) -> None:
        self.catalogue = Catalogue(store)
        self._bodies: dict[tuple[str, str], Function | None] = {}

    def body(self, function: str, file: str) -> Function | None:
        """The body of a function, None when the scan has none."""
        if (function, file) not in self._bodies:
            try:
                records = [record for record in self.catalogue.named(function) if record.file == file]
            except KqualError:
                records = []
            self._bodies[function, file] = body_of(self.catalogue, records[0]) if records else None
        return self._bodies[function, file]

    def key(self, finding: Finding) -> str:
        """What stays when functions and files get other names: rule, operation, required checks, shape of the body."""
        body = self.body(finding.function, finding.file)
        parts = [finding.kind, finding.rule, finding.operation, *sorted(finding.requires), shape(body) if body else finding.function]
        return _digest(parts)

    def code(self, finding: Finding) -> str:
        """The shapes of all functions from the door to the operation."""
        places = dict.fromkeys([*((step.function, step.file) for step in finding.path), (finding.function, finding.file)])
        names = {function: f"<{number}>" for number, (function, _) in enumerate(places)}
        bodies = [self.body(*place) for place in places]
        return _digest([shape(body, names) if body else "" for body in bodies])


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass
class Outcome:
    """What became of the entries: pairs of entry and finding; `stale` entries have no finding any more."""

    dismissed: list[tuple[Entry, Finding]] = field(default_factory=list)
    real: list[tuple[Entry, Finding]] = field(default_factory=list)
    moved: list[tuple[Entry, Finding]] = field(default_factory=list)  # also in `dismissed` or `real`
    changed: list[tuple[Entry, Finding]] = field(default_factory=list)  # dismissed once, and back
    stale: list[Entry] = field(default_factory=list)


def judge(findings: list[Finding], entries: list[Entry], bodies: Bodies) -> Outcome:
    """Match entries to findings: by fingerprint, else by key, each finding once."""
    outcome = Outcome()
    by_name = {finding.fingerprint: finding for finding in findings}
    taken = {entry.fingerprint for entry in entries}
    free: dict[str, list[Finding]] | None = None
    for entry in entries:
        finding = by_name.get(entry.fingerprint)
        if finding is None:
            if free is None:
                free = {}
                for other in findings:
                    if other.fingerprint not in taken and any(e.rule == other.rule for e in entries):
                        free.setdefault(bodies.key(other), []).append(other)
            near = free.get(entry.key, []) if entry.key else []
            if not near:
                outcome.stale.append(entry)
                continue
            finding = near.pop(0)
            outcome.moved.append((entry, finding))
        if entry.verdict not in DISMISSING:
            outcome.real.append((entry, finding))
        elif entry.code and entry.code != bodies.code(finding):
            outcome.changed.append((entry, finding))
        else:
            outcome.dismissed.append((entry, finding))
    return outcome


def apply(document: Document, outcome: Outcome, name: str) -> Document:
    """Take dismissed findings out of `findings` into `dismissed`, and say in the ledger what the file `name` did."""
    gone = {id(finding) for _, finding in outcome.dismissed}
    document.findings = [finding for finding in document.findings if id(finding) not in gone]
    document.dismissed = [
        Dismissed(finding=finding, verdict=entry.verdict, reason=entry.reason)
        for entry, finding in sorted(outcome.dismissed, key=lambda pair: pair[1].fingerprint)
    ]
    ledger = document.completeness.ledger
    counts: dict[str, int] = {}
    for entry, _ in outcome.dismissed:
        counts[entry.verdict] = counts.get(entry.verdict, 0) + 1
    ledger += [LedgerEntry(kind="triage", what=f"findings dismissed as {verdict} by {name}", count=n) for verdict, n in counts.items()]
    for entry, finding in outcome.changed:
        what = f"{finding.fingerprint} was dismissed as {entry.verdict}, and is back: code on its path changed"
        ledger.append(LedgerEntry(kind="triage", what=what))
    for entry in outcome.stale:
        ledger.append(LedgerEntry(kind="triage", what=f"stale: {entry.fingerprint} ({entry.rule} in {entry.place}) is not found any more"))
    finish_completeness(document.completeness)
    return document
