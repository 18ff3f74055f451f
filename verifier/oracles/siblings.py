"""Siblings: functions that stand for each other, of which most pass a check and some do not.

What most of them do is taken for the rule and the rest for deviants (Engler et al., "Bugs as deviant behavior", SOSP
2001; for authorisation AutoISES, USENIX Security 2008, and Kratos, NDSS 2016, for entries of one service).  Groups
are ranked by the lower end of Wilson's interval for the share that passes the check, as mined rules are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from verifier.oracles.mining import wilson

Check = tuple[str, ...]


class Member(NamedTuple):
    """One of a group: the function, the checks that it passes (each a key), and what it does, as far as that tells it from
    others."""

    fid: str
    passes: frozenset[Check]
    does: frozenset[str]


class Bounds(NamedTuple):
    """How much a group must agree: `least` members that pass the check, a `share` of those that do the same, at least
    `few` of these; deviants no more than `most`, and each does `alike` of what most protected ones do."""

    least: int
    share: float
    few: int
    most: int
    alike: float = 0.0


class Deviant(NamedTuple):
    """A member without a check that its siblings pass; `others` counts the members without it, and `alike` tells how much
    this one does of what most of the protected ones do."""

    fid: str
    check: Check
    protected: tuple[str, ...]
    others: int
    alike: float

    @property
    def evidence(self) -> int:
        """0 to 100: lower end of the 95 % interval of the share that passes the check."""
        count = len(self.protected)
        return round(100 * wilson(count, count + self.others))


def deviants(
    members: Iterable[Member], bounds: Bounds, mentions: Callable[[str, Check], bool],
    guarded: Callable[[str, Check], frozenset[str]] | None = None,
) -> list[Deviant]:
    """Members that lack a check which enough of the others pass, in order of check and function.

    `guarded` tells what a protected member does behind the check (None: all that it does).  Only members that do something of what most of these do
    there are compared.  Members that mention the check
    (make it under a condition, or in a callee) count for neither side: whether the condition is right is no matter
    of numbers.
    """
    group = sorted(members)
    out: list[Deviant] = []
    for check in sorted({check for member in group for check in member.passes}):
        protected = [m for m in group if check in m.passes]
        if len(protected) < bounds.least:
            continue
        others = [m for m in group if m.does and check not in m.passes and not mentions(m.fid, check)]
        work = [guarded(m.fid, check) if guarded is not None else m.does for m in protected] if others else []
        common = shared(work)
        lacking = []
        for m in others:
            alike = len(m.does & common) / len(common) if common else 0.0
            if alike > 0 and alike >= bounds.alike:
                lacking.append((m.fid, alike))
        total = len(protected) + len(lacking)
        if not lacking or len(lacking) > bounds.most or total < bounds.few or len(protected) < bounds.share * total:
            continue
        names = tuple(m.fid for m in protected)
        out.extend(Deviant(fid, check, names, len(lacking), alike) for fid, alike in lacking)
    return out


def shared(sets: list[frozenset[str]]) -> frozenset[str]:
    """What at least half of the sets hold."""
    counts: dict[str, int] = {}
    for items in sets:
        for item in items:
            counts[item] = counts.get(item, 0) + 1
    return frozenset(item for item, count in counts.items() if 2 * count >= len(sets))
