"""The solver: a worklist over (block, state) pairs in reverse postorder.

States are kept per block under a key (facts, subject, results still pending) and joined within a key: property
simulation, see verifier.flow.state.  Loop headers rename what the loop writes, so that the number of values stays
finite; the cap on states per block, and a budget of transfers, bound the work.  With `most=1` the same solver is the
classical must-analysis of Kildall (POPL 1973).
"""

from __future__ import annotations

import heapq
from typing import Any

from verifier.flow import cfg, twins
from verifier.flow.refine import outcome, refine
from verifier.flow.state import ANY, NEG, State, either, join
from verifier.flow.transfer import Frame
from verifier.flow.values import SITE_BITS, Value

MOST_STATES = 32
BUDGET = 16000
LONG = 256  # statements that cost as much as one transfer


class Solver:
    """Runs one function to its fixpoint; `exits` are (state, returned value or None, line) afterwards."""

    def __init__(self, frame: Frame, most: int = MOST_STATES, budget: int = BUDGET) -> None:
        self.frame = frame
        self.fn = frame.fn
        self.most = most
        self.budget = budget
        self.succ = cfg.successors(self.fn)
        self.loops = cfg.loops(self.succ)
        self.live = cfg.liveness(self.fn, self.succ, frame.watcher.kept(self.fn.name))
        self.written = {h: cfg.modified(self.fn, body) for h, body in self.loops.items()}
        frame.repeated = twins.repeated(self.fn, self.succ, self.loops, frame.meaning)
        self.sweeps = self._sweeps()
        if self.sweeps and most > 1:  # what was passed for all so far, beside whatever keeps the element at hand apart
            self.most = 4 * most
        self.table: list[dict[Any, State]] = [{} for _ in self.fn.blocks]
        self.queue: list[tuple[int, int]] = []
        self.todo: list[dict[Any, None]] = [{} for _ in self.fn.blocks]
        self.exits: dict[tuple[int, Any], tuple[State, Value | None, int]] = {}
        self.exhausted = False

    def run(self) -> None:
        """To the fixpoint, or to the end of the budget (`exhausted`)."""
        self._arrive(0, 0, self.frame.entry())
        spent = 0
        while self.queue:
            _, block = heapq.heappop(self.queue)
            todo = self.todo[block]
            if not todo:
                continue
            key = next(iter(todo))
            del todo[key]
            if todo:
                heapq.heappush(self.queue, (block, block))
            state = self.table[block].get(key)
            if state is None:
                continue
            spent += 1 + len(self.fn.blocks[block].statements) // LONG
            if spent > self.budget:
                self.exhausted = True
                return
            self._block(block, state.copy())

    def _sweeps(self) -> dict[int, list[Value]]:
        """By the header of a loop: facts about all that it comes past (`Frame.swept`)."""
        asked = ((header, self.frame.swept_in(body)) for header, body in self.loops.items())
        return {header: [self.frame.swept(name) for name in sorted(names)] for header, names in asked if names}

    def _block(self, number: int, state: State) -> None:
        block = self.fn.blocks[number]
        frame = self.frame
        states = [state]
        site = number << SITE_BITS
        for index, statement in enumerate(block.statements):
            frame.site = site + index
            following: list[State] = []
            for s in states:
                following.extend(frame.step(s, statement))
            states = following
        frame.site = site + len(block.statements)
        t = block.terminator
        for s in states:
            if t[0] == "jmp":
                self._arrive(number, t[1], s)
            elif t[0] == "br":
                line = t[4]
                taken, other = frame.branch(s, t[1], line)
                for nxt in taken:
                    nxt.trace = (nxt.trace, line, "taken")
                    self._arrive(number, t[2], nxt)
                for nxt in other:
                    nxt.trace = (nxt.trace, line, "not taken")
                    self._arrive(number, t[3], nxt)
            elif t[0] == "sw":
                self._switch(number, t, s)
            elif t[0] == "any":
                for target in dict.fromkeys(t[1]):
                    self._arrive(number, target, s.copy())
            elif t[0] == "ret":
                frame.line = t[2]
                value = frame.value(s, t[1]) if t[1] >= 0 else None
                frame.watcher.at_return(frame, s, value, t[2])
                self._exit(number, s, value, t[2])

    def _switch(self, number: int, t: tuple[Any, ...], state: State) -> None:
        frame = self.frame
        frame.line = t[4]
        value = frame.value(state, t[1])
        fallback = [state.copy()]
        for low, high, target in t[2]:
            s = state.copy()
            if low == high:
                same = frame.values.operation("==", value, frame.values.const(low))
                for nxt in refine(s, same, 4, frame.learn):
                    nxt.trace = (nxt.trace, t[4], f"case {low}")
                    self._arrive(number, target, nxt)
                fallback = [r for f in fallback for r in refine(f, same, 2, frame.learn)]
            else:
                s.trace = (s.trace, t[4], f"case {low} ... {high}")
                self._arrive(number, target, s)
        for nxt in fallback:
            nxt.trace = (nxt.trace, t[4], "default")
            self._arrive(number, t[3], nxt)

    # --- edges -------------------------------------------------------------------------------------------------

    def _arrive(self, source: int, target: int, state: State) -> None:
        """Bring a state along the edge source -> target and join it there."""
        if target in self.loops:
            self._enter_loop(source, target, state)
        self._prune(target, state)
        key = self._key(state)
        table = self.table[target]
        old = table.get(key)
        if old is None:
            if len(table) >= self.most:
                self._merge_closest(target, state)
                return
            table[key] = state
        else:
            joined = join(old, state, self.frame.values, target)
            if joined is None:
                return
            new_key = self._key(joined)
            if new_key != key:
                del table[key]
                self.todo[target].pop(key, None)
                other = table.get(new_key)
                if other is not None:
                    joined = join(other, joined, self.frame.values, target)
                    if joined is None:
                        return
                key = new_key
            table[key] = joined
        self._enqueue(target, key)

    def _enqueue(self, block: int, key: Any) -> None:
        if not self.todo[block]:
            heapq.heappush(self.queue, (block, block))
        self.todo[block][key] = None

    def _key(self, state: State) -> Any:
        """What keeps states apart: facts, subject, results that may still make facts, and which variables hold errors."""
        frame = self.frame
        waiting = []
        for location, value in state.env.items():
            if location.op != "L":
                continue
            if value.op == "c":
                if location in frame.masks:
                    waiting.append((location.number, value.number))
                elif -4095 <= value.args[0] < -1:  # -1 is as often "none" as it is -EPERM
                    waiting.append((location.number, -1))
            elif value.op in ("r", "o") and frame.pending(state, value):
                waiting.append((location.number, value.number))
            elif value.op in ("r", "phi") and (con := state.cons.get(value)) is not None and con[0] == NEG:
                waiting.append((location.number, -1))
        return (state.facts, state.subject, tuple(sorted(waiting)))

    def _merge_closest(self, block: int, state: State) -> None:
        """Join with the kept state that shares most facts: both keep only the facts that they share."""
        table = self.table[block]
        waiting = self._key(state)[2]
        best_key, best = max(
            table.items(),
            key=lambda item: (
                item[1].subject is state.subject,
                all(f.op != "each" for f in item[1].facts ^ state.facts),
                item[0][2] == waiting,
                len(item[1].facts & state.facts) - len(item[1].facts ^ state.facts),
                -sum(f.number for f in item[1].facts),
            ),
        )
        shared = best.facts & state.facts
        weaker = State(shared, best.env, best.cons, best.subject, best.trace)
        incoming = State(shared, state.env, state.cons, best.subject, state.trace)
        joined = join(weaker, incoming, self.frame.values, block)
        if joined is None:
            if shared == best.facts:
                return
            joined = weaker
        del table[best_key]
        self.todo[block].pop(best_key, None)
        key = self._key(joined)
        other = table.get(key)
        if other is not None:
            again = join(other, joined, self.frame.values, block)
            if again is None:
                return
            joined = again
        table[key] = joined
        self._enqueue(block, key)

    def _enter_loop(self, source: int, header: int, state: State) -> None:
        """Name what the loop writes anew: phi(header, variable); facts follow their values, stale ones fall."""
        values = self.frame.values
        body = self.loops[header]
        back = source in body
        live = self.live[header]
        mapping: dict[Value, Value] = {}
        renamed: list[tuple[Value, Value, Value]] = []
        for name in sorted(self.written[header]):
            location = values.make("L", name)
            if name not in live:
                state.env.pop(location, None)
                continue
            held = state.env.get(location)
            if held is None:
                held = values.make("ld", location)
            phi = values.make("phi", header, location)
            renamed.append((location, held, phi))
            if held is not phi and held.op not in ("c", "un"):
                mapping.setdefault(held, phi)
        fresh = {phi for _, held, phi in renamed if held is not phi}

        def stale(value: Value) -> bool:
            return any(a in fresh or (back and self._born(a, body)) for a in value.atoms)

        facts: set[Value] = set()
        for fact in state.facts:
            moved = values.substitute(fact, mapping) if mapping else fact
            if not back or not stale(fact):
                facts.add(fact)
            if moved is not fact:
                remaining = values.substitute(fact, dict.fromkeys(mapping, values.zero))
                if not back or not stale(remaining):
                    facts.add(moved)
        cons = {v: c for v, c in state.cons.items() if not stale(v) and v.op != "took"}
        for location, held, phi in renamed:
            con = outcome(state, held)
            if con[0] != ANY or con[1] is not None:
                cons[phi] = con
            else:
                cons.pop(phi, None)
            state.env[location] = phi
        if back:
            for location in [k for k, v in state.env.items() if v not in fresh and stale(v) and k.op != "L"]:
                del state.env[location]
            for location in [k for k, v in state.env.items() if k.op == "L" and v not in fresh and stale(v)]:
                state.env[location] = values.make("phi", header, location)
        state.facts = frozenset(facts if back else facts.union(self.sweeps.get(header, ())))
        state.cons = cons

    @staticmethod
    def _born(atom: Value, body: set[int]) -> bool:
        if atom.op in ("r", "out"):
            return (atom.args[0] >> SITE_BITS) in body
        if atom.op == "phi":
            return atom.args[0] in body
        if atom.op == "un" and atom.args and isinstance(atom.args[-1], int):
            return (atom.args[-1] >> SITE_BITS) in body
        return False

    def _prune(self, target: int, state: State) -> None:
        """Forget dead variables and what only they could speak of."""
        live = self.live[target]
        dead = [k for k in state.env if k.op == "L" and k.args[0] not in live]
        for k in dead:
            del state.env[k]
        atoms: set[Value] = set()
        for k, v in state.env.items():
            atoms |= v.atoms
            if k.op == "L":
                atoms.add(k)
            else:
                atoms |= k.atoms
        drop = [v for v in state.cons if v.atoms and not v.atoms <= atoms]
        for v in drop:
            del state.cons[v]
        gone = [f for f in state.facts if f.atoms and not self._useful(f, atoms)]
        if gone:
            state.facts = state.facts.difference(gone)

    @staticmethod
    def _useful(fact: Value, atoms: set[Value]) -> bool:
        if fact.op == "cond":
            return fact.atoms <= atoms
        if not fact.args[1]:
            return True
        for arg in fact.args[1]:
            if arg.op == "c":
                if arg.args[0]:
                    return True
                continue
            if not arg.atoms or arg.atoms <= atoms:
                return True
        return False

    def _exit(self, number: int, state: State, value: Value | None, line: int) -> None:
        key = (number, (state.facts, state.subject, value.number if value is not None else -1))
        old = self.exits.get(key)
        if old is not None:
            cons = {v: either(c, state.cons[v]) for v, c in old[0].cons.items() if v in state.cons}
            env = {k: v for k, v in old[0].env.items() if state.env.get(k) is v}
            state = State(state.facts, env, cons, state.subject, old[0].trace)
        self.exits[key] = (state, value, line)
