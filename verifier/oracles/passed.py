"""Which checks were passed on the ways to a call, or to an operation that a rule finds open.

Other oracles read this afterwards: what siblings do, and which privilege a path asks for.  A check is spelled over the
call's arguments `a0`, `a1`, ... and the function's parameters `p0`, `p1`, ..., with `_` for anything else.
"""

from __future__ import annotations

from typing import Any

from verifier.flow.state import State
from verifier.flow.summary import Held
from verifier.flow.transfer import Frame
from verifier.flow.values import Value
from verifier.flow.watcher import Call

DEPTH = 4  # members between a named value and what the check was asked about
NAMELESS = frozenset({"s", "f", "un", "c"})
OTHER = "_"
MOST_WAYS = 4  # ways to a place whose checks are kept apart


class _Site:
    __slots__ = ("args", "callee", "line", "ways")

    def __init__(self, line: int, callee: str, args: list[Value | None], facts: frozenset[Value]) -> None:
        self.line = line
        self.callee = callee
        self.args = args
        self.ways = {facts: None}


class Passed:
    """Notes the facts at places while a frame is solved; `rows` spells what the ways there have passed."""

    def __init__(self) -> None:
        self.sites: dict[tuple[int, str], _Site] = {}

    def at_call(self, state: State, call: Call, callee: str) -> None:
        """A call of `callee` (a function's name, or `->tag.field`) in one state."""
        self._note(state, (call.site, callee), call.line, call.args)

    def at_operation(self, state: State, rule: str, line: int, site: int) -> None:
        """An operation that is open under a rule, in one state."""
        self._note(state, (site, f"={rule}"), line, [])

    def _note(self, state: State, key: tuple[int, str], line: int, args: list[Value]) -> None:
        site = self.sites.get(key)
        if site is None:
            self.sites[key] = _Site(line, key[1], list(args), state.facts)
            return
        if state.facts not in site.ways:
            site.ways[state.facts] = None
            if len(site.ways) > MOST_WAYS:
                site.ways = {frozenset.intersection(*site.ways): None}
        site.args = [a if a is b else None for a, b in zip(site.args, args, strict=False)]

    def rows(self, frame: Frame) -> list[Held]:
        """What the ways to each place have passed, in order of place; callees about which nothing is known at any place are
        left out, and so are ways that pass more than another one."""
        params = {frame.values.make("p", i): f"p{i}" for i in range(len(frame.fn.params))}
        out = []
        loud = set()
        for _, site in sorted(self.sites.items()):
            names = dict(params)
            for i, arg in reversed(list(enumerate(site.args))):
                if arg is not None and arg.op not in NAMELESS:
                    names[arg] = f"a{i}"
            ways = {
                frozenset(
                    (fact.args[0], tuple(spelled(a, names) or OTHER for a in fact.args[1]))
                    for fact in facts
                    if fact.op == "fact" and fact.args[2] is frame.values.zero
                )
                for facts in site.ways
            }
            least = [way for way in ways if not any(other < way for other in ways)]
            if any(least):
                loud.add(site.callee)
            out.extend(Held(site.line, site.callee, checks) for checks in sorted(tuple(sorted(way)) for way in least))
        return [row for row in out if row.callee in loud]


def spelled(value: Value, names: dict[Value, str], depth: int = DEPTH) -> str | None:
    """A value as C over named values; None where it is none."""
    name = names.get(value)
    if name is not None:
        return name
    op: Any = value.op
    if op == "c":
        return str(value.args[0])
    if op == "cur":
        return "current"
    if op == "ld":
        return _place(value.args[0], names, depth)
    if op == "&":
        inner = _place(value.args[0], names, depth)
        return None if inner is None else f"&{inner}"
    return None


def _place(location: Value, names: dict[Value, str], depth: int) -> str | None:
    if location.op == "G":
        return str(location.args[0])
    if depth == 0:
        return None
    if location.op == "*":
        inner = spelled(location.args[0], names, depth)
        return None if inner is None else f"*{inner}"
    if location.op == ".":
        base = location.args[0]
        if base.op == "*":
            inner = spelled(base.args[0], names, depth - 1)
            return None if inner is None else f"{inner}->{location.args[1]}"
        inner = _place(base, names, depth - 1)
        return None if inner is None else f"{inner}.{location.args[1]}"
    return None
