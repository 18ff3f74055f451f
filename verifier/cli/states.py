"""Single functions of a stored scan analysed again, for the states on their ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from verifier.cli.catalogue import Catalogue, FunctionRecord
from verifier.cli.usage import used
from verifier.flow.leaving import LeavingSolver
from verifier.flow.transfer import Frame
from verifier.flow.values import Value, show
from verifier.ir.model import Function, decode
from verifier.oracles.obligations import Obligations
from verifier.program import stored
from verifier.program.analyse import shaped
from verifier.program.bodies import Bodies
from verifier.program.engine import Engine
from verifier.program.index import UnitIndex, index_key, index_unit
from verifier.program.link import link
from verifier.program.results import Results
from verifier.program.watch import FunctionWatcher


class States:
    """Analyses functions alone, with their callees' stored summaries."""

    def __init__(self, catalogue: Catalogue, pack: Any) -> None:
        self.catalogue = catalogue
        self.pack = pack
        self.bodies = Bodies(lambda key: catalogue.store.get("unit", key))
        self._engine: Engine | None = None

    def body(self, record: FunctionRecord) -> Function | None:
        """The function's IR; None when the store lost its unit."""
        return self.bodies.body(record)  # type: ignore[arg-type]

    def whole(self) -> bool:
        """Load the whole program and all results, once: for questions about many functions.

        False when the store holds none that this version reads; each function then takes a program of its own, which
        is too much for hundreds of them.
        """
        last = used(self.catalogue.store)
        program = stored.read(self.catalogue.store, last.linked) if last is not None else None
        results = self.catalogue.store.get("results", self.catalogue.info.digest)
        if program is not None and results is not None:
            self._engine = Engine(program, self.bodies, self.pack)
            self._engine.results = Results.decode(results)
        return self._engine is not None

    def _engine_for(self, record: FunctionRecord) -> Engine:
        """An engine that knows the function and its callees."""
        from verifier.cli.answers import result_of

        if self._engine is not None:
            return self._engine
        slots = self.catalogue.slots(dict.fromkeys(s for s, _ in record.slots))
        below = [callee for _, callee in record.callees] + [t for s in slots.values() for t in s.targets]
        records = self.catalogue.functions(dict.fromkeys([record.fid, *below]))
        units = {}
        keys = sorted({r.unit for r in records.values()})
        have = self.catalogue.store.get_many("index", [index_key(key) for key in keys])
        for key in keys:
            index = shaped(have[index_key(key)], msgspec.msgpack.Decoder(UnitIndex)) if index_key(key) in have else None
            unit = self.catalogue.store.get("unit", key) if index is None else None
            if unit is not None:
                index = index_unit(decode(unit))
            if index is not None:
                units[key] = index
        engine = Engine(link(sorted(units.items(), key=lambda item: (item[1].file, item[0]))), self.bodies, self.pack)
        engine.results = {
            other.fid: result for other in records.values() if other.fid != record.fid and (result := result_of(other))
        }
        return engine

    def solved(self, record: FunctionRecord, body: Function, shape: type[Frame] = Frame) -> LeavingSolver:
        """The function at its fixpoint; `shape` may watch the analysis."""
        engine = self._engine_for(record)
        info = engine.program.functions[record.fid]
        solver = LeavingSolver(shape(body, FunctionWatcher(engine, info, Obligations(engine.book, engine.matcher))))
        solver.run()
        return solver

    def passed(self, record: FunctionRecord, body: Function) -> Passed:
        """The checks passed at each block of a function and on each edge."""
        names = [param.name for param in body.params]
        solver = self.solved(record, body)
        return Passed(
            {number: split([state.facts for state in table.values()], names) for number, table in enumerate(solver.table) if table},
            {edge: split(states, names) for edge, states in solver.leaving().items()},
        )


@dataclass(frozen=True)
class Passed:
    """Checks passed on (every way, some ways) to each block that can be reached, and over each edge that can be taken
    (to verifier.flow.leaving.OUT: out of the function)."""

    blocks: dict[int, tuple[tuple[str, ...], tuple[str, ...]]]
    edges: dict[tuple[int, int], tuple[tuple[str, ...], tuple[str, ...]]]


def split(states: list[frozenset[Value]], names: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The facts that all states share, and those that only some have."""
    always = frozenset.intersection(*states)
    return passed(always, names), passed(frozenset.union(*states) - always, names)


def passed(facts: frozenset[Value], names: list[str]) -> tuple[str, ...]:
    """Facts as text, in the order in which the analysis met them."""
    return tuple(dict.fromkeys(fact_text(value, names) for value in sorted(facts, key=lambda value: value.number)))


def fact_text(value: Value, names: list[str]) -> str:
    """`security_inode_unlink(dir, dentry)`, or a condition that holds."""
    if value.op == "cond":
        return f"{show(value.args[0], names) if isinstance(value.args[0], Value) else value.args[0]} holds"
    arguments = ", ".join(show(argument, names) for argument in value.args[1])
    return f"{value.args[0]}({arguments})"
