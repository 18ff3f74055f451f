"""What a scan leaves in the store for the report beside its document: verdicts by place, and the security modules."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from reports.html.material import DoorText, Modules, ModuleText
from reports.html.material import Obligation as Shown
from verifier.cli import modules as kept_modules
from verifier.cli import usage
from verifier.cli.session import within
from verifier.coverage.run import coverage_key
from verifier.findings import CoverageDocument
from verifier.program.analyse import shaped
from verifier.program.reached import DoorReach
from verifier.program.report import Obligation
from verifier.store import Store


def obligations(store: Store) -> list[Shown] | None:
    """Every controlled operation of the last scan with its verdict, within what was reported; None when the store does
    not tell."""
    used = usage.used(store)
    found = _left(store, "obligations", used.digest, list[Obligation]) if used is not None else None
    if found is None:
        return None
    scope = tuple(json.loads(store.meta("report scope") or "[]"))
    return [Shown(o.rule, o.file, o.function, o.line, o.verdict) for o in found if within(o.file, scope)]


def doors(store: Store) -> list[DoorText] | None:
    """The doors of the last scan with the operations that they reach; None when the store does not tell."""
    used = usage.used(store)
    found = _left(store, "door-reach", used.digest, list[DoorReach]) if used is not None else None
    return [DoorText(d.name, d.file, d.line, d.subject, tuple(d.operations)) for d in found] if found is not None else None


def coverage(store: Store, pack: Any) -> dict[str, Any] | None:
    """The answer of `kqual coverage` about the same analysis with these rules, where the store has it."""
    used = usage.used(store)
    found = _left(store, "coverage", coverage_key(used.digest, pack), CoverageDocument) if used is not None else None
    return msgspec.to_builtins(found) if found is not None else None


def _left(store: Store, kind: str, key: str, shape: Any) -> Any:
    """A value that a run left; None when there is none, or one of another version, which the next run writes again."""
    data = store.get(kind, key)
    return shaped(data, msgspec.msgpack.Decoder(shape)) if data is not None else None


def modules(store: Store, pack: Any, order: list[str] | None) -> Modules | None:
    """The modules of the scanned tree, for an order or for the scan's own; None when the store does not tell."""
    order = order if order is not None else json.loads(store.meta("lsm") or "null")
    found = kept_modules.kept(store, order)
    if found is None:
        return None
    texts = []
    for name, module in found.modules.items():
        notes = []
        if module.always:
            notes.append("active whatever lsm= says")
        if module.attachable:
            notes.append(f"programs may be attached to {len(module.attachable)} more hooks; until then they decide nothing")
        if module.called:
            notes.append(f"{len(module.called)} of its hooks are calls in security/security.c")
        texts.append(ModuleText(name, len(module.hooks), name in found.loaded, tuple(notes)))
    checks: dict[str, list[str]] = {}
    for name, module in found.modules.items():
        for hook in module.hooks:
            for function in pack.functions(hook) or (f"security_{hook}",):
                checks.setdefault(function, []).append(name)
    for check in pack.checks:
        asked = set().union(*(checks.get(other, ()) for other in pack.granted(check)))
        if asked:
            checks[check] = [name for name in found.modules if name in asked]
    total: dict[str, int] = {}
    for operation in found.operations:
        total[operation.service] = total.get(operation.service, 0) + 1
    return Modules(
        tuple(texts), ",".join(order) if order is not None else "",
        tuple((pack.services.get(s, s), total[s], dict(row)) for s, row in found.services.items()),
        tuple(found.unimplemented),
        tuple((v.rule, pack.services.get(v.service, v.service), tuple(v.hooks)) for v in found.vacuous),
        {o.rule: (tuple(o.hooks), tuple(o.modules)) for o in found.operations},
        {check: tuple(names) for check, names in checks.items()},
    )  # fmt: skip
