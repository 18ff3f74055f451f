"""Checking certificates of the schema kqual-cert/3: one JSON object a line, a head, lemmas, obligations.

    {"schema", "kernel", "rules"}
    {"lemma", "function", "outcomes", "literal", "lock", "proof"}      with these outcomes, this literal holds
    {"rule", "component", "function", "file", "site", "objects", "ground", "proof"}
    {"rule", "component", "function", "file", "line", "ground": "not-plainly", "reason"}

The literal of a lemma may also be ["returns", term]: the function always returns this.  `objects` are {name: term}.
A proof: {"literals": [term], "grants": [{"literal", "site", "call", "lemma", "edges"}], "assume": [...],
"blocks": {block: [alternative]}}, or {"nobody": [function]}.  A grant without a site is a condition that is found to hold.
`blocks` are the invariants; a block that is not listed has that of its closest dominator that is.  An alternative is
{"is": [[place, term]], "knows": [[term, outcomes]], "holds": [literal], "asked": [[literal, block, index, allow, term]]}.
`assume` are clauses that hold at entry: {"literals", "calls": [{"function", "site", "proof"}]}.  Only earlier lemmas are used.
What else stands in a record (`says`, `ground`) is for readers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from verifier.verify import terms as T
from verifier.verify.clauses import Clause, required
from verifier.verify.operations import performed
from verifier.verify.reading import MOST_ALTERNATIVES, graph_of, invariants, leading_to, site, terms
from verifier.verify.states import State
from verifier.verify.steps import Lemma, Steps
from verifier.verify.terms import Fails, Term
from verifier.verify.world import World

SCHEMA = "kqual-cert/3"
MOST_DEPTH = 8
OUTCOMES = {"negative": T.NEG, "zero": T.ZERO, "positive": T.POS}
LOOSE = (("r",), ("v",), ("u",))  # what a function alone knows of
Goal = Callable[[Steps, State, Term], bool]
Point = tuple[int, int]
Proof = dict[str, Any]


class Checker:
    """Checks the records of one file, in their order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.returns: dict[str, Term] = {}
        self.lemmas: dict[int, Lemma] = {}

    def lemma(self, record: dict[str, Any]) -> None:
        """Check a lemma and keep it; raises Fails."""
        fid, own, lock = record["function"], terms(record["literal"]), record["lock"]
        outcomes = sum(OUTCOMES[word] for word in record["outcomes"])
        plain = Steps(self.world, fid)
        if own[0] != "returns" and (own[0] != "call" or any(plain.changes_subject(s) for _, s in plain.sites)):
            raise Fails(f"{fid} changes the subject, or guarantees what is no check")
        if any(p[:1] in LOOSE for p in T.parts(own)):
            raise Fails(f"{fid}: what is guaranteed is nothing to its callers")

        def shown(steps: Steps, s: State, value: Term) -> bool:
            said = T.substitute(own, [("p", n) for n in range(len(steps.fn.params))], value)
            return value == said[1] if own[0] == "returns" else steps.holds(s, said)

        self.follow(fid, record["proof"], None, shown, T.ANY if own[0] == "returns" else outcomes, lock)
        if own[0] == "returns":
            self.returns[fid] = own[1]
        self.lemmas[record["lemma"]] = (fid, outcomes, own, lock)

    def obligation(self, record: dict[str, Any]) -> None:
        """Check an obligation; raises Fails."""
        rule, component, fid = self.world.rules.get(record["rule"]), record["component"], record["function"]
        names = {name: terms(term) for name, term in record["objects"].items()}
        if rule is None or not 0 <= component < len(rule.requires) or not names.keys() <= {*rule.operands}:
            raise Fails(f"no rule {record['rule']} with such a line and such objects")
        at = site(self.world.body(fid), record["site"])

        def mediated(steps: Steps, s: State, _: Term) -> bool:
            here = {name: s.settle(term) for name, term in names.items()}
            return performed(rule, steps, at, s, here) and required(
                rule, component, here, self.world.pack, lambda literal: steps.holds(s, literal)
            )

        self.follow(fid, record["proof"], at, mediated, 0, rule.lock or "", rule.subject)

    def follow(
        self, fid: str, proof: Proof, at: Point | None, goal: Goal, outcomes: int, lock: str, subject: str = "", trail: tuple[str, ...] = ()
    ) -> None:
        """Check the invariants of a function edge by edge, and that the goal holds at a point, or where the function returns
        with one of `outcomes`; or, of what `subject` does, that the function runs for nobody.  Raises Fails."""
        if subject and "nobody" in proof:
            nobody = {fid, *proof["nobody"]}
            if any(self.world.entered(f, subject) or not set().union(*self.world.callers(f)) <= nobody for f in nobody):
                raise Fails(f"{fid} is reached from a door")
            return
        steps = self.steps(fid, proof, lock)
        self.walk(steps, proof, at, goal, outcomes, subject)
        listed = {(g["literal"], *(g["site"] or (None, None))[:2], terms(mark)) for g in proof["grants"] for mark in g["edges"]}
        if steps.used != listed:
            raise Fails(f"{fid}: where a literal comes to hold is not what is listed: {min(steps.used ^ listed, key=repr)}")
        for item in proof["assume"]:
            self.assumed(fid, item, tuple(steps.literals[n] for n in item["literals"]), lock, subject, trail)

    def walk(self, steps: Steps, proof: Proof, at: Point | None, goal: Goal, outcomes: int, subject: str) -> None:
        """Execute each block that leads to a goal in each alternative, and follow its edges; raises Fails."""
        fn, graph = steps.fn, graph_of(steps.fn)
        leading = leading_to(at, fn, graph)
        invariant = invariants(graph, proof["blocks"])
        for start in self.entries(steps, proof, subject):
            if not any(start.implies(other) for other in invariant[0]):
                raise Fails(f"{fn.name}: what is said of its entry does not hold there")
        for b in sorted(leading):
            for s in [alternative.copy() for alternative in invariant[b]]:
                for i in range(len(fn.blocks[b].statements) + 1):
                    if at == (b, i) and not goal(steps, s, T.UNKNOWN):
                        raise Fails(f"{fn.name}: nothing shows what is to hold at {b}.{i}")
                    if i < len(fn.blocks[b].statements):
                        steps.step(s, (b, i))
                for target, after in steps.leave(s, b):
                    if target in leading and not any(after.implies(other) for other in invariant[target]):
                        raise Fails(f"{fn.name}: the invariant of block {target} does not follow from that of block {b}")
                if not all(goal(steps, after, value) for after, value in steps.returned(s, b, outcomes)):
                    raise Fails(f"{fn.name}: nothing shows what is to hold where block {b} returns")

    def steps(self, fid: str, proof: Proof, lock: str) -> Steps:
        """The steps of a function with what a proof lists; raises Fails."""
        steps = Steps(self.world, fid, self.returns, self.lemmas, terms(proof["literals"]), lock)
        for item in proof["grants"]:
            if not item["edges"] or steps.literals[item["literal"]][0] not in ("call", "cond"):
                raise Fails(f"{fid}: no literal comes to hold where a grant is listed")
            if item["site"] is not None:
                b, i = at = site(steps.fn, item["site"])
                statement = (*steps.fn.blocks[b].statements, ("",))[i]
                if statement[0] != "call" or steps.callee(statement) != item["call"]:
                    raise Fails(f"{fid}: no call of {item['call']} at {item['site']}")
                steps.calls.setdefault(at, []).append((item["literal"], item["lemma"]))
        return steps

    @staticmethod
    def entries(steps: Steps, proof: Proof, subject: str) -> list[State]:
        """The ways in which a function is entered: with one literal of each assumed clause."""
        assumed = [item["literals"] for item in proof["assume"]]
        choices = list(product(*assumed)) if len(assumed) < 7 and all(len(c) < 7 for c in assumed) else []
        loose = [p for clause in assumed for n in clause for p in T.parts(steps.literals[n]) if p[:1] in (*LOOSE, ("ret",))]
        if (assumed and not subject) or loose or not 0 < len(choices) <= MOST_ALTERNATIVES:
            raise Fails(f"{steps.fn.name}: callers cannot speak of what is assumed")
        env = {("v", p.name): ("p", i) for i, p in enumerate(steps.fn.params)}
        return [State(dict(env), {("!", n): 0 for n in choice}) for choice in choices]

    def assumed(self, fid: str, item: dict[str, Any], clause: Clause, lock: str, subject: str, trail: tuple[str, ...]) -> None:
        """Check that a clause holds whenever a function is entered, for each of its callers; raises Fails."""
        listed = {(c["function"], *c["site"][:2]): c for c in item["calls"]}
        if fid in trail or len(trail) >= MOST_DEPTH or self.world.entered(fid, subject) or listed.keys() != self.calls_of(fid):
            raise Fails(f"{fid}: a door, a circle, or not exactly its callers are listed")
        for (caller, *_), call in sorted(listed.items()):
            at = site(self.world.body(caller), call["site"])

            def passed(steps: Steps, s: State, _: Term, at: Point = at) -> bool:
                args = [steps.value(a, s) for a in steps.fn.blocks[at[0]].statements[at[1]][3]]
                return any(steps.holds(s, s.settle(T.substitute(literal, args))) for literal in clause)

            self.follow(caller, call["proof"], at, passed, 0, lock, subject, (*trail, fid))

    def calls_of(self, fid: str) -> set[tuple[str, int, int]]:
        """The calls of a function as (caller, block, index); raises Fails where it is not only called by name, or by nobody."""
        named, through = self.world.callers(fid)
        out = set()
        for caller in named:
            steps = Steps(self.world, caller)
            here = {(caller, *at) for at, s in steps.sites if self.world.program.resolve(steps.unit, steps.callee(s) or "") == fid}
            through |= {caller} if not here else set()
            out |= here
        if through or not out:
            raise Fails(f"{fid}: what calls it cannot be named")
        return out


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
