"""Functions of a stored scan for the pictures of a report: their control flow with what is passed, and their calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reports.html.material import CallFacts, Facts, FunctionGraph, GraphBlock, Leaving, SlotCall
from verifier.cli import messages
from verifier.cli.catalogue import Catalogue, FunctionRecord
from verifier.cli.states import Passed, States
from verifier.errors import KqualError
from verifier.flow.leaving import OUT
from verifier.ir.model import Function
from verifier.ir.printer import expression_texts, print_statement

MOST_CALLERS = 60  # of a function in the picture of its calls
Graphs = Callable[[str, str, int], FunctionGraph | None]


def graphs(catalogue: Catalogue, pack: Any) -> Graphs:
    """Gives the graph of the function that holds a place, with the checks passed on the ways to each block."""
    states = States(catalogue, pack)
    loaded: bool | None = None

    def graph(file: str, function: str, line: int) -> FunctionGraph | None:
        nonlocal loaded
        if loaded is None:
            loaded = states.whole()
            if not loaded:
                messages.warning("the report does not tell what is passed in functions: another version of kqual wrote the store; scan again")
        try:
            rows = catalogue.in_file(file)
        except KqualError:
            return None  # a place in a file without functions of its own, such as a header with macros
        records = catalogue.functions(fid for first, fid in rows if first <= line)
        named = [record for record in records.values() if record.name == function]
        record = max(named, key=lambda record: record.line, default=None)
        body = states.body(record) if record is not None else None
        if record is None or body is None:
            return None
        return _graph(record, body, states.passed(record, body) if loaded else Passed({}, {}))

    return graph


def calls(catalogue: Catalogue) -> Facts:
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
        lines: dict[str, list[int]] = {}
        for slot, line in record.slots:
            lines.setdefault(slot, []).append(line)
        held = catalogue.slots(lines)
        slots = tuple(SlotCall(slot, tuple(own), len(held[slot].targets) if slot in held else 0) for slot, own in lines.items())
        return CallFacts(record.line, tuple((c.name, c.file) for c in callers), names, slots, tuple(record.held_in), record.door, record.subject)

    return facts


def _graph(record: FunctionRecord, body: Function, passed: Passed) -> FunctionGraph:
    texts = expression_texts(body.exprs)
    blocks = []
    for number, block in enumerate(body.blocks):
        statements = [(s[-1], print_statement(body, s, texts)) for s in block.statements if s[0] != "havoc"]
        statements += _terminator(block.terminator, texts)
        always, sometimes = passed.blocks.get(number, ((), ()))
        targets = [*_targets(block.terminator), (OUT, "")]
        leaving = tuple(Leaving(to, label, *passed.edges[number, to]) for to, label in targets if (number, to) in passed.edges)
        blocks.append(GraphBlock(tuple(statements), always, sometimes, number in passed.blocks, leaving))
    edges = [(n, to, label) for n, block in enumerate(body.blocks) for to, label in _targets(block.terminator)]
    return FunctionGraph(record.name, body.file, body.line, body.end_line, tuple(blocks), tuple(edges), bool(passed.blocks))


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
