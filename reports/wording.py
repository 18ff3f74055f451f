"""The words that all reports share: what a finding says, the completeness line, the verdict line."""

from __future__ import annotations

import re

from verifier.findings import FREE, TIERS, Completeness, Document, Finding, Step, door_title

SENTENCES = {
    "missing-check": "`{operation}` is reached without {checks}",
    "ignored-result": "the result of {checks} does not decide about `{operation}`",
    "wrong-object": "{checks} is asked about another object than `{object}`, which `{operation}` uses",
    "weaker-check": "`{operation}` is reached after a check that asks for less than {checks}",
    "refetch": "`{object}` was fetched again after {checks}; `{operation}` uses the unchecked one",
    "late-check": "{checks} comes after the effect of `{operation}`",
    "wrong-namespace": "{checks} is asked in another namespace than that of `{object}`",
    "wrong-subject": "{checks} is asked about another subject than the one that performs `{operation}`",
    "vacuous-check": "{checks} cannot refuse `{operation}`",
}
UNNAMED = {  # the same where the object has no name
    "wrong-object": "{checks} is asked about another object than the one that `{operation}` uses",
    "refetch": "the object was fetched again after {checks}; `{operation}` uses the unchecked one",
    "wrong-namespace": "{checks} is asked in another namespace than that of the object that `{operation}` uses",
}
BARE = {  # the same where the finding is about the check itself, and no operation
    "ignored-result": "the result of {checks} does not decide about anything",
    "vacuous-check": "{checks} cannot refuse",
    "wrong-namespace": "{checks} is asked in another namespace than that of the object",
}
TITLES = {
    "missing-check": "Missing check",
    "ignored-result": "Ignored result",
    "wrong-object": "Wrong object",
    "weaker-check": "Weaker check",
    "refetch": "Fetched again after the check",
    "late-check": "Late check",
    "wrong-namespace": "Wrong namespace",
    "wrong-subject": "Wrong subject",
    "vacuous-check": "Vacuous check",
}
LEDGER_TITLES = {
    "inline-asm": "inline assembly, effects unknown",
    "recursion": "recursion cut off",
    "cut-off": "analysis of the function cut off",
    "hook-compiled-out": "hooks that this configuration compiles out",
    "hook-not-in-kernel": "hooks of the rule pack that this kernel lacks",
    "hook-not-in-rules": "hooks of this kernel that no rule knows",
    "no-user-subject": "runs without a user subject",
    "rule-replaced": "rules replaced by those of the project",
    "rule-retired": "rules that the project retired",
    "site-not-analysed": "calls of hooks in the sources that the analysed program lacks",
    "never-compiled": "C files that no configuration compiled",
    "never-compiled-function": "functions that no configuration compiled",
    "not-c-rust": "Rust files, which are not read",
    "not-c-assembly": "assembly files, which are not read",
    "tree": "notes on the tree",
    "out-of-scope": "not read: what its functions check, and the doors in it, are not known",
    "attacker": "findings left out for the attacker asked about",
    "patch-note": "facts of the change",
    "patch-series": "the patches one by one",
    "allowed": "findings that a comment permits",
    "stale-allow": "comments that permit nothing",
    "baseline": "known findings",
    "triage": "verdicts of the triage file",
}
FOR_REVIEWERS = ("patch-note", "patch-series", "allowed", "stale-allow", "baseline")
EFFECTS = {
    "missing-check": "The operation runs although nobody was asked: a policy that forbids it is not enforced on this path.",
    "ignored-result": "The check is asked, and the operation runs even when it says no.",
    "wrong-object": "The check speaks of one object and the operation uses another, for which no policy was asked.",
    "weaker-check": "A subject that holds only the lesser right can perform the operation.",
    "refetch": "Between check and use the object behind the same key can be replaced by one that would be refused.",
    "late-check": "When the check refuses, the effect has already happened.",
    "wrong-namespace": "A subject that is privileged in a namespace of its own can act on an object of another one.",
    "wrong-subject": "The credentials asked about are not those of whoever causes the operation.",
    "vacuous-check": "The check stands there and can refuse nothing, so that the path is as good as unchecked.",
}
FIXES = {
    "missing-check": "Call {checks} before the operation, on this object, and leave with its error.",
    "ignored-result": "Test the result of {checks} and leave with the error before the operation.",
    "wrong-object": "Ask {checks} about the object that the operation uses, or use the one that was checked.",
    "weaker-check": "Ask {checks} for the right that the operation needs.",
    "refetch": "Use the object that passed {checks} instead of fetching it again, or ask again.",
    "late-check": "Move {checks} before the first effect, or undo the effect when it refuses.",
    "wrong-namespace": "Ask {checks} in the namespace that owns the object.",
    "wrong-subject": "Ask {checks} about the subject that causes the operation.",
    "vacuous-check": "Find out why {checks} cannot refuse here; the object may be exempt or no module may listen.",
}
CONFIGURATION = {  # what a result depends on
    "command": "options that the result depends on; TREE is where the tree lay",
    "kqual": "version of the tool",
    "parser": "what read the C sources",
    "kernel": "version of the tree",
    "commit": "what was checked out; changes since are not told",
    "compile commands": "where they come from",
    "configuration": "SHA-256 of the .config, its first digits",
    "rules": "digest of the rule pack: rules, checks, doors, exemptions",
    "lattice": "SHA-256 of the lattice's file, its first digits",
    "lsm": "security modules that count as loaded",
    "scope": "folders that were analysed; nothing else was",
    "attacker": "only what somebody with these privileges reaches is shown",
    "union of": "configurations that were merged",
}
NAMELESS = ("", "?")  # what stands for an object that the engine cannot name
SUBJECTS = {
    "user": "the task that makes the call",
    "remote": "a remote peer",
    "mounter": "whoever mounted the file system",
    "sender": "the sender of the message",
    "submitter": "whoever submitted the request",
    "boot": "whoever started the kernel",
}
# Controls, and characters without width or that turn the direction of text.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_BLANK = re.compile(r"[(,]\s*_\s*[,)]")


def plain(text: str) -> str:
    """The text on one line: control characters and direction marks of hostile names become `\\xNN` or `\\uNNNN`."""
    if text.isascii() and text.isprintable():
        return text

    def escape(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"

    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _CONTROL.sub(escape, shown)


def listed(names: list[str], mark: str = "`") -> str:
    """`a`, `a` and `b`, `a`, `b` and `c`."""
    marked = [f"{mark}{name}{mark}" for name in names]
    if len(marked) < 2:
        return marked[0] if marked else "the check"
    return ", ".join(marked[:-1]) + " and " + marked[-1]


def headline(finding: Finding, mark: str = "`") -> str:
    """What is wrong, in one sentence without the place."""
    sentence = SENTENCES.get(finding.kind, "{kind} at `{operation}`: {checks}")
    if finding.object in NAMELESS:
        sentence = UNNAMED.get(finding.kind, sentence)
    if finding.operation in finding.requires:
        sentence = BARE.get(finding.kind, sentence)
    text = sentence.replace("`", mark).format(
        kind=finding.kind,
        operation=finding.operation,
        object=finding.object or finding.operation,
        checks=listed(finding.requires, mark),
    )
    return plain(text)


def obligation(finding: Finding, mark: str = "`") -> str:
    """What must hold, in one sentence."""
    if finding.operation in finding.requires:
        return plain(f"Where {listed(finding.requires, mark)} is asked, its answer must decide.")
    what = f"{mark}{finding.operation}{mark}"
    about = f" on {mark}{finding.object}{mark}" if finding.object not in (*NAMELESS, finding.operation) else ""
    blank = " (_ stands for any argument)" if _BLANK.search(finding.operation) else ""
    return plain(
        f"On every path from a door, {listed(finding.requires, mark)} must have been passed before {what}{about}{blank}."
    )


def subject_line(finding: Finding) -> str:
    """Who acts, in words."""
    return SUBJECTS.get(finding.subject or "user", plain(finding.subject))


def reachable_line(finding: Finding) -> str:
    """What an attacker must have, in words; "" where that is not known."""
    return plain(", ".join("no privilege" if need == FREE else need for need in finding.reachable_with))


def effect(finding: Finding) -> str:
    """What follows from a finding of this kind."""
    return EFFECTS.get(finding.kind, "What follows is for a person to judge.")


def suggested_fix(finding: Finding, mark: str = "`") -> str:
    """What would meet the obligation, in general words."""
    sentence = FIXES.get(finding.kind, "Meet the obligation with {checks}.")
    return plain(sentence.replace("{checks}", listed(finding.requires, mark)))


def step_note(path: list[Step], index: int) -> str:
    """What happens at a step.  Of a branch it says where the path goes on: "taken" alone would be read as the source's
    condition being true, while the engine's own condition may be its negation."""
    step = path[index]
    branch = step.note.removeprefix("branch: ") if step.note.startswith("branch: ") else ""
    if branch.startswith("calls "):
        return plain(f"asks {branch.removeprefix('calls ')}")
    if not branch:
        return plain(step.note)
    words = "branches" if branch in ("taken", "not taken") else plain(f"takes {branch}")
    following = path[index + 1] if index + 1 < len(path) else None
    if following is None or (following.file, following.function) != (step.file, step.function):
        return words
    return f"{words}, goes on to line {following.line}"


def condensed(path: list[Step]) -> list[Step]:
    """The path without branches that stay on their line: conditions joined by `&&`, and macros, make many of them."""
    def stays(step: Step, following: Step) -> bool:
        same = (step.file, step.line, step.function) == (following.file, following.line, following.function)
        return same and step.note in ("branch: taken", "branch: not taken")

    return [step for index, step in enumerate(path) if index + 1 == len(path) or not stays(step, path[index + 1])]


def door_line(finding: Finding) -> str:
    """Who reaches the place: `unlink(2)`, with the subject when it is not the user's task."""
    if finding.door is None:
        return "no door is known"
    text = door_title(finding.door)
    others = [door_title(door) for door in finding.doors if door != finding.door]
    if others:
        text += f", also {', '.join(others[:3])}" + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    if finding.subject and finding.subject != "user":
        text += f", on behalf of: {finding.subject}"
    return plain(text)


def number(value: int) -> str:
    """12,345"""
    return f"{value:,}"


def percent(part: int, whole: int) -> str:
    """One decimal, never rounded up to 100.0 %."""
    if not whole:
        return "0.0 %"
    tenths = 1000 * part // whole
    return f"{tenths // 10}.{tenths % 10} %"


def counted(count: int, word: str) -> str:
    """`1 error`, `2,000 errors`"""
    return f"{number(count)} {word}" + ("" if count == 1 else "s")


def completeness_line(completeness: Completeness) -> str:
    """What the result rests on; the first line of every report."""
    units, calls, verdicts = completeness.units, completeness.calls, completeness.obligations
    parts = [f"analysed {number(units.analysed)} of {counted(units.total, 'unit')} ({percent(units.analysed, units.total)}"]
    parts[0] += f"; {number(len(units.partial))} partial, {number(len(units.lost))} lost)"
    parts.append(counted(completeness.functions, "function"))
    if calls.indirect:
        resolved = calls.indirect - calls.unresolved
        parts.append(f"{percent(resolved, calls.indirect)} of {counted(calls.indirect, 'indirect call')} resolved")
    parts.append(
        f"obligations: {number(verdicts.mediated)} mediated, {number(verdicts.unmediated)} unmediated, "
        f"{number(verdicts.unknown)} unknown"
    )
    return "completeness: " + ", ".join(parts)


def tally(findings: list[Finding]) -> dict[str, int]:
    """Number of findings by tier, gravest first."""
    counts = dict.fromkeys(TIERS, 0)
    for finding in findings:
        counts[finding.tier] = counts.get(finding.tier, 0) + 1
    return counts


def verdict_line(document: Document) -> str:
    """The result in one line; the last line of a text report."""
    counts = tally(document.findings)
    words = ", ".join(counted(count, tier) for tier, count in counts.items())
    if document.fixed is not None:
        words = f"the patch introduces {words}; it fixes {number(len(document.fixed))}"
    if document.dismissed:
        words += f"; {number(len(document.dismissed))} dismissed"
    units, change = document.completeness.units, document.completeness.change
    if change is not None:
        words += f"; {number(change.analysed)} of {counted(change.total, 'unit')} that it touches read in full"
    if units.analysed < units.total:
        missing = counted(units.total - units.analysed, "unit")
        words += f"; {missing} of {number(units.total)} not fully analysed"
    elif not units.total:
        words += "; nothing was analysed"
    return "result: " + words


def ledger_groups(completeness: Completeness) -> list[tuple[str, str, list[str]]]:
    """(kind, title, lines) of everything that was not analysed, ready to print."""
    groups: list[tuple[str, str, list[str]]] = []
    for kind, title, units in (
        ("lost-unit", "units lost", completeness.units.lost),
        ("partial-unit", "units analysed in part", completeness.units.partial),
    ):
        if units:
            groups.append((kind, title, [plain(f"{unit.file}: {unit.error}") for unit in units]))
    unresolved = [slot for slot in completeness.calls.slots if slot.unresolved]
    if unresolved:
        unresolved.sort(key=lambda slot: (-slot.unresolved, slot.slot))
        lines = [plain(f"{slot.slot}: {slot.unresolved} of {counted(slot.sites, 'call')}") for slot in unresolved]
        groups.append(("unresolved-call", "indirect calls without a known target, by slot", lines))
    by_kind: dict[str, list[str]] = {}
    for entry in completeness.ledger:
        shown = plain(entry.what) + (f" ({number(entry.count)} times)" if entry.count > 1 else "")
        by_kind.setdefault(entry.kind, []).append(shown)
    for kind in sorted(by_kind):
        groups.append((plain(kind), LEDGER_TITLES.get(kind, plain(kind.replace("-", " "))), by_kind[kind]))
    return groups
