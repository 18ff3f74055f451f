"""Markdown for a review comment: the verdict first, one collapsible section a finding."""

from __future__ import annotations

import re

from reports import wording
from verifier.findings import Document, Finding, door_title

MOST_FINDINGS = 50  # review sites cut comments at 65,536 characters
_ESCAPES = {character: f"\\{character}" for character in "\\`*_{}[]()#+!|~-"}
_ESCAPES |= {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "@\u200b"}  # a zero-width space: nobody gets mentioned


def render(document: Document) -> str:
    """The report; every name from the tree is escaped, so that it can neither format nor mention anybody."""
    out = [f"**kqual**: {_text(wording.verdict_line(document))}", "", f"_{_text(wording.completeness_line(document.completeness))}_", ""]
    shown = [finding for finding in document.findings if finding.tier != "note"][:MOST_FINDINGS]
    for finding in shown:
        out += _section(finding)
    left = len(document.findings) - len(shown)
    if left:
        out += [f"{wording.number(left)} further findings are not shown here; `--format json` has all.", ""]
    if document.fixed:
        out += ["**Fixed by this patch**", ""]
        out += [f"- {_code(f'{f.file}:{f.line}')} {_text(wording.headline(f, ''))}" for f in document.fixed[:MOST_FINDINGS]]
        out.append("")
    groups = wording.ledger_groups(document.completeness)
    if groups:
        out += ["<details><summary>Not analysed or taken for granted</summary>", ""]
        out += [f"- {_text(title)}: {wording.number(len(entries))}" for _, title, entries in groups]
        out += ["", "</details>", ""]
    return "\n".join(out) + "\n"


def _section(finding: Finding) -> list[str]:
    place = _text(f"{finding.file}:{finding.line}")
    out = [
        f"<details><summary><b>{_text(finding.tier)}</b> {place}: {_text(wording.headline(finding, ''))}</summary>",
        "",
        f"- rule {_code(finding.rule)}, kind {_code(finding.kind)}, id {_code(finding.fingerprint)}",
        f"- door: {_text(wording.door_line(finding))}",
    ]
    if finding.reachable_with:
        out.append(f"- reachable with: {_text(wording.reachable_line(finding))}")
    if finding.sibling is not None:
        other = finding.sibling
        out.append(f"- protected sibling: {_code(f'{other.file}:{other.line}')} in {_code(other.function)} passes {_code(other.check)}")
    if finding.reason:
        out.append(f"- why: {_text(finding.reason)}")
    out += [f"- assumes: {_text(assumption)}" for assumption in finding.assumptions]
    out.append("")
    path = wording.condensed(finding.path)
    for index, step in enumerate(path):
        note = _text(wording.step_note(path, index))
        out.append(f"{index + 1}. {_code(f'{step.file}:{step.line}')} {_code(door_title(step.function))}: {note}")
    return [*out, "", "</details>", ""]


def _text(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in wording.plain(text))


def _code(text: str) -> str:
    """A code span that may hold backquotes."""
    shown = wording.plain(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"
