"""What a change does to siblings: implementations and callers that lose a check which the others make, or come without it."""

from __future__ import annotations

from typing import Any

from verifier.findings import Finding
from verifier.gate.variant import Variant
from verifier.gate.worse import Names
from verifier.program.layered import differing
from verifier.program.link import callees, identity
from verifier.program.sibling_findings import SiblingOracle, untold


def changed_siblings(before: Variant, after: Variant, names: Names, told: list[Finding]) -> tuple[list[Finding], list[Finding]]:
    """(findings that the change introduces at places that `told` does not tell of, findings that it fixes).

    Only functions that the change touches, or that guarantee something else because of it, are judged: a check that it
    adds makes nobody else's omission news.
    """
    touched = {*after.changed, *_guaranteeing_otherwise(after)} if after.reading.exchanged else set()
    entries = _other_entries(before, after)
    touched.update(*entries.values())
    own = {fid for fid in touched if fid in after.program.functions}
    former = _former(own, before, after, names)
    was, now = before.program.functions, after.program.functions
    gone = before.changed | touched | {fid for fid in differing(was, now) if fid in was and fid not in now}
    former |= {fid for fid in gone if fid in was}
    slots, operations = _asked_about(before, after, touched | gone)
    slots.update(entries)
    if not slots and not operations:
        return [], []
    new = _judge(after, slots, operations, own)
    old = _judge(before, slots, operations, former)
    known = {_mark(f, f.file, f.function) for f in old}
    left = {_mark(f, names.file(f.file), names.function(f.file, f.function)) for f in new}
    introduced = [f for f in new if _mark(f, names.file(f.file), names.function(f.file, f.function)) not in known]
    return untold(introduced, told), [f for f in old if _mark(f, f.file, f.function) not in left]


def _guaranteeing_otherwise(after: Variant) -> list[str]:
    """Functions that were analysed again and now guarantee something else."""
    base = after.base.results
    renewed = [fid for fid in after.results.renewed(base) if fid in after.results]
    return [f for f in renewed if f not in base or base[f].summary.alternatives != after.results[f].summary.alternatives]


def _asked_about(before: Variant, after: Variant, touched: set[str]) -> tuple[set[str], set[str]]:
    """Slots that hold touched functions, and what touched functions call."""
    slots: set[str] = set()
    operations: set[str] = set()
    for variant in (before, after):
        program = variant.program
        for fid in touched:
            info = program.functions.get(fid)
            if info is None:
                continue
            slots.update(program.slots_of(fid))
            operations.update(callees(program, info))
            operations.update(f"->{slot}" for slot, _ in info.index.slots if "#" not in slot and not slot.startswith(("?", "=", "&")))
    return slots, operations


def _other_entries(before: Variant, after: Variant) -> dict[str, set[str]]:
    """Slots that do not hold the same as before, with the functions that came, went, or stand in other table entries."""
    was, now = before.program, after.program
    changed = ((slot, set(was.targets(slot)) ^ set(now.targets(slot))) for slot in sorted(differing(was.slots, now.slots)))
    return {slot: {t.fid for t in targets} for slot, targets in changed if targets}


def _former(fids: set[str], before: Variant, after: Variant, names: Names) -> set[str]:
    """What functions of the newer variant are in the older one, where they are there."""
    out = set()
    for fid in fids:
        index = after.program.functions[fid].index
        name, file = names.function(index.file, index.name), names.file(index.file)
        for static in (False, True):
            info = before.program.functions.get(identity(name, file, static))
            if info is not None and info.index.file == file:
                out.add(info.fid)
    return out


def _judge(variant: Variant, slots: set[str], operations: set[str], among: set[str]) -> list[Finding]:
    program = variant.program
    oracle = SiblingOracle(program, variant.doors, variant.results, variant.base.pack, variant.bodies, among)
    there = [o for o in operations if o.startswith("->") or o in program.functions]
    return oracle.findings([slot for slot in slots if slot in program.slots], there)


def _mark(finding: Finding, file: str, function: str) -> tuple[Any, ...]:
    return (finding.kind, finding.rule, file, function, tuple(finding.requires))
