"""Checks that cannot refuse: the object is exempt in every state that reaches the call (`S_PRIVATE`), so that the check
allows without asking anybody.
"""

from __future__ import annotations

from verifier.flow.state import State
from verifier.flow.summary import Shape
from verifier.flow.transfer import Frame
from verifier.flow.watcher import Call
from verifier.oracles.patterns import Bindings, Matcher


def meet(matcher: Matcher, seen: dict[int, Shape | None], call: Call, frame: Frame, state: State) -> None:
    """Note a call of a check in one state, by its site; None is for good: some state comes there that is asked about."""
    name = call.name or ""
    if name not in matcher.silenced or seen.get(call.site, call) is None:
        return
    note = f"{name} allows without asking a module: the object is exempt on every way here"
    exempt = _exempt(matcher, name, call, frame, state)
    seen[call.site] = Shape("vacuous-check", name, "", call.line, note, 0) if exempt else None


def _exempt(matcher: Matcher, name: str, call: Call, frame: Frame, state: State) -> bool:
    for pattern, condition in matcher.silenced[name]:
        names: Bindings = {}
        bound = all(matcher.bind(p, a, names, frame, state) for p, a in zip(pattern[2], call.args, strict=False))
        if bound and matcher.holds(condition, names, frame, state):
            return True
    return False
