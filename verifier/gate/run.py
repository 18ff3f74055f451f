"""The gate: which verdicts a change makes worse, which it betters, and how much of it was seen.

The stored scan is the ground; a patch, or a revision, is an overlay over it (verifier.gate.overlay), and two variants
of the program are compared.  Nothing of a patched tree is executed, unless the caller trusts it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from lattices.model import Pack
from verifier import findings as F
from verifier.flow.summary import Result
from verifier.gate import module, revisions
from verifier.gate.notes import KIND, patch_notes
from verifier.gate.overlay import MOST_BYTES, Overlay, read_series
from verifier.gate.permit import permitted
from verifier.gate.siblings import changed_siblings
from verifier.gate.variant import Variant, make_variant
from verifier.gate.worse import Names, newly_open, no_longer_open, relined
from verifier.program.analyse import Analysis, Progress, analysis
from verifier.program.privilege import Privileges
from verifier.program.report import shape_findings, to_finding
from verifier.tree.model import silent


class Change(msgspec.Struct, kw_only=True):
    """What to gate: a patch, or what lies between two revisions of the checkout `folder` (`head` None: the working
    tree), or the folder of an out-of-tree `module`.  `strict` gives no weight to permissions that the change itself
    makes; with `trust` Kbuild is asked about the patched tree."""

    patch: bytes | None = None
    base: str = ""
    head: str | None = None
    folder: str = ""
    module: str = ""
    strict: bool = False
    trust: bool = False
    most: int = MOST_BYTES


def run_gate(
    tree: Any, store: Any, pack: Pack, change: Change, jobs: int = 1, scope: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> F.Document:  # fmt: skip
    """The document of a change: what it introduces, and what it fixes."""
    before = Overlay()
    if change.module:
        base = analysis(tree, store, pack, jobs, scope, progress)
        added = Variant(base, *module.read(tree, change.module, jobs))
        return compare(make_variant(tree, base, before), added, change.strict)
    if change.patch is not None:
        series = read_series(tree.root, change.patch, change.most)
    else:
        before = revisions.at(change.folder, change.base)
        after = revisions.at(change.folder, change.head) if change.head is not None else Overlay()
        after.renamed = revisions.renames(change.folder, change.base, change.head)
        series = [("", after)]
    base = analysis(tree, store, pack, jobs, scope, progress)
    trust = (progress or silent) if change.trust else None
    first = make_variant(tree, base, before, jobs, scope, trust)
    variants = [make_variant(tree, base, overlay, jobs, scope, trust) for _, overlay in series]
    document = compare(first, variants[-1], change.strict)
    if len(series) > 1:
        document.completeness.ledger += _one_by_one(first, variants, [subject for subject, _ in series])
    return document


def gate_overlay(tree: Any, base: Analysis, overlay: Overlay, jobs: int = 1) -> F.Document:
    """The document of one overlay over an analysed tree."""
    return compare(make_variant(tree, base, Overlay()), make_variant(tree, base, overlay, jobs))


def compare(before: Variant, after: Variant, strict: bool = False) -> F.Document:
    """What `after` makes worse and better than `before`."""
    names = Names(before, after)
    pack = after.base.pack
    found = [_with_cause(to_finding(relined(o, after), pack, after.program, after.doors), before, after) for o in newly_open(before, after, names)]
    found += _new_shapes(before, after, names, found)
    siblings, mended = changed_siblings(before, after, names, found)
    found += siblings
    fixed = [to_finding(relined(o, before), pack, before.program, before.doors) for o in no_longer_open(before, after, names)]
    fixed += mended
    ledger = [F.LedgerEntry(kind=KIND, what=note) for note in patch_notes(before, after)]
    found = permitted(before, after, found, strict, ledger)
    for variant, findings in ((after, found), (before, fixed)):
        if findings:
            Privileges(variant.program, variant.doors, variant.results, pack, variant.bodies).note(findings)
    completeness = _completeness(before, after)
    completeness.ledger = completeness.ledger + ledger
    return F.Document(schema=F.SCHEMA, completeness=completeness, findings=F.finish(found), fixed=F.finish(fixed))


def _completeness(before: Variant, after: Variant) -> F.Completeness:
    """The stored scan's, with the units of the change in their places."""
    out = after.base.stored_completeness()
    reading = after.reading
    mended = [t for r in (before.reading, reading) for t in (*r.lost, *r.partial)]
    known = {t.file for t in (*out.units.partial, *out.units.lost)}
    lost, partial = ([t for t in troubles if t.file not in known] for troubles in (reading.lost, reading.partial))
    out.units.total += reading.added - reading.removed
    out.units.analysed += reading.added - reading.removed - len(lost) - len(partial)
    out.units.lost = sorted([*out.units.lost, *lost], key=lambda t: (t.file, t.error))
    out.units.partial = sorted([*out.units.partial, *partial], key=lambda t: (t.file, t.error))
    out.functions = len(after.program.functions)
    cut = _newly_cut(before, after)
    total = before.reading.total + reading.total
    failed = {t.file for t in mended}
    partial = sorted([*reading.partial, *(t for t in cut if t.file not in failed)], key=lambda t: (t.file, t.error))
    out.change = F.Units(
        total=total, analysed=max(0, total - len(failed | {t.file for t in cut})), partial=partial,
        lost=sorted(reading.lost, key=lambda t: t.file),
    )  # fmt: skip
    return out


def _newly_cut(before: Variant, after: Variant) -> list[F.UnitTrouble]:
    """Functions that the change makes too large or too tangled to be analysed in full."""
    out = []
    for fid in sorted(after.changed):
        old, new = before.results.get(fid), after.results.get(fid)
        if new is not None and new.cut and (old is None or not old.cut):
            index = after.program.functions[fid].index
            out.append(F.UnitTrouble(file=index.file, error=f"{index.file}:{index.line}: {index.name}: analysis cut off: {new.cut}"))
    return out


def _one_by_one(first: Variant, variants: list[Variant], subjects: list[str]) -> list[F.LedgerEntry]:
    """What each patch of a series does by itself."""
    out = []
    for number, (before, after) in enumerate(zip([first, *variants], variants, strict=False), 1):
        part = compare(before, after)
        words = [f"{f.tier} {f.rule} in {f.function} ({f.file}:{f.line})" for f in part.findings]
        what = f"{number}/{len(variants)} {subjects[number - 1]}: "
        what += f"introduces {'; '.join(words)}" if words else "introduces nothing"
        what += f"; fixes {len(part.fixed or [])}"
        out.append(F.LedgerEntry(kind="patch-series", what=what))
    return out


def _with_cause(finding: F.Finding, before: Variant, after: Variant) -> F.Finding:
    """Add the changed function whose guarantee was lost, when it is a callee and so not on the path."""
    on_path = {s.function for s in finding.path}
    causes = []
    for fid in sorted(after.changed | before.changed):
        info = after.program.functions.get(fid)
        if info is None or info.index.name in on_path:
            continue
        lost = _lost_checks(before.results.get(fid), after.results.get(fid))
        if lost & set(finding.requires) or (lost and not causes):
            causes.append((info, sorted(lost)))
    steps = [
        F.Step(
            file=info.index.file, line=info.index.line, function=info.index.name,
            note="changed by the patch: no longer guarantees " + ", ".join(lost),
        )
        for info, lost in causes[:3]
    ]  # fmt: skip
    if steps:
        finding.path = [*finding.path[:-1], *steps, finding.path[-1]]
    return finding


def _lost_checks(old: Result | None, new: Result | None) -> set[str]:
    """Checks that a function guaranteed in more of its ways before than after."""
    def guaranteed(result: Result | None) -> Counter[str]:
        out: Counter[str] = Counter()
        if result is None:
            return out
        for way in result.summary.alternatives:
            for fact in way.facts:
                out[fact[1] + repr(fact[2])] += 1
        return out

    before, after = guaranteed(old), guaranteed(new)
    return {name.split("(", 1)[0] for name, n in before.items() if after[name] != n}


def _new_shapes(before: Variant, after: Variant, names: Names, found: list[F.Finding]) -> list[F.Finding]:
    old = Counter((f.file, f.function, f.operation) for f in shape_findings(before.results, before.program, before.doors, []))
    out = []
    for f in shape_findings(after.results, after.program, after.doors, found):
        mark = (names.file(f.file), names.function(f.file, f.function), f.operation)
        if old[mark] > 0:
            old[mark] -= 1
        else:
            out.append(f)
    return out


__all__ = ["Change", "compare", "gate_overlay", "run_gate"]
