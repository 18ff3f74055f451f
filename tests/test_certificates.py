"""Certificates: what the scan of the corpus found mediated verifies or is listed; whatever is changed fails."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lattices.pack import load
from verifier.certificates.produce import Producer, encode
from verifier.program.analyse import analysis
from verifier.program.linked import link_anew
from verifier.program.report import verdicts
from verifier.store import Store
from verifier.tree import open_tree
from verifier.verify.check import Checker, Fails, check_all
from verifier.verify.reading import invariants
from verifier.verify.world import World

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "corpus"
MOST_LINES = 650  # lines of code of the whole checker, the reading of rules included (docs/soundness.md)


def quiet(*_):
    pass


class Scanned:
    """Records of the corpus, and fresh worlds for them."""

    def __init__(self, lines, make, found):
        self.lines = lines
        self.make = make
        self.found = found
        self.counted = found.document().completeness.obligations
        self.world = make()
        self.lemmas = [r for r in lines[1:] if "lemma" in r]
        self.obligations = [r for r in lines[1:] if "ground" in r]
        self.proven = [r for r in self.obligations if r["ground"] != "not-plainly"]
        self.ready = self.checker(self.world)

    def checker(self, world):
        """A checker that has seen all lemmas."""
        checker = Checker(world)
        for record in self.lemmas:
            checker.lemma(record)
        return checker


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    work = tmp_path_factory.mktemp("certificates")
    pack = load(extra=[CORPUS / "rules.toml"])
    store = Store.open(work / "store.db")
    found = analysis(open_tree(str(CORPUS), "plain", build=str(work / "build")), store, pack, 1, (), None)
    data, _ = encode(Producer(found).records())
    again, _ = encode(Producer(found).records())
    assert data == again
    lines = [json.loads(line) for line in data.decode().splitlines()]

    def make():
        return World(*link_anew(found.records, store, pack, True, quiet), pack, lambda key: store.get("unit", key))

    yield Scanned(lines, make, found)
    store.close()


def test_everything_mediated_verifies_or_is_listed(scanned):
    assert scanned.lines[0]["schema"] == "kqual-cert/3"
    verified, listed, failed = check_all(scanned.make(), scanned.lines[1:])
    assert failed == []
    assert len({(r["function"], r["rule"], r.get("line") or r["site"][2]) for r in scanned.obligations}) >= 0.9 * scanned.counted.mediated
    assert verified == scanned.proven and len(verified) + len(listed) == len(scanned.obligations)
    # that a second walk takes the steps of a first one has no certificate (docs/soundness.md)
    assert len(verified) >= 0.85 * sum(not r["file"].startswith("collections/") for r in scanned.obligations)
    grounds = {"dominated", "condition", "wrapper", "caller", "constant", "no-door"}
    assert {r["ground"] for r in verified} == grounds
    assert all(r["reason"] for r in listed)


def test_what_an_invariant_can_say_that_one_edge_cannot(scanned):
    """Correlated branches, merged results and two objects behind one variable."""
    proven = {r["function"].split("@")[0] for r in scanned.proven}
    assert proven >= {"same_command_twice_ok", "null_guard_ok", "result_of_many_ok", "chain_of_errors_ok", "nested_conditional_ok"}


def test_no_certificate_for_what_the_corpus_knows_to_be_wrong(scanned):
    """Of the functions that the solver wrongly finds mediated only those get a certificate that rest on what both
    take for granted."""
    assert {r["function"] for r in scanned.proven if r["function"].startswith("FN_")} == {
        "FN_filled_through_a_copy_bad",  # the tables do not tell that the callee writes there (docs/soundness.md)
        "FN_changed_by_helper_bad",  # callees are taken not to store to what was checked (docs/soundness.md)
        "FN_global_in_helper_bad",
    }


def test_nothing_is_proven_that_the_solver_finds_open(scanned):
    """The search is given every line of a rule that is a finding: it and the solver share no code."""
    found = scanned.found
    words = verdicts(found.results, found.frontier(), found.program, found.doors)
    producer = Producer(found)
    proven, tried = set(), 0
    for fid, rule, ordinal in sorted(k for k, word in words.items() if word == "unmediated"):
        result = found.results[fid]
        open_lines = {(r.rule, r.component, r.ordinal) for r in [*result.summary.requires, *result.closed]}
        for v in result.verdicts:
            if (v.rule, v.ordinal) == (rule, ordinal) and (v.rule, v.component, v.ordinal) in open_lines:
                record = producer.record(fid, v.rule, v.component, v.ordinal, v.line)
                tried += 1
                if record["ground"] != "not-plainly":
                    proven.add(fid)
    assert tried > 200
    assert proven == {"never_locked_bad"}  # that a lock was held at all is not shown (docs/soundness.md)


def proofs(record):
    """Every proof in a record that has invariants, to any depth."""
    work = [record["proof"]]
    while work:
        proof = work.pop()
        if "blocks" in proof:
            yield proof
            work += [c["proof"] for item in proof["assume"] for c in item["calls"]]


def mutations(record):
    """(what was changed, changed record) for every proof of a record."""
    for n, proof in enumerate(proofs(record)):

        def changed(n=n):
            out = copy.deepcopy(record)
            return out, list(proofs(out))[n]

        for k, grant in enumerate(proof["grants"]):
            for what in ("edge dropped", "edge moved", "site moved", "other check", "other lemma"):
                out, own = changed()
                item = own["grants"][k]
                if what == "edge dropped":
                    item["edges"].pop()
                elif what == "edge moved":
                    item["edges"][0][2] += 1000
                elif what == "site moved" and grant["site"] is not None:
                    item["site"][0] += 1
                elif what == "other check" and grant["site"] is not None:
                    item["call"] += "x"
                elif what == "other lemma" and grant["lemma"] is not None:
                    item["lemma"] = 10**6
                else:
                    continue
                yield what, out
        for k, literal in enumerate(proof["literals"]):
            if literal[0] == "call":
                out, own = changed()
                own["literals"][k][1] += "x"
                yield "literal changed", out
        for block, alternatives in proof["blocks"].items():
            for k, _ in enumerate(alternatives):
                out, own = changed()
                del own["blocks"][block][k]
                yield "alternative dropped", out
                out, own = changed()
                own["blocks"][block][k].setdefault("is", []).append([["v", "nothing"], ["c", 1]])
                yield "value invented", out
                out, own = changed()
                own["blocks"][block][k].setdefault("knows", []).append([["p", 99], 2])
                yield "outcome invented", out
                if proof["literals"] and not alternatives[k].get("holds"):
                    out, own = changed()
                    own["blocks"][block][k]["holds"] = [0]
                    yield "holds too early", out


def test_changed_certificates_fail(scanned):
    checker = Checker(scanned.make())
    seen = {}
    for record in [*scanned.lemmas, *scanned.proven]:
        check = checker.lemma if "lemma" in record else checker.obligation
        check(record)
        kept = dict(checker.lemmas), dict(checker.returns)
        for what, changed in mutations(record):
            with pytest.raises((Fails, LookupError)):
                check(changed)
                pytest.fail(f"{what}: {record.get('function')} {record.get('rule')} still verifies\n{changed}", pytrace=False)
            seen[what] = seen.get(what, 0) + 1
            checker.lemmas, checker.returns = dict(kept[0]), dict(kept[1])
        for name in record.get("objects", {}):
            with pytest.raises(Fails):
                checker.obligation({**record, "objects": {**record["objects"], name: ["p", 99]}})
                pytest.fail(f"{name} {record}", pytrace=False)
    assert set(seen) == {
        "edge dropped", "edge moved", "site moved", "other check", "other lemma", "literal changed", "alternative dropped",
        "value invented", "outcome invented", "holds too early",
    }  # fmt: skip
    assert min(seen.values()) > 5


def test_what_is_assumed_at_entry_must_be_shown(scanned):
    """Callers left out, or a caller's proof that shows nothing."""
    checker = scanned.checker(scanned.make())
    tried = 0
    for record in scanned.proven:
        for n, item in enumerate(record["proof"].get("assume", ())):
            for calls in (item["calls"][1:], [*item["calls"], item["calls"][0] | {"function": record["function"]}]):
                changed = copy.deepcopy(record)
                changed["proof"]["assume"][n]["calls"] = calls
                with pytest.raises(Fails, match="callers"):
                    checker.obligation(changed)
            changed = copy.deepcopy(record)
            changed["proof"]["assume"][n]["calls"] = [{**c, "proof": {"nobody": []}} for c in item["calls"]]
            with pytest.raises(Fails, match="door"):
                checker.obligation(changed)
            tried += 1
    assert tried > 4


def test_a_function_runs_for_nobody_only_where_no_door_leads_to_it(scanned):
    checker = scanned.checker(scanned.make())
    every = sorted(scanned.world.program.functions)
    for record in scanned.proven:
        if record["ground"] == "no-door":
            before = record["proof"]["nobody"]
            for f in before:
                with pytest.raises(Fails, match="door"):
                    checker.obligation({**record, "proof": {"nobody": [x for x in before if x != f]}})
        else:
            for nobody in ([], every):
                with pytest.raises(Fails, match="door"):
                    checker.obligation({**record, "proof": {"nobody": nobody}})


def without(fn, sites):
    """A body without some calls: their results are unknown then."""
    fn = copy.deepcopy(fn)
    for b, i, line in sites:
        call = fn.blocks[b].statements[i]
        fn.blocks[b].statements[i] = ("havoc", call[1], line) if call[1] >= 0 else ("asm", [], [], line)
    return fn


def granting(scanned, ground="dominated"):
    """Records whose proof needs nothing but calls in the function itself."""
    return [r for r in scanned.proven if r["ground"] == ground and all(g["site"] is not None for g in r["proof"]["grants"])]


def test_without_the_check_in_the_code_certificates_fail(scanned):
    """The calls of checks that a certificate names are taken out of the code, and out of the list: nothing shows it then."""
    here = scanned.make()
    checker = scanned.checker(here)
    records = granting(scanned)
    for record in records:
        fid, grants = record["function"], record["proof"]["grants"]
        here.patched[fid] = without(here.body(fid), [g["site"] for g in grants])
        for changed in (record, {**record, "proof": {**record["proof"], "grants": []}}):
            with pytest.raises(Fails):
                checker.obligation(changed)
                pytest.fail(f"{fid} {record['rule']}", pytrace=False)
        del here.patched[fid]
        checker.obligation(record)
    assert len(records) > 100


def corrupted(proof, rng):
    """A proof whose invariants, and what it lists, say something else somewhere."""
    proof = copy.deepcopy(proof)
    blocks = proof["blocks"]
    every = [a for alternatives in blocks.values() for a in alternatives] or [{}]
    for _ in range(rng.randint(1, 4)):
        block = rng.choice([*blocks, str(rng.randint(0, 12))])
        own = blocks.setdefault(block, [copy.deepcopy(rng.choice(every))])
        what = rng.randint(0, 6)
        target = rng.choice(own) if own else {}
        if what == 0:
            target["holds"] = [rng.randint(-1, len(proof["literals"]))]
        elif what == 1 and own:
            own.pop(rng.randrange(len(own)))
        elif what == 2:
            own.append(copy.deepcopy(rng.choice(every)))
        elif what == 3:
            target["knows"] = [[term, rng.choice([1, 2, 4, 5, -1, 0])] for term, _ in target.get("knows", [])] + [[["!", 0], 7], [["v", "err"], 2]]
        elif what == 4:
            target.pop(rng.choice(["is", "knows", "asked", "holds"]), None)
        elif what == 5:
            target["asked"] = [[0, 0, 0, 7, ["c", 0]]]
        else:
            proof["grants"] = [g for g in proof["grants"] if rng.random() < 0.5]
    return proof


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_no_invariant_makes_up_for_a_check_that_is_not_there(scanned, seed):
    rng = random.Random(seed)
    here = scanned.world
    record = rng.choice(granting(scanned))
    proof = corrupted(record["proof"], rng)
    fid = record["function"]
    here.patched[fid] = without(here.body(fid), [g["site"] for g in record["proof"]["grants"]])
    try:
        scanned.ready.obligation({**record, "proof": proof})
    except (Fails, LookupError, TypeError, ValueError, AttributeError):
        return
    finally:
        del here.patched[fid]
    raise AssertionError(f"{fid} {record['rule']}: {proof}")


def test_a_branch_turned_round_fails(scanned):
    here = scanned.make()
    checker = scanned.checker(here)
    tried = 0
    for record in granting(scanned):
        fid = record["function"]
        edges = [m for g in record["proof"]["grants"] for m in g["edges"] if m[0] == "edge"]
        fn = copy.deepcopy(here.body(fid))
        if len(edges) != 1 or fn.blocks[edges[0][1]].terminator[0] != "br":
            continue  # credentials in force hold whatever the call returns
        t = fn.blocks[edges[0][1]].terminator
        fn.blocks[edges[0][1]].terminator = (t[0], t[1], t[3], t[2], t[4])
        here.patched[fid] = fn
        with pytest.raises(Fails):
            checker.obligation(record)
            pytest.fail(f"{fid} {record['rule']}", pytrace=False)
        del here.patched[fid]
        tried += 1
    assert tried > 50


def test_statements_between_check_and_operation_count(scanned):
    """A store to what the check was asked about, put before the operation, makes every certificate about it fail."""
    here = scanned.make()
    checker = scanned.checker(here)
    tried = 0
    for record in granting(scanned):
        texts = list(record["says"].values())
        fid, (b, i, line) = record["function"], record["site"]
        fn = copy.deepcopy(here.body(fid))
        wanted = [e for e in range(len(fn.exprs)) if fn.exprs[e] == ("v", texts[0]) or fn.exprs[e] == ["v", texts[0]]] if len(texts) == 1 else []
        s = fn.blocks[b].statements[i] if i < len(fn.blocks[b].statements) else ("",)
        if s[0] != "call" or not wanted or wanted[:1] != [a for a in s[3] if a in wanted]:
            continue
        if not all(f"({texts[0]}" in says for says in record["proof"]["says"]):
            continue
        fn.blocks[b].statements.insert(i, ("havoc", wanted[0], line))
        here.patched[fid] = fn
        with pytest.raises(Fails):
            checker.obligation({**record, "site": [b, i + 1, line]})
            pytest.fail(f"{fid} {record['rule']}", pytrace=False)
        del here.patched[fid]
        tried += 1
    assert tried > 30


@settings(max_examples=300, deadline=None)
@given(
    st.integers(2, 9).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(1, n - 1)), max_size=20))
    ),
    st.integers(1, 8),
)
def test_a_listed_block_speaks_for_all_that_it_dominates(drawn, head):
    """Dominance once more, by what can be reached without the block."""
    size, edges = drawn
    graph = nx.DiGraph(edges)
    graph.add_nodes_from(range(size))
    reached = nx.descendants(graph, 0) | {0}
    order = list(nx.dfs_postorder_nodes(graph, 0))[::-1]
    number = {b: n for n, b in enumerate(order)}  # blocks are numbered in reverse postorder
    graph = nx.relabel_nodes(graph.subgraph(reached), number)
    found = invariants(graph, {str(head): [{"holds": [0]}]})
    rest = graph.subgraph(set(graph) - {head})
    avoiding = (nx.descendants(rest, 0) | {0}) if head else set()
    for block in graph:
        assert (("!", 0) in found[block][0].known) == (block not in avoiding)


def test_a_malformed_record_fails_and_nothing_else(scanned):
    good = next(r for r in granting(scanned) if all(g["lemma"] is None for g in r["proof"]["grants"]))
    proof = good["proof"]
    bad = [
        {}, {"ground": "dominated"}, {**good, "proof": 3}, {**good, "site": "x"}, {**good, "function": "no_such"}, {"lemma": 1},
        {**good, "site": [10**9, 0, 1]}, {**good, "site": [-1, 0, 1]}, {**good, "component": -1}, {**good, "rule": ["x"]},
        {**good, "proof": {**proof, "blocks": {"0": [{}] * 1000}}}, {**good, "proof": {**proof, "blocks": {"x": [{}]}}},
        {**good, "proof": {**proof, "assume": [{"literals": list(range(9))}] * 9}},
        {**good, "proof": {**proof, "literals": [["u"]]}}, {**good, "objects": {"other": ["p", 0]}},
        {**good, "proof": {**proof, "blocks": {"0": [{"knows": [[["!", 0], 0]]}]}}},
    ]  # fmt: skip
    deep = []
    for _ in range(5000):
        deep = [deep]
    bad.append({**good, "proof": {**proof, "blocks": {"0": [{"is": [[["v", "x"], deep]]}]}}})
    verified, _, failed = check_all(scanned.make(), [*scanned.lemmas, *bad, good])
    assert len(failed) == len(bad)
    assert verified == [good]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_whatever_stands_in_a_file_ends_in_an_answer(scanned, seed):
    rng = random.Random(seed)
    record = copy.deepcopy(rng.choice([*scanned.lemmas, *scanned.proven]))
    for _ in range(rng.randint(1, 3)):
        item = record
        while True:
            keys = list(item) if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else []
            if not keys:
                break
            key = rng.choice(list(keys))
            if not isinstance(item[key], dict | list) or rng.random() < 0.1:
                item[key] = rng.choice([None, -1, 10**30, 1.5, "x", [], {}, ["p"], [["c"]], True])
                break
            item = item[key]
    verified, listed, failed = check_all(scanned.world, [record])
    assert len(verified) + len(listed) + len(failed) <= 1


def test_the_checker_is_small():
    """The bound that docs/soundness.md states, counted as it says."""
    counted = subprocess.run(
        [sys.executable, "benchmarks/code_lines.py", "verifier/verify"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    lines = int(counted.stdout.split()[-3])
    assert lines <= MOST_LINES
    assert f"{MOST_LINES} lines" in (ROOT / "docs" / "soundness.md").read_text(encoding="utf-8")


def kqual(*words):
    return subprocess.run([sys.executable, "-m", "verifier.cli.main", *words], capture_output=True, text=True, check=False)


def test_the_commands(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    code = (
        "struct inode;\nstruct dentry;\nint security_inode_unlink(struct inode *dir, struct dentry *dentry);\n"
        "struct inode_operations { int (*unlink)(struct inode *, struct dentry *); };\n"
        "struct inode { const struct inode_operations *i_op; };\nint inode_permission(void *, struct inode *, int);\n"
        "int drop(struct inode *dir, struct dentry *dentry)\n{\n\tint err = inode_permission(0, dir, 3);\n"
        "\tif (err)\n\t\treturn err;\n\terr = security_inode_unlink(dir, dentry);\n\tif (err)\n\t\treturn err;\n"
        "\treturn dir->i_op->unlink(dir, dentry);\n}\n"
    )
    (tree / "a.c").write_text(code)
    common = ["--build", str(tmp_path / "build"), "--store", str(tmp_path / "store.db"), "-q", "--config", "plain"]
    cert = str(tmp_path / "cert.jsonl")
    done = kqual("scan", str(tree), "--certificates", cert, "--fail-on", "never", *common)
    assert done.returncode == 0, done.stdout + done.stderr
    done = kqual("verify", cert, str(tree), *common)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout and "dominated" in done.stdout
    asked = "security_inode_unlink(dir, dentry);\n\tif ("
    (tree / "a.c").write_text(code.replace(asked, asked + "!"))
    done = kqual("verify", cert, str(tree), *common)
    assert done.returncode == 1
    assert "fails: a.c:" in done.stdout
    (tmp_path / "no.jsonl").write_text("{}\n")
    assert kqual("verify", str(tmp_path / "no.jsonl"), str(tree), *common).returncode == 2
    assert kqual("verify", str(tmp_path / "none"), str(tree), *common).returncode == 2
