"""Checks that count only under a lock: a rule with `lock` wants its check made, and the operation done, while the
lock is held all the way between (check and use as in Bishop and Dilger, "Checking for race conditions in file
accesses", 1996).

What is held and what was checked under it are facts of their own, so that a check stays passed for other rules when
the lock is released: `held LOCK` about the lock, and `CHECK@LOCK` about what the check was asked.
"""

from __future__ import annotations

from typing import Any

from verifier.flow.state import State
from verifier.flow.transfer import Frame
from verifier.flow.twins import releases
from verifier.flow.values import Value, mentions_member
from verifier.flow.watcher import Call

_SCOPE_END = "destructor"  # of guard() and its kin


def under(pattern: Any, lock: str, checks: frozenset[str]) -> Any:
    """A requirement with the rule's checks asked for under a lock."""
    if not lock or not isinstance(pattern, tuple) or not pattern:
        return pattern
    if pattern[0] == "call" and pattern[1] in checks:
        return ("call", f"{pattern[1]}@{lock}", pattern[2])
    return tuple(under(part, lock, checks) for part in pattern)


def bare(name: str) -> str:
    """The check's own name."""
    return name.partition("@")[0]


def meet(frame: Frame, state: State, call: Call, locks: dict[str, frozenset[str]]) -> None:
    """A call that is handed a lock takes it or lets it go; what was checked under it before holds on neither side."""
    for lock, checks in locks.items():
        if not any(_speaks_of(state, arg, lock) for arg in call.args):
            continue
        ended = {f"held {lock}", *(f"{check}@{lock}" for check in checks)}
        state.facts = frozenset(f for f in state.facts if f.op != "fact" or f.args[0] not in ended)
        name = call.name or ""
        if not releases(name) and _SCOPE_END not in name:
            state.facts |= {frame.values.make("fact", f"held {lock}", tuple(call.args[:1]), frame.values.zero)}


def passed(frame: Frame, state: State, facts: list[Value], locks: dict[str, frozenset[str]]) -> list[Value]:
    """What facts that have just been made say beyond themselves under the locks that are held."""
    held = {f.args[0] for f in state.facts if f.op == "fact" and f.args[0].startswith("held ")}
    if not held:
        return []
    return [
        frame.values.make("fact", f"{fact.args[0]}@{lock}", *fact.args[1:])
        for lock, checks in locks.items() if f"held {lock}" in held
        for fact in facts if fact.op == "fact" and fact.args[0] in checks
    ]  # fmt: skip


def _speaks_of(state: State, arg: Value, lock: str) -> bool:
    held = state.env.get(arg.args[0]) if arg.op == "&" else None
    return mentions_member(arg, lock) or (held is not None and mentions_member(held, lock))
