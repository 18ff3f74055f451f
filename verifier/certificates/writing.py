"""What a pass found, as it stands in a certificate: no more of the invariants than the checker needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import networkx as nx

from verifier.certificates.passes import absorbed
from verifier.certificates.text import show
from verifier.ir.model import Function
from verifier.verify.check import Checker, Fails
from verifier.verify.states import State, root
from verifier.verify.steps import Steps
from verifier.verify.terms import ANY, Term

if TYPE_CHECKING:
    from verifier.certificates.function import Body, Found
    from verifier.certificates.lemmas import Lemmas

Proof = dict[str, Any]


def written(lemmas: Lemmas, body: Body, found: Found, assumed: Sequence[Proof] = ()) -> Proof:
    """The proof that a pass found; raises Fails where the checker does not follow it."""
    steps = found.explorer
    replay(body, found)
    kept = sorted(found.used.union(*map(set, found.assumed)))
    marks = {m for m in steps.used if m[0] in kept}
    names, terms = needed(body, found, marks)
    invariants = {b: absorbed([reduced(s, kept, names, terms) for s in states]) for b, states in found.invariants.items()}
    for again in (False, True):
        proof = assembled(body, found, kept, marks, invariants, assumed)
        try:
            marks = {(kept[n], *rest) for n, *rest in used(lemmas, found, body.fid, proof)}
            break
        except Fails:
            if again:
                raise
            everything = {p.name for p in body.fn.params} | set(body.fn.local_types)
            everything |= {root(p)[1] for states in found.invariants.values() for s in states for p in s.env}
            known = {k for states in found.invariants.values() for s in states for k in s.known}
            invariants = {b: [reduced(s, kept, everything, known, asked=True) for s in ss] for b, ss in found.invariants.items()}
    return assembled(body, found, kept, marks, invariants, assumed)


def used(lemmas: Lemmas, found: Found, fid: str, proof: Proof) -> set[tuple]:
    """Where literals come to hold in a proof whose assumptions are taken for shown; raises Fails where it does not hold."""
    checker = Checker(lemmas.world)
    checker.returns, checker.lemmas = lemmas, lemmas.lemmas  # type: ignore[assignment]
    steps = checker.steps(fid, proof, found.lock)

    def goal(steps: Steps, s: State, value: Term) -> bool:
        shown = all(any(steps.holds(s, literal) for literal in clause) for clause in found.wanted(steps, s, value))
        return shown and found.returns in (None, value)

    checker.walk(steps, proof, found.at, goal, found.outcomes, "any")
    return steps.used


def replay(body: Body, found: Found) -> None:
    """Note anew where literals come to hold, and which branches are decided, with the states that remained."""
    steps = found.explorer
    steps.used, steps.decisive = set(), {}
    for b, states in found.invariants.items():
        for state in states:
            s = state.copy()
            for i in range(len(body.fn.blocks[b].statements)):
                steps.step(s, (b, i))
            for _ in steps.leave(s, b):
                pass
            for _ in steps.returned(s, b, found.outcomes):
                pass


def needed(body: Body, found: Found, marks: set[tuple]) -> tuple[set[str], set[Term]]:
    """Variables and terms that a proof rests on."""
    seeds: list[int] = []
    places = {(b, i) for _, b, i, _ in marks if b is not None} | ({found.at} if found.at is not None else set())
    for b, i in places:
        block = body.fn.blocks[b]
        s = (*block.statements, block.terminator)[i]
        seeds += [s[2], *s[3]] if s[0] == "call" else [x for x in s[1:3] if isinstance(x, int)] if s[0] in ("=", "br", "sw", "ret") else []
        seeds += s[2] if s[0] == "asm" else []
    tested = {mark[1] for *_, mark in marks if mark[0] == "edge"} | set(found.explorer.decisive)
    if found.at is None:
        tested |= {b for b, block in enumerate(body.fn.blocks) if block.terminator[0] == "ret"}
    seeds += [body.fn.blocks[b].terminator[1] for b in tested if body.fn.blocks[b].terminator[0] in ("br", "sw", "ret")]
    names = body.names_in(*(e for e in seeds if 0 <= e < len(body.fn.exprs)))
    rule = found.names
    terms = set().union(*found.explorer.decisive.values()) if found.explorer.decisive else set()
    return body.spread(names | rule), terms


def reduced(s: State, kept: list[int], names: set[str], terms: set[Term], asked: bool = False) -> State:
    """A state without what is not needed, its literals numbered anew; `asked`: with what is asked for and holds already."""
    number = {n: i for i, n in enumerate(kept)}
    known: dict[Term, int] = {}
    for key, mask in s.known.items():
        if key[0] == "!" and key[1] in number:
            known["!", number[key[1]]] = 0
        elif key[0] == "?" and key[1] in number and (asked or ("!", key[1]) not in s.known):
            known["?", number[key[1]], *key[2:]] = 0
            if s.outcomes(key[5]) != ANY:
                known[key[5]] = s.outcomes(key[5])
        elif key in terms and key[0] not in ("!", "?"):
            known[key] = mask
    return State({place: term for place, term in s.env.items() if root(place)[1] in names}, known)


def assembled(
    body: Body, found: Found, kept: list[int], marks: set[tuple], invariants: dict[int, list[State]], assumed: Sequence[Proof]
) -> Proof:
    """The JSON of a proof."""
    steps = found.explorer
    number = {n: i for i, n in enumerate(kept)}
    edges: dict[tuple, list] = {}
    for n, b, i, mark in sorted(marks, key=repr):
        edges.setdefault((n, b, i), []).append(list(mark))
    grants = [
        {
            "literal": number[n], "site": None if b is None else [b, i, line(body.fn, b, i)],
            "call": None if b is None else steps.callee(body.fn.blocks[b].statements[i]),
            "lemma": found.grants.get(((b, i), n)), "edges": own,
        }
        for (n, b, i), own in sorted(edges.items(), key=repr)
    ]  # fmt: skip
    return {
        "says": [show(steps.literals[n], steps) for n in kept], "literals": [steps.literals[n] for n in kept], "grants": grants,
        "assume": [{"literals": [number[n] for n in c], **item} for c, item in zip(found.assumed, assumed or [{}] * len(found.assumed), strict=True)],
        "blocks": listed(body, found, invariants),
    }  # fmt: skip


def listed(body: Body, found: Found, invariants: dict[int, list[State]]) -> dict[str, list]:
    """Invariants by block, without those that a block has from its closest dominator."""
    parent = nx.immediate_dominators(body.graph, 0)
    own = {b: sorted((alternative(s) for s in states), key=json.dumps) for b, states in invariants.items()}
    out: dict[str, list] = {}
    inherited: dict[int, list] = {}
    for b in sorted(found.leading & {0, *parent}):
        above = inherited[parent[b]] if b else [{}]
        inherited[b] = own.get(b, [])
        if inherited[b] != above:
            out[str(b)] = inherited[b]
    return out


def alternative(s: State) -> dict[str, Any]:
    """A state as it stands in a certificate."""
    def order(items: Any) -> list:
        return sorted(items, key=repr)

    out = {
        "is": [[place, term] for place, term in order(s.env.items())],
        "knows": [[term, mask] for term, mask in order(s.known.items()) if term[0] not in ("!", "?")],
        "holds": sorted(key[1] for key in s.known if key[0] == "!"),
        "asked": order(key[1:] for key in s.known if key[0] == "?"),
    }
    return {word: items for word, items in out.items() if items}


def line(fn: Function, block: int, index: int) -> int:
    """Line of a statement or terminator."""
    return (*fn.blocks[block].statements, fn.blocks[block].terminator)[index][-1]
