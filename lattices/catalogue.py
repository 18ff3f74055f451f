"""The catalogue of LSM hooks: which rules ask for a hook, and whether the catalogue agrees with the rules.

What a hook guards is computed from the rules; `[[hook]]` tables say why the others guard nothing, and what a rule
cannot tell: functions of another name, checks that ask the hook on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from lattices import expressions
from lattices.model import Hook, Pack
from lattices.source import Problem


def asked(pack: Pack) -> dict[str, list[str]]:
    """Name of each function that some rule requires, with the ids of those rules, sorted."""
    found: dict[str, set[str]] = {}
    for rule in pack.rules:
        for line in rule.requires:
            for name in expressions.calls(line):
                found.setdefault(name, set()).add(rule.id)
    return {name: sorted(rules) for name, rules in sorted(found.items())}


def guarded(pack: Pack, hook: str, by_name: dict[str, list[str]], functions: tuple[str, ...] | None = None) -> list[str]:
    """Ids of the rules that ask for a hook, given `asked(pack)`; `functions` overrides what the pack says of it."""
    known = pack.hooks.get(hook)
    within = known.within if known is not None else ()
    names = (*(pack.functions(hook) if functions is None else functions), *within)
    return sorted({rule for name in names for rule in by_name.get(name, ())})


def problems(pack: Pack) -> list[Problem]:
    """What is wrong with the catalogue, given the rules of the same kernel version; sorted."""
    by_name = asked(pack)
    rules = {rule.id for rule in pack.rules}
    found = []
    for hook in pack.hooks.values():
        for message, hint in _hook(pack, hook, by_name, rules):
            found.append(Problem(hook.file, hook.line, 1, f"hook {hook.name}: {message}", hint))
    return sorted(found)


def _hook(pack: Pack, hook: Hook, by_name: dict[str, list[str]], rules: set[str]) -> Iterator[tuple[str, str]]:
    by = guarded(pack, hook.name, by_name)
    if hook.nothing and (hook.guards or hook.within):
        yield "`nothing` beside what it guards", "leave one of them out"
    elif hook.nothing and by:
        yield f"`nothing`, but rule {by[0]} asks for it", "leave `nothing` out, or change the rule"
    for rule in hook.guards:
        if rule not in rules:
            yield f"unknown rule {rule!r} in `guards`", "name a rule of this kernel version, or leave `guards` out"
        elif rule not in by:
            yield f"rule {rule} does not ask for it", "take it out of `guards`, or add the hook to the rule"
    for name in hook.within:
        check = pack.checks.get(name)
        if check is None or check.allow == "none":
            yield f"`within` names {name}, which is no check", "name a [[check]] that asks the hook"
        elif name not in by_name:
            yield f"`within` names {name}, which no rule asks for", "then nothing asks for the hook: leave `within` out"
