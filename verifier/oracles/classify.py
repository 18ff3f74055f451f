"""Which kind of finding an open obligation is: what was seen instead of the check that was wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lattices.mentions import ACTS_AS, calls_in
from lattices.model import Check, Pack
from verifier.flow.state import NEG, POS, ZERO, State
from verifier.flow.transfer import Frame
from verifier.flow.values import Value
from verifier.oracles.locked import bare
from verifier.oracles.patterns import Bindings, Matcher


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
    calls = [call for call in calls_in(pattern) if isinstance(call[1], str)]
    # a check that was passed without its lock did decide: it is not ignored
    wanted = [call for call in calls if bare(call[1]) == call[1] or bare(call[1]) not in passed]
    if any(_asked(matcher, call, names, frame, state, False) for call in wanted):
        return "ignored-result"
    if any(_asked(matcher, call, names, frame, state, True) for call in wanted):
        return "refetch"  # nothing holds the object any more that was asked about
    return "missing-check"


def asked_about(matcher: Matcher, pattern: Any, names: Bindings, frame: Frame, state: State) -> frozenset[int]:
    """Sites at which a solved function asks one of a line's checks about the wanted object, wherever they are."""
    return frozenset(
        site for call in calls_in(pattern) if isinstance(call[1], str)
        for site in _sites(matcher, call, names, frame, state)
    )  # fmt: skip


def _asked(matcher: Matcher, call: Any, names: Bindings, frame: Frame, state: State, again: bool) -> bool:
    """Whether the check was asked on the way here, itself or by a wrapper, about the wanted object; with `again`, about
    one that was fetched by the same key."""
    lines = set()
    trace = state.trace
    while trace is not None:
        if trace[2].startswith("calls "):
            lines.add((trace[1], trace[2]))
        trace = trace[0]
    if not lines:
        return False
    return any(
        (frame.line_of(site), f"calls {frame.calls_made[site].args[1]}") in lines
        for site in _sites(matcher, call, names, frame, state, again)
    )


def _sites(matcher: Matcher, call: Any, names: Bindings, frame: Frame, state: State, again: bool = False) -> list[int]:
    """Sites at which a check is asked about the wanted object, or about one that was fetched by the same key."""
    name = bare(call[1])
    check = matcher.pack.check(name)
    wanted = [None if p[0] in ("any", "rest") else matcher.evaluate(p, names, frame, state) for p in call[2]]
    out = []
    for site, result in frame.calls_made.items():
        for asked in _asks(name, frame, state, result):
            fitting = [
                p[0] == "rest" or (check is not None and i == check.mask) or matcher.fits(check, i, w, p, asked, state)
                for i, (p, w) in enumerate(zip(call[2], wanted, strict=True))
            ]
            if again:
                others = [i for i, fit in enumerate(fitting) if not fit]
                fitting = [bool(others) and all(i < len(asked) and _again(asked[i], wanted[i], frame) for i in others)]
            if all(fitting):
                out.append(site)
                break
    return out


def _asks(name: str, frame: Frame, state: State, result: Value) -> list[tuple[Value, ...]]:
    """What a call asks a check about, itself or whenever it returns one sort of answer."""
    if result.args[1] == name:
        return [result.args[2]]
    summary = frame.summaries.get(result)
    if summary is None:
        return []
    ways = [[w for w in summary.alternatives if w.mask & sort] for sort in (NEG, ZERO, POS)]
    facts = [
        f for same in ways for f in (same[0].facts if same else ())
        if f[0] == "fact" and f[1] == name and all(f in w.facts for w in same)
    ]  # fmt: skip
    return [frame.imported(state, fact, result.args[2], result).args[1] for fact in facts]


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
            if check is not None and (wrong == [check.mask] or _another_right(check, wrong, wanted, fact.args[1])):
                return "weaker-check"
            if check is not None and wrong == [check.namespace]:
                return "wrong-namespace"
            if check is not None and check.subject in wrong:
                found = "wrong-subject"
            elif any(_again(fact.args[1][i], wanted[i], frame) for i in wrong if i < len(fact.args[1])):
                found = "refetch"
            elif not found:
                found = "wrong-object"
        elif family == "capability" and not found:
            other = pack.check(fact.args[0])
            if other is not None and other.family == "capability" and _shared_constant(wanted, fact.args[1]):
                elsewhere = check is not None and (check.namespace is None) != (other.namespace is None)
                own = check is not None and check.subject is None and other.subject is None
                found = "wrong-namespace" if elsewhere and own else "wrong-subject"
    return found


def _another_right(check: Check, wrong: list[int], wanted: list[Value | None], args: tuple[Value, ...]) -> bool:
    """Whether a capability was asked for that is not the wanted one, and nothing else differs."""
    if check.family != "capability" or len(wrong) != 1 or wrong[0] not in check.objects or wrong[0] >= len(args):
        return False
    want = wanted[wrong[0]]
    return want is not None and want.op == "c" and args[wrong[0]].op == "c"


def _again(have: Value, want: Value | None, frame: Frame) -> bool:
    """The same function gave both objects, or filled both in, for the same key: the second is a re-fetch."""
    a, b = _origin(have), _origin(want) if want is not None else None
    return a is not None and b is not None and a is not b and _alike(a, b, frame)


def _alike(a: Any, b: Any, frame: Frame) -> bool:
    """Whether two values were made in the same way, perhaps at different times."""
    if a is b or a.__class__ is not Value:
        return bool(a == b)
    if b.__class__ is not Value or a.op != b.op:
        return False
    if a.op == "r":
        return a.args[1] == b.args[1] and _all_alike(a.args[2], b.args[2], frame)
    if a.op != "out":
        return _all_alike(a.args, b.args, frame)
    one, two = (frame.calls_made.get(v.args[0]) for v in (a, b))
    if one is None or two is None or a.args[1:] != b.args[1:]:
        return False
    given = ([arg for i, arg in enumerate(call.args[2]) if i != a.args[1]] for call in (one, two))
    return _all_alike(*given, frame)


def _all_alike(one: Sequence[Any], two: Sequence[Any], frame: Frame) -> bool:
    return len(one) == len(two) and all(_alike(a, b, frame) for a, b in zip(one, two, strict=True))


def _origin(value: Value) -> Value | None:
    while value.op in ("ld", "fv", ".", "*", "o", "&"):
        nxt = next((a for a in value.args if isinstance(a, Value)), None)
        if nxt is None:
            return None
        value = nxt
    return value if value.op in ("r", "out") else None


def _shared_constant(wanted: list[Value | None], args: tuple[Value, ...]) -> bool:
    """Both checks ask for the same capability number."""
    mine = {w for w in wanted if w is not None and w.op == "c"}
    return bool(mine & {a for a in args if a.op == "c"})
