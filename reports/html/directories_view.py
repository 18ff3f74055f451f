"""The tree of directories with the findings and the controlled operations below each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from reports import wording
from reports.html.material import Obligation
from reports.html.operations import VERDICTS
from verifier.findings import TIERS, Finding

DEEPEST = 9  # levels that are told apart by their indent


@dataclass
class _Counts:
    tiers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TIERS, 0))
    verdicts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0))


@dataclass(frozen=True)
class DirectoryView:
    """A directory with everything below it: findings by tier, operations by verdict; `query` filters the index."""

    name: str
    path: str
    depth: int
    query: str
    findings: list[str]
    operations: list[str]


def directories_view(findings: list[Finding], obligations: list[Obligation] | None) -> list[DirectoryView]:
    """The tree, depth first; a folder with one child only is kept.  Operations are left out where they are not known."""
    counts: dict[str, _Counts] = {"": _Counts()}
    for finding in findings:
        for folder in _folders(finding.file):
            counts.setdefault(folder, _Counts()).tiers[finding.tier if finding.tier in TIERS else "note"] += 1
    for obligation in obligations or ():
        for folder in _folders(obligation.file):
            counts.setdefault(folder, _Counts()).verdicts[obligation.verdict] += 1
    return [_view(path, counts[path], obligations is not None) for path in sorted(counts, key=lambda path: path.split("/") if path else [])]


def _folders(file: str) -> Iterator[str]:
    """The folders above a file, the tree itself ("") first."""
    parts = file.split("/")[:-1]
    return ("/".join(parts[:depth]) for depth in range(len(parts) + 1))


def _view(path: str, counts: _Counts, operations: bool) -> DirectoryView:
    shown = wording.plain(path)
    return DirectoryView(
        wording.plain(path.rpartition("/")[2]) + "/" if path else "all of the tree", shown, min(path.count("/") + 1, DEEPEST) if path else 0,
        f"dir={quote(shown, safe='')}" if path else "", [wording.number(counts.tiers[tier]) for tier in TIERS],
        [wording.number(counts.verdicts[verdict]) for verdict in VERDICTS] if operations else [],
    )  # fmt: skip
