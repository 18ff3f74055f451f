"""Findings and completeness of an analysed program: the engine's results as the document that reports print."""

from __future__ import annotations

import re

import msgspec

from lattices import qualifiers
from lattices.mentions import ACTS_AS, calls_in
from lattices.model import Pack
from verifier.findings import Finding, Obligations, Sibling, Step
from verifier.flow.summary import Place
from verifier.program.doors import Doors
from verifier.program.frontier import Frontier, Open
from verifier.program.link import Program
from verifier.program.results import Results

SHAPES = {"ignored-result": "shape-ignored-result", "wrong-namespace": "shape-idmap", "vacuous-check": "shape-silenced"}
_GRAVITY = ("weaker-check", "wrong-object", "refetch", "wrong-namespace", "wrong-subject", "ignored-result", "late-check")


def checks_wanted(pack: Pack, rule_id: str, component: int) -> list[str]:
    """Names of the checks that one line of a rule asks for."""
    rule = pack.rule(rule_id)
    if rule is None:
        return []
    names: list[str] = []
    for call in calls_in(rule.requires[component]):
        check = pack.check(call[1]) if isinstance(call[1], str) else None
        if call[1] == ACTS_AS:
            names.append("override_creds")  # what puts the wanted credentials on
        elif check is not None and check.slots:  # what a table entry declares is known by the flag
            names.extend(re.findall(rf"\b{call[1]}\(([A-Za-z_]\w*)\)", rule.requires_text[component]) or [call[1]])
        elif isinstance(call[1], str) and call[1] not in pack.accessors:
            names.append(call[1])
    if rule.lock and names:
        names.append(rule.lock)  # the check counts only while this is held
    return list(dict.fromkeys(names)) or [rule.requires_text[component]]


def to_finding(found: Open, pack: Pack, program: Program, doors: Doors) -> Finding:
    """The finding of one reporting place."""
    first = found.requirements[0]
    rule = pack.rule(first.rule)
    kinds = {r.kind for r in found.requirements}
    kind = next((k for k in _GRAVITY if k in kinds), "missing-check")
    requires: list[str] = []
    for r in sorted(found.requirements, key=lambda r: r.component):
        requires.extend(n for n in checks_wanted(pack, r.rule, r.component) if n not in requires)
    place = first.trail[0]
    path = [Step(file=p.file, line=p.line, function=p.function, note="calls down") for p in found.chain]
    for line, note in first.witness if len(first.trail) == 1 else ():
        path.append(Step(file=place.file, line=line, function=place.function, note=f"branch: {note}"))
    for i, p in enumerate(first.trail):
        note = first.operation if i == len(first.trail) - 1 else "calls down, the check not passed"
        path.append(Step(file=p.file, line=p.line, function=p.function, note=note))
    sibling = None
    if found.sibling is not None:
        fid, discharge = found.sibling
        index = program.functions[fid].index
        sibling = Sibling(
            file=index.file, line=discharge.check_line or discharge.line, function=index.name, check=discharge.check
        )
    tier = rule.tier if rule is not None else "error"
    door = program.functions[found.door].index.name if found.door in program.functions else found.door
    entry = doors.entries.get(found.door)
    return Finding(
        fingerprint="", kind=kind, tier=tier, rule=first.rule, operation=first.operation, object=first.object,
        requires=requires, file=place.file, line=place.line, function=place.function, door=door, path=path,
        sibling=sibling, assumptions=[], subject=entry.subject if entry is not None else "user",
        reason=rule.reason if rule is not None else "",
    )  # fmt: skip


def shape_findings(results: Results, program: Program, doors: Doors, rule_findings: list[Finding]) -> list[Finding]:
    """Suspicious uses of checks that no rule finding already tells of."""
    told = {(f.kind, f.file, f.function, name) for f in rule_findings for name in f.requires}
    out = []
    for fid in results.loud():
        index = program.functions[fid].index if fid in program.functions else None
        reached = doors.nearest.get(fid)
        if index is None or reached is None:
            continue
        for shape in results[fid].shapes:
            if (shape.kind, index.file, index.name, shape.check) in told:
                continue
            place = Place(index.file, shape.line, index.name)
            out.append(
                Finding(
                    fingerprint="", kind=shape.kind, tier="warning", rule=SHAPES[shape.kind],
                    operation=shape.check, object=shape.object, requires=[shape.check], file=index.file,
                    line=shape.line, function=index.name, door=program.functions[reached[0]].index.name,
                    path=[Step(file=place.file, line=place.line, function=place.function, note=shape.note)],
                    sibling=None, assumptions=[],
                )
            )  # fmt: skip
    return out


def count(judged: dict[tuple[str, str, int], str]) -> Obligations:
    """How many controlled operations have which verdict: one for each rule and place."""
    words = list(judged.values())
    return Obligations(
        mediated=words.count("mediated"), unmediated=words.count("unmediated"), unknown=words.count("unknown")
    )


class Obligation(msgspec.Struct, array_like=True, frozen=True):
    """A controlled operation of a rule at a place, and its verdict."""

    rule: str
    file: str
    function: str
    line: int
    verdict: str


def obligations(judged: dict[tuple[str, str, int], str], results: Results, program: Program) -> list[Obligation]:
    """The verdicts with their places, by rule and place."""
    out = []
    for (fid, rule, ordinal), word in judged.items():
        index = program.functions[fid].index
        line = next(v.line for v in results[fid].verdicts if (v.rule, v.ordinal) == (rule, ordinal))
        out.append(Obligation(rule, index.file, index.name, line, word))
    return sorted(out, key=lambda o: (o.rule, o.file, o.line, o.function, o.verdict))


def verdicts(
    results: Results, frontier: Frontier, program: Program, doors: Doors
) -> dict[tuple[str, str, int], str]:
    """The verdict of every controlled operation, by function, rule and ordinal: the join over the lines of its rule."""
    order = qualifiers.order_of("$mediated")
    verdict: dict[tuple[str, str, int], int] = {}
    for fid in sorted(results):
        info = program.functions.get(fid)
        if info is None:
            continue
        opened = {(r.rule, r.component, r.ordinal): r for r in [*results[fid].summary.requires, *results[fid].closed] if len(r.trail) == 1}
        for v in results[fid].verdicts:
            word = "mediated"
            requirement = opened.get((v.rule, v.component, v.ordinal))
            if requirement is not None:
                node = (requirement.key, fid)
                word = "unmediated" if node in frontier.hot else "unknown" if _unknown(frontier, node, doors) else "mediated"
            if results[fid].cut and word == "mediated":
                word = "unknown"
            key = (fid, v.rule, v.ordinal)
            verdict[key] = verdict.get(key, 0) | order.encode[f"${word}"]
    return {key: order.decode[code].removeprefix("$") for key, code in verdict.items()}


def _unknown(frontier: Frontier, node: tuple[tuple[object, ...], str], doors: Doors) -> bool:
    """An open obligation that no door of the rule's reaches: unknown unless everything above runs for nobody."""
    seen = {node}
    work = [node]
    while work:
        key, fid = work.pop()
        entry = doors.entries.get(fid)
        if entry is not None:
            if entry.subject == "none":
                continue
            return True  # a door of a subject that the rule is not about
        known = frontier.nodes.get((key, fid))
        if (key, fid) != node and known is not None and known.operands is None:
            continue  # no caller could meet it, and no door leads here
        above = frontier.up.get((key, fid), [])
        if not above and not frontier.program.callers.get(fid):
            return True
        for caller, _ in above:
            nxt = (key, caller)
            if nxt not in seen:
                seen.add(nxt)
                work.append(nxt)
    return False
