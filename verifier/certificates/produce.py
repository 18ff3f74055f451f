"""Certificates of an analysis: one record for every line of a rule at every operation that was found mediated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from verifier.certificates.clauses import clauses
from verifier.certificates.function import Point
from verifier.certificates.kept import needed
from verifier.certificates.operations import operands
from verifier.certificates.search import NotPlainly, Proof, Search
from verifier.certificates.text import show
from verifier.program.analyse import Analysis
from verifier.program.report import verdicts
from verifier.verify.check import SCHEMA, Checker, Fails
from verifier.verify.clauses import Clause, Names
from verifier.verify.operations import performed
from verifier.verify.states import State
from verifier.verify.steps import Steps
from verifier.verify.terms import Term
from verifier.verify.world import World


class Producer:
    """Makes the records; `world` is what the checker will see."""

    def __init__(self, found: Analysis) -> None:
        self.found = found
        self.world = World(found.program, found.doors, found.pack, lambda key: found.store.get("unit", key))
        self.search = Search(self.world, self.guarantees)
        self._guarantees: dict[str, frozenset[str]] = {}

    def guarantees(self, fid: str) -> frozenset[str]:
        """Checks that the solver's summary of a function speaks of."""
        known = self._guarantees.get(fid)
        if known is None:
            result = self.found.results.get(fid)
            facts = [f for a in result.summary.alternatives for f in a.facts] if result is not None else []
            known = self._guarantees[fid] = frozenset(f[1] for f in facts)
        return known

    def records(self, progress: Callable[[str, int, int], None] | None = None) -> Iterator[dict[str, Any]]:
        """Head, lemmas, obligations."""
        mediated = list(self._mediated())
        obligations = []
        for n, item in enumerate(mediated):
            if progress is not None and n % 100 == 0:
                progress("certifying", n, len(mediated))
            obligations.append(self.record(*item))
        yield {"schema": SCHEMA, "kernel": self.found.pack.version, "rules": self.found.pack.digest}
        yield from needed(self.found.program, self.search.lemmas.records, obligations)
        yield from obligations

    def _mediated(self) -> Iterator[tuple[str, str, int, int, int]]:
        """(function, rule, component, ordinal, line) of what was found mediated."""
        words = verdicts(self.found.results, self.found.frontier(), self.found.program, self.found.doors)
        wanted: dict[str, set[tuple[str, int]]] = {}
        for (fid, rule, ordinal), word in words.items():
            if word == "mediated":
                wanted.setdefault(fid, set()).add((rule, ordinal))
        for fid in sorted(wanted):
            for v in self.found.results[fid].verdicts:
                if (v.rule, v.ordinal) in wanted[fid]:
                    yield fid, v.rule, v.component, v.ordinal, v.line

    def record(self, fid: str, rule_id: str, component: int, ordinal: int, line: int) -> dict[str, Any]:
        """The certificate of one line of a rule at one operation, or why there is none."""
        rule = self.world.rules[rule_id]
        head: dict[str, Any] = {
            "rule": rule_id, "component": component, "operation": rule.operation_text, "function": fid,
            "file": self.found.program.functions[fid].index.file,
        }  # fmt: skip
        try:
            at, names = self._site(fid, rule, ordinal, line)

            def wanted(steps: Steps, s: State, _: Term) -> list[Clause]:
                here = {name: s.settle(term) for name, term in names.items()}
                if not performed(rule, steps, at, s, here):
                    raise NotPlainly("the operation is not found plainly at the line")
                return clauses(rule, component, here, self.world.pack)

            proof = self.search.prove(fid, at, wanted, rule)
            objects = names if "nobody" not in proof else {}  # nobody looks at them there
            says = {name: show(term, self.search.lemmas.body(fid).first) for name, term in objects.items()}
            record = {
                **head, "site": self.search.lemmas.site(fid, at), "objects": objects, "says": says, "ground": ground(proof), "proof": proof,
            }  # fmt: skip
            checker = Checker(self.world)
            checker.returns, checker.lemmas = self.search.lemmas, self.search.lemmas.lemmas
            checker.obligation(record)
            return record
        except (NotPlainly, Fails) as why:
            return {**head, "line": line, "ground": "not-plainly", "reason": str(why)}

    def _site(self, fid: str, rule: Any, ordinal: int, line: int) -> tuple[Point, Names]:
        """Where the operation of a verdict stands in the IR, and its operands."""
        body = self.search.lemmas.body(fid)
        here = []
        for b, block in enumerate(body.fn.blocks):
            there = any(statement[-1] == line for statement in [*block.statements, block.terminator])
            s = next(iter(body.arriving(body.first, body.base, (b, 0))), None) if there else None
            for i, statement in enumerate([*block.statements, block.terminator]):
                names = operands(rule, body.first, (b, i), s) if s is not None and statement[-1] == line else None
                if names is not None:
                    here.append(((b, i), names))
                if s is not None and i < len(block.statements):
                    body.first.step(s, (b, i))
        others = sorted({v.ordinal for v in self.found.results[fid].verdicts if v.rule == rule.id and v.line == line})
        if len(here) != len(others):
            raise NotPlainly("the operation is not found plainly at the line")
        return here[others.index(ordinal)]


def ground(proof: Proof) -> str:
    """What a certificate rests on: the farthest of its proof's grounds."""
    order = ["constant", "dominated", "condition", "wrapper", "caller", "no-door"]
    return max(grounds(proof), key=order.index)


def grounds(proof: Proof) -> list[str]:
    """All that a proof rests on."""
    if "nobody" in proof:
        return ["no-door"]
    out = ["constant"]
    for grant in proof["grants"]:
        out.append("condition" if grant["site"] is None else "dominated" if grant["lemma"] is None else "wrapper")
    for item in proof["assume"]:
        out += ["caller", *(g for c in item["calls"] for g in grounds(c["proof"]) if g != "no-door")]
    return out


def encode(records: Iterator[dict[str, Any]]) -> tuple[bytes, Counter[str]]:
    """JSON lines, and how many obligations rest on which ground."""
    counts: Counter[str] = Counter()
    lines = []
    for record in records:
        if "ground" in record:
            counts[record["ground"]] += 1
        lines.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"), counts


def write(found: Analysis, file: str, progress: Callable[[str, int, int], None]) -> None:
    """Write the certificates of an analysis."""
    data, _ = encode(Producer(found).records(progress))
    Path(file).write_bytes(data)
