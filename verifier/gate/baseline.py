"""A baseline: findings that are known and not reported again, for trees without history."""

from __future__ import annotations

from pathlib import Path

import msgspec

from verifier.errors import KqualError
from verifier.findings import Document, Finding, LedgerEntry

SCHEMA = "kqual-baseline/1"
MOST_BYTES = 256 << 20


class Known(msgspec.Struct, kw_only=True, frozen=True):
    """A known finding; all but the fingerprint is for people."""

    fingerprint: str
    rule: str = ""
    file: str = ""
    function: str = ""


class Baseline(msgspec.Struct, kw_only=True):
    """The file's contents."""

    schema: str
    findings: list[Known]


def encode(findings: list[Finding]) -> bytes:
    """A baseline of these findings: JSON, sorted, always equal bytes."""
    known = [Known(fingerprint=f.fingerprint, rule=f.rule, file=f.file, function=f.function) for f in findings]
    known.sort(key=lambda k: (k.file, k.function, k.rule, k.fingerprint))
    data = msgspec.json.encode(msgspec.to_builtins(Baseline(schema=SCHEMA, findings=known)))
    return msgspec.json.format(data, indent=2) + b"\n"


def read(path: str) -> set[str]:
    """The fingerprints of a baseline file; KqualError when it is none."""
    hint = "write one with `kqual scan TREE --write-baseline FILE`"
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise KqualError(f"{path}: too large for a baseline", hint)
        found = msgspec.json.decode(Path(path).read_bytes(), type=Baseline)
    except OSError as error:
        raise KqualError(f"{path}: {error.strerror}", hint) from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise KqualError(f"{path}: no baseline: {error}", hint) from error
    if found.schema != SCHEMA:
        raise KqualError(f"{path}: a baseline of schema {found.schema!r}, not {SCHEMA!r}", hint)
    return {k.fingerprint for k in found.findings}


def leave_out(document: Document, known: set[str]) -> None:
    """Take known findings out of a document, and say so in its ledger."""
    kept = [f for f in document.findings if f.fingerprint not in known]
    if len(kept) < len(document.findings):
        count = len(document.findings) - len(kept)
        document.completeness.ledger.append(LedgerEntry(kind="baseline", what="findings of the baseline, not shown", count=count))
    document.findings = kept
