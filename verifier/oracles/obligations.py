"""Obligations of one function: rules met at its operations, and the open ones of its callees, judged in each state.

An obligation is open at a function when some state reaches the operation without the fact.  It goes to the callers in
terms of the parameters (`Requirement`), or is closed where no caller could meet it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from lattices import qualifiers
from lattices.mentions import calls_in
from lattices.model import Rule
from verifier.flow import cfg
from verifier.flow.refine import outcome, refine
from verifier.flow.state import ANY, NONZERO, State
from verifier.flow.summary import Discharge, Place, Requirement, Shape, Verdict
from verifier.flow.transfer import Frame
from verifier.flow.values import SITE_BITS, Value, export, show
from verifier.flow.watcher import Call
from verifier.oracles.classify import asked_about, classify
from verifier.oracles.passed import Passed
from verifier.oracles.patterns import Bindings, Matcher
from verifier.oracles.rulebook import Rulebook

MOST_CONDITIONS = 8
MOST_VARIANTS = 3
# Calls between an operation and a check above it that are looked through: with operands, and for checks of nothing.
FAR, NEAR = 12, 5


class Obligations:
    """Collects verdicts, open requirements and discharges while a frame is solved."""

    def __init__(self, book: Rulebook, matcher: Matcher, named: bool = True) -> None:
        """`named` tells that every caller names the function: then these are asked about what it fetches by their keys."""
        self.book = book
        self.fetched = fetched if named else _nothing
        self.matcher = matcher
        self.states = qualifiers.order_of("$checked")
        self.checked, self.unchecked = (self.states.encode[name] for name in ("$checked", "$unchecked"))
        self.seen: dict[tuple[str, int, int], int] = {}
        self.lines: dict[int, int] = {}
        self.opened: dict[tuple[Any, ...], Requirement] = {}
        self.closed: dict[tuple[Any, ...], Requirement] = {}
        self.met: dict[tuple[Any, ...], Discharge] = {}
        self.edges: dict[tuple[Any, ...], None] = {}
        self.sites: dict[str, list[int]] = {}
        self.wanting: dict[tuple[str, int, int], tuple[Bindings, State]] = {}
        self.passed = Passed()
        self.shapes: dict[int, Shape] = {}
        self.silent: dict[int, Shape | None] = {}

    # --- own operations -------------------------------------------------------------------------------------------

    def at_call(self, frame: Frame, state: State, call: Call) -> None:
        """Rules whose operation is this call."""
        rules = self.book.by_call.get(call.name, ()) if call.name else self.book.by_slot.get(call.slot or "", ())
        for rule in rules:
            names: Bindings = {}
            if self._bind_call(rule, call, names, frame, state):
                self._judge(rule, names, frame, state, call.line, call.site)

    def _bind_call(self, rule: Rule, call: Call, names: Bindings, frame: Frame, state: State) -> bool:
        patterns = rule.operation[2]
        for i, pattern in enumerate(patterns):
            if pattern[0] == "rest":
                break
            if i >= len(call.args) or not self.matcher.bind(pattern, call.args[i], names, frame, state):
                return False
        callee = rule.operation[1]
        if isinstance(callee, tuple) and call.holder is not None:
            trial = dict(names)
            if self.matcher.bind_location(callee, call.holder, trial, frame, state):
                names.update(trial)
        return True

    def at_store(self, frame: Frame, state: State, location: Value, value: Value, line: int) -> None:
        """Rules whose operation is this store."""
        if location.op in ("G", "*"):
            for rule in self.book.by_store.get("*" if location.op == "*" else f"={location.args[0]}", ()):
                out: Bindings = {}
                if self._bind_store(rule, location, location, value, out, frame, state) and self._meant(
                    rule, location, value, out, frame, state
                ):
                    self._judge(rule, out, frame, state, line, frame.site)
        place = location
        while place.op in (".", "[]", "*"):
            if place.op == ".":
                tag = frame.tags.get(place, "")
                rules = self.book.by_store.get(f"{tag}.{place.args[1]}", []) + self.book.by_store.get(
                    f"*.{place.args[1]}", []
                )
                for rule in rules:
                    names: Bindings = {}
                    if self._bind_store(rule, location, place, value, names, frame, state):
                        self._judge(rule, names, frame, state, line, frame.site)
            place = place.args[0]
            while place.op in ("ld", "o", "&", "k"):
                place = next((a for a in place.args if isinstance(a, Value)), frame.values.zero)

    @staticmethod
    def _meant(rule: Rule, location: Value, value: Value, names: Bindings, frame: Frame, state: State) -> bool:
        """Whether a store through a pointer is that of a rule: through its variable, else of an object, not a number."""
        through = [name for name in names if name in rule.variables]
        if through:
            return all(frame.variable(state, name) is names[name] for name in through)
        return location.op == "G" or value.op != "c"

    def _bind_store(
        self, rule: Rule, location: Value, member: Value, value: Value, names: Bindings, frame: Frame, state: State
    ) -> bool:
        _, target, source = rule.operation
        if not self.matcher.bind(source, value, names, frame, state):
            return False
        if target[0] == "deref" and target[1][0] == "name":
            names.setdefault(target[1][1], frame.values.address(location))
            return True
        return self.matcher.bind_location(target, location, names, frame, state) or self.matcher.bind_location(
            target, member, names, frame, state
        )

    def at_read(self, frame: Frame, state: State, location: Value, tag: str, field: str, line: int) -> None:
        """Rules whose operation is this read."""
        for rule in self.book.by_read.get(f"{tag}.{field}", ()):
            names: Bindings = {}
            if self.matcher.bind_location(rule.operation, location, names, frame, state):
                self._judge(rule, names, frame, state, line, frame.site)

    def at_return(self, frame: Frame, state: State, value: Value | None, line: int) -> None:
        """Rules whose operation is what the function hands out here."""
        for rule in self.book.by_return.get(frame.fn.name, ()):
            names: Bindings = {}
            if value is not None and self.matcher.bind(rule.operation[1], value, names, frame, state):
                self._judge(rule, names, frame, state, line, frame.site)

    def _judge(self, rule: Rule, names: Bindings, frame: Frame, state: State, line: int, site: int) -> None:
        function = frame.fn.name
        if (rule.in_functions and function not in rule.in_functions) or function in rule.not_in:
            return
        for name in rule.variables:
            names[name] = frame.variable(state, name)
        sites = self.sites.setdefault(rule.id, [])
        if site not in sites:
            sites.append(site)
        self.lines[site] = line
        for component in range(len(rule.requires)):
            key = (rule.id, component, site)
            fails = self._fails(rule, component, names, frame, state)
            self.seen[key] = self.seen.get(key, self.checked) | (self.checked if fails is None else self.unchecked)
            if fails is not None:
                self.wanting[key] = (names, state)
                self.passed.at_operation(state, rule.id, line, site)
                sink = Place(frame.fn.file, line, function)
                trail = (sink,)
                subject = _object(rule, names, frame)
                self._open(
                    rule, component, names, frame, state, fails, sink, rule.operation_text, subject, site, trail
                )

    def _fails(self, rule: Rule, component: int, names: Bindings, frame: Frame, state: State) -> str | None:
        """None when the line holds or is not asked for here; else the kind of finding."""
        states = self._where(rule, names, frame, state)
        if not states:
            return None
        for s in states:
            fails = self._fails_in(rule, component, names, frame, s)
            if fails is not None:
                return fails
        return None

    def _where(self, rule: Rule, names: Bindings, frame: Frame, state: State) -> list[State]:
        """The state as far as `when` holds in it: what the condition says of a check's answer is learnt of it."""
        if rule.when is None:
            return [state]
        known = self.matcher.holds(rule.when, names, frame, state)
        if known is not None:
            return [state] if known else []
        value = self.matcher.evaluate(rule.when, names, frame, state)
        if value is None or value.op not in ("r", "o"):
            return [state]
        return refine(state.copy(), value, NONZERO, frame.learn)

    def _fails_in(self, rule: Rule, component: int, names: Bindings, frame: Frame, state: State) -> str | None:
        for exemption in rule.exempt:
            if self.matcher.holds(exemption.condition, names, frame, state):
                return None
        pattern = self.book.requires[rule.id][component]
        if self.matcher.holds(pattern, names, frame, state):
            return None
        return classify(self.matcher, pattern, names, frame, state)

    # --- callees' operations --------------------------------------------------------------------------------------

    def at_requirement(
        self, frame: Frame, state: State, call: Call, callee: str, requirement: Requirement
    ) -> None:
        """An open requirement of a callee, judged at this call of it."""
        rule = self.book.by_id.get(requirement.rule)
        if rule is None or requirement.operands is None:
            return
        states = [state]
        for term, mask, eq, ne in requirement.conditions:
            value = frame.imported(state, term, call.args, None)
            now = outcome(state, value)
            if not now[0] & mask or (eq is not None and (now[1] not in (None, eq) or eq in now[2])) or now[1] in ne:
                if now[1] in ne and now[1] is None:
                    continue
                return
            if now[0] & ~mask and value.op == "r" and frame.pending(state, value):  # as a branch of the callee finds it
                states = [r for s in states for r in refine(s.copy(), value, mask, frame.learn)]
        names = {n: frame.imported(state, t, call.args, None) for n, t in requirement.operands}
        fails = None
        for found in states:
            fails = self._fails(rule, requirement.component, names, frame, found)
            if fails is not None:
                state = found
                break
        if fails is None:
            key = (requirement.key, call.line)
            if key not in self.met:
                check = next((c[1] for c in calls_in(rule.requires[requirement.component])), "")
                lines = [site for site, r in frame.calls_made.items() if r.args[1] == check]
                self.met[key] = Discharge(requirement.key, callee, call.line, str(check), self._line_of(frame, lines))
            return
        self.met.pop((requirement.key, call.line), None)
        kind = fails if fails != "missing-check" else requirement.kind
        here = Place(frame.fn.file, call.line, frame.fn.name)
        if any(p.function == frame.fn.name and p.file == frame.fn.file for p in requirement.trail):
            return
        far = len(requirement.trail) >= (FAR if requirement.operands else NEAR)
        self._open(
            rule, requirement.component, names, frame, state, kind, requirement.sink, requirement.operation,
            requirement.object, requirement.ordinal, (here, *requirement.trail), far,
        )  # fmt: skip
        self.edges[(requirement.key, callee, call.line)] = None

    @staticmethod
    def _line_of(frame: Frame, sites: list[int]) -> int:
        if not sites:
            return 0
        return frame.line_of(min(sites))

    def _open(
        self,
        rule: Rule,
        component: int,
        names: Bindings,
        frame: Frame,
        state: State,
        kind: str,
        sink: Place,
        operation: str,
        subject: str,
        ordinal: int,
        trail: tuple[Place, ...],
        far: bool = False,
    ) -> None:
        """Record an open line; `far` closes it here, where nobody above is expected to make the check any more."""
        needed = sorted(self.book.names(rule, component))
        operands: list[tuple[str, Any]] | None = None if far else []
        for name in needed if not far else ():
            if name not in names:
                continue
            term = export(names[name], self.fetched)
            if term is None:
                operands = None
                break
            operands.append((name, term))  # type: ignore[union-attr]
        conditions = []
        if operands is not None:
            for v, con in sorted(state.cons.items(), key=lambda item: item[0].number):
                if v.op in ("p", "ld", "o") and not v.atoms and (con[0] != ANY or con[1] is not None or con[2]):
                    term = export(v, lambda _: None)
                    if term is not None:
                        conditions.append((term, con[0], con[1], tuple(sorted(con[2]))))
        requirement = Requirement(
            rule.id, component, tuple(operands) if operands is not None else None, tuple(conditions[:MOST_CONDITIONS]),
            kind, sink, operation, subject, ordinal, trail, _witness(state),
        )  # fmt: skip
        table = self.opened if operands is not None else self.closed
        key = (requirement.key, requirement.operands, trail[0].line)
        old = table.get(key)
        if old is not None:
            conditions = [c for c in old.conditions if c in requirement.conditions]
            best = min((old, requirement), key=lambda r: (len(r.trail), r.kind == "missing-check", r.trail_key()))
            requirement = best if list(best.conditions) == conditions else _with(best, tuple(conditions))
        table[key] = requirement

    def mark_late(self, frame: Frame, succ: list[list[int]], loops: dict[int, set[int]]) -> None:
        """A missing check that the function makes of the same object after the operation, on a way on from it within the
        same turn of every loop, is a late check."""
        for table in (self.opened, self.closed):
            for key, r in table.items():
                if len(r.trail) != 1 or r.kind != "missing-check":
                    continue
                names, state = self.wanting[r.rule, r.component, r.ordinal]
                after = _after(r.ordinal, succ, loops)
                if any(
                    site >> SITE_BITS in after or (site >> SITE_BITS == r.ordinal >> SITE_BITS and site > r.ordinal)
                    for site in asked_about(self.matcher, self.book.requires[r.rule][r.component], names, frame, state)
                ):
                    table[key] = msgspec.structs.replace(r, kind="late-check")

    def _numbered(self, table: dict[tuple[Any, ...], Requirement]) -> list[Requirement]:
        out = []
        for r in table.values():
            if len(r.trail) == 1:
                r = msgspec.structs.replace(r, ordinal=sorted(self.sites[r.rule]).index(r.ordinal))
            out.append(r)
        return sorted(out, key=lambda r: (repr(r.key), repr(r.operands), r.trail_key()))

    def requirements(self) -> list[Requirement]:
        """Open requirements for the callers, one for each obligation and operands, sorted."""
        groups: dict[tuple[Any, ...], list[Requirement]] = {}
        for r in self._numbered(self.opened):
            groups.setdefault((r.key, r.operands), []).append(r)
        out: list[Requirement] = []
        for group in groups.values():
            if len({r.conditions for r in group}) > MOST_VARIANTS:
                common = tuple(c for c in group[0].conditions if all(c in r.conditions for r in group))
                group = [_with(min(group, key=lambda r: (len(r.trail), r.trail_key())), common)]
            best: dict[Any, Requirement] = {}
            for r in group:
                if r.conditions not in best or len(r.trail) < len(best[r.conditions].trail):
                    best[r.conditions] = r
            out.extend(best.values())
        return out

    def unmeetable(self) -> list[Requirement]:
        """Open requirements that no caller can meet, sorted."""
        return self._numbered(self.closed)

    def suspicious(self) -> dict[int, Shape]:
        """Uses of checks that say something without a rule, by site."""
        return self.shapes | {site: shape for site, shape in self.silent.items() if shape is not None}

    def discharges(self) -> list[Discharge]:
        """Callees' requirements that hold at every state of a call here, sorted."""
        left = {(key, line) for key, _, line in self.edges}
        return [d for k, d in sorted(self.met.items(), key=lambda i: repr(i[0])) if (d.key, d.line) not in left]

    def verdicts(self) -> list[Verdict]:
        """Verdicts in order of rule, line of the rule, and place."""
        out = []
        for (rule, component, site), state in sorted(self.seen.items()):
            ordinal = sorted(self.sites[rule]).index(site)
            opened = not self.states.leq(state, self.checked)
            out.append(Verdict(rule, component, self.lines[site], ordinal, opened))
        return out


def _with(requirement: Requirement, conditions: tuple[Any, ...]) -> Requirement:
    return msgspec.structs.replace(requirement, conditions=conditions)


def _after(site: int, succ: list[list[int]], loops: dict[int, set[int]]) -> set[int]:
    """Blocks that control can reach after the block of a site without going back to the head of a loop."""
    onward = [[t for t in following if block not in loops.get(t, ())] for block, following in enumerate(succ)]
    return cfg.reached(onward, site >> SITE_BITS)


def _nothing(_: Value) -> None:
    """No other spelling."""


def fetched(value: Value) -> tuple[Any, ...] | None:
    """How callers spell an object that a function fetched by a key of theirs: for them it is one fetched again."""
    if value.op != "r":
        return None
    args = tuple(export(a, _nothing) for a in value.args[2])
    if None in args or all(a is None or a[0] == "c" for a in args):
        return None
    return ("again", value.args[1], args)


def _witness(state: State) -> tuple[tuple[int, str], ...]:
    out: list[tuple[int, str]] = []
    trace = state.trace
    while trace is not None and len(out) < 40:
        previous, line, note = trace
        out.append((line, note))
        trace = previous
    return tuple(reversed(out))


def _object(rule: Rule, names: Bindings, frame: Frame) -> str:
    params = [p.name for p in frame.fn.params]
    for name in rule.operands:
        if name in names:
            return show(names[name], params)
    return ""
