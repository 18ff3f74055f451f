"""Notes for audits: errors that nobody hears of, and hooks that are asked before discretionary access control.

*Audit-blind*: a way from a system call to an error on which no function was called that may ask a hook.  What fails there
is seen by no security module.  Functions are solved once more with a mark that such a call leaves in the state, so
that infeasible ways are left out as they are everywhere else (property simulation, verifier.flow.state).

*Order*: the rules that ask for a hook and for a DAC check about one operation say which belong together; the kernel's
documentation of security modules promises that DAC comes first.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from lattices.mentions import calls_in
from verifier.findings import AuditNotes, Blind, Early, Step
from verifier.flow.refine import outcome
from verifier.flow.solver import Solver
from verifier.flow.state import NEG, ZERO, State
from verifier.flow.transfer import Frame
from verifier.flow.values import Value
from verifier.flow.watcher import Call
from verifier.oracles.obligations import Obligations
from verifier.program.analyse import Analysis
from verifier.program.engine import Engine
from verifier.program.link import Info
from verifier.program.watch import FunctionWatcher
from verifier.program.way import Ways

DEPTH = 3  # calls below a door that are followed as long as no hook was asked
MARK = "asked a hook"


class _Marker(FunctionWatcher):
    """Marks states in which something was called that may ask a hook, and notes what is called in unmarked ones."""

    def __init__(self, engine: Engine, info: Info, asking: dict[str, str]) -> None:
        super().__init__(engine, info, Obligations(engine.book, engine.matcher))
        self.asking = asking
        self.entered: dict[str, int] = {}

    def at_call(self, frame: Frame, state: State, call: Call) -> None:
        """Marks the state."""
        if call.name is None:
            return
        fid = self.engine.program.resolve(self.info.unit, call.name)
        if self.book.is_hook(call.name) or fid in self.asking:
            mark = frame.values.make("fact", MARK, (), frame.values.zero)
            if fid is not None and fid in self.asking and mark not in state.facts and not self.book.is_hook(call.name):
                self.entered.setdefault(fid, call.line)
            state.facts = state.facts | {mark}


class AuditOracle:
    """The notes of one finished analysis."""

    def __init__(self, found: Analysis) -> None:
        self.found = found
        self.engine = found.new_engine()
        self.program = found.program
        self.asking = self._asking()
        named = {name: found.pack.constants[name] for name in errno.errorcode.values() if name in found.pack.constants}
        self.errors = {number: name for name, number in sorted(named.items(), reverse=True)}

    def notes(self, say: Callable[[str, int, int], None] | None = None) -> AuditNotes:
        """Both sorts, in order of door and place."""
        return AuditNotes(blind=self.blind(say), early=self.early())

    def _asking(self) -> dict[str, str]:
        """Functions that may ask a hook, themselves or in direct callees, each with one such hook."""
        out: dict[str, str] = {}
        for fid, info in sorted(self.program.functions.items()):
            hook = next((n for n in info.index.calls if self.engine.book.is_hook(n)), None)
            if hook is not None and not self.engine.book.is_hook(info.index.name):
                out[fid] = hook
        work = sorted(out)
        while work:
            following = []
            for fid in work:
                for caller in self.program.callers.get(fid, ()):
                    if caller not in out and not self.engine.book.is_hook(self.program.functions[caller].index.name):
                        out[caller] = out[fid]
                        following.append(caller)
            work = sorted(following)
        return out

    # --- errors before any hook ----------------------------------------------------------------------------------

    def blind(self, say: Callable[[str, int, int], None] | None = None) -> list[Blind]:
        """Errors on ways from users' doors before any hook; each place is told of once, for the door nearest to it."""
        doors = [fid for fid in sorted(self.found.doors.entries) if fid in self.asking and self.found.doors.is_user_door(fid)]
        told: dict[tuple[str, int], Blind] = {}
        level: list[tuple[str, str, list[Step]]] = [(fid, fid, []) for fid in doors]
        seen = set(doors)
        for depth in range(DEPTH + 1):
            following = []
            for count, (door, fid, path) in enumerate(level):
                if say is not None and count % 20 == 0:
                    say("looking for errors before hooks", count, len(level))
                index = self.program.functions[fid].index
                exits, entered = self._look(fid)
                for line, error in exits:
                    name = self.program.functions[door].index.name
                    hook = self.asking[door]
                    blind = Blind(door=name, file=index.file, line=line, function=index.name, error=error, hook=hook, path=path)
                    told.setdefault((fid, line), blind)
                for callee, line in sorted(entered.items(), key=lambda item: (item[1], item[0])):
                    if callee not in seen:
                        seen.add(callee)
                        step = Step(file=index.file, line=line, function=index.name, note="calls down")
                        following.append((door, callee, [*path, step]))
            level = following if depth < DEPTH else []
        return sorted(told.values(), key=lambda b: (b.door, len(b.path), b.file, b.line))

    def _look(self, fid: str) -> tuple[list[tuple[int, str]], dict[str, int]]:
        """(lines of errors before any hook with their names, functions that may ask one and are called before any)."""
        info = self.program.functions[fid]
        fn = self.engine.bodies.body(info)
        if fn is None or not fn.blocks or fn.returns == "void":
            return [], {}
        marker = _Marker(self.engine, info, self.asking)
        solver = Solver(Frame(fn, marker))
        solver.run()
        if solver.exhausted:
            return [], {}
        exits: dict[int, str] = {}
        for state, value, line in solver.exits.values():
            if value is None or any(f.op == "fact" and f.args[0] == MARK for f in state.facts):
                continue
            mask, number, _ = outcome(state, value)
            if mask & NEG and not mask & ZERO:
                exits.setdefault(self._where(state, value, line), self.errors.get(-number, "") if number is not None else "")
        return sorted(exits.items()), marker.entered

    @staticmethod
    def _where(state: State, value: Value, line: int) -> int:
        """The last branch on the way to an exit: `return err` at the end of a function tells little."""
        trace = state.trace
        while trace is not None and trace[2].startswith("calls "):
            trace = trace[0]
        return int(trace[1]) if trace is not None else line

    # --- hooks before discretionary access control -----------------------------------------------------------------

    def early(self) -> list[Early]:
        """Calls of DAC checks that are only reached after a hook which a rule asks for beside them."""
        pairs = self._pairs()
        names = {check for _, check in pairs}
        ways = Ways(self.program, self.found.doors, self.found.results, self._token)
        out = []
        for fid, info in sorted(self.program.functions.items()):
            wanted = names.intersection(info.index.calls)
            if not wanted or fid not in self.found.doors.nearest or info.index.name in names:
                continue
            above = ways.of(fid) or frozenset()
            for check in sorted(wanted):
                for row in ways.rows(fid).get(check, ()) or ():
                    hooks = [n for n, _ in sorted(above | ways.tokens(row)) if (n, check) in pairs]
                    if hooks:
                        out.append((fid, row.line, check, hooks[0]))
                if not ways.rows(fid).get(check):
                    out += [(fid, info.index.line, check, n) for n, _ in sorted(above) if (n, check) in pairs][:1]
        made = {}
        for fid, line, check, hook in out:
            index = self.program.functions[fid].index
            door = self.program.functions[self.found.doors.nearest[fid][0]].index.name
            made[index.file, line, check] = Early(file=index.file, line=line, function=index.name, check=check, hook=hook, door=door)
        return [made[key] for key in sorted(made)]

    def _token(self, name: str, arguments: tuple[str, ...]) -> tuple[str, str] | None:
        return (name, "") if self.engine.book.is_hook(name) else None

    def _pairs(self) -> set[tuple[str, str]]:
        """(hook, DAC check) that one rule asks for in lines of their own."""
        out = set()
        for rule in self.found.pack.rules:
            lines = [{c[1] for c in calls_in(line) if isinstance(c[1], str)} for line in rule.requires]
            hooks = {n for line in lines for n in line if self.engine.book.is_hook(n)}
            checks = {n for line in lines if not line & hooks for n in line if self.engine.book.is_dac(n)}
            out.update((hook, check) for hook in hooks for check in checks)
        return out
