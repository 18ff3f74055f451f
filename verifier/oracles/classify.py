"""Which kind of finding an open obligation is: what was seen instead of the check that was wanted."""

from __future__ import annotations

from typing import Any

from lattices.model import Pack
from verifier.flow.state import State
from verifier.flow.transfer import Frame
from verifier.flow.values import Value
from verifier.oracles.locked import bare
from verifier.oracles.patterns import ACTS_AS, Bindings, Matcher, calls_in


def classify(matcher: Matcher, pattern: Any, names: Bindings, frame: Frame, state: State) -> str:
    """`kind` of a requirement line that does not hold in `state`, by the nearest miss among the passed checks."""
    pack = matcher.pack
    for call in calls_in(pattern):
        if not isinstance(call[1], str):
            continue
        if call[1] == ACTS_AS:
            return "wrong-subject"
        kind = _near(matcher, call, names, frame, state, pack)
        if kind:
            return kind
    passed = {fact.args[0] for fact in state.facts if fact.op == "fact"}
    # a check that was passed without its lock did decide: it is not ignored
    wanted = {
        f"calls {bare(call[1])}" for call in calls_in(pattern)
        if isinstance(call[1], str) and (bare(call[1]) == call[1] or bare(call[1]) not in passed)
    }  # fmt: skip
    trace = state.trace
    while trace is not None:
        if trace[2] in wanted:
            return "ignored-result"
        trace = trace[0]
    return "missing-check"


def _near(matcher: Matcher, call: Any, names: Bindings, frame: Frame, state: State, pack: Pack) -> str:
    check = pack.check(call[1])
    family = check.family if check is not None else ""
    now = state.subject if state.subject is not None else frame.values.zero
    wanted = [None if p[0] in ("any", "rest") else matcher.evaluate(p, names, frame, state) for p in call[2]]
    found = ""
    for fact in sorted(state.facts, key=lambda f: f.number):
        if fact.op != "fact":
            continue
        if fact.args[0] == call[1]:
            wrong = [
                i
                for i, w in enumerate(wanted)
                if call[2][i][0] != "rest" and not matcher.fits(check, i, w, call[2][i], fact.args[1], state)
            ]
            if not wrong:
                return "wrong-subject" if fact.args[2] is not now else found
            if check is not None and wrong == [check.mask]:
                return "weaker-check"
            if check is not None and wrong == [check.namespace]:
                return "wrong-namespace"
            if check is not None and check.subject in wrong:
                found = "wrong-subject"
            elif any(_again(fact.args[1][i], wanted[i]) for i in wrong if i < len(fact.args[1])):
                found = "refetch"
            elif not found:
                found = "wrong-object"
        elif family == "capability" and not found:
            other = pack.check(fact.args[0])
            if other is not None and other.family == "capability" and _shared_constant(wanted, fact.args[1]):
                found = "wrong-subject"
    return found


def _again(have: Value, want: Value | None) -> bool:
    """The same function gave both objects, for the same key: the second is a re-fetch."""
    if want is None:
        return False
    a, b = _origin(have), _origin(want)
    return a is not None and b is not None and a is not b and a.args[1] == b.args[1] and a.args[2] == b.args[2]


def _origin(value: Value) -> Value | None:
    while value.op in ("ld", "fv", ".", "*", "o", "&"):
        nxt = next((a for a in value.args if isinstance(a, Value)), None)
        if nxt is None:
            return None
        value = nxt
    return value if value.op == "r" else None


def _shared_constant(wanted: list[Value | None], args: tuple[Value, ...]) -> bool:
    """Both checks ask for the same capability number."""
    mine = {w for w in wanted if w is not None and w.op == "c"}
    return bool(mine & {a for a in args if a.op == "c"})
