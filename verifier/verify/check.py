"""Checking certificates of the schema kqual-cert/1: one JSON object a line, a head, lemmas, obligations.

    {"schema", "kernel", "rules"}
    {"lemma", "function", "outcomes", "check", "args", "denied", "lock", "proof"}   a wrapper's guarantee; only earlier lemmas are used
    {"rule", "component", "function", "file", "site", "objects", "ground", "proofs"}   one proof for each clause
    {"rule", "component", "function", "file", "line", "ground": "not-plainly", "reason"}

Proofs: {"by": "cut", "sources", "conditions"}, {"by": "callers", "calls"}, {"by": "declared"}, {"by": "given"},
{"by": "opened", "lemmas"}, {"by": "no-door"}.  The checker computes
anew what each entry claims; nothing of a certificate is taken for true but which calls and edges to look at.
"""

from __future__ import annotations

from typing import Any

from verifier.verify.clauses import Clause, Names, Operations, Wanted, literal_text
from verifier.verify.cut import Held, Source, TooLarge, Unrolled
from verifier.verify.evidence import Evidence, Lemma
from verifier.verify.points import Point
from verifier.verify.terms import Term, Terms, lasting, show
from verifier.verify.world import World

SCHEMA = "kqual-cert/1"
MOST_DEPTH = 8
OUTCOMES = {"negative": 1, "zero": 2, "positive": 4}


class Fails(Exception):
    """A certificate that does not hold; the message says where."""


def terms_of(world: World, fid: str) -> Terms:
    """Terms of a function, kept."""
    found = world.terms.get(fid)
    if found is None:
        fn = world.body(fid)
        if fn is None or not fn.blocks:
            raise Fails(f"{fid}: no such function")
        info = world.program.functions[fid]
        slots: dict[int, list[str]] = {}
        for slot, line in [*info.index.slots, *info.index.others]:
            slots.setdefault(line, []).append(slot)
        found = world.terms[fid] = Terms(fn, info.unit, world, 0, slots)
    return found


def call_sites(world: World, fid: str) -> list[tuple[str, Point]] | None:
    """Every call that can reach a function, by the link tables; None where one cannot be named."""
    out: list[tuple[str, Point]] = []
    for caller in world.program.callers.get(fid, ()):
        terms = terms_of(world, caller)
        for point in terms.points.calls:
            name = terms.points.callee(point)
            if name is not None and world.program.resolve(terms.unit, name) == fid:
                out.append((caller, point))
    for slot in world.program.slots_of(fid):
        for caller in world.program.slot_callers.get(slot, ()):
            index = world.program.functions[caller].index
            lines = {line for s, line in [*index.slots, *index.others] if s == slot}
            terms = terms_of(world, caller)
            found = [p for p in terms.points.calls if terms.points.callee(p) is None and terms.points.statement(p)[-1] in lines]
            if not found:
                return None
            out += [(caller, p) for p in found]
    return sorted(set(out))


def unreached(world: World, fid: str, subject: str) -> bool:
    """Whether no door of the rule's subjects leads to a function, by the tables of doors."""
    return world.doors.nearest.get(fid) is None and (subject != "any" or world.doors.other.get(fid) is None)


def is_door(world: World, fid: str, subject: str) -> bool:
    """Whether a function is itself a door that counts for a rule."""
    door = world.doors.entries.get(fid)
    return door is not None and (door.subject == "user" or (door.subject != "none" and subject == "any"))


def declared(world: World, fid: str, clause: Clause) -> bool:
    """Whether every table entry that holds a function declares what a literal of the clause asks for, and nobody calls the
    function but through these tables."""
    for literal in clause:
        check = world.pack.check(literal[1]) if literal[0] == "call" and not literal[3] else None
        if check is None or not check.slots or not literal[2] or literal[2][0][:1] != ("c",):
            continue
        held = world.program.slots_of(fid)
        places = [dict(t.constants) for slot in check.slots if slot in held for t in world.program.targets(slot) if t.fid == fid]
        # an entry without any number is a copy that a dispatcher makes of one that stands here, too
        flags = [entry.get(check.member, 0) for entry in places if entry]
        if flags and all(f & literal[2][0][1] == literal[2][0][1] for f in flags) and not world.program.callers.get(fid):
            return True
    return False


def openers_of(world: World, fid: str) -> list[str]:
    """The functions that open the tables of a function; none where one of them does not come before all use."""
    found = list(world.program.openers(fid))
    return [opener for _, opener in found] if all(slot in world.pack.opened for slot, _ in found) else []


class Checker:
    """Checks the records of one file, in their order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lemmas: dict[int, tuple[Lemma, str]] = {}

    def lemma(self, record: dict[str, Any]) -> None:
        """Check a lemma and keep it; raises Fails."""
        args = tuple(_term(a) for a in record["args"])
        outcomes = sum(OUTCOMES[w] for w in record["outcomes"])
        lemma: Lemma = (record["function"], outcomes, record["check"], args, record["denied"])
        evidence = Evidence(self.world, terms_of(self.world, lemma[0]), record["lock"])
        if evidence.subjects:
            raise Fails(f"{lemma[0]} changes the subject")
        if not all(lasting(a) or a[0] == "u" for a in args):
            raise Fails(f"{lemma[0]}: the guarantee speaks of its locals")
        clause: Clause = (("call", lemma[2], tuple(None if a[0] == "u" else a for a in args), lemma[4]),)
        self.cut(evidence, clause, None, outcomes, record["proof"], record["lock"])
        self.lemmas[record["lemma"]] = (lemma, record["lock"])

    def obligation(self, record: dict[str, Any]) -> None:
        """Check an obligation; raises Fails."""
        rule = self.world.rules.get(record["rule"])
        if rule is None or not 0 <= record["component"] < len(rule.requires):
            raise Fails(f"no rule {record['rule']} with such a line")
        terms = terms_of(self.world, record["function"])
        point = self.point(terms, record["site"])
        names = Operations(self.world, terms).at(rule, point)
        if names is None:
            raise Fails("the operation is not performed there")
        if objects(names, terms) != record["objects"]:
            raise Fails(f"the objects are {objects(names, terms)}")
        clauses = Wanted(self.world).clauses(rule, record["component"], names)
        if len(clauses) != len(record["proofs"]):
            raise Fails(f"{len(clauses)} clauses, {len(record['proofs'])} proofs")
        for clause, proof in zip(clauses, record["proofs"], strict=True):
            self.proof(record["function"], clause, point, proof, rule, ())

    def proof(self, fid: str, clause: Clause, point: Point, proof: dict[str, Any], rule: Any, trail: tuple[str, ...]) -> None:
        """Check that a clause holds at a point of a function; raises Fails."""
        evidence = Evidence(self.world, terms_of(self.world, fid), rule.lock or "")
        by = proof["by"]
        if by == "cut":
            self.cut(evidence, clause, point, 0, proof, rule.lock or "")
        elif by == "no-door":
            if not unreached(self.world, fid, rule.subject):
                raise Fails(f"{fid} is reached from a door")
        elif by == "given":
            if not any(evidence.given(literal) for literal in clause):
                raise Fails(f"{fid}: no call gave it out")
        elif by == "opened":
            self.opened(evidence, fid, clause, point, proof)
        elif by == "declared":
            if not declared(self.world, fid, clause):
                raise Fails(f"{fid}: not every entry declares it")
        elif by == "callers":
            if fid in trail or len(trail) >= MOST_DEPTH:
                raise Fails(f"{fid}: the chain of callers does not end")
            if is_door(self.world, fid, rule.subject):
                raise Fails(f"{fid} is a door")
            if not evidence.lasts(clause, point):
                raise Fails(f"{fid}: callers cannot speak of what is used here")
            sites = call_sites(self.world, fid)
            listed = {(c["function"], *c["site"][:2]): c["proof"] for c in proof["calls"]}
            if not sites or {(f, *p) for f, p in sites} != set(listed):
                raise Fails(f"{fid}: not exactly its callers are listed")
            for caller, at in sites:
                above = Evidence(self.world, terms_of(self.world, caller), "").above(clause, at)
                self.proof(caller, above, at, listed[(caller, *at)], rule, (*trail, fid))
        else:
            raise Fails(f"unknown kind of proof {by}")

    def opened(self, evidence: Evidence, fid: str, clause: Clause, point: Point, proof: dict[str, Any]) -> None:
        """Check that every way to open the function's tables guarantees the clause; raises Fails."""
        shown = {lemma[0]: lemma for n in proof["lemmas"] for lemma, lock in [self.lemmas.get(n, (("",), ""))] if not lock}
        if not evidence.lasts(clause, point):
            raise Fails(f"{fid}: what was opened may be another one here")
        openers = openers_of(self.world, fid)
        for opener in openers:
            lemma = shown.get(opener)
            types = [p.type for p in terms_of(self.world, opener).fn.params]
            if lemma is None or not lemma[1] & OUTCOMES["zero"] or not any(evidence.opened(x, types, lemma) for x in clause):
                raise Fails(f"{fid}: {opener} does not guarantee it")
        if not openers:
            raise Fails(f"{fid}: nothing opens its tables")

    def cut(
        self, evidence: Evidence, clause: Clause, point: Point | None, outcomes: int, proof: dict[str, Any], lock: str
    ) -> None:
        """Check a cut; raises Fails."""
        terms = evidence.terms
        params = [p.name for p in terms.fn.params]
        sources: list[Source] = []
        helds: list[Held] = []
        marks: set[tuple] = set()
        for item in proof["sources"]:
            at = self.point(terms, item["site"])
            literal = clause[item["literal"]] if 0 <= item["literal"] < len(clause) else None
            if literal is None or at not in terms.points.calls or terms.points.callee(at) != item["call"]:
                raise Fails(f"{terms.fn.name}: no call of {item['call']} at {item['site']}")
            if [show(a, params) for a in terms.arguments(at)] != item["args"]:
                raise Fails(f"{terms.fn.name}:{item['site'][2]}: other arguments")
            if item["lemma"] is None:
                source = evidence.direct(literal, at)
            else:
                known = self.lemmas.get(item["lemma"])
                if known is None or known[1] != lock:
                    raise Fails(f"lemma {item['lemma']} was not shown before")
                source = evidence.through(literal, at, known[0])
            if source is None:
                raise Fails(f"{terms.fn.name}:{item['site'][2]}: {item['call']} is no check of {literal_text(literal, params)}")
            sources.append(source)
            marks |= {tuple(m) for m in item["edges"]}
        for item in proof["conditions"]:
            literal = clause[item["literal"]] if 0 <= item["literal"] < len(clause) else ("?",)
            held = evidence.held(literal)
            if held is None or {tuple(m[1:]) for m in item["edges"]} - held.edges:
                raise Fails(f"{terms.fn.name}: no branch on {item['condition']}")
            helds.append(held)
            marks |= {tuple(m) for m in item["edges"]}
        if len({s.point for s in sources}) != len(sources):
            raise Fails(f"{terms.fn.name}: a call is listed twice")
        try:
            unrolled = Unrolled(terms, sources, helds, point)
        except TooLarge:
            raise Fails(f"{terms.fn.name} is too large") from None
        missing = marks - set(unrolled.marks())
        if missing:
            raise Fails(f"{terms.fn.name}: {min(missing, key=repr)} is no edge on which a check allows")
        if not unrolled.holds(marks, outcomes):
            raise Fails(f"{terms.fn.name}: the operation is reached without the edges")

    @staticmethod
    def point(terms: Terms, site: list[int]) -> Point:
        """A site of a certificate as a point; raises Fails where there is none, or on another line."""
        b, i, line = site
        blocks = terms.fn.blocks
        if not 0 <= b < len(blocks) or not 0 <= i <= len(blocks[b].statements):
            raise Fails(f"{terms.fn.name}: no place {b}.{i}")
        if line_at(terms, (b, i)) != line:
            raise Fails(f"{terms.fn.name}: {b}.{i} is on line {line_at(terms, (b, i))}")
        return (b, i)


def line_at(terms: Terms, point: Point) -> int:
    """Line of a statement or terminator; 0 for a plain jump."""
    block = terms.fn.blocks[point[0]]
    if point[1] < len(block.statements):
        return block.statements[point[1]][-1]
    return 0 if block.terminator[0] == "jmp" else block.terminator[-1]


def objects(names: Names, terms: Terms) -> dict[str, str]:
    """Operands as text."""
    params = [p.name for p in terms.fn.params]
    return {name: show(term, params) for name, term in sorted(names.items())}


def _term(item: Any) -> Term:
    return tuple(_term(i) if isinstance(i, list) else i for i in item)


class Outcome:
    """What became of the records of a file: `failed` are (record, why), `listed` those without a proof."""

    def __init__(self) -> None:
        self.verified: list[dict[str, Any]] = []
        self.listed: list[dict[str, Any]] = []
        self.failed: list[tuple[dict[str, Any], str]] = []


def check_all(world: World, records: list[dict[str, Any]]) -> Outcome:
    """Check every lemma and obligation of a file, in order."""
    checker = Checker(world)
    out = Outcome()
    for record in records:
        try:
            if "lemma" in record:
                checker.lemma(record)
            elif record["ground"] == "not-plainly":
                out.listed.append(record)
            else:
                checker.obligation(record)
                out.verified.append(record)
        except Fails as why:
            out.failed.append((record, str(why)))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            out.failed.append((record, f"malformed: {type(error).__name__}: {error}"))
    return out
