"""What the pack asks of checks: which rules a passed check serves, and where their operations are performed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container

from lattices.mentions import calls_in
from verifier.coverage.sites import Site
from verifier.program.analyse import Analysis


class Asks:
    """Indexes over a pack and the base's results."""

    def __init__(self, base: Analysis) -> None:
        self.base = base
        self.pack = base.pack
        self.rules: dict[str, list[tuple[str, int]]] = {}
        self.lines: dict[tuple[str, int], frozenset[str]] = {}
        for rule in base.pack.rules:
            for component, pattern in enumerate(rule.requires):
                names = {c[1] for c in calls_in(pattern) if isinstance(c[1], str)}
                self.lines[(rule.id, component)] = frozenset(names)
                for name in sorted(names):
                    self.rules.setdefault(name, []).append((rule.id, component))
        self.granted: dict[str, frozenset[str]] = {}
        self.performed: dict[str, list[tuple[str, int, bool]]] = {}
        for fid in sorted(base.results):
            for verdict in base.results[fid].verdicts:
                self.performed.setdefault(verdict.rule, []).append((fid, verdict.line, verdict.open))
        self._prefixes: dict[str, Counter[str]] = {}
        for name, asked in sorted(self.rules.items()):
            for rule, _ in asked:
                self._prefixes.setdefault(_prefix(name), Counter())[self._service_of(rule)] += 1

    def grants(self, check: str) -> frozenset[str]:
        """Names of all checks that a passed one grants: itself, what `implies` says, and what its body guarantees."""
        found = self.granted.get(check)
        if found is not None:
            return found
        out: dict[str, None] = {}
        work = [check]
        while work:
            name = work.pop()
            if name in out:
                continue
            out[name] = None
            record = self.pack.checks.get(name)
            if record is not None:
                work.extend(str(right[1]) for left, right in record.implies if left[1] == name)
            if name in self.base.results:
                for way in self.base.results[name].summary.alternatives:
                    work.extend(fact[1] for fact in way.facts if fact[0] == "fact")
        self.granted[check] = frozenset(out)
        return self.granted[check]

    def asking(self, check: str) -> list[tuple[str, int]]:
        """Lines of rules, as (rule, number), that a check can meet or help to meet."""
        return sorted({line for name in self.grants(check) for line in self.rules.get(name, ())})

    def alternatives(self, check: str, rules: Container[str]) -> frozenset[str]:
        """Names that stand in the lines of these rules that a check can meet, with its own."""
        return self.grants(check).union(*(self.lines[line] for line in self.asking(check) if line[0] in rules))

    def _service_of(self, rule: str) -> str:
        found = self.pack.rule(rule)
        return found.service if found is not None else ""

    def service(self, site: Site, flipped: list[str]) -> str:
        """The service of a site: that of the rules which it protects, else of those that ask for it, else of hooks
        with the same beginning, else a service with the name of the hook's beginning or of the family."""
        for rules in (flipped, [rule for rule, _ in self.rules.get(site.check, ())] if site.family == "lsm" else []):
            counts = Counter(self._service_of(rule) for rule in rules)
            if counts:
                return _most(counts)
        if site.family != "lsm":
            return site.family
        near = self._prefixes.get(_prefix(site.check))
        if near:
            return _most(near)
        word = _prefix(site.check)
        return word if word in self.pack.services else "other"


def _most(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))


def _prefix(check: str) -> str:
    """The first word of a hook after security_."""
    return check.removeprefix("security_").split("_", 1)[0] if check.startswith("security_") else ""
