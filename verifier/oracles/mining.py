"""Mining: operations that the same check precedes, on the same object, at most of their sites.

What most sites do is taken for the rule and the rest for deviants (Engler et al., "Bugs as deviant behavior", SOSP
2001; for authorisation hooks AutoISES, Tan et al., USENIX Security 2008).  Candidates are ranked by the lower end of
Wilson's interval (JASA 22, 1927) for the share of sites with the check, so that 40 of 41 stands before 4 of 4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lattices.expressions import ANY, Expr, names, rebuild, show
from lattices.model import Pack
from verifier.flow.summary import Place

SHOWN = 8  # sites of each sort that a candidate names
Z = 1.96


class Heard(NamedTuple):
    """A function and, for each of its calls, the operation, the line and the checks that were passed about it."""

    fid: str
    place: Place
    calls: list[tuple[str, int, frozenset[Expr]]]


class Candidate(NamedTuple):
    """An operation (a function's identity, or `->tag.field`), the check, and the sites with and without it."""

    operation: str
    check: Expr
    passed: list[Place]
    without: list[Place]

    @property
    def confidence(self) -> float:
        """Share of the sites that pass the check."""
        return len(self.passed) / (len(self.passed) + len(self.without))

    @property
    def rank(self) -> float:
        """Lower end of the 95 % interval of the confidence."""
        return wilson(len(self.passed), len(self.passed) + len(self.without))


def wilson(hits: int, total: int) -> float:
    """Lower end of Wilson's score interval for `hits` of `total`."""
    share = hits / total
    spread = Z * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    return (share + Z * Z / (2 * total) - spread) / (1 + Z * Z / total)


def mine(
    heard: Iterable[Heard], others: dict[str, list[Place]], pack: Pack, least: int, share: float
) -> list[Candidate]:
    """Candidates whose check is passed in at least `least` functions and at that share of all sites, best first.

    `others` are sites, by operation, in functions that no check is passed in at all.  What a rule of the pack already
    asks for is left out.
    """
    sites: dict[str, list[Place]] = {}
    passed: dict[tuple[str, Expr], list[Place]] = {}
    for function in heard:
        for operation, line, checks in function.calls:
            where = Place(function.place.file, line, function.place.function)
            sites.setdefault(operation, []).append(where)
            for check in checks:
                if _speaks(check, pack):
                    passed.setdefault((operation, check), []).append(where)
    known = ruled(pack)
    best: dict[tuple[str, str], Candidate] = {}
    for (operation, check), hits in sorted(passed.items(), key=lambda item: (item[0][0], repr(item[0][1]))):
        if len({(p.file, p.function) for p in hits}) < least or (bare(operation), check[1]) in known:
            continue
        without = [p for p in [*sites[operation], *others.get(operation, ())] if p not in hits]
        candidate = Candidate(operation, check, sorted(hits, key=_order), sorted(without, key=_order))
        if candidate.confidence < share:
            continue
        before = best.get((operation, check[1]))
        if before is None or _weight(candidate) > _weight(before):
            best[operation, check[1]] = candidate
    inner = [c for c in best.values() if not _wraps(c, best)]
    return sorted(inner, key=lambda c: (-c.rank, -len(c.passed), c.operation, repr(c.check)))


def _wraps(candidate: Candidate, best: dict[tuple[str, str], Candidate]) -> bool:
    """Whether a hook is passed at the same sites: rules name the innermost check."""
    if candidate.check[1].startswith("security_"):
        return False
    return any(
        operation == candidate.operation and name.startswith("security_") and set(other.passed) >= set(candidate.passed)
        for (operation, name), other in best.items()
    )


def _weight(candidate: Candidate) -> tuple[int, int, int]:
    """More sites first; among forms of one check that hold at the same sites the one that says most."""
    arguments = candidate.check[2]
    return (len(candidate.passed), len(names(candidate.check)), sum(a != ANY for a in arguments))


def _order(place: Place) -> tuple[str, int, str]:
    return (place.file, place.line, place.function)


def _speaks(check: Expr, pack: Pack) -> bool:
    """Whether a passed check is one about the operation's arguments."""
    meaning = pack.check(check[1])
    return meaning is not None and meaning.allow != "none" and any(name != "current" for name in names(check))


def bare(operation: str) -> str:
    """The name in the source: `f` for `f@file`, `tag.field` for a slot."""
    return operation.removeprefix("->").split("@")[0]


def ruled(pack: Pack) -> set[tuple[str, str]]:
    """(operation, check) of all rules of the pack, by name."""
    out = set()
    for rule in pack.rules:
        name = rule.slot or (rule.operation[1] if rule.operation[0] == "call" else "")
        for line in rule.requires:
            todo = [line]
            while todo:
                part = todo.pop()
                if part[0] == "call" and isinstance(part[1], str):
                    out.add((str(name), part[1]))
                todo += [item for item in part[1:] if isinstance(item, tuple) and item and isinstance(item[0], str)]
    return out


def written(candidates: list[Candidate], operands: dict[str, list[str]], pack: Pack) -> Iterator[str]:
    """The candidates as a rule file, line by line; `operands` are the parameter names by operation."""
    yield "# Candidates, best first: read the sites without the check, then write a reason, an exemption and the examples."
    yield from ("", "[[service]]", 'id = "mined"', 'title = "Mined candidates"')
    seen: dict[str, int] = {}
    for candidate in candidates:
        total = len(candidate.passed) + len(candidate.without)
        share = f"{len(candidate.passed)} of {total} sites"
        yield from ("", f"# {share} ({100 * candidate.confidence:.0f} %, rank {candidate.rank:.2f})")
        for title, places in (("without", candidate.without), ("with", candidate.passed)):
            for place in places[:SHOWN]:
                yield f"#     {title:<8}{place.file}:{place.line}: {place.function}"
            if len(places) > SHOWN:
                yield f"#     {title:<8}... {len(places) - SHOWN} more"
        known = [_fit(name, pack) for name in operands.get(candidate.operation, ())]
        count = max([len(known), *(int(n[1:]) + 1 for n in names(candidate.check) if n != "current")])
        own = known + [f"a{i}" for i in range(len(known), count)]
        check = rebuild(candidate.check, lambda e, own=own: ("name", own[int(e[1][1:])]) if e[0] == "name" and e[1] != "current" else e)
        name = bare(candidate.operation)
        callee = f"ops->{name.rpartition('.')[2]}" if candidate.operation.startswith("->") else name
        key = re.sub(r"[^a-z0-9]+", "-", f"mined {name} {candidate.check[1]}".lower()).strip("-")
        seen[key] = seen.get(key, 0) + 1
        yield from ("[[rule]]", f'id = "{key}{f"-{seen[key]}" if seen[key] > 1 else ""}"', 'service = "mined"')
        if candidate.operation.startswith("->"):
            yield f'slot = "{name}"'
        yield f'operation = "{callee}({", ".join(own)})"'
        yield f'requires = ["{show(_constants(check, pack))}"]'
        yield 'tier = "warning"'
        yield f'reason = "{share} pass this check first"'


def _fit(name: str, pack: Pack) -> str:
    """A parameter's name where it is free to be an operand."""
    return f"{name}_" if name in pack.constants or name in pack.globals or name in ("current", "_", "__") else name


def _constants(check: Expr, pack: Pack) -> Expr:
    """Capabilities by their names."""
    meaning = pack.check(check[1])
    if meaning is None or meaning.family != "capability":
        return check
    caps = {value: name for name, value in sorted(pack.constants.items()) if name.startswith("CAP_")}
    place = 0 if len(check[2]) == 1 else 1
    arguments = [
        ("name", caps[a[1]]) if i == place and a[0] == "int" and a[1] in caps else a for i, a in enumerate(check[2])
    ]
    return ("call", check[1], tuple(arguments))
