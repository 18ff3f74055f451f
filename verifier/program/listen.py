"""Listening at calls: which passed checks speak of a call's arguments, on every way to it.

The functions are analysed once more with the summaries of a finished analysis; nothing is judged.  A relation is the
check as a rule would write it, over the call's arguments `a0`, `a1`, ...; what all states of a site agree on stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from lattices.expressions import ANY, Expr
from verifier.flow.solver import Solver
from verifier.flow.state import State
from verifier.flow.summary import Place
from verifier.flow.transfer import Frame
from verifier.flow.values import Value
from verifier.flow.watcher import Call
from verifier.oracles import locked
from verifier.oracles.mining import Candidate, Heard, mine
from verifier.oracles.obligations import Obligations
from verifier.program.analyse import Analysis
from verifier.program.engine import Engine
from verifier.program.link import Info
from verifier.program.watch import FunctionWatcher

DEPTH = 3  # members between an argument and what the check was asked about
NAMELESS = frozenset({"s", "f", "un"})  # arguments that two calls do not share


class Listener(FunctionWatcher):
    """Notes at each call what is known to be checked of its arguments."""

    def __init__(self, engine: Engine, info: Info) -> None:
        super().__init__(engine, info, Obligations(engine.book, engine.matcher))
        self.calls: dict[tuple[str, int], tuple[int, frozenset[Expr]]] = {}

    def at_call(self, frame: Frame, state: State, call: Call) -> None:
        """The relations at one call in one state; a check's own call is no operation."""
        if self.book.locks:
            locked.meet(frame, state, call, self.book.locks)
        if call.name is not None:
            if self.opaque(call.name) or self.book.is_hook(call.name):
                return
            operation = self.engine.program.resolve(self.info.unit, call.name) or call.name
        elif call.slot is not None:
            operation = f"->{call.slot}"
        else:
            return
        subject = state.subject if state.subject is not None else frame.values.zero
        found = frozenset(
            relation
            for fact in state.facts
            if fact.op == "fact" and fact.args[2] is subject
            for relation in relations(fact.args[0], fact.args[1], call.args)
        )
        key = (operation, call.site)
        before = self.calls.get(key)
        self.calls[key] = (call.line, found if before is None else before[1] & found)


def relations(check: str, asked: tuple[Value, ...], args: list[Value]) -> list[Expr]:
    """A passed check over a call's arguments, from what it was asked to what it was asked about at least: equal
    numbers as the argument, as numbers, as anything; and the first object alone."""
    all_names = {a: f"a{i}" for i, a in reversed(list(enumerate(args))) if a.op not in NAMELESS}
    objects = {a: name for a, name in all_names.items() if a.op != "c"}
    full = [spelled(a, all_names) or ANY for a in asked]
    exact = [spelled(a, objects) or ANY for a in asked]
    loose = [ANY if part[0] == "int" else part for part in exact]
    first = next((i for i, part in enumerate(loose) if part != ANY), len(loose))
    alone = [part if i == first else ANY for i, part in enumerate(loose)]
    return [("call", check, tuple(parts)) for parts in (full, exact, loose, alone)]


def spelled(value: Value, names: dict[Value, str], depth: int = DEPTH) -> Expr | None:
    """A value as an expression over named values, None where it is none."""
    name = names.get(value)
    if name is not None:
        return ("name", name)
    if value.op == "c":
        return ("int", value.args[0])
    if value.op == "cur":
        return ("name", "current")
    if value.op == "ld":
        return place(value.args[0], names, depth)
    if value.op == "&":
        inner = place(value.args[0], names, depth)
        return None if inner is None else ("addr", inner)
    return None


def place(location: Value, names: dict[Value, str], depth: int) -> Expr | None:
    """A location as an expression over named values."""
    if depth == 0:
        return None
    if location.op == "*":
        inner = spelled(location.args[0], names, depth)
        return None if inner is None else ("deref", inner)
    if location.op == ".":
        inner = place(location.args[0], names, depth - 1)
        return None if inner is None else ("member", inner, location.args[1])
    return None


def listen(found: Analysis) -> Iterator[Heard]:
    """What is heard at the calls of every function in which a check can be passed, in order of the functions."""
    engine = found.new_engine()
    loud = {
        fid for fid in sorted(engine.results)
        if any(way.facts for way in engine.results[fid].summary.alternatives)
    }  # fmt: skip
    chosen = [fid for fid, info in sorted(engine.program.functions.items()) if _knows(engine, info, loud)]
    for count, fid in enumerate(chosen):
        if found.progress is not None and count % 50 == 0:
            found.progress("listening", count, len(chosen))
        info = engine.program.functions[fid]
        fn = engine.bodies.body(info)
        if fn is None or not fn.blocks:
            continue
        listener = Listener(engine, info)
        solver = Solver(Frame(fn, listener))
        solver.run()
        if solver.exhausted:
            listener = Listener(engine, info)
            Solver(Frame(fn, listener), most=1).run()
        calls = [(op, line, checks) for (op, _), (line, checks) in sorted(listener.calls.items())]
        yield Heard(fid, Place(info.index.file, info.index.line, info.index.name), calls)


def candidates(found: Analysis, least: int, share: float) -> list[Candidate]:
    """Candidates for rules over a finished analysis, best first (see verifier.oracles.mining)."""
    heard = list(listen(found))
    others = elsewhere(found, {function.fid for function in heard}, {op for f in heard for op, _, checks in f.calls if checks})
    best = mine(heard, others, found.pack, least, share)
    return [c for c in best if not _asks_itself(found, c)]


def elsewhere(found: Analysis, inside: set[str], wanted: set[str]) -> dict[str, list[Place]]:
    """Functions outside of `inside` that perform the wanted operations, by operation, in order."""
    out: dict[str, list[Place]] = {}
    for fid, info in sorted(found.program.functions.items()):
        if fid in inside:
            continue
        done = {found.program.resolve(info.unit, name) or name for name in info.index.calls}
        done |= {f"->{slot}" for slot in info.index.slot_names()}
        for operation in sorted(done & wanted):
            out.setdefault(operation, []).append(Place(info.index.file, info.index.line, info.index.name))
    return out


def _asks_itself(found: Analysis, candidate: Candidate) -> bool:
    """Whether the operation makes the check, too, so that sites need not."""
    info = found.program.functions.get(candidate.operation)
    return info is not None and candidate.check[1] in info.index.calls


def parameters(found: Analysis, wanted: list[Candidate]) -> dict[str, list[str]]:
    """Parameter names by operation: of the function, or of the first one that a slot holds."""
    out = {}
    for operation in sorted({candidate.operation for candidate in wanted}):
        fids = [operation] if not operation.startswith("->") else [t.fid for t in found.program.targets(operation[2:])]
        info = next((found.program.functions[fid] for fid in fids if fid in found.program.functions), None)
        fn = found.bodies.body(info) if info is not None else None
        if fn is not None:
            out[operation] = [param.name.replace(".", "_") for param in fn.params]
    return out


def _knows(engine: Engine, info: Info, loud: set[str]) -> bool:
    """Whether the function calls a check, or something that guarantees one."""
    if engine.book.is_hook(info.index.name):
        return False
    for name in info.index.calls:
        if engine.book.allowed(name) is not None or engine.program.resolve(info.unit, name) in loud:
            return True
    return False
