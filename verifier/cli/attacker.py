"""`--attacker`: what somebody with certain privileges can reach, of a finished document."""

from __future__ import annotations

import re

from verifier.errors import UsageError
from verifier.findings import FREE, IN_INIT, Document, Finding, LedgerEntry, finish_completeness

UNPRIVILEGED, ROOT = "unprivileged", "userns-root"
_CAPABILITY = re.compile(r"CAP_[A-Z_]+")


class Attacker:
    """`unprivileged`, `userns-root` (every capability in user namespaces of their own, none in init), or `cap:NAME` (that
    one in init, and so in every other namespace)."""

    def __init__(self, name: str) -> None:
        """UsageError for anything else."""
        self.capability = ""
        if name.startswith("cap:"):
            word = name.removeprefix("cap:").upper()
            self.capability = word if word.startswith("CAP_") else f"CAP_{word}"
            name = f"cap:{self.capability}"
        if name not in (UNPRIVILEGED, ROOT) and not _CAPABILITY.fullmatch(self.capability):
            raise UsageError(f"--attacker {name}: not known", "unprivileged, userns-root, or cap:NET_ADMIN and the like")
        self.name = name

    def has(self, need: str) -> bool:
        """Whether they have one entry of `reachable_with`."""
        if need == FREE:
            return True
        if self.capability:
            return need.partition(" ")[0] == self.capability
        return self.name == ROOT and not need.endswith(IN_INIT)

    def reaches(self, finding: Finding) -> bool:
        """Whether they can reach a finding's place; where nothing is known about it, they may."""
        return all(map(self.has, finding.reachable_with))


def known(name: str | None) -> None:
    """UsageError for a name that is none, before anything dear is done."""
    if name is not None:
        Attacker(name)


def limit(document: Document, name: str | None) -> Document:
    """Leave in a document what the attacker of that name reaches; the ledger counts the rest.  None leaves all."""
    if name is None:
        return document
    attacker = Attacker(name)
    ledger = document.completeness.ledger
    left = sum(not attacker.reaches(finding) for finding in document.findings)
    unknown = sum(not finding.reachable_with for finding in document.findings)
    for count, what in ((left, f"findings that ask for more than {attacker.name} has"), (unknown, "findings of unknown privilege")):
        if count:
            ledger.append(LedgerEntry(kind="attacker", what=what, count=count))
    document.findings = [finding for finding in document.findings if attacker.reaches(finding)]
    document.configuration = document.configuration | {"attacker": attacker.name}
    finish_completeness(document.completeness)
    return document
