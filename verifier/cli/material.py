"""What a report shows beyond its document: rules in full, and what the store tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from reports.html.material import Material, Obligation, RuleText
from verifier.cli import facts, messages, pictures
from verifier.cli.catalogue import Catalogue
from verifier.errors import KqualError
from verifier.program.report import checks_wanted
from verifier.store import Store


def rule_texts(pack: Any) -> dict[str, RuleText]:
    """The rules of a pack, by id."""
    return {
        rule.id: RuleText(
            id=rule.id, service=rule.service, tier=rule.tier, operation=rule.operation_text, slot=rule.slot,
            requires=tuple(rule.requires_text),
            checks=tuple(dict.fromkeys(n for i in range(len(rule.requires)) for n in checks_wanted(pack, rule.id, i))),
            subject=rule.subject, reason=rule.reason,
            exempt=tuple((e.name or "where a condition holds", e.reason) for e in rule.exempt),
            good=rule.good.strip("\n"), bad=rule.bad.strip("\n"), place=f"{rule.file.rpartition('/')[2]}:{rule.line}",
        )
        for rule in pack.rules
    }  # fmt: skip


@contextmanager
def opened(
    services: Any, store: Path | None, rules: tuple[str, ...], coverage: str | None, order: list[str] | None = None,
    obligations: list[Obligation] | None = None,
) -> Iterator[Material]:  # fmt: skip
    """The material for a report, while its store is open; `coverage` names a file, `order` is that of `lsm=`.

    `obligations` are those of several scans, in place of the store's own.
    """
    found = read_coverage(coverage) if coverage else None
    with Store.open(store, readonly=True, say=messages.warning) if store is not None else nullcontext() as reading:
        made = material(services, reading, rules, found, order)
        yield made if obligations is None else replace(made, obligations=obligations)


def material(
    services: Any, store: Store | None, rules: tuple[str, ...] = (), coverage: dict[str, Any] | None = None,
    order: list[str] | None = None,
) -> Material:  # fmt: skip
    """The material of a report; without a store, or with one that holds no finished scan, there are no graphs."""
    catalogue = None
    if store is not None:
        try:
            catalogue = Catalogue(store)
        except KqualError as error:
            messages.warning(f"the report has no pictures of functions: {error.message}")
    pack = services.load_pack(rules, catalogue.info.version if catalogue is not None else "")
    if store is not None and coverage is None:
        coverage = facts.coverage(store, pack)
    return Material(
        rules=rule_texts(pack), services=dict(pack.services), coverage=coverage,
        families={name: check.family for name, check in pack.checks.items()},
        obligations=facts.obligations(store) if store is not None else None,
        doors=facts.doors(store) if store is not None else None,
        modules=facts.modules(store, pack, order) if store is not None else None,
        graph=pictures.graphs(catalogue, pack) if catalogue is not None else lambda *_: None,
        calls=pictures.calls(catalogue) if catalogue is not None else lambda *_: None,
    )  # fmt: skip


def read_coverage(name: str) -> dict[str, Any]:
    """A coverage document from a file; raises KqualError when it is none."""
    try:
        with open(name, "rb") as handle:
            found = json.load(handle)
    except OSError as error:
        raise KqualError(f"{name}: {error.strerror}", "give a file written by `kqual coverage --format json`") from error
    except ValueError as error:
        raise KqualError(f"{name}: not JSON: {error}", "give a file written by `kqual coverage --format json`") from error
    if not isinstance(found, dict) or not isinstance(found.get("sites"), list):
        raise KqualError(f"{name}: no coverage document", 'an object with a list "sites"')
    return found
