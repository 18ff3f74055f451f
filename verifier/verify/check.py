"""Checking certificates of the schema kqual-cert/2: one JSON object a line, a head, lemmas, obligations.

    {"schema", "kernel", "rules"}
    {"lemma", "function", "returns", "proof"}                          the function always returns this term
    {"lemma", "function", "outcomes", "literal", "lock", "proof"}      with these outcomes, this literal holds
    {"rule", "component", "function", "file", "site", "objects", "ground", "proof"}
    {"rule", "component", "function", "file", "line", "ground": "not-plainly", "reason"}

A proof: {"literals": [{"text", "is"}], "grants": [{"site", "call", "lemma", "literal", "edges"}],
"conditions": [{"literal", "edges"}], "assume": [...], "blocks": {block: [alternative]}}, or {"by": "no-door"}.
`blocks` are the invariants; a block that is not listed has that of its closest dominator that is.  An alternative is
{"is": [[place, term]], "knows": [[term, outcomes]], "holds": [literal], "asked": [[literal, block, index, allow, term]]}.
`assume` are clauses that hold at entry: {"literals", "by": "callers", "calls": [{"function", "site", "proof"}]},
{"literals", "by": "declared"}, {"literals", "by": "opened", "lemmas"}.  Only earlier lemmas are used.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from verifier.verify import terms as T
from verifier.verify.callers import call_sites, declared, is_door, opened, openers_of, unreached
from verifier.verify.clauses import Clause, required
from verifier.verify.operations import Operations
from verifier.verify.reading import MOST_ALTERNATIVES, graph_of, invariants, leading_to, site, terms
from verifier.verify.states import State
from verifier.verify.steps import Lemma, Steps
from verifier.verify.terms import Fails, Term
from verifier.verify.world import World

SCHEMA = "kqual-cert/2"
MOST_DEPTH = 8
OUTCOMES = {"negative": T.NEG, "zero": T.ZERO, "positive": T.POS}
LOOSE = (("r",), ("V",), ("L",), ("u",))  # what a function alone knows of
Goal = Callable[[Steps, State, Term], None]
Proof = dict[str, Any]


class Idle(Fails):
    """Something is listed that the proof does not need."""


class Checker:
    """Checks the records of one file, in their order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.returns: dict[str, Term] = {}
        self.lemmas: dict[int, Lemma] = {}

    def lemma(self, record: dict[str, Any]) -> None:
        """Check a lemma and keep it; raises Fails."""
        fid, returns = record["function"], "returns" in record
        own = terms(record["returns" if returns else "literal"])
        calls = [s for block in self.world.body(fid).blocks for s in block.statements if s[0] == "call"]
        if any(Steps(self.world, fid).changes_subject(s) for s in calls) or not (returns or own[0] == "call"):
            raise Fails(f"{fid} changes the subject, or guarantees what is no check")
        if any(p[:1] in (LOOSE if not returns else (*LOOSE, ("ret",))) for p in T.parts(own)):
            raise Fails(f"{fid}: what is guaranteed is nothing to its callers")

        def shown(steps: Steps, s: State, value: Term) -> None:
            said = T.substitute(own, [("p", n) for n in range(len(steps.params))], value)
            if (value != said) if returns else not steps.holds(s, said):
                raise Fails(f"{fid} returns {T.show(value, steps.params)} without {T.show(said, steps.params)}")

        outcomes = T.ANY if returns else sum(OUTCOMES[word] for word in record["outcomes"])
        self.follow(fid, record["proof"], None, shown, outcomes, record["lock"])
        if returns:
            self.returns[fid] = own
        else:
            self.lemmas[record["lemma"]] = (fid, outcomes, own, record["lock"])

    def obligation(self, record: dict[str, Any]) -> None:
        """Check an obligation; raises Fails."""
        objects = self.operands(record)
        if objects != record["objects"]:
            raise Fails(f"the objects are {objects}")

    def operands(self, record: dict[str, Any]) -> dict[str, str]:
        """Check an obligation's proof; the operands as text, by name; raises Fails."""
        rule = self.world.rules.get(record["rule"])
        component, fid = record["component"], record["function"]
        if rule is None or not 0 <= component < len(rule.requires):
            raise Fails(f"no rule {record['rule']} with such a line")
        at = site(self.world, fid, record["site"])
        seen: dict[str, set[str]] = {}

        def mediated(steps: Steps, s: State, _: Term) -> None:
            names = Operations(steps).at(rule, at, s)
            if names is None:
                raise Fails("the operation is not performed there")
            for name, term in names.items():
                seen.setdefault(name, set()).add(T.show(term, steps.params))
            if not required(rule, component, names, self.world.pack, lambda literal: steps.holds(s, literal)):
                raise Fails(f"{fid}: nothing shows line {component} of the rule")

        self.follow(fid, record["proof"], at, mediated, 0, rule.lock or "", rule)
        return {name: " or ".join(sorted(texts)) for name, texts in sorted(seen.items())}

    def follow(
        self, fid: str, proof: Proof, at: tuple[int, int] | None, goal: Goal, outcomes: int, lock: str, rule: Any = None,
        trail: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Check the invariants of a function edge by edge, and that the goal holds at a point, or where the function returns
        with one of `outcomes`; raises Fails."""
        if proof.get("by") == "no-door" and rule is not None:
            if not unreached(self.world, fid, rule.subject):
                raise Fails(f"{fid} is reached from a door")
            return
        steps = self.steps(fid, proof, lock)
        graph = graph_of(steps.fn)
        leading = leading_to(at, steps.fn, graph)
        invariant = invariants(graph, proof["blocks"])
        for start in self.entries(steps, proof, rule):
            if not any(start.implies(other) for other in invariant[0]):
                raise Fails(f"{fid}: what is said of its entry does not hold there")
        for b in sorted(leading):
            for alternative in invariant[b]:
                s = alternative.copy()
                for i in range(len(steps.fn.blocks[b].statements)):
                    if at == (b, i):
                        goal(steps, s, T.UNKNOWN)
                    steps.step(s, (b, i))
                if at is not None and at[0] == b and at[1] == len(steps.fn.blocks[b].statements):
                    goal(steps, s, T.UNKNOWN)
                for target, after in steps.leave(s, b):
                    if target in leading and not any(after.implies(other) for other in invariant[target]):
                        raise Fails(f"{fid}: the invariant of block {target} does not follow from that of block {b}")
                for after, value in steps.returned(s, b, outcomes):
                    goal(steps, after, value)
        if steps.listed - steps.used:
            raise Idle(f"{fid}: {min(steps.listed - steps.used, key=repr)} is listed, and no literal comes to hold there")
        for item in proof["assume"]:
            self.assumed(fid, item, tuple(steps.literals[n] for n in item["literals"]), lock, rule, trail)

    def steps(self, fid: str, proof: Proof, lock: str) -> Steps:
        """The steps of a function with what a proof lists; raises Fails."""
        literals = [terms(item["is"]) for item in proof["literals"]]
        steps = Steps(self.world, fid, self.returns, self.lemmas, literals, lock)
        for literal, item in zip(literals, proof["literals"], strict=True):
            if literal[0] not in ("call", "cond", "found", "from") or T.show(literal, steps.params) != item["text"]:
                raise Fails(f"{fid}: the literal is {T.show(literal, steps.params)}")
        for item in proof["grants"]:
            b, i = at = site(self.world, fid, item["site"])
            statement = (*steps.fn.blocks[b].statements, ("",))[i]
            if statement[0] != "call" or steps.callee(statement) != item["call"]:
                raise Fails(f"{fid}: no call of {item['call']} at {item['site']}")
            if item["lemma"] is not None and item["lemma"] not in self.lemmas:
                raise Fails(f"lemma {item['lemma']} was not shown before")
            steps.calls.setdefault(at, []).append((item["literal"], item["lemma"]))
            steps.listed |= {(item["literal"], b, i, terms(mark)) for mark in item["edges"]}
        steps.listed |= {(item["literal"], None, None, terms(mark)) for item in proof["conditions"] for mark in item["edges"]}
        return steps

    @staticmethod
    def entries(steps: Steps, proof: Proof, rule: Any) -> list[State]:
        """The ways in which a function is entered: with one literal of each assumed clause."""
        assumed = [item["literals"] for item in proof["assume"]]
        choices = list(product(*assumed)) if len(assumed) < 7 and all(len(c) < 7 for c in assumed) else []
        said = [p for clause in assumed for n in clause for p in T.parts(steps.literals[n])]
        loose = [p for p in said if p[:1] in (*LOOSE, ("ret",)) or (p[:1] == ("m",) and p[3])]
        if (assumed and rule is None) or loose or not 0 < len(choices) <= MOST_ALTERNATIVES:
            raise Fails(f"{steps.fn.name}: callers cannot speak of what is assumed")
        env = {(name,): ("p", i) for i, name in enumerate(steps.params)}
        return [State(dict(env), {("!", n): 0 for n in choice}) for choice in choices]

    def assumed(self, fid: str, item: dict[str, Any], clause: Clause, lock: str, rule: Any, trail: tuple[str, ...]) -> None:
        """Check that a clause holds whenever a function is entered; raises Fails."""
        world, by = self.world, item["by"]
        if by == "declared" and any(declared(world, fid, literal) for literal in clause):
            return
        if by == "opened":
            shown = [self.lemmas[n] for n in item["lemmas"]]
            for opener in openers_of(world, fid) or [""]:
                if not any(lemma[0] == opener and opened(world, fid, literal, lemma) for lemma in shown for literal in clause):
                    raise Fails(f"{fid}: {opener or 'what opens its tables'} does not guarantee it")
            return
        if by != "callers" or fid in trail or len(trail) >= MOST_DEPTH or is_door(world, fid, rule.subject):
            raise Fails(f"{fid}: by {by} nothing follows of what is assumed: a door, a circle, or an entry that does not say so")
        listed = {(c["function"], *c["site"][:2]): c for c in item["calls"]}
        sites = call_sites(world, fid)
        if not sites or set(sites) != set(listed):
            raise Fails(f"{fid}: not exactly its callers are listed")
        for caller, *at in sites:
            call = listed[caller, *at]

            def passed(steps: Steps, s: State, _: Term, at: tuple[int, int] = site(world, caller, call["site"])) -> None:
                args = [steps.value(a, s) for a in steps.fn.blocks[at[0]].statements[at[1]][3]]
                above = [s.settle(T.substitute(literal, args)) for literal in clause]
                if not any(steps.holds(s, literal) for literal in above):
                    raise Fails(f"{steps.fn.name}: nothing shows {' or '.join(T.show(x, steps.params) for x in above)}")

            self.follow(caller, call["proof"], (at[0], at[1]), passed, 0, lock, rule, (*trail, fid))


def check_all(world: World, records: list[dict[str, Any]]) -> tuple[list, list, list[tuple[dict[str, Any], str]]]:
    """Check every lemma and obligation of a file, in order: those verified, those listed without a proof, (failed, why)."""
    checker = Checker(world)
    verified, listed, failed = [], [], []
    for record in records:
        try:
            if "lemma" in record:
                checker.lemma(record)
            elif record["ground"] == "not-plainly":
                listed.append(record)
            else:
                checker.obligation(record)
                verified.append(record)
        except Fails as why:
            failed.append((record, str(why)))
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
            failed.append((record, f"malformed: {type(error).__name__}: {error}"))
    return verified, listed, failed
