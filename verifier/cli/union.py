"""`kqual report --union`: several scans of one tree, each with a configuration of its own, as one document.

A place that only some configurations compile is reported all the same, with the configuration as an assumption; what
none of them compiled stands in the ledger.
"""

from __future__ import annotations

import msgspec

from reports.html.material import Obligation
from verifier.cli import messages, scanned, uncompiled
from verifier.cli.scanned import Scan, better
from verifier.errors import UsageError
from verifier.findings import (
    TIERS,
    Calls,
    Completeness,
    Document,
    Finding,
    LedgerEntry,
    SlotCalls,
    Units,
    UnitTrouble,
    finish_completeness,
    order,
)
from verifier.findings import Obligations as Counts

_WORST = {"unmediated": 0, "unknown": 1, "mediated": 2}


def of(pairs: list[tuple[str, str]]) -> tuple[Document, list[Obligation] | None]:
    """`merged` of the stores of some configurations, each with its name."""
    return merged([scanned.opened(name, file) for name, file in pairs])


def merged(scans: list[Scan]) -> tuple[Document, list[Obligation] | None]:
    """One document over all configurations, and all operations with the worst verdict that any configuration gives.

    Raises UsageError when the scans are of different kernels.
    """
    versions = sorted({scan.document.configuration.get("kernel", "") for scan in scans})
    if len(versions) > 1:
        raise UsageError(f"--union merges scans of one tree, these are of {' and '.join(versions)}", "--trees compares trees")
    names = [scan.name for scan in scans]
    findings = _findings(scans)
    completeness = _completeness(scans)
    completeness.ledger = _ledger(scans, names) + uncompiled.ledger(scans[0].tree, [s.read for s in scans], [s.functions for s in scans])
    obligations = _obligations(scans)
    if obligations is not None:
        words = [o.verdict for o in obligations]
        completeness.obligations = Counts(**{word: words.count(word) for word in ("mediated", "unmediated", "unknown")})
    first = scans[0].document
    document = Document(
        schema=first.schema, completeness=finish_completeness(completeness), findings=findings, configuration=_configuration(scans),
        rules=sorted({note.id: note for s in scans for note in s.document.rules}.values(), key=lambda note: note.id),
        exemptions=sorted({note.name: note for s in scans for note in s.document.exemptions}.values(), key=lambda note: note.name),
    )  # fmt: skip
    return document, obligations


def _findings(scans: list[Scan]) -> list[Finding]:
    """Findings of all configurations by fingerprint, in the gravest form; those that not all have say so."""
    rank = {tier: number for number, tier in enumerate(TIERS)}
    out: dict[str, Finding] = {}
    seen: dict[str, list[str]] = {}
    for scan in scans:
        for finding in scan.document.findings:
            seen.setdefault(finding.fingerprint, []).append(scan.name)
            known = out.get(finding.fingerprint)
            if known is None or rank.get(finding.tier, 9) < rank.get(known.tier, 9):
                out[finding.fingerprint] = finding
    for key, finding in out.items():
        if len(seen[key]) < len(scans):
            text = f"the kernel is configured as in {' or '.join(seen[key])}"
            out[key] = msgspec.structs.replace(finding, assumptions=[*finding.assumptions, text])
    return sorted(out.values(), key=order)


def _completeness(scans: list[Scan]) -> Completeness:
    units: dict[str, tuple[str, str]] = {}
    for scan in scans:
        for file, state in scan.units.items():
            units[file] = better(units.get(file), state)
    trouble = {status: [UnitTrouble(file=f, error=e) for f, (s, e) in units.items() if s == status] for status in ("partial", "lost")}
    every = [scan.document.completeness for scan in scans]
    slots: dict[str, SlotCalls] = {}
    for slot in (slot for completeness in every for slot in completeness.calls.slots):
        known = slots.get(slot.slot, slot)
        slots[slot.slot] = SlotCalls(
            slot=slot.slot, sites=max(known.sites, slot.sites), targets=max(known.targets, slot.targets),
            unresolved=max(known.unresolved, slot.unresolved),
        )  # fmt: skip
    largest = max(every, key=lambda completeness: completeness.calls.direct)
    verdicts = [completeness.obligations for completeness in every]
    return Completeness(
        units=Units(
            total=len(units), analysed=sum(s == "analysed" for s, _ in units.values()), partial=trouble["partial"], lost=trouble["lost"]
        ),
        functions=len(set().union(*(scan.functions for scan in scans))),
        calls=Calls(
            direct=largest.calls.direct, indirect=largest.calls.indirect, unresolved=largest.calls.unresolved, slots=list(slots.values())
        ),
        obligations=Counts(
            mediated=max(v.mediated for v in verdicts), unmediated=max(v.unmediated for v in verdicts),
            unknown=max(v.unknown for v in verdicts),
        ),
    )  # fmt: skip


def _obligations(scans: list[Scan]) -> list[Obligation] | None:
    """Every operation of some configuration once, with the worst of its verdicts; None when a scan does not tell."""
    out: dict[tuple[str, str, str, int], Obligation] = {}
    for scan in scans:
        if scan.obligations is None:
            messages.warning(f"{scan.name}: the scan did not keep its operations by place; scan again to count those of all")
            return None
        own: dict[tuple[str, str, str, int], int] = {}
        for obligation in scan.obligations:
            # Operations of one rule on one line are told apart by their order, which is the same in each configuration.
            key = (obligation.rule, obligation.file, obligation.function, obligation.line)
            own[key] = own.get(key, -1) + 1
            name = (*key, own[key])
            known = out.get(name)  # type: ignore[call-overload]
            if known is None or _WORST.get(obligation.verdict, 3) < _WORST.get(known.verdict, 3):
                out[name] = obligation  # type: ignore[index]
    return [out[key] for key in sorted(out)]


def _ledger(scans: list[Scan], names: list[str]) -> list[LedgerEntry]:
    """What the configurations' ledgers have in common once, the rest with the names of its configurations."""
    seen: dict[tuple[str, str], list[str]] = {}
    counts: dict[tuple[str, str], int] = {}
    for scan in scans:
        for entry in scan.document.completeness.ledger:
            key = (entry.kind, entry.what)
            seen.setdefault(key, []).append(scan.name)
            counts[key] = max(counts.get(key, 0), entry.count)
    return [
        LedgerEntry(kind=kind, what=what if seen[kind, what] == names else f"{what} ({', '.join(seen[kind, what])})", count=counts[kind, what])
        for kind, what in seen
    ]


def _configuration(scans: list[Scan]) -> dict[str, str]:
    """What all scans share under its name, what differs under the name of each configuration."""
    out = {"union of": ", ".join(scan.name for scan in scans)}
    for key in dict.fromkeys(key for scan in scans for key in scan.document.configuration):
        values = [scan.document.configuration.get(key, "") for scan in scans]
        if len(set(values)) == 1:
            out[key] = values[0]
        else:
            out |= {f"{key} ({scan.name})": value for scan, value in zip(scans, values, strict=True) if value}
    return out

