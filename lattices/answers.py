"""What the answers of checks mean: outcomes that allow, and outcomes that there can be.

An answer has one of three outcomes, as bits of a set: it is negative, zero or positive.
"""

from __future__ import annotations

from lattices.mentions import calls_in
from lattices.model import Check, Pack

NEG, ZERO, POS = 1, 2, 4
ANY = NEG | ZERO | POS
_ALLOW = {"errno": ZERO, "true": NEG | POS, "false": ZERO, "pointer": ZERO | POS, "count": ZERO | POS}  # what IS_ERR() does not refuse
_POSSIBLE = {"errno": NEG | ZERO, "true": ZERO | POS}


def allowed(check: Check | None) -> int | None:
    """Outcomes of a check that may mean "allowed"; of one that allows certain numbers only, those of zero.  None of what
    decides nothing."""
    if check is None or check.allow == "none":
        return None
    return _ALLOW[check.allow] if isinstance(check.allow, str) else ZERO if 0 in check.allow else 0


def possible(check: Check | None) -> int:
    """Outcomes that a check can have at all."""
    if check is None:
        return ANY
    if isinstance(check.allow, str):
        return _POSSIBLE.get(check.allow, ANY)
    # 0 and error numbers allow: an errno hook, which never returns more than 0
    return NEG | ZERO if 0 in check.allow and max(check.allow) <= 0 else ANY


def undeclared(returns: str | None) -> int:
    """Outcomes that mean "allowed" of a function that only a rule's expressions name, by what it returns."""
    return NEG | POS if returns == "bool" else ZERO


def predicates(pack: Pack) -> frozenset[str]:
    """Functions that the expressions of rules and exemptions call and that are no accessors: they keep their names."""
    texts = [e for rule in pack.rules for e in (*rule.requires, *(x.condition for x in rule.exempt), rule.when)]
    texts += [e.condition for e in pack.exemptions.values()]
    names = {call[1] for text in texts for call in calls_in(text) if isinstance(call[1], str)}
    return frozenset(names - pack.accessors.keys())
