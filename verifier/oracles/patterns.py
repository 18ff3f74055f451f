"""Matching of rule expressions against values and states.

Operation patterns bind operands (first-order matching, no unification of terms with terms); requirement patterns are
evaluated under those bindings, and conditions are answered in three values: True, False, None (not known).
"""

from __future__ import annotations

from typing import Any

from lattices.mentions import ACTS_AS, EACH, mentions_any, swept
from lattices.model import Check, Pack
from verifier.flow import memory
from verifier.flow.refine import outcome
from verifier.flow.state import ZERO, State
from verifier.flow.transfer import Frame
from verifier.flow.values import Value
from verifier.oracles.locked import bare

Bindings = dict[str, Value]


class Matcher:
    """Pattern matching with one rule pack."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.spared: dict[str, list[tuple[Any, Any]]] = {}
        self.silenced: dict[str, list[tuple[Any, Any]]] = {}
        for _, exemption in sorted(pack.exemptions.items()):
            for check in exemption.silences:
                self.silenced.setdefault(check[1], []).append((check, exemption.condition))
            for check in exemption.checks:
                self.spared.setdefault(check[1], []).append((check, exemption.condition))

    # --- binding -------------------------------------------------------------------------------------------------

    def bind(self, pattern: Any, value: Value, out: Bindings, frame: Frame, state: State) -> bool:
        """Match a pattern with a value, binding names that are free."""
        op = pattern[0]
        if op in ("any", "rest"):
            return True
        if op == "name":
            name = pattern[1]
            known = out.get(name)
            if known is not None:
                return same(known, value)
            if name in self.pack.globals:
                return same(self.evaluate(pattern, out, frame, state), value)
            out[name] = value
            return True
        if op == "int":
            con = outcome(state, value)
            return con[1] == pattern[1] if con[1] is not None else pattern[1] == 0 and con[0] == ZERO
        if op == "str":
            return value.op == "s" and value.args[0] == pattern[1]
        if op == "addr":
            return self.bind_location(pattern[1], frame.pointee(value), out, frame, state)
        if op in ("member", "deref", "index"):
            if value.op == "ld":
                return self.bind_location(pattern, value.args[0], out, frame, state)
            if op == "member" and value.op == "fv":
                return pattern[2] == value.args[1] and self.bind(pattern[1], value.args[0], out, frame, state)
            return False
        if op == "bin" and value.op == "o" and len(value.args) == 3 and value.args[0] == pattern[1]:
            trial = dict(out)
            if self.bind(pattern[2], value.args[1], trial, frame, state) and self.bind(
                pattern[3], value.args[2], trial, frame, state
            ):
                out.update(trial)
                return True
            return False
        if op == "call":
            computed = self.evaluate(pattern, out, frame, state)
            return computed is not None and same(computed, value)
        return False

    def bind_location(self, pattern: Any, place: Value, out: Bindings, frame: Frame, state: State) -> bool:
        """Match an lvalue pattern with a location."""
        op = pattern[0]
        if op == "any":
            return True
        if op == "name":
            name = pattern[1]
            if place.op == "G" and place.args[0] == name:
                return True
            if name in self.pack.globals:
                return False
            return self.bind(pattern, memory.load(frame.values, state, place), out, frame, state)
        if op == "member":
            return (
                place.op == "."
                and place.args[1] == pattern[2]
                and self.bind_location(pattern[1], place.args[0], out, frame, state)
            )
        if op == "deref":
            if place.op == "*":
                return self.bind(pattern[1], place.args[0], out, frame, state)
            return self.bind(pattern[1], frame.values.address(place), out, frame, state)
        if op == "index":
            return (
                place.op == "[]"
                and self.bind(pattern[2], place.args[1], out, frame, state)
                and (
                    self.bind_location(pattern[1], place.args[0], out, frame, state)
                    or (
                        place.args[0].op == "*"
                        and self.bind(pattern[1], place.args[0].args[0], out, frame, state)
                    )
                )
            )
        return False

    # --- evaluation ----------------------------------------------------------------------------------------------

    def evaluate(self, pattern: Any, names: Bindings, frame: Frame, state: State) -> Value | None:
        """The value that a pattern names in this state; None where it names none (`_`, unknown calls)."""
        v = frame.values
        op = pattern[0]
        if op == "name":
            name = pattern[1]
            found = names.get(name)
            if found is not None:
                return found
            if name == "current":
                return v.make("cur")
            return memory.load(v, state, v.make("G", name))
        if op == "int":
            return v.const(pattern[1])
        if op == "str":
            return v.make("s", pattern[1])
        if op in ("member", "deref", "index"):
            place = self.place(pattern, names, frame, state)
            return memory.load(v, state, place) if place is not None else None
        if op == "addr":
            place = self.place(pattern[1], names, frame, state)
            return v.address(place) if place is not None else None
        if op in ("bin", "un", "not"):
            parts = [self.evaluate(p, names, frame, state) for p in (pattern[2:] if op != "not" else pattern[1:])]
            if any(p is None for p in parts):
                return None
            word = "!" if op == "not" else {"-": "neg"}.get(pattern[1], pattern[1]) if op == "un" else pattern[1]
            return v.operation(word, *[p for p in parts if p is not None])
        if op == "call" and isinstance(pattern[1], str):
            accessor = self.pack.accessors.get(pattern[1])
            if accessor is not None:
                inner: Bindings = {}
                for param, arg in zip(accessor.params, pattern[2], strict=False):
                    value = self.evaluate(arg, names, frame, state)
                    if value is None:
                        return None
                    inner[param] = value
                return self.evaluate(accessor.value, inner, frame, state)
        return None

    def place(self, pattern: Any, names: Bindings, frame: Frame, state: State) -> Value | None:
        """The location that an lvalue pattern names."""
        v = frame.values
        op = pattern[0]
        if op == "name":
            name = pattern[1]
            if name in names:
                value = names[name]
                if memory.unset(value):
                    return value.args[1]
                return value.args[0] if value.op == "ld" else v.deref(value)
            return v.make("G", name)
        if op == "member":
            base = self.place(pattern[1], names, frame, state)
            return v.make(".", base, pattern[2]) if base is not None else None
        if op == "deref":
            value = self.evaluate(pattern[1], names, frame, state)
            return frame.pointee(value) if value is not None else None
        if op == "index":
            base = self.place(pattern[1], names, frame, state)
            index = self.evaluate(pattern[2], names, frame, state)
            return v.make("[]", base, index) if base is not None and index is not None else None
        return None

    # --- truth ---------------------------------------------------------------------------------------------------

    def holds(self, pattern: Any, names: Bindings, frame: Frame, state: State) -> bool | None:
        """Whether a requirement or condition holds in a state."""
        op = pattern[0]
        if op == "or":
            a = self.holds(pattern[1], names, frame, state)
            if a:
                return True
            b = self.holds(pattern[2], names, frame, state)
            return True if b else None if a is None or b is None else False
        if op == "and":
            a = self.holds(pattern[1], names, frame, state)
            if a is False:
                return False
            b = self.holds(pattern[2], names, frame, state)
            return False if b is False else None if a is None or b is None else True
        if op == "not":
            if pattern[1][0] == "call" and pattern[1][1] not in self.pack.accessors:
                return self._passed(pattern[1], "nfact", names, frame, state) or None
            inner = self.holds(pattern[1], names, frame, state)
            return None if inner is None else not inner
        if op == "call" and pattern[1] == ACTS_AS:
            return self._acts_as(pattern[2][0], names, frame, state)
        if op == "call" and pattern[1] == EACH:
            return any(fact.op == EACH and fact.args[0] == swept(pattern)[0] for fact in state.facts)
        if op == "call" and isinstance(pattern[1], str) and pattern[1] not in self.pack.accessors:
            return self._passed(pattern, "fact", names, frame, state)
        if op == "bin" and pattern[1] == "==" and pattern[3][0] == "call" and pattern[3][1] not in self.pack.accessors:
            return self._result_of(pattern, names, frame, state)
        if op == "bin" and pattern[1] in ("==", "!=") and mentions_any(pattern):
            return self._found_so(pattern, names, frame, state)
        value = self.evaluate(pattern, names, frame, state)
        if value is None:
            return None
        mask = outcome(state, value)[0]
        if mask == ZERO:
            return False
        if not mask & ZERO:
            return True
        return None

    def _passed(self, pattern: Any, kind: str, names: Bindings, frame: Frame, state: State) -> bool:
        name, own = pattern[1], bare(pattern[1])
        check = self.pack.check(own)
        wanted = [None if p[0] in ("any", "rest") else self.evaluate(p, names, frame, state) for p in pattern[2]]
        mask_at = check.mask if check is not None else None
        bits = 0
        for fact in state.facts:
            if fact.op == kind and fact.args[0] == name:
                if not _subject_fits(fact.args[2], state, frame):
                    continue
                wrong = [
                    i
                    for i, w in enumerate(wanted)
                    if pattern[2][i][0] != "rest" and not self.fits(check, i, w, pattern[2][i], fact.args[1], state)
                ]
                if not wrong:
                    return True
                if wrong == [mask_at]:
                    bits |= known_bits(fact.args[1][mask_at], state) if mask_at < len(fact.args[1]) else 0
        if bits and mask_at is not None and wanted[mask_at] is not None:
            need = outcome(state, wanted[mask_at])[1]
            if need is not None and bits & need == need:
                return True
        return kind == "fact" and own in self.spared and self._spared(own, wanted, frame, state)

    def fits(
        self, check: Check | None, index: int, wanted: Value | None, pattern: Any, args: tuple[Value, ...], state: State
    ) -> bool:
        """Whether argument `index` of a passed check is the wanted one; masks need only be covered, and who is capable in
        the initial user namespace is so in every one below it (`cap_capable`)."""
        if pattern[0] in ("any", "rest"):
            return True
        if index >= len(args) or wanted is None:
            return False
        if check is not None and check.mask == index:
            return covers(args[index], wanted, state)
        if check is not None and check.namespace == index and check.family == "capability":
            root = args[index]
            while root.op in ("&", "ld", ".", "*"):
                root = root.args[0]
            if root.op == "G" and root.args[0] in self.pack.initial:
                return True
        return same(args[index], wanted) or _equal_constant(args[index], wanted, state)

    def _result_of(self, pattern: Any, names: Bindings, frame: Frame, state: State) -> bool | None:
        """`x == f(a, _)`: x is what a call of f with these arguments returned; None where that is not known."""
        value, (_, name, args) = self.evaluate(pattern[2], names, frame, state), pattern[3]
        if value is None or value.op != "r" or value.args[1] != name:
            return None
        for i, arg in enumerate(args):
            if arg[0] == "rest":
                break
            if arg[0] != "any" and (i >= len(value.args[2]) or value.args[2][i] is not self.evaluate(arg, names, frame, state)):
                return None
        return True

    def _found_so(self, pattern: Any, names: Bindings, frame: Frame, state: State) -> bool | None:
        """A comparison with `_` in it: whether something of that form was found to be equal, or found to differ."""
        wanted = ("bin", "==", *pattern[2:])
        truth = pattern[1] == "=="
        for value, con in state.cons.items():
            known = not con[0] & ZERO if truth else con[0] == ZERO
            if known and value.op == "o" and value.args[0] == "==" and len(value.args) == 3:
                for turned in (wanted, ("bin", "==", wanted[3], wanted[2])):
                    if self.bind(turned, value, dict(names), frame, state):
                        return True
        return None

    def _acts_as(self, pattern: Any, names: Bindings, frame: Frame, state: State) -> bool:
        """Whether the credentials in force are those that a pattern names, or were set by the function named in quotes."""
        wanted = self.evaluate(pattern, names, frame, state)
        return wanted is not None and state.subject is wanted

    def _spared(self, name: str, wanted: list[Value | None], frame: Frame, state: State) -> bool:
        """Whether a named exemption stands in for this check on these objects."""
        for pattern, condition in self.spared[name]:
            names: Bindings = {}
            if all(
                value is None or self.bind(p, value, names, frame, state)
                for p, value in zip(pattern[2], wanted, strict=False)
            ) and self.holds(condition, names, frame, state):
                return True
        return False


def _subject_fits(subject: Value, state: State, frame: Frame) -> bool:
    now = state.subject if state.subject is not None else frame.values.zero
    return subject is now


def _equal_constant(a: Value, b: Value, state: State) -> bool:
    if b.op != "c":
        return False
    con = outcome(state, a)
    return con[1] is not None and con[1] == b.args[0]


def same(a: Value | None, b: Value | None) -> bool:
    """Object identity: the same term."""
    return a is b and a is not None


def covers(have: Value, need: Value, state: State) -> bool:
    """True when a mask that was asked for has at least the bits that are needed."""
    if have is need:
        return True
    need_bits = outcome(state, need)[1]
    if need_bits is None:
        return False
    if have.op == "o" and have.args[0] == "|":
        return any(covers(part, need, state) for part in have.args[1:])
    bits = outcome(state, have)[1]
    return bits is not None and bits & need_bits == need_bits


def known_bits(mask: Value, state: State) -> int:
    """Bits that a mask has for certain."""
    number = outcome(state, mask)[1]
    if number is not None:
        return number
    if mask.op == "o" and mask.args[0] == "|":
        out = 0
        for part in mask.args[1:]:
            out |= known_bits(part, state)
        return out
    return 0
