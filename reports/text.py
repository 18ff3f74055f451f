"""Compiler-style text: one line a finding, its path as indented notes, completeness first, verdict last."""

from __future__ import annotations

from collections.abc import Iterator

from reports import audit_notes, wording
from verifier.findings import Document, Finding, door_title

_COLOURS = {"error": "1;31", "warning": "1;35", "note": "1;36", "place": "1", "good": "32", "dim": "2"}
MOST_LEDGER_LINES = 10


def render(document: Document, colour: bool = False, notes: bool = False, ledger: bool = False) -> str:
    """The whole report.

    `colour` adds ANSI colours; `notes` shows findings of tier note too, which are only counted otherwise; `ledger`
    prints all of what was not analysed and not only the beginning of each list.
    """
    return "\n".join(lines(document, colour, notes, ledger)) + "\n"


def lines(document: Document, colour: bool = False, notes: bool = False, ledger: bool = False) -> Iterator[str]:
    """The lines of `render`."""
    paint = _painter(colour)
    yield wording.completeness_line(document.completeness)
    for key, value in sorted(document.configuration.items()):
        yield paint("dim", wording.plain(f"{key}: {value}"))
    yield ""
    hidden = 0
    for finding in document.findings:
        if finding.tier == "note" and not notes:
            hidden += 1
            continue
        yield from finding_lines(finding, paint)
        yield ""
    if document.fixed:
        for finding in document.fixed:
            yield paint("good", wording.plain(f"{finding.file}:{finding.line}: fixed: ")) + wording.headline(finding)
        yield ""
    if hidden:
        yield f"{wording.counted(hidden, 'note')} not shown (--notes shows them)"
        yield ""
    if document.audit is not None:
        yield from audit_notes.lines(document.audit)
    for kind, title, entries in wording.ledger_groups(document.completeness):
        lead = "for the reviewer" if kind in wording.FOR_REVIEWERS else "not analysed or taken for granted"
        yield f"{lead}: {title}: {wording.number(len(entries))}"
        shown = entries if ledger else entries[:MOST_LEDGER_LINES]
        for entry in shown:
            yield paint("dim", f"    {entry}")
        if len(shown) < len(entries):
            yield paint("dim", f"    ... {wording.number(len(entries) - len(shown))} more (--ledger lists all)")
    yield wording.verdict_line(document)


def terse(document: Document, notes: bool = False, emacs: bool = False, tree: str = "") -> str:
    """One line a finding between the completeness line and the verdict, as `checkpatch --terse` has it.

    `emacs` adds a column, the folder that the names are relative to (`tree`), and each step of a path as a note: what
    editors' "next error" walks along.
    """
    column = ":1" if emacs else ""
    out = [wording.completeness_line(document.completeness)]
    if tree:
        out.append(wording.plain(f"kqual: Entering directory '{tree}'"))
    for finding in document.findings:
        if finding.tier == "note" and not notes:
            continue
        place = wording.plain(f"{finding.file}:{finding.line}{column}: {finding.tier}: ")
        out.append(place + wording.headline(finding) + wording.plain(f" [{finding.rule}] {finding.fingerprint}"))
        path = wording.condensed(finding.path) if emacs else []
        for index, step in enumerate(path):
            note = wording.step_note(path, index)
            out.append(wording.plain(f"{step.file}:{step.line}{column}: note: {door_title(step.function)}: ") + note)
    if tree:
        out.append(wording.plain(f"kqual: Leaving directory '{tree}'"))
    return "\n".join([*out, wording.verdict_line(document)]) + "\n"


def finding_lines(finding: Finding, paint=None) -> Iterator[str]:
    """One finding: its headline, then indented who reaches it, the path, the protected sibling, assumptions."""
    paint = paint or _painter(False)
    place = paint("place", wording.plain(f"{finding.file}:{finding.line}:"))
    rule = wording.plain(f"[{finding.rule}]") if finding.rule else f"[{finding.kind}]"
    yield f"{place} {paint(finding.tier, finding.tier + ':')} {wording.headline(finding)} {paint('dim', rule)}"
    yield f"    in {wording.plain(door_title(finding.function))}; door: {wording.door_line(finding)}"
    if finding.reachable_with:
        yield f"    reachable with: {wording.reachable_line(finding)}"
    path = wording.condensed(finding.path)
    for index, step in enumerate(path):
        yield wording.plain(f"    {step.file}:{step.line}: {door_title(step.function)}: ") + wording.step_note(path, index)
    if finding.passed:
        yield "    passed on the way: " + wording.plain(", ".join(finding.passed))
    if finding.sibling is not None:
        other = finding.sibling
        text = f"    protected sibling: {other.file}:{other.line}: {door_title(other.function)} passes {other.check}"
        yield paint("good", wording.plain(text))
    for name, entries in (("exempt would be", finding.exemptions), ("assumes", finding.assumptions)):
        for entry in entries:
            yield wording.plain(f"    {name}: {entry}")
    if finding.reason:
        yield wording.plain(f"    why: {finding.reason}")
    yield paint("dim", f"    id: {wording.plain(finding.fingerprint)}  ({finding.kind})")


def _painter(colour: bool):
    if not colour:
        return lambda _, text: text
    return lambda name, text: f"\x1b[{_COLOURS.get(name, '0')}m{text}\x1b[0m"
