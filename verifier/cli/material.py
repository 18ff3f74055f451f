"""What a report shows beyond its document: rules in full, and control-flow graphs from the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from reports.html.material import CallFacts, FunctionGraph, GraphBlock, Material, Obligation, RuleText
from verifier.cli import facts, messages
from verifier.cli.catalogue import Catalogue, FunctionRecord
from verifier.errors import KqualError
from verifier.ir.model import Function
from verifier.ir.printer import expression_texts, print_statement
from verifier.program.report import checks_wanted
from verifier.store import Store

MOST_CALLERS = 60  # of a function in the picture of its calls
Graphs = Callable[[str, str, int], FunctionGraph | None]


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
        graph=graphs(catalogue, pack) if catalogue is not None else lambda *_: None,
        calls=calls(catalogue) if catalogue is not None else lambda *_: None,
        command=(store.meta("command") or "") if store is not None else "",
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


def graphs(catalogue: Catalogue, pack: Any) -> Graphs:
    """Gives the graph of the function that holds a place, with the checks passed on the ways to each block."""
    from verifier.cli.states import States

    states = States(catalogue, pack)
    loaded = False

    def graph(file: str, function: str, line: int) -> FunctionGraph | None:
        nonlocal loaded
        if not loaded:
            loaded = True
            states.whole()
        try:
            rows = catalogue.in_file(file)
        except KqualError:
            return None  # a place in a file without functions of its own, such as a header with macros
        records = catalogue.functions(fid for first, fid in rows if first <= line)
        named = [record for record in records.values() if record.name == function]
        record = max(named, key=lambda record: record.line, default=None)
        body = states.body(record) if record is not None else None
        return _graph(record, body, states) if record is not None and body is not None else None

    return graph


def calls(catalogue: Catalogue) -> Callable[[str, str], CallFacts | None]:
    """Tells who calls a function and what it calls."""
    known: dict[tuple[str, str], CallFacts | None] = {}

    def facts(file: str, function: str) -> CallFacts | None:
        if (file, function) not in known:
            try:
                record = next((r for r in catalogue.named(function) if r.file == file), None)
            except KqualError:
                record = None  # a macro's or a removed function's name; the picture then shows less
            known[file, function] = _facts(record) if record is not None else None
        return known[file, function]

    def _facts(record: FunctionRecord) -> CallFacts:
        callers = catalogue.functions(record.callers[:MOST_CALLERS]).values()
        names = frozenset([*(name for name, _ in record.callees), *record.external])
        return CallFacts(
            record.line, tuple((c.name, c.file) for c in callers), names, tuple(slot for slot, _ in record.slots), tuple(record.held_in)
        )

    return facts


def _graph(record: FunctionRecord, body: Function, states: Any) -> FunctionGraph:
    passed = states.at_blocks(record, body)
    texts = expression_texts(body.exprs)
    blocks = []
    for number, block in enumerate(body.blocks):
        statements = [(s[-1], print_statement(body, s, texts)) for s in block.statements if s[0] != "havoc"]
        statements += _terminator(block.terminator, texts)
        always, sometimes = passed.get(number, ((), ()))
        blocks.append(GraphBlock(tuple(statements), always, sometimes, number in passed))
    edges = [(n, to, label) for n, block in enumerate(body.blocks) for to, label in _targets(block.terminator)]
    return FunctionGraph(record.name, body.file, body.line, body.end_line, tuple(blocks), tuple(edges), bool(passed))


def _terminator(terminator: tuple, texts: list[str]) -> list[tuple[int, str]]:
    kind = terminator[0]
    if kind == "br":
        return [(terminator[-1], f"if {texts[terminator[1]]}")]
    if kind == "sw":
        return [(terminator[-1], f"switch {texts[terminator[1]]}")]
    if kind == "ret":
        return [(terminator[-1], "return" if terminator[1] < 0 else f"return {texts[terminator[1]]}")]
    return [(terminator[-1], "does not come back")] if kind == "end" else []


def _targets(terminator: tuple) -> list[tuple[int, str]]:
    """(block, label) of each edge out of a block; cases with the same target share one."""
    kind = terminator[0]
    if kind == "jmp":
        return [(terminator[1], "")]
    if kind == "br":
        return [(terminator[2], "true"), (terminator[3], "false")]
    if kind == "sw":
        cases: dict[int, list[str]] = {}
        for low, high, to in terminator[2]:
            cases.setdefault(to, []).append(str(low) if low == high else f"{low}..{high}")
        cases.setdefault(terminator[3], []).append("default")
        return [(to, ", ".join(names[:3]) + ("..." if len(names) > 3 else "")) for to, names in cases.items()]
    if kind == "any":
        return [(to, "") for to in dict.fromkeys(terminator[1])]
    return []
