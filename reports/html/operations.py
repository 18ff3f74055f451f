"""Controlled operations by rule, by check and by service, with their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from reports import wording
from reports.html.material import Material, Obligation
from verifier.findings import door_title

VERDICTS = ("unmediated", "unknown", "mediated")  # in the order in which a reader wants to see them
MOST_PLACES = 500  # places of one verdict on a page


@dataclass(frozen=True)
class PlaceView:
    """An operation's place; `page` is that of its source, "" when there is none."""

    text: str
    page: str
    function: str
    rule: str
    rule_page: str


@dataclass(frozen=True)
class VerdictView:
    """The places of one verdict; `left` counts those that are not listed, "" for none."""

    verdict: str
    count: str
    places: list[PlaceView]
    left: str


@dataclass(frozen=True)
class OperationView:
    """A rule's operation, and how many places of it have which verdict (in the order of VERDICTS)."""

    rule: str
    rule_page: str
    operation: str
    cells: list[str]


@dataclass
class Index:
    """Obligations by rule, and the checks that their rules name.  `known` is False when no scan told of them."""

    known: bool
    by_rule: dict[str, list[Obligation]] = field(default_factory=dict)
    rules_of: dict[str, list[str]] = field(default_factory=dict)  # check: rules that name it, those without operations too

    def of_check(self, check: str) -> list[Obligation]:
        """The obligations of all rules that name a check."""
        return [o for rule in self.rules_of.get(check, ()) for o in self.by_rule.get(rule, ())]


def index(material: Material) -> Index:
    """The obligations of a report."""
    out = Index(material.obligations is not None)
    for obligation in material.obligations or ():
        out.by_rule.setdefault(obligation.rule, []).append(obligation)
    if out.known:
        for name, rule in sorted(material.rules.items()):
            for check in rule.checks:
                out.rules_of.setdefault(check, []).append(name)
    return out


def count(obligations: Iterable[Obligation]) -> dict[str, int]:
    """How many have which verdict."""
    out = dict.fromkeys(VERDICTS, 0)
    for obligation in obligations:
        out[obligation.verdict] = out.get(obligation.verdict, 0) + 1
    return out


def by_verdict(
    obligations: list[Obligation], link: Callable[[str, int], str], rule_pages: Callable[[str], str]
) -> list[VerdictView]:
    """The places, those without protection first."""
    out = []
    for verdict in VERDICTS:
        own = sorted((o for o in obligations if o.verdict == verdict), key=lambda o: (o.file, o.line, o.rule))
        left = len(own) - MOST_PLACES
        out.append(VerdictView(
            verdict, wording.number(len(own)), [_place(o, link, rule_pages) for o in own[:MOST_PLACES]],
            wording.number(left) if left > 0 else "",
        ))  # fmt: skip
    return out


def _place(obligation: Obligation, link: Callable[[str, int], str], rule_pages: Callable[[str], str]) -> PlaceView:
    return PlaceView(
        wording.plain(f"{obligation.file}:{obligation.line}"), link(obligation.file, obligation.line),
        wording.plain(door_title(obligation.function)), wording.plain(obligation.rule), rule_pages(obligation.rule),
    )  # fmt: skip


def by_operation(rules: Iterable[str], found: Index, material: Material, rule_pages: Callable[[str], str]) -> list[OperationView]:
    """The operations of some rules, those without a place in this tree, too."""
    out = []
    for name in rules:
        rule = material.rules[name]
        counts = count(found.by_rule.get(name, ()))
        cells = [wording.number(counts[verdict]) if counts[verdict] else "" for verdict in VERDICTS]
        out.append(OperationView(wording.plain(name), rule_pages(name), wording.plain(rule.operation), cells))
    return out
