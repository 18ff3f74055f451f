"""The rule pack compiled for the engine: which names, slots and members a function analysis has to look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lattices import answers
from lattices.expressions import names
from lattices.mentions import (
    calls_in,
    conditions_in,
    fields_in,
    mentions_any,
    mentions_current,
    negated_in,
    sweeps_in,
    tested_members,
)
from lattices.model import Check, Pack, Rule
from verifier.oracles.locked import under


class Rulebook:
    """Indexes over a pack: rules by callee, slot and member; tracked checks; fields that conditions speak of."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.by_id: dict[str, Rule] = {}
        self.by_call: dict[str, list[Rule]] = {}
        self.by_slot: dict[str, list[Rule]] = {}
        self.by_store: dict[str, list[Rule]] = {}
        self.by_read: dict[str, list[Rule]] = {}
        self.by_return: dict[str, list[Rule]] = {}
        self.conditions: dict[str, set[int | None]] = {}
        self.predicates = answers.predicates(pack)
        self.negated: set[str] = set()
        self.later = frozenset(slot for door in pack.doors if door.subject == "none" for slot in door.slots)  # run by nobody
        self.sweeps: dict[str, frozenset[str]] = {}  # checks of `each(...)`: members that, found set, ask for one
        self.allow: dict[str, tuple[int, tuple[int, ...]] | None] = {}
        self.locks: dict[str, frozenset[str]] = {}
        self.requires: dict[str, list[Any]] = {}
        self.compared: dict[str, set[str]] = {}  # function: members that comparisons with `_` speak of there
        self.kept: dict[str, frozenset[str]] = {}
        self.about: dict[str, list[tuple[tuple[str, ...], list[Any]]]] = {}
        self.named: set[str] = set()  # functions in which alone some rule seeks its operation
        self.sought: set[str] = set()  # callees, slots and members that rules seek everywhere
        for rule in pack.rules:
            self.by_id[rule.id] = rule
            for table, key in self._places(rule):
                table.setdefault(key, []).append(rule)
                if not rule.in_functions:
                    self.sought.add(key)
            self.named.update(rule.in_functions)
            for function in rule.in_functions if rule.variables else ():
                self.kept[function] = self.kept.get(function, frozenset()) | set(rule.variables)
                texts = [*rule.requires, *([rule.when] if rule.when else [])]
                conditions = [part for text in texts for part in conditions_in(text)]
                self.about.setdefault(function, []).append((rule.variables, conditions))
            bound = frozenset(c[1] for line in rule.requires for c in calls_in(line) if isinstance(c[1], str))
            if rule.lock:
                self.locks[rule.lock] = self.locks.get(rule.lock, frozenset()) | bound
            self.requires[rule.id] = [under(line, rule.lock, bound) for line in rule.requires]
            for text in [*rule.requires, *(e.condition for e in rule.exempt), *([rule.when] if rule.when else [])]:
                self._note(text)
                for function in rule.in_functions if mentions_any(text) else ():
                    self.compared.setdefault(function, set()).update(fields_in(text))
        for exemption in pack.exemptions.values():
            self._note(exemption.condition)
        self.compares_current = any(
            mentions_current(text)
            for text in [
                *(line for rule in pack.rules for line in rule.requires),
                *(e.condition for rule in pack.rules for e in rule.exempt),
                *(e.condition for e in pack.exemptions.values()),
            ]
        )
        started = {member for members in self.sweeps.values() for member in members}
        self.due = {member: frozenset(name for name, members in self.sweeps.items() if member in members) for member in started}
        self.declarations = [(c.name, c.slots, c.member) for _, c in sorted(pack.checks.items()) if c.slots]
        self.members = frozenset(self.by_read)
        self.fields = frozenset(key.split(".", 1)[1] for key in self.sought & self.by_store.keys() if "." in key)

    def _places(self, rule: Rule) -> list[tuple[dict[str, list[Rule]], str]]:
        """Where a rule is looked up: the tables and keys of its operation; a stored global has the key
        "=name", what a variable points to "*"."""
        operation = rule.operation
        if rule.slot:
            return [(self.by_slot, rule.slot)]
        if rule.member:
            return [(self.by_store if operation[0] == "assign" else self.by_read, rule.member)]
        if operation[0] == "call":
            return [(self.by_call, operation[1])] if isinstance(operation[1], str) else []
        if operation[0] == "return":
            return [(self.by_return, function) for function in rule.in_functions]
        if operation[0] != "assign":
            return []
        if operation[1][0] == "name":
            return [(self.by_store, "=" + operation[1][1])]
        if operation[1][0] == "deref" and operation[1][1][0] == "name":
            return [(self.by_store, "*")]
        return [(self.by_store, "*." + field) for field in sorted(fields_in(operation[1]))]

    def _note(self, pattern: Any) -> None:
        self.negated |= negated_in(pattern)
        for name, member in sweeps_in(pattern):
            self.sweeps[name] = self.sweeps.get(name, frozenset()) | ({member} if member else frozenset())
        for field, bits in tested_members(pattern):
            self.conditions.setdefault(field, set()).add(bits)

    def allowed(self, name: str) -> tuple[int, tuple[int, ...]] | None:
        """(outcome classes, constants) of a check that mean "allowed"; None for what is no declared check."""
        found = self.allow.get(name, False)
        if found is not False:
            return found  # type: ignore[return-value]
        check = self.pack.check(name)
        outcomes = answers.allowed(check)
        numbers = check.allow if check is not None and not isinstance(check.allow, str) else ()
        out = self.allow[name] = (outcomes, numbers) if outcomes is not None else None
        return out

    def possible(self, name: str) -> int:
        """Outcome classes that a check can have at all."""
        return answers.possible(self.pack.check(name))

    def is_hook(self, name: str) -> bool:
        """True for an LSM hook that decides; its body is trusted and not entered."""
        return name.startswith("security_") and self.allowed(name) is not None

    def is_dac(self, name: str) -> bool:
        """True for a check of discretionary access control."""
        check = self.pack.check(name)
        return check is not None and check.family == "dac"

    def check(self, name: str) -> Check | None:
        """The pack's record of a check."""
        return self.pack.check(name)

    def seeks(self, name: str, calls: Iterable[str], slots: Iterable[str], reads: Iterable[str], stores: Iterable[str]) -> bool:
        """Whether rules speak of something in a function: by its own name, or by what it calls, reads or stores."""
        return (
            name in self.named
            or any(n in self.sought or n in self.predicates or self.allowed(n) is not None for n in calls)
            or any(slot in self.sought for slot in slots)
            or any(member in self.sought for member in reads)
            or any(member.split(".", 1)[1] in self.fields for member in stores)
        )

    def names(self, rule: Rule, component: int) -> set[str]:
        """Operands that one line of a rule, its `when` and its exemptions speak of."""
        out = {*names(rule.requires[component])}
        if rule.when is not None:
            out.update(names(rule.when))
        for exemption in rule.exempt:
            out.update(names(exemption.condition))
        return out & set(rule.operands)
