"""The gate: which verdicts a patch changes.

The base's units and results come from the store; units of changed files are parsed again with the patch as an overlay;
functions of changed units are analysed again, then callers for as long as summaries change; open obligations of before
and after are compared node by node, so that whatever got worse is seen even where the base had a lesser finding.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from lattices.pack import Pack
from verifier import findings as F
from verifier.flow.summary import Result
from verifier.gate.overlay import Overlay, read_patch
from verifier.ir.model import Function, decode
from verifier.program.analyse import Analysis, Progress, analysis
from verifier.program.bodies import Bodies
from verifier.program.doors import Doors
from verifier.program.engine import Engine
from verifier.program.frontier import Frontier, Node, Open
from verifier.program.index import UnitIndex, index_unit
from verifier.program.link import Program, identity, relink
from verifier.program.report import shape_findings, to_finding
from verifier.program.results import Results


def run_gate(
    tree: Any, store: Any, pack: Pack, patch: bytes, jobs: int = 1, scope: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> F.Document:  # fmt: skip
    """The document of a patch: what it introduces, and what it fixes."""
    overlay = read_patch(tree.root, patch)
    base = analysis(tree, store, pack, jobs, scope, progress)
    return compare(tree, base, overlay)


def compare(tree: Any, base: Analysis, overlay: Overlay) -> F.Document:
    """Analyse the patched program on top of the base and compare the two."""
    from verifier.frontend.extract import extract_file
    from verifier.frontend.units import HEADERS

    touched = set(overlay.files) | set(overlay.removed)
    units = [r for r in base.records if r.file in touched or touched & set(getattr(r, "dependencies", ()))]
    commands = {c.file: c for c in tree.commands}
    fresh: dict[str, list[Function]] = {}
    trouble: list[F.UnitTrouble] = []
    exchanged: dict[str, tuple[UnitIndex | None, UnitIndex | None]] = {}
    for record in units:
        if record.file == HEADERS:
            continue
        exchanged[record.key] = (base.index(record.key), None)
        if record.file in overlay.removed or record.file not in commands:
            continue
        result = extract_file(tree, commands[record.file], overlay.files)
        if result.status != "analysed":
            trouble.append(F.UnitTrouble(file=record.file, error=result.error))
        if result.status == "lost":
            continue
        unit = decode(result.blob)
        exchanged[record.key] = (exchanged[record.key][0], index_unit(unit))
        fresh[record.key] = unit.functions
    program = relink(base.program, exchanged)
    bodies = Bodies(lambda key: base.store.get("unit", key))
    bodies.overlay = {
        identity(f.name, f.file, f.static): f
        for key, functions in fresh.items()
        for f in functions
        if (info := program.functions.get(identity(f.name, f.file, f.static))) is not None and info.unit == key
    }
    doors = base.doors.over(program, set(bodies.overlay), base.plain)
    changed = _changed(base, bodies)
    engine = Engine(program, bodies, base.pack)
    engine.results = base.results.copy()
    for fid in base.program.functions.keys() - program.functions.keys():
        engine.results.pop(fid, None)
    again = {fid for fid in bodies.overlay if fid in engine.results or engine.wanted(program.functions[fid])}
    work = again | changed | _lost_slots(base.program, program) | _callers_of(changed, base.program, program)
    engine.run(sorted(fid for fid in work if fid in engine.results or fid in bodies.overlay), None)
    before = base.frontier()
    after = Frontier(program, doors, engine.results, base.subjects())
    found = [
        to_finding(o, base.pack, program, doors) for o in _worse(before, after)
    ]
    found = [_with_cause(f, changed, program, base, engine) for f in found]
    found += _new_shapes(base, engine.results, program, doors, found)
    fixed = [
        to_finding(o, base.pack, base.program, base.doors)
        for o in _worse(after, before)
    ]
    completeness = base.stored_completeness()
    completeness.units.partial = sorted(completeness.units.partial + trouble, key=lambda t: t.file)
    return F.Document(schema=F.SCHEMA, completeness=completeness, findings=F.finish(found), fixed=F.finish(fixed))


def _shape_of(fn: Function) -> Any:
    """A body without its position: lines relative to the function's first."""
    base = fn.line

    def shift(item: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*item[:-1], item[-1] - base)

    return (
        fn.exprs, fn.params, fn.attributes,
        [([shift(s) for s in b.statements], shift(b.terminator) if b.terminator[0] != "jmp" else b.terminator) for b in fn.blocks],
    )  # fmt: skip


def _callers_of(changed: set[str], old: Program, new: Program) -> set[str]:
    """Direct callers of the functions whose name changed hands: new ones, and ones that are gone."""
    moved = {fid for fid in changed if fid not in old.functions} | (old.functions.keys() - new.functions.keys())
    return {caller for fid in moved for caller in [*old.callers.get(fid, ()), *new.callers.get(fid, ())]}


def _changed(base: Analysis, bodies: Bodies) -> set[str]:
    """Functions of the parsed units whose body differs from the base's."""
    out: set[str] = set()
    for fid, fn in bodies.overlay.items():
        info = base.program.functions.get(fid)
        old = base.bodies.body(info) if info is not None else None
        if old is None or _shape_of(old) != _shape_of(fn):
            out.add(fid)
    return out


def _lost_slots(old: Program, new: Program) -> set[str]:
    """Functions that call through a slot whose targets changed."""
    out: set[str] = set()
    if old.slots is new.slots:
        return out
    for slot in sorted(set(old.slots) | set(new.slots)):
        if old.slots.get(slot) is not new.slots.get(slot) and old.slots.get(slot) != new.slots.get(slot):
            out.update(new.slot_callers.get(slot, ()))
    return out


def _identity(node: Node) -> tuple[Any, ...]:
    (rule, component, sink, file, _, operation), fid = node
    return (rule, component, sink, file, operation, fid)


def _worse(before: Frontier, after: Frontier) -> list[Open]:
    """Obligations open to a door in `after` that were not so in `before`, at the lowest function of each chain."""
    counts = Counter(_identity(n) for n in before.hot)
    fresh: set[Node] = set()
    for node in sorted(after.hot, key=repr):
        if node not in after.nodes:
            continue
        mark = _identity(node)
        if counts[mark] > 0:
            counts[mark] -= 1
            continue
        fresh.add(node)
    below: dict[Node, list[Node]] = {}
    for (key, callee), callers in after.up.items():
        for caller, _ in callers:
            below.setdefault((key, caller), []).append((key, callee))
    out: dict[tuple[Any, ...], Open] = {}
    for node in sorted(fresh, key=repr):
        if any(b in fresh for b in below.get(node, ())):
            continue
        met = after.met.get(node, ())
        after.add(node, met[0] if met else None, out)
    return list(out.values())


def _with_cause(finding: F.Finding, changed: set[str], program: Program, base: Analysis, engine: Engine) -> F.Finding:
    """Add the changed function whose guarantee was lost, when it is a callee and so not on the path."""
    on_path = {s.function for s in finding.path}
    causes = []
    for fid in sorted(changed):
        info = program.functions.get(fid)
        if info is None or info.index.name in on_path:
            continue
        lost = _lost_checks(base.results.get(fid), engine.results.get(fid))
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


def _new_shapes(
    base: Analysis, results: Results, program: Program, doors: Doors, found: list[F.Finding]
) -> list[F.Finding]:
    old = Counter(
        (f.file, f.function, f.operation) for f in shape_findings(base.results, base.program, base.doors, [])
    )
    out = []
    for f in shape_findings(results, program, doors, found):
        mark = (f.file, f.function, f.operation)
        if old[mark] > 0:
            old[mark] -= 1
        else:
            out.append(f)
    return out


__all__ = ["compare", "run_gate"]
