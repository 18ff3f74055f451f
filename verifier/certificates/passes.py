"""Forward passes with the checker's own steps, until nothing changes: where invariants come from.

States of a block that agree in a key stay one alternative and are joined; what the key tells apart is the level of a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from typing import Any

from verifier.verify.states import State, root
from verifier.verify.steps import Steps
from verifier.verify.terms import ANY, ZERO, Term, compared, truth_of

MOST_RUNS = 6000  # blocks run in one pass
MOST_STATES = 24  # alternatives of a block; beyond, the key is made coarser
Key = Callable[[State], Any]
Invariants = dict[int, list[State]]
_COMPARISONS = ("==", "<", "<=")


class TooLarge(Exception):
    """A pass does not come to its end in the work that it is given."""


class Explorer(Steps):
    """Steps that note more: which branches could not be taken, and what is tested."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.tested: dict[Term, set[int]] = {}
        self.decisive: dict[int, set[Term]] = {}

    def leave(self, s: State, block: int) -> Iterator[tuple[int, State]]:
        """The ways on, noted by what they are tested by."""
        t = self.fn.blocks[block].terminator
        terms: set[Term] = set()
        ways = 2 if t[0] == "br" and t[2] != t[3] else len(t[2]) + 1 if t[0] == "sw" else 0
        if ways:
            terms = set(conditions(self.value(t[1], s)))
            for term in terms:
                self.tested.setdefault(term, set()).add(block)
        for target, after in super().leave(s, block):
            ways -= 1
            if t[0] == "sw":
                for term in after.known.keys() - s.known.keys():
                    self.tested.setdefault(term, set()).add(block)
            yield target, after
        if ways > 0:
            self.decisive.setdefault(block, set()).update(terms)


def conditions(term: Term) -> Iterator[Term]:
    """The terms that something is learnt of when a term is tested."""
    term, _ = truth_of(term)
    yield term
    if term[0] == "o" and term[1] in _COMPARISONS and term[3][0] == "c" and compared(term[1], term[3][1]) != (ZERO, ZERO):
        yield from conditions(term[2])


def executed(steps: Steps, state: State, at: tuple[int, int]) -> State:
    """What is known just before a statement, from what is known of its block."""
    s = state.copy()
    for i in range(at[1]):
        steps.step(s, (at[0], i))
    return s


def joined(a: State, b: State) -> State:
    """What holds in both."""
    known = {term: mask | b.outcomes(term) for term, mask in a.known.items()}
    return State(
        {place: term for place, term in a.env.items() if b.read(place) == term},
        {term: mask for term, mask in known.items() if mask != ANY},
    )


def marks_of(s: State) -> frozenset:
    """Which literals hold, and are asked for."""
    return frozenset(k for k in s.known if k[0] in ("!", "?"))


def solve(
    steps: Steps, starts: Iterable[State], leading: set[int], keys: list[Key], base: Invariants | None = None,
    free: Callable[[Term], bool] = lambda _: True,
) -> Invariants:  # fmt: skip
    """Alternatives of every block that leads to where something is to be shown; `keys` from fine to coarse.

    Of places and terms that are not `free`, states know no more than `base` says of the block, which is known to hold: so
    what a first turn of a loop finds by chance is not in the way.  Raises TooLarge.
    """
    found: dict[int, dict[Any, State]] = {}
    level: dict[int, int] = {}
    todo: list[int] = []
    dirty: dict[int, list[State]] = {}

    def arrive(block: int, s: State) -> None:
        if base is not None:
            s = weakened(s, base[block][0], free)
        own = found.setdefault(block, {})
        key = keys[level.get(block, 0)](s)
        old = own.get(key)
        new = s if old is None else joined(old, s)
        if old is not None and (new.env, new.known) == (old.env, old.known):
            return
        own[key] = new
        if len(own) > MOST_STATES and level.get(block, 0) + 1 < len(keys):
            level[block] = level.get(block, 0) + 1
            states, found[block], dirty[block] = list(own.values()), {}, []
            for state in states:
                arrive(block, state)
            return
        waiting = dirty.setdefault(block, [])
        if old is not None:
            waiting[:] = [w for w in waiting if w is not old]
        waiting.append(new)
        heappush(todo, block)

    for start in starts:
        arrive(0, start)
    runs = 0
    while todo:
        block = heappop(todo)
        states, dirty[block] = dirty.get(block, []), []
        for state in states:
            runs += 1
            if runs > MOST_RUNS:
                raise TooLarge
            s = executed(steps, state, (block, len(steps.fn.blocks[block].statements)))
            for target, after in steps.leave(s, block):
                if target in leading:
                    arrive(target, after)
    out = {block: absorbed(list(own.values())) for block, own in found.items()}
    return out if all(len(states) == 1 for states in out.values()) else entered(steps, out, leading)


def weakened(s: State, base: State, free: Callable[[Term], bool]) -> State:
    """A state that knows no more than another one, of all that is not free."""
    env = {p: t for p, t in s.env.items() if free(p) or base.env.get(p) == t}
    results = {k[5] for k in s.known if k[0] == "?"} | {t for p, t in env.items() if free(p)}
    known = {k: m if k in results or k[0] in ("!", "?") or free(k) else base.outcomes(k) for k, m in s.known.items()}
    return State(env, {k: m for k, m in known.items() if m != ANY})


def entered(steps: Steps, found: Invariants, leading: set[int]) -> Invariants:
    """Alternatives without those that nothing comes to any more: they held before more was known of a loop."""
    reached: dict[int, list[State]] = {0: found.get(0, [])}
    todo = [(0, s) for s in reached[0]]
    while todo:
        block, state = todo.pop()
        s = executed(steps, state, (block, len(steps.fn.blocks[block].statements)))
        for target, after in steps.leave(s, block):
            if target not in leading or any(after.implies(other) for other in reached.get(target, ())):
                continue
            into = [other for other in found[target] if after.implies(other)]
            best = max(into, key=lambda o: len(o.known) + len(o.env))
            reached.setdefault(target, []).append(best)
            todo.append((target, best))
    return reached


def absorbed(states: list[State]) -> list[State]:
    """Alternatives without those that say no less than another one."""
    out: list[State] = []
    for s in states:
        if not any(s.implies(other) for other in out):
            out = [other for other in out if not other.implies(s)] + [s]
    return out


def plain(s: State) -> Any:
    """One alternative for each block."""
    return None


def by_results(tracked: frozenset[Term]) -> Key:
    """Alternatives by what holds and is asked for, and what the variables hold that results come to."""
    return lambda s: (marks_of(s), frozenset((p, t) for p, t in s.env.items() if p in tracked))


def by_conditions(tracked: frozenset[Term], names: frozenset[str], terms: frozenset[Term]) -> Key:
    """The same, and by conditions that are tested more than once and what certain variables hold."""
    first = by_results(tracked)
    return lambda s: (
        first(s),
        frozenset((p, t) for p, t in s.env.items() if root(p)[1] in names),
        frozenset((k, m) for k, m in s.known.items() if k in terms),
    )
