"""Parameters that functions may write through, themselves or by handing them on: a least fixpoint over calls.

`rewritten` computes it again after a change, as delete and rederive does for views of databases (Gupta, Mumick and
Subrahmanian, "Maintaining views incrementally", SIGMOD 1993): everything is taken back that may have rested on what is
gone, then what still follows is put in again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Protocol

from verifier.program.index import FunctionIndex

Fact = tuple[str, int]


class Linked(Protocol):
    """What is needed of a function of the program (verifier.program.link.Info)."""

    index: FunctionIndex
    unit: str


class Calls(Protocol):
    """What is needed of the program (verifier.program.link.Program)."""

    @property
    def functions(self) -> Mapping[str, Linked]: ...
    @property
    def callers(self) -> Mapping[str, list[str]]: ...
    @property
    def writes(self) -> Mapping[str, list[int]]: ...
    def resolve(self, unit: str, name: str) -> str | None: ...


def written(program: Calls) -> dict[str, list[int]]:
    """For each function the parameters that it may write through."""
    writes = {fid: set(info.index.writes) for fid, info in program.functions.items()}
    handed: dict[Fact, list[Fact]] = {}
    work: list[Fact] = [(fid, i) for fid, own in sorted(writes.items()) for i in sorted(own)]
    for fid, info in sorted(program.functions.items()):
        own, handing = _rules(program, fid)
        for i in sorted(own - writes[fid]):
            writes[fid].add(i)
            work.append((fid, i))
        for below, i in handing:
            handed.setdefault(below, []).append((fid, i))
    while work:
        for fid, own_ in handed.get(work.pop(), ()):
            if own_ not in writes[fid]:
                writes[fid].add(own_)
                work.append((fid, own_))
    return {fid: sorted(own) for fid, own in writes.items() if own}


def _rules(program: Calls, fid: str) -> tuple[set[int], list[tuple[Fact, int]]]:
    """What a function writes through by itself, and (parameter of a callee, own parameter that it is handed)."""
    info = program.functions.get(fid)
    if info is None:
        return set(), []
    own, handing = set(info.index.writes), []
    for callee, n, parameter in info.index.passes:
        if callee == "?":
            own.add(parameter)
            continue
        target = program.resolve(info.unit, callee)
        if target is not None:
            handing.append(((target, n), parameter))
    return own, handing


def rewritten(base: Calls, program: Calls, affected: Iterable[str], into: MutableMapping[str, list[int]]) -> None:
    """Enter in `into`, a layer over `base.writes`, what `program` has otherwise.

    `affected` are the functions that came, went, have another body, or whose calls mean other functions than in `base`.
    """
    changed = sorted(set(affected))
    gone: set[Fact] = set()
    work: list[Fact] = []

    def drop(fact: Fact) -> None:
        fid, parameter = fact
        if fact not in gone and parameter in base.writes.get(fid, ()):
            gone.add(fact)
            work.append(fact)

    for fid in changed:
        was, now = _rules(base, fid), _rules(program, fid)
        for parameter in was[0] - now[0]:
            drop((fid, parameter))
        for _, parameter in set(was[1]) - set(now[1]):
            if parameter not in now[0]:
                drop((fid, parameter))
    while work:
        fact = work.pop()
        for caller in base.callers.get(fact[0], ()):
            own, handing = _rules(base, caller)
            for below, parameter in handing:
                if below == fact and parameter not in own:
                    drop((caller, parameter))
    now_: dict[str, set[int]] = {}

    def facts(fid: str) -> set[int]:
        if fid not in now_:
            had = base.writes.get(fid, ()) if fid in program.functions else ()
            now_[fid] = {i for i in had if (fid, i) not in gone}
        return now_[fid]

    queue = sorted({*changed, *(fid for fid, _ in gone)})
    while queue:
        fid = queue.pop()
        own, handing = _rules(program, fid)
        more = own | {parameter for (callee, n), parameter in handing if n in facts(callee)}
        if not more <= facts(fid):
            facts(fid).update(more)
            queue.extend(program.callers.get(fid, ()))
    for fid, parameters in sorted(now_.items()):
        if sorted(parameters) == list(base.writes.get(fid, ())):
            continue
        if parameters:
            into[fid] = sorted(parameters)
        else:
            into.pop(fid, None)
