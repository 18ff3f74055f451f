"""Certificates of an analysis: one record for every line of a rule at every operation that was found mediated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from verifier.certificates.search import NotPlainly, Proof, Search
from verifier.program.analyse import Analysis
from verifier.program.report import verdicts
from verifier.verify.check import SCHEMA, Fails, objects, terms_of
from verifier.verify.clauses import Names, Operations, Wanted
from verifier.verify.points import Point
from verifier.verify.world import World


class Producer:
    """Makes the records; `world` is what the checker will see."""

    def __init__(self, found: Analysis) -> None:
        self.found = found
        self.world = World(found.program, found.doors, found.pack, lambda key: found.store.get("unit", key))
        self.wanted = Wanted(self.world)
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
        yield from self.search.lemmas
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
            point, names = self._site(fid, rule, ordinal, line)
            proofs = [self.search.prove(fid, c, point, rule) for c in self.wanted.clauses(rule, component, names)]
        except (NotPlainly, Fails) as why:
            return {**head, "line": line, "ground": "not-plainly", "reason": str(why)}
        return {
            **head, "site": self.search.site(fid, point), "objects": objects(names, terms_of(self.world, fid)),
            "ground": ground(proofs), "proofs": proofs,
        }  # fmt: skip

    def _site(self, fid: str, rule: Any, ordinal: int, line: int) -> tuple[Point, Names]:
        """Where the operation of a verdict stands in the IR."""
        sites = Operations(self.world, terms_of(self.world, fid)).sites(rule)
        here = [s for s in sites if self.search.site(fid, s[0])[2] == line]
        others = sorted({v.ordinal for v in self.found.results[fid].verdicts if v.rule == rule.id and v.line == line})
        if len(here) != len(others):
            raise NotPlainly("the operation is not found plainly at the line")
        return here[others.index(ordinal)]


def ground(proofs: list[Proof]) -> str:
    """What a certificate rests on: the farthest of its proofs' grounds."""
    order = ["constant", "dominated", "given", "declared", "opened", "condition", "wrapper", "caller", "no-door"]

    def of(proof: Proof) -> list[str]:
        if proof["by"] == "callers":
            return ["caller", *(g for c in proof["calls"] for g in of(c["proof"]) if g != "no-door")]
        if proof["by"] in ("no-door", "declared", "given", "opened"):
            return [proof["by"]]
        words = ["condition"] if proof["conditions"] else []
        return words + ["wrapper" if s["lemma"] is not None else "dominated" for s in proof["sources"]]

    return max([g for p in proofs for g in of(p)] or ["constant"], key=order.index)


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
