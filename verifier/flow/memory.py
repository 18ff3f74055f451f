"""Reading and writing locations of a state: aliases, kills, values of struct variables.

A store kills what is known of the same field of other objects unless the roots are known to differ (design, "Kills");
field-based aliasing as in Pearce, Kelly and Hankin ("Efficient field-sensitive pointer analysis of C", 2007), made
conservative by names.
"""

from __future__ import annotations

from verifier.flow.state import State
from verifier.flow.values import Value, Values

# Members that lead back: for all x, x->sk->sk_socket is x (struct socket and struct sock).
INVERSES = {"sk_socket": "sk"}


def root(location: Value) -> Value:
    """The outermost location or pointer of an access path."""
    while location.op in (".", "[]"):
        location = location.args[0]
    return location


def unset(value: Value) -> bool:
    """Whether a value is what a variable holds that came into scope and was not stored to, as every array."""
    return value.op == "un" and value.args[0] == "var"


def load(values: Values, state: State, location: Value) -> Value:
    """What a location holds."""
    found = state.env.get(location)
    if found is not None:
        return found
    if location.op == ".":
        base = location.args[0]
        owner = _owner(location)
        if owner is not None:
            return owner
        holder = struct_value(values, state, base)
        if holder is not None:
            return values.make("fv", holder, location.args[1])
    return values.make("ld", location)


def _owner(location: Value) -> Value | None:
    """x for the content of x->sk->sk_socket and the like: members that point at each other."""
    inner = INVERSES.get(location.args[1])
    base = location.args[0]
    if inner is None or base.op != "*" or base.args[0].op != "ld":
        return None
    place = base.args[0].args[0]
    if place.op == "." and place.args[1] == inner and place.args[0].op == "*":
        return place.args[0].args[0]
    return None


def struct_value(values: Values, state: State, location: Value) -> Value | None:
    """The struct value that was stored as a whole in a location, or None."""
    found = state.env.get(location)
    if found is not None:
        return found
    if location.op == ".":
        outer = struct_value(values, state, location.args[0])
        if outer is not None:
            return values.make("fv", outer, location.args[1])
    return None


def _inside(location: Value, outer: Value) -> bool:
    while location.op in (".", "[]"):
        location = location.args[0]
        if location is outer:
            return True
    return False


def forget(state: State, location: Value) -> None:
    """Drop what the environment knows of a location's parts."""
    parts = [k for k in state.env if k.op in (".", "[]") and _inside(k, location)]
    for k in parts:
        del state.env[k]


def lend(values: Values, state: State, pointer: Value, site: int, n: int, callee: str) -> None:
    """A callee writes through its argument `n`: a place in a local variable holds what it wrote there, an array whatever."""
    if pointer.op == "&" and root(pointer.args[0]).op == "L":
        store(values, state, pointer.args[0], values.make("out", site, n, callee))
    elif unset(pointer) and pointer.args[1].op == "L":
        forget(state, pointer.args[1])
        drop_facts_about(values, state, pointer.args[1])


def drop_facts_about(values: Values, state: State, atom: Value) -> None:
    """Forget a volatile root (a local variable that was written again) in all facts; those that spoke of nothing else
    fall."""
    if not any(atom in f.atoms for f in state.facts):
        return
    kept: list[Value] = []
    for fact in state.facts:
        if atom not in fact.atoms:
            kept.append(fact)
        elif fact.op == "fact" and atom not in fact.args[2].atoms:
            left = tuple(values.make("un", "written") if atom in a.atoms else a for a in fact.args[1])
            if any(a.op not in ("c", "s", "un") for a in left):
                kept.append(values.make("fact", fact.args[0], left, fact.args[2]))
    state.facts = frozenset(kept)


def _fresh(value: Value) -> bool:
    return value.op in ("L", "G", "&")


def _innermost(value: Value) -> Value:
    """The value that an access path starts from: a parameter, a global, a call's result, ..."""
    while value.op in (".", "[]", "*", "ld", "&", "fv", "k"):
        value = value.args[0]
    return value


def _differ(a: Value, b: Value) -> bool:
    """Two access paths are taken to name different objects when they start from different known values: distinct
    parameters, globals and call results are assumed not to alias (docs/soundness.md)."""
    x, y = _innermost(a), _innermost(b)
    return x is not y and x.op != "phi" and y.op != "phi"


def _mentions_field(value: Value, field: str, base: Value, memo: dict[Value, bool]) -> bool:
    known = memo.get(value)
    if known is not None:
        return known
    hit = False
    if value.op == "ld":
        location = value.args[0]
        if location.op == "." and location.args[1] == field and location.args[0] is not base:
            hit = not _fresh(root(location)) and not _differ(location, base)
    if not hit:
        for arg in value.args:
            items = arg if arg.__class__ is tuple else (arg,)
            for item in items:
                if item.__class__ is Value and _mentions_field(item, field, base, memo):
                    hit = True
                    break
            if hit:
                break
    memo[value] = hit
    return hit


def store(values: Values, state: State, location: Value, value: Value) -> None:
    """Write a location, with the kills that follow."""
    if location.op == "L":
        if location not in state.env or state.env[location] is not value:
            forget(state, location)
            drop_facts_about(values, state, location)
        state.env[location] = value
        return
    forget(state, location)
    top = root(location)
    if location.op == "." and not _fresh(top):
        field = location.args[1]
        base = location.args[0]
        stale = [
            k
            for k in state.env
            if k.op == "."
            and k.args[1] == field
            and k is not location
            and not _fresh(root(k))
            and not _differ(k, location)
        ]
        for k in stale:
            del state.env[k]
        memo: dict[Value, bool] = {}
        gone = [f for f in state.facts if _mentions_field(f, field, base, memo)]
        if gone:
            state.facts = state.facts.difference(gone)
    elif top.op == "L":
        drop_facts_about(values, state, top)
    state.env[location] = value
