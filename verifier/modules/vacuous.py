"""Findings of the kind vacuous-check: operations that wait for hooks which no loaded module implements."""

from __future__ import annotations

from typing import Any

from lattices import expressions
from verifier.findings import Finding, Step
from verifier.modules.mediation import Mediation


def vacuous_findings(analysis: Any, answer: Mediation, known: list[Finding]) -> list[Finding]:
    """One note for each place that performs the operation of a vacuous rule and that user space reaches.

    `analysis` is a verifier.program.analyse.Analysis that has run; places of the same rule in `known` are left out,
    because there the check is missing altogether.
    """
    hooks = {item.rule: item.hooks for item in answer.vacuous}
    told = {(finding.rule, finding.file, finding.line) for finding in known}
    loaded = ", ".join(answer.loaded)
    found = []
    for fid in sorted(analysis.results):
        info, reached = analysis.program.functions.get(fid), analysis.doors.nearest.get(fid)
        if info is None or reached is None:
            continue
        places = {(v.rule, v.line, v.ordinal) for v in analysis.results[fid].verdicts if v.rule in hooks}
        for name, line, _ in sorted(places):
            rule = analysis.pack.rule(name)
            if rule is None or (name, info.index.file, line) in told:
                continue
            asked = [c for text in rule.requires for c in expressions.calls(text) if c.startswith("security_")]
            reason = f"no loaded module ({loaded}) implements {', '.join(hooks[name])}"
            step = Step(file=info.index.file, line=line, function=info.index.name, note=rule.operation_text)
            found.append(
                Finding(
                    fingerprint="", kind="vacuous-check", tier="note", rule=name, operation=rule.operation_text, object="",
                    requires=list(dict.fromkeys(asked)), file=info.index.file, line=line, function=info.index.name,
                    door=analysis.program.functions[reached[0]].index.name, path=[step], sibling=None, assumptions=[],
                    reason=reason,
                )
            )  # fmt: skip
    return found
