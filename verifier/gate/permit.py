"""What `kqual: allow` comments take out of a result, and what the ledger says of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

from verifier.findings import Document, Finding, LedgerEntry
from verifier.gate import comments
from verifier.gate.variant import Variant
from verifier.program.analyse import Analysis
from verifier.program.report import shape_findings, to_finding


def permit(found: Analysis, document: Document) -> None:
    """Take out of a scan's document what comments permit."""
    files = {r.file for r in found.records if not r.file.startswith("<")} | {f.file for f in document.findings}
    permissions = comments.of_files(files, lambda file: _read(found.root, file))
    document.findings, allowed = comments.apply(document.findings, permissions, found.program)
    document.completeness.ledger += [_entry(p, f, "") for p, f in allowed]
    document.completeness.ledger += stale(permissions, [p for p, _ in allowed])


def permitted(
    before: Variant, after: Variant, found: list[Finding], strict: bool, ledger: list[LedgerEntry]
) -> list[Finding]:
    """The findings without those that a comment permits; the ledger tells of these, and of comments without effect."""
    files = {f.file for f in found} | set(after.overlay.files)
    read = _reader(after)
    permissions = comments.of_files(files, read)
    if not permissions:
        return found
    old = Counter((p.file, p.text) for p in comments.of_files({p.file for p in permissions}, _reader(before)))
    own = []
    for p in permissions:
        if old[p.file, p.text] > 0:
            old[p.file, p.text] -= 1
        else:
            own.append(p)
    usable = [p for p in permissions if not strict or p not in own]
    kept, allowed = comments.apply(found, usable, after.program)
    for p, f in allowed:
        made = ", made by this change" if p in own else ""
        ledger.append(_entry(p, f, made))
    frontier = after.frontier
    everything = [to_finding(o, after.base.pack, after.program, after.doors) for o in frontier.findings()]
    everything += shape_findings(after.results, after.program, after.doors, everything)
    ledger += stale(permissions, [p for p, _ in comments.apply(everything + found, permissions, after.program)[1]])
    return kept


def stale(permissions: list[comments.Permission], used: list[comments.Permission]) -> list[LedgerEntry]:
    """Ledger entries of the comments that permit nothing."""
    out = []
    for p in permissions:
        if not p.reason:
            out.append(LedgerEntry(kind="stale-allow", what=f"{p.file}:{p.line}: allow {p.rule} gives no reason and permits nothing"))
        elif p not in used:
            out.append(LedgerEntry(kind="stale-allow", what=f"{p.file}:{p.line}: allow {p.rule} has nothing to permit"))
    return out


def _read(root: str, file: str) -> bytes | None:
    try:
        with open(os.path.join(root, file), "rb") as handle:
            return handle.read()
    except OSError:
        return None  # a generated file, or a store without its tree: no comments then


def _reader(variant: Variant) -> Callable[[str], bytes | None]:
    def read(file: str) -> bytes | None:
        if file in variant.overlay.removed:
            return None
        if file in variant.overlay.files:
            return variant.overlay.files[file]
        return _read(variant.base.root, file)

    return read


def _entry(p: comments.Permission, f: Finding, made: str) -> LedgerEntry:
    return LedgerEntry(kind="allowed", what=f"{f.file}:{f.line}: {f.rule}: {p.reason} (line {p.line}{made})")
