"""Two scans side by side: what is new, what is fixed, what changed; as text that can be mailed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reports import wording
from reports.text import finding_lines
from verifier.findings import TIERS, Document, Finding

Pair = tuple[Finding, Finding]
_RANK = {tier: rank for rank, tier in enumerate(TIERS)}


@dataclass
class Service:
    """What changed in one service; `changed` are (before, after)."""

    name: str
    new: list[Finding] = field(default_factory=list)
    fixed: list[Finding] = field(default_factory=list)
    changed: list[Pair] = field(default_factory=list)


@dataclass
class Comparison:
    """Two documents; `services` in order of name, only those where something changed."""

    old: Document
    new: Document
    services: list[Service]
    same: int

    @property
    def counts(self) -> tuple[int, int, int]:
        """New, fixed, changed."""
        new, fixed, changed = ([len(part) for part in parts] for parts in (
            [s.new for s in self.services], [s.fixed for s in self.services], [s.changed for s in self.services],
        ))  # fmt: skip
        return sum(new), sum(fixed), sum(changed)


def compare(old: Document, new: Document, titles: dict[str, str] | None = None) -> Comparison:
    """Match the findings of two scans: first by fingerprint, then what is left by place and operation.

    The second key leaves out kind, object and missing checks, so that a finding whose verdict got better or worse is
    "changed" and not one fixed and one new.  `titles` maps services to their names for people.
    """
    before = {finding.fingerprint: finding for finding in old.findings}
    after = {finding.fingerprint: finding for finding in new.findings}
    pairs = [(before[key], finding) for key, finding in after.items() if key in before]
    gone: dict[tuple[str, ...], list[Finding]] = {}
    for key, finding in before.items():
        if key not in after:
            gone.setdefault(place_of(finding), []).append(finding)
    arrived = []
    for key, finding in after.items():
        if key in before:
            continue
        same = gone.get(place_of(finding))
        if same:
            pairs.append((same.pop(0), finding))
        else:
            arrived.append(finding)
    notes = {note.id: note.service for document in (old, new) for note in document.rules}
    services: dict[str, Service] = {}

    def service(finding: Finding) -> Service:
        name = notes.get(finding.rule, "")
        name = wording.plain((titles or {}).get(name, name)) or "no service"
        return services.setdefault(name, Service(name))

    for finding in arrived:
        service(finding).new.append(finding)
    for finding in before.values():
        if finding.fingerprint not in after and any(finding is left for left in gone[place_of(finding)]):
            service(finding).fixed.append(finding)
    changed = [pair for pair in pairs if changes(*pair)]
    for pair in changed:
        service(pair[1]).changed.append(pair)
    return Comparison(old, new, [services[name] for name in sorted(services)], len(pairs) - len(changed))


def place_of(finding: Finding) -> tuple[str, ...]:
    """What stays the same of a finding when its verdict gets better or worse."""
    return finding.rule, finding.operation, finding.function, finding.file.rpartition("/")[2]


def changes(before: Finding, after: Finding) -> list[str]:
    """What is different about a finding; a place that only moved is not."""
    out = []
    for name, old, new in (
        ("tier", before.tier, after.tier),
        ("kind", before.kind, after.kind),
        ("object", before.object, after.object),
        ("wanted", ", ".join(sorted(before.requires)), ", ".join(sorted(after.requires))),
        ("door", before.door or "none", after.door or "none"),
        ("subject", before.subject or "user", after.subject or "user"),
    ):
        if old != new:
            out.append(wording.plain(f"{name} was {old}, is {new}"))
    return out


def worse(pair: Pair) -> bool:
    """Whether the later finding is of a graver tier."""
    return _RANK.get(pair[1].tier, len(TIERS)) < _RANK.get(pair[0].tier, len(TIERS))


def states(found: Comparison) -> dict[str, str]:
    """`new`, `changed` or `known` for each finding of the later scan, by fingerprint."""
    out = {finding.fingerprint: "known" for finding in found.new.findings}
    for service in found.services:
        out |= {finding.fingerprint: "new" for finding in service.new}
        out |= {after.fingerprint: "changed" for _, after in service.changed}
    return out


def gone(found: Comparison) -> list[Finding]:
    """The findings of the older scan that the later one no longer has, by service."""
    return [finding for service in found.services for finding in service.fixed]


def summary_line(found: Comparison) -> str:
    """`comparison: 3 new, 1 fixed, 2 changed, 170 the same`"""
    new, fixed, changed = found.counts
    return f"comparison: {new:,} new, {fixed:,} fixed, {changed:,} changed, {found.same:,} the same"


def render(found: Comparison, mail: bool = False) -> str:
    """The comparison by service; `mail` puts a subject line before it and marks what is new with `>>`."""
    lines = list(_lines(found, ">> " if mail else ""))
    if mail:
        lines = [f"Subject: kqual: {summary_line(found).removeprefix('comparison: ')}", "", *lines]
    return "\n".join(lines) + "\n"


def _lines(found: Comparison, mark: str) -> Iterator[str]:
    yield "old " + wording.completeness_line(found.old.completeness)
    yield "new " + wording.completeness_line(found.new.completeness)
    for key in sorted({*found.old.configuration, *found.new.configuration}):
        old, new = (document.configuration.get(key, "nothing") for document in (found.old, found.new))
        yield wording.plain(f"{key}: {new}" if old == new else f"{key}: {old}, now {new}")
    for service in found.services:
        yield ""
        yield f"{service.name}: {len(service.new)} new, {len(service.fixed)} fixed, {len(service.changed)} changed"
        for finding in service.new:
            first, *rest = finding_lines(finding)
            yield ""
            yield mark + first
            yield from rest
        for title, findings in (("fixed", service.fixed),):
            for finding in findings:
                yield ""
                yield wording.plain(f"{finding.file}:{finding.line}: {title}: ") + wording.headline(finding)
        for before, after in service.changed:
            yield ""
            yield wording.plain(f"{after.file}:{after.line}: changed: ") + wording.headline(after)
            yield from (f"    {change}" for change in changes(before, after))
    yield ""
    yield summary_line(found)
