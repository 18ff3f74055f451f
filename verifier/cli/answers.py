"""Answers to the questions of `kqual show`, as lines of text; they read the catalogue and the stored units."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import Any

import msgspec

from verifier.cli.catalogue import Catalogue, FunctionRecord
from verifier.errors import KqualError
from verifier.findings import door_title
from verifier.flow.state import ANY, NEG, POS, ZERO
from verifier.flow.summary import Result
from verifier.flow.values import Value, Values, show
from verifier.ir.model import Function, decode

OUTCOMES = {
    ZERO: "0", NEG: "negative", POS: "positive", NEG | ZERO: "0 or negative", ZERO | POS: "0 or positive",
    NEG | POS: "not 0", ANY: "anything",
}  # fmt: skip
MOST_ROWS = 200


def place(record: FunctionRecord) -> str:
    """`vfs_unlink (fs/namei.c:4300)`; system calls with the title that people know: `__do_sys_unlink, unlink(2) (...)`"""
    title = door_title(record.name)
    return record.name + (f", {title}" if title != record.name else "") + f" ({record.file}:{record.line})"


def result_of(record: FunctionRecord) -> Result | None:
    """The stored analysis of a function; None when it was not analysed."""
    if not record.result:
        return None
    # Terms are nested tuples that serve as keys; MessagePack only knows lists.
    return msgspec.convert(_tuples(msgspec.msgpack.decode(record.result)), Result)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def body_of(catalogue: Catalogue, record: FunctionRecord) -> Function | None:
    """The IR of a function from the stored unit."""
    data = catalogue.store.get("unit", record.unit)
    if data is None:
        return None
    functions = decode(data).functions
    return functions[record.position] if record.position < len(functions) else None


def term(values: Values, spelled: Any) -> Value:
    """A value from its plain tuples (verifier.flow.values.export)."""
    return values.make(spelled[0], *(term(values, part) if isinstance(part, tuple | list) else part for part in spelled[1:]))


def fact(spelled: Any, names: list[str]) -> str:
    """`security_inode_unlink(dir, dentry)` for a fact of a summary."""
    values = Values()
    arguments = ", ".join(show(term(values, argument), names) for argument in spelled[2])
    subject = term(values, spelled[3]) if len(spelled) > 3 and isinstance(spelled[3], tuple | list) else None
    return f"{spelled[1]}({arguments})" + (f" as {show(subject, names)}" if subject is not None and subject.op not in ("un", "c") else "")


def checks(catalogue: Catalogue, name: str, deciding: Container[str]) -> Iterator[str]:
    """What a function checks itself, guarantees to its callers, and leaves to them."""
    for record in catalogue.named(name):
        yield place(record) + (f"; door: {record.door}, subject {record.subject}" if record.door else "")
        called = [c for c in sorted({n for n, _ in record.callees} | set(record.external)) if c in deciding]
        yield "    calls checks: " + (", ".join(called) or "none")
        result = result_of(record)
        if result is None:
            yield "    not analysed: no rule speaks of anything in it"
            continue
        body = body_of(catalogue, record)
        names = [param.name for param in body.params] if body else []
        yield from _guarantees(result, names)
        for requirement in result.summary.requires:
            sink = requirement.sink
            yield (
                f"    leaves open: rule {requirement.rule}: {requirement.operation} at {sink.file}:{sink.line}"
                f" ({requirement.kind}) up to its callers"
            )
        for requirement in result.closed:
            sink = requirement.sink
            yield f"    not met: rule {requirement.rule}: {requirement.operation} at {sink.file}:{sink.line} ({requirement.kind})"
        for discharge in result.discharges:
            yield f"    line {discharge.line}: meets rule {discharge.key[0]} of {discharge.callee}: {discharge.check} passed"
        if result.cut:
            yield f"    incomplete: {result.cut}"


def _guarantees(result: Result, names: list[str]) -> Iterator[str]:
    """For each outcome: the checks passed on all ways to it, and those passed on some."""
    ways: dict[str, list[list[str]]] = {}
    for way in result.summary.alternatives:
        outcome = str(way.eq) if way.eq is not None else OUTCOMES.get(way.mask, "?")
        ways.setdefault(outcome, []).append([fact(spelled, names) for spelled in way.facts])
    if not any(found for each in ways.values() for found in each):
        yield "    guarantees no check to its callers"
        return
    for outcome, each in sorted(ways.items()):
        always = [one for one in each[0] if all(one in other for other in each)]
        some = dict.fromkeys(one for other in each for one in other if one not in always)
        yield f"    returns {outcome}: " + (f"passed {', '.join(always)}" if always else "no check is passed on every way")
        if some:
            yield f"        on some ways: {', '.join(some)}"


def callers(catalogue: Catalogue, name: str) -> Iterator[str]:
    """Who calls a function, directly and through slots; functions without a body in the scan have callers too."""
    outside = catalogue.callers_outside(name)
    if outside:
        yield f"{name} (no body in this scan)"
        yield from (f"    called by {place(caller)}" for caller in list(catalogue.functions(outside).values())[:MOST_ROWS])
        return
    for record in catalogue.named(name):
        yield place(record)
        direct = catalogue.functions(record.callers)
        yield from (f"    called by {place(caller)}" for caller in list(direct.values())[:MOST_ROWS])
        for slot in catalogue.slots(record.held_in).values():
            yield f"    held in slot {slot.slot}, called through it by {len(slot.callers)}:"
            through = catalogue.functions(slot.callers[:MOST_ROWS])
            yield from (f"        {place(caller)}" for caller in through.values())
        if record.door:
            yield f"    a door: {record.door}, subject {record.subject}"
        elif not record.callers and not record.held_in:
            yield "    nobody that this scan knows"
        elif record.nearest_door:
            yield f"    nearest door: {door_title(record.nearest_door.partition('@')[0])}"


def slot(catalogue: Catalogue, name: str) -> Iterator[str]:
    """What a slot of operations tables may hold, and who calls through it."""
    record = catalogue.slot(name)
    targets = catalogue.functions(record.targets)
    yield f"{record.slot}: {len(targets)} functions, called through it by {len(record.callers)}"
    yield from (f"    holds {place(target)}" for target in list(targets.values())[:MOST_ROWS])
    called = catalogue.functions(record.callers[:MOST_ROWS])
    yield from (f"    called by {place(caller)}" for caller in called.values())


def path(catalogue: Catalogue, door: str, target: str, deciding: Container[str]) -> Iterator[str]:
    """A shortest chain of calls from a door to a function or slot (`f_op->open` as file_operations.open), with the
    checks that each function on it calls.  Breadth-first, one read of the store a level."""
    start = catalogue.named(door)
    if "." in target and "@" not in target:
        record = catalogue.slot(target)
        goals = set(record.callers)
        last = f"calls through {target} ({len(record.targets)} functions)"
    else:
        goals = set(catalogue.callers_outside(target))
        last = f"calls {target}, which has no body in this scan" if goals else ""
        goals = goals or {record.fid for record in catalogue.named(target)}
    parent: dict[str, tuple[str, str] | None] = {record.fid: None for record in start}
    known: dict[str, FunctionRecord] = {}
    level = list(parent)
    while level and not goals & set(parent):
        records = catalogue.functions(level)
        known |= records
        slots = catalogue.slots(dict.fromkeys(s for record in records.values() for s, _ in record.slots))
        following: dict[str, None] = {}
        for record in records.values():
            ways = [(callee, "") for _, callee in record.callees]
            ways += [(callee, s) for s, _ in record.slots if s in slots for callee in slots[s].targets]
            for callee, through in ways:
                if callee not in parent:
                    parent[callee] = (record.fid, through)
                    following[callee] = None
        level = list(following)
    reached = next((fid for fid in parent if fid in goals), None)
    if reached is None:
        yield f"no chain of calls from {door} to {target} is known to this scan"
        return
    chain: list[tuple[str, str]] = []
    step: tuple[str, str] | None = (reached, "")
    while step is not None:
        fid, _ = step
        above = parent[fid]
        chain.append((fid, above[1] if above else ""))
        step = above
    known |= catalogue.functions([fid for fid, _ in chain])
    for fid, through in reversed(chain):
        record = known[fid]
        called = [c for c in sorted({n for n, _ in record.callees} | set(record.external)) if c in deciding]
        text = place(record) + (f" through {through}" if through else "")
        yield text + (f"\n    calls checks: {', '.join(called)}" if called else "")
    if last:
        yield f"    {last}"
    yield f"{len(chain)} functions; `kqual show checks FUNCTION` tells what each of them guarantees"


def facts(catalogue: Catalogue, where: str, pack: Any) -> Iterator[str]:
    """Which checks are passed, on every path and on some, when control reaches a line.

    The function is analysed again, alone, with its callees' stored summaries.
    """
    from verifier.cli.states import States, fact_text
    from verifier.flow.transfer import Frame

    file, _, number = where.rpartition(":")
    if not file or not number.isdigit():
        raise KqualError(f"{where!r} is no place", "FILE:LINE, e.g. kqual show facts fs/namei.c:4300")
    line = int(number)
    fid = next((fid for first, fid in reversed(catalogue.in_file(file)) if first <= line), None)
    record = catalogue.functions([fid]).get(fid) if fid else None
    body = body_of(catalogue, record) if record else None
    if record is None or body is None or line > body.end_line:
        raise KqualError(f"line {line} of {file} is in no function of this scan", "a line inside of a function's body")
    stops = {statement[-1] for block in body.blocks for statement in block.statements}
    stops |= {block.terminator[-1] for block in body.blocks if block.terminator[0] in ("br", "sw", "ret", "any", "end")}
    line = min((stop for stop in stops if stop >= line), default=line)
    seen: list[Any] = []

    class Recorder(Frame):
        """Remembers the states that reach the line, before it has any effect."""

        inside = False

        def _within(self, state: Any, at: int, action: Callable[[], Any]) -> Any:
            if self.inside:
                return action()
            if at == line:
                seen.append(state.copy())
            self.inside = True
            try:
                return action()
            finally:
                self.inside = False

        def step(self, state: Any, statement: tuple[Any, ...]) -> list[Any]:
            """A statement."""
            return self._within(state, statement[-1], lambda: Frame.step(self, state, statement))

        def branch(self, state: Any, condition: int, at: int) -> tuple[list[Any], list[Any]]:
            """A condition."""
            return self._within(state, at, lambda: Frame.branch(self, state, condition, at))

        def value(self, state: Any, index: int) -> Any:
            """The operand of a return or switch, when it is not part of a statement."""
            return self._within(state, self.line, lambda: Frame.value(self, state, index))

    States(catalogue, pack).solved(record, body, Recorder)
    names = [param.name for param in body.params]
    yield f"{place(record)}, before line {line}"
    if not seen:
        yield "    no statement that can be reached stands on this line"
        return
    always = frozenset.intersection(*(state.facts for state in seen))
    sometimes = frozenset.union(*(state.facts for state in seen)) - always
    for title, chosen in (("on every path", always), ("on some paths", sometimes)):
        for value in sorted(chosen, key=lambda v: v.number):
            yield f"    {title}: {fact_text(value, names)}"
    if not always and not sometimes:
        yield "    no check is passed"
