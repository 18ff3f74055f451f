"""Findings and the document around them: the JSON contract `kqual/1` as structs.

Field order is key order in JSON.  Fields without a default are always written; those with one are extras that are
left out when empty, so that readers of the contract never depend on them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from verifier.errors import KqualError

SCHEMA = "kqual/1"
KINDS = (
    "missing-check",
    "ignored-result",
    "wrong-object",
    "weaker-check",
    "refetch",
    "late-check",
    "wrong-namespace",
    "wrong-subject",
    "vacuous-check",
)
TIERS = ("error", "warning", "note")  # gravest first
# How `reachable_with` says what an attacker must have: nothing, or capabilities followed by the namespace that counts.
FREE = "nothing"
IN_INIT, IN_OWN = " in init", " in any user namespace"
_RANK = {tier: rank for rank, tier in enumerate(TIERS)}


class Step(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One place on a path, with a word on what happens there.  `file` is relative to the tree."""

    file: str
    line: int
    function: str
    note: str


class Sibling(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A place that performs the same operation after the check."""

    file: str
    line: int
    function: str
    check: str


class Finding(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One obligation that is not met, with its evidence.

    `function`, `file` and `line` name the controlled operation (or the call that should have been preceded by the
    check); `door` is the C symbol where user space enters, or None when no door is known.  `requires` holds the
    names of the checks that are wanted and missing.  `fingerprint` is set by `finish`.
    """

    fingerprint: str
    kind: str
    tier: str
    rule: str
    operation: str
    object: str
    requires: list[str]
    file: str
    line: int
    function: str
    door: str | None
    path: list[Step]
    sibling: Sibling | None
    assumptions: list[str]
    # extras
    doors: list[str] = []  # further doors that lead to the place
    subject: str = ""  # who acts: "user", "remote", "mounter", ...
    passed: list[str] = []  # checks that are passed on the way all the same
    exemptions: list[str] = []  # exemptions that were tried and did not hold
    reason: str = ""  # the rule's reason, or how the evidence speaks
    evidence: int = 0  # strength within a tier, such as the number of protected siblings
    reachable_with: list[str] = []  # privileges that the way there asks for, or FREE; none where that is not known


class UnitTrouble(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A translation unit that was analysed in part or not at all, and its first error."""

    file: str
    error: str


class Units(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Translation units: `total` is the number of C compile commands; `analysed` means without any error."""

    total: int
    analysed: int
    partial: list[UnitTrouble]
    lost: list[UnitTrouble]


class SlotCalls(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Indirect calls through one slot: call sites, distinct targets, and sites left without a target."""

    slot: str
    sites: int
    targets: int
    unresolved: int


class Calls(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Call sites: direct ones, indirect ones, and how many of the indirect ones stay unresolved."""

    direct: int
    indirect: int
    unresolved: int
    slots: list[SlotCalls]


class Obligations(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Obligations by verdict."""

    mediated: int
    unmediated: int
    unknown: int


class LedgerEntry(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Something that the analysis did not look at or took for granted.

    `kind` is a class of gaps (`inline-asm`, `recursion`, `hook-compiled-out`, `hook-not-in-kernel`,
    `hook-not-in-rules`, `no-user-subject`, ...), `what` names the place or thing, `count` says how often.
    """

    kind: str
    what: str
    count: int = 1


class Completeness(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the result rests on, and what it leaves out."""

    units: Units
    functions: int
    calls: Calls
    obligations: Obligations
    ledger: list[LedgerEntry] = []
    change: Units | None = None  # of a gate: the units that the change touches, and what of them was read

    @property
    def missing_share(self) -> float:
        """Share of units not fully analysed, 0 to 1; 1 when there was nothing to analyse.

        Of a gate the greater one of all units and of those that the change touches: a patch that cannot be read must
        not pass because the rest of the tree can.
        """
        total = self.units.total
        share = (total - self.units.analysed) / total if total else 1.0
        if self.change is not None and self.change.total:
            share = max(share, (self.change.total - self.change.analysed) / self.change.total)
        return share


class RuleNote(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What a report says about a rule."""

    id: str
    operation: str = ""
    service: str = ""
    reason: str = ""


class ExemptionNote(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """An exemption that the rule pack grants, with its reason; listed in every full report."""

    name: str
    reason: str
    condition: str = ""


class Blind(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A way from a door to an error before any hook was asked, so that no module and no audit record tells of it.

    `file`, `line` and `function` name the return; `error` is its number's name, "" where it is not known; `hook` one that
    other ways from the door ask; `path` the calls down to the function.
    """

    door: str
    file: str
    line: int
    function: str
    error: str
    hook: str
    path: list[Step] = []


class Early(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A check of discretionary access control that is made after a hook of the same operations was asked."""

    file: str
    line: int
    function: str
    check: str
    hook: str
    door: str


class AuditNotes(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an audit wants to know beside findings: never an error, and in no count."""

    blind: list[Blind] = []
    early: list[Early] = []


class Dismissed(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A finding that people gave a verdict which takes it out of `findings`."""

    finding: Finding
    verdict: str
    reason: str


class Document(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The result of a scan, or of a gate (then `fixed` is a list)."""

    schema: str
    completeness: Completeness
    findings: list[Finding]
    fixed: list[Finding] | None = None
    # extras
    configuration: dict[str, str] = {}  # kernel version, configuration, rule pack, ...: what the result depends on
    rules: list[RuleNote] = []
    exemptions: list[ExemptionNote] = []
    dismissed: list[Dismissed] = []  # by verdicts in a triage file
    audit: AuditNotes | None = None  # where it was asked for


class CheckPlace(msgspec.Struct, kw_only=True, frozen=True):
    """A call of a check."""

    file: str
    line: int
    check: str


class Site(msgspec.Struct, kw_only=True, frozen=True):
    """An enforcing site: a call of a check, and what it protects.

    `family` is `lsm`, `capability`, `dac` or `lockdown`; `status` one of SITE_STATUS.  `protects` names the obligations
    that are unmediated without it (of a load-bearing site; at most 20), `dominated_by` the site that makes it redundant.
    """

    file: str
    line: int
    function: str
    check: str
    family: str
    service: str
    status: str
    protects: list[str]
    dominated_by: CheckPlace | None
    reason: str


SITE_STATUS = ("load-bearing", "redundant", "unexplained")
# Beginnings of reasons: calls that can refuse nobody, which are counted apart.
DECIDES_NOTHING = "declared to decide nothing"
ONLY_TELLS = "decides nothing here"
FOR_NOBODY = "it runs for nobody"


class CoverageDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The result of `kqual coverage`: every site, in the order of file, line and check."""

    schema: str
    completeness: Completeness
    sites: list[Site]
    # extras
    configuration: dict[str, str] = {}


def empty_completeness() -> Completeness:
    """A completeness record of nothing; counted up by the analysis."""
    return Completeness(
        units=Units(total=0, analysed=0, partial=[], lost=[]),
        functions=0,
        calls=Calls(direct=0, indirect=0, unresolved=0, slots=[]),
        obligations=Obligations(mediated=0, unmediated=0, unknown=0),
    )


def fingerprint(
    kind: str,
    rule: str,
    operation: str,
    object: str,  # the name is the contract's
    function: str,
    basename: str,
    requires: Iterable[str],
    ordinal: int,
) -> str:
    """16 hex digits that stay the same when code moves, files change folders, or messages are reworded.

    `basename` is the file's last path component (a longer path is cut down to it); `ordinal` counts identical
    tuples from 0.
    """
    parts = [kind, rule, operation, object, function, basename.rpartition("/")[2], *sorted(requires), str(ordinal)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def identity(finding: Finding) -> tuple[Any, ...]:
    """What a fingerprint is made of, without the ordinal."""
    return (
        finding.kind,
        finding.rule,
        finding.operation,
        finding.object,
        finding.function,
        finding.file.rpartition("/")[2],
        tuple(sorted(finding.requires)),
    )


def order(finding: Finding) -> tuple[Any, ...]:
    """Sort key of reports: tier, then strength of evidence, then place; total and free of chance."""
    return (
        _RANK.get(finding.tier, len(TIERS)),
        -finding.evidence,
        finding.file,
        finding.line,
        finding.function,
        identity(finding),
        finding.door or "",
        [(step.file, step.line, step.function, step.note) for step in finding.path],
    )


def finish(findings: Iterable[Finding]) -> list[Finding]:
    """Set the fingerprints and return the findings in report order.

    Identical tuples get their ordinals by place, so that a second one further down leaves the first one's alone.
    """
    seen: dict[tuple, int] = {}
    finished = list(findings)
    for finding in sorted(finished, key=lambda f: (f.file, f.line, order(f))):
        same = identity(finding)
        ordinal = seen.get(same, 0)
        seen[same] = ordinal + 1
        finding.fingerprint = fingerprint(*same, ordinal)
    return sorted(finished, key=order)


def finish_completeness(completeness: Completeness) -> Completeness:
    """Put the lists of a completeness record into their fixed order."""
    completeness.units.partial.sort(key=lambda u: (u.file, u.error))
    completeness.units.lost.sort(key=lambda u: (u.file, u.error))
    completeness.calls.slots.sort(key=lambda s: s.slot)
    completeness.ledger.sort(key=lambda e: (e.kind, e.what))
    return completeness


def make_document(completeness: Completeness, findings: Iterable[Finding], **more: Any) -> Document:
    """A document in fixed order with all fingerprints set; `more` are the extras of Document."""
    return Document(
        schema=SCHEMA, completeness=finish_completeness(completeness), findings=finish(findings), **more
    )


def at_or_above(findings: Iterable[Finding], tier: str) -> list[Finding]:
    """The findings as grave as `tier` or graver; none when `tier` is no tier (such as "never")."""
    limit = _RANK.get(tier, -1)
    return [finding for finding in findings if _RANK.get(finding.tier, len(TIERS)) <= limit]


_SYSCALL = re.compile(r"^__(?:do|se|x64|ia32)_(?P<compat>compat_)?sys_(?P<name>\w+)$")


def door_title(symbol: str | None) -> str:
    """A door's name for people: `chroot(2)` for `__do_sys_chroot`; other symbols stay; "" for None."""
    match = _SYSCALL.match(symbol or "")
    if not match:
        return symbol or ""
    return f"{match['name']}(2)" + (" (compat)" if match["compat"] else "")


def encode(document: Document | CoverageDocument) -> bytes:
    """The document as JSON: UTF-8, keys in field order, two blanks of indent, a final newline; always equal bytes.

    Bytes that are no UTF-8 (file names, string literals) become U+FFFD.
    """
    try:
        compact = msgspec.json.encode(document)
    except UnicodeEncodeError:
        compact = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(document)))
    return msgspec.json.format(compact, indent=2) + b"\n"


def decode(data: bytes) -> Document:
    """Inverse of `encode`; raises KqualError on anything that is not such a document."""
    try:
        document = msgspec.json.decode(data, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise KqualError(f"not a kqual document: {error}", "give a file written by `kqual scan --format json`") from error
    if document.schema != SCHEMA:
        raise KqualError(f"a document of schema {document.schema!r}, not {SCHEMA!r}", "write it again with this kqual")
    return document


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value
