"""Certificates: what the scan of the corpus found mediated verifies or is listed; whatever is changed fails."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattices.pack import load
from verifier.certificates.produce import Producer, encode
from verifier.program.analyse import analysis
from verifier.store import Store
from verifier.tree import open_tree
from verifier.verify.check import Checker, Fails, check_all
from verifier.verify.cut import separated
from verifier.verify.linked import world_of

pytestmark = pytest.mark.slow

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
GROUNDS = {"constant", "dominated", "given", "declared", "opened", "condition", "wrapper", "caller", "no-door"}


def quiet(*_):
    pass


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """(records of the corpus, a function that links a fresh world)."""
    work = tmp_path_factory.mktemp("certificates")
    pack = load(extra=[CORPUS / "rules.toml"])
    store = Store.open(work / "store.db")
    found = analysis(open_tree(str(CORPUS), "plain", build=str(work / "build")), store, pack, 1, (), None)
    data, _ = encode(Producer(found).records())
    again, _ = encode(Producer(found).records())
    assert data == again
    lines = [json.loads(line) for line in data.decode().splitlines()]
    yield lines, lambda: world_of(found.records, store, pack, True, quiet), found.document().completeness.obligations
    store.close()


def test_everything_mediated_verifies_or_is_listed(scanned):
    lines, world, counted = scanned
    assert lines[0]["schema"] == "kqual-cert/1"
    outcome = check_all(world(), lines[1:])
    assert outcome.failed == []
    obligations = [r for r in lines[1:] if "ground" in r]
    assert len({(r["function"], r["rule"], r.get("line") or r["site"][2]) for r in obligations}) >= 0.9 * counted.mediated
    assert len(outcome.verified) + len(outcome.listed) == len(obligations)
    # that a second walk takes the steps of a first one has no certificate (docs/soundness.md)
    assert len(outcome.verified) >= 0.80 * sum(not r["file"].startswith("collections/") for r in obligations)
    assert {r["ground"] for r in outcome.verified} >= {"dominated", "condition", "wrapper", "caller"}
    assert all(r["reason"] for r in outcome.listed)


def test_no_certificate_for_what_the_corpus_knows_to_be_wrong(scanned):
    """Of the functions that the solver wrongly finds mediated only those get a certificate that rest on what both
    take for granted."""
    lines, _, _ = scanned
    wrong = [r for r in lines if r.get("function", "").startswith("FN_") and r.get("ground") in ("dominated", "wrapper")]
    assert {r["function"] for r in wrong} == {
        "FN_changed_by_helper_bad",  # callees are taken not to store to what was checked (docs/soundness.md)
        "FN_global_in_helper_bad",
    }


def proofs(record):
    """Every cut in a record, to any depth."""
    work = list(record.get("proofs", [])) + ([record["proof"]] if "proof" in record else [])
    while work:
        proof = work.pop()
        if proof["by"] == "cut":
            yield proof
        work += [c["proof"] for c in proof.get("calls", ())]


def mutations(record):
    """(what was changed, changed record) for every cut of a record."""
    for n, proof in enumerate(proofs(record)):
        for k, source in enumerate(proof["sources"]):
            for what in ("edge dropped", "edge moved", "argument changed", "block changed", "other check", "other lemma"):
                changed = copy.deepcopy(record)
                item = list(proofs(changed))[n]["sources"][k]
                if what == "edge dropped" and item["edges"] and len(proof["sources"]) == 1 and not proof["conditions"]:
                    item["edges"] = []
                elif what == "edge moved" and item["edges"]:
                    item["edges"][0][2] += 1000
                elif what == "argument changed" and item["args"]:
                    item["args"][0] += "x"
                elif what == "block changed":
                    item["site"][0] += 1
                elif what == "other check":
                    item["call"] += "x"
                elif what == "other lemma" and source["lemma"] is not None:
                    item["lemma"] = 10**6
                else:
                    continue
                yield what, changed


def test_changed_certificates_fail(scanned):
    lines, world, _ = scanned
    here = world()
    checker = Checker(here)
    seen = set()
    for record in lines[1:]:
        if record.get("ground") == "not-plainly":
            continue
        check = checker.lemma if "lemma" in record else checker.obligation
        check(record)
        for what, changed in mutations(record):
            seen.add(what)
            kept = dict(checker.lemmas)
            with pytest.raises(Fails):
                (checker.lemma if "lemma" in record else checker.obligation)(changed)
                pytest.fail(f"{what}: {record.get('function')} {record.get('rule')} still verifies", pytrace=False)
            checker.lemmas = kept
        if record.get("objects"):
            with pytest.raises(Fails, match="objects"):
                checker.obligation({**record, "objects": {n: t + "x" for n, t in record["objects"].items()}})
    assert seen >= {"edge dropped", "edge moved", "argument changed", "block changed", "other check", "other lemma"}


SHORT = ("given", "declared", "opened")  # proofs without a cut


def test_proofs_without_a_cut_hold_only_where_they_were_found(scanned):
    lines, world, _ = scanned
    checker = Checker(world())
    obligations = []
    for record in lines[1:]:
        if "lemma" in record:
            checker.lemma(record)
        elif record["ground"] != "not-plainly":
            obligations.append(record)
    assert {r["ground"] for r in obligations} >= set(SHORT)
    lemmas = sorted(checker.lemmas)
    for record in obligations:
        for by in SHORT:
            if by == record["ground"]:
                continue
            with pytest.raises(Fails):
                checker.obligation({**record, "proofs": [{"by": by, "lemmas": lemmas} for _ in record["proofs"] or [0]]})
    (opened,) = (r for r in obligations if r["ground"] == "opened")
    opener = checker.lemmas[opened["proofs"][0]["lemmas"][0]][0][0]
    for wrong in ([], [n for n in lemmas if checker.lemmas[n][0][0] != opener]):
        with pytest.raises(Fails, match="does not guarantee"):
            checker.obligation({**opened, "proofs": [{"by": "opened", "lemmas": wrong}]})


def test_whose_credentials_act_has_a_certificate(scanned):
    lines, world, _ = scanned
    here = world()
    acting = [r for r in lines[1:] if r.get("ground") == "dominated" and "acts_as(" in json.dumps(r["proofs"])]
    assert acting
    for record in acting:
        b, i, line = record["proofs"][0]["sources"][0]["site"]
        fn = copy.deepcopy(here.body(record["function"]))
        fn.blocks[b].statements[i] = ("asm", [], [], line)
        here.patch(record["function"], fn)
        assert check_all(here, [record]).failed
        here.unpatch(record["function"])
        assert not check_all(here, [record]).failed


def test_without_the_check_in_the_code_certificates_fail(scanned):
    """Each call of a check that a certificate names is taken out of the code: its result is unknown then."""
    lines, world, _ = scanned
    here = world()
    tried = 0
    for record in lines[1:]:
        if record.get("ground") != "dominated":
            continue
        (first, *_) = [p for p in record["proofs"] if p["by"] == "cut"]
        if any(len(p["sources"]) != 1 or p["conditions"] for p in [first]):
            continue
        fid, (b, i, line) = record["function"], first["sources"][0]["site"]
        fn = copy.deepcopy(here.body(fid))
        call = fn.blocks[b].statements[i]
        fn.blocks[b].statements[i] = ("havoc", call[1], line) if call[1] >= 0 else ("asm", [], [], line)
        here.patch(fid, fn)
        assert check_all(here, [record]).failed, f"{fid} {record['rule']}"
        here.unpatch(fid)
        assert not check_all(here, [record]).failed
        tried += 1
    assert tried > 50


def test_a_branch_turned_round_fails(scanned):
    lines, world, _ = scanned
    here = world()
    tried = 0
    for record in lines[1:]:
        if record.get("ground") != "dominated" or len(record["proofs"]) != 1 or len(record["proofs"][0]["sources"]) != 1:
            continue
        fid = record["function"]
        edges = [m for m in record["proofs"][0]["sources"][0]["edges"] if m[0] == "edge"]
        if not edges:
            continue  # credentials in force hold whatever the call returns
        fn = copy.deepcopy(here.body(fid))
        t = fn.blocks[edges[0][1]].terminator
        if t[0] != "br" or len(edges) != 1:
            continue
        fn.blocks[edges[0][1]].terminator = (t[0], t[1], t[3], t[2], t[4])
        here.patch(fid, fn)
        assert check_all(here, [record]).failed, f"{fid} {record['rule']}"
        here.unpatch(fid)
        tried += 1
    assert tried > 50


def test_statements_between_check_and_operation_count(scanned):
    """A store to what the check was asked about, put before the operation, makes every certificate about it fail."""
    lines, world, _ = scanned
    here = world()
    tried = 0
    for record in lines[1:]:
        if record.get("ground") != "dominated" or len(record["objects"]) != 1:
            continue
        (text,) = record["objects"].values()
        fid, (b, i, line) = record["function"], record["site"]
        fn = copy.deepcopy(here.body(fid))
        wanted = [e for e in range(len(fn.exprs)) if fn.exprs[e][0] == "v" and fn.exprs[e][1] == text]
        s = fn.blocks[b].statements[i] if i < len(fn.blocks[b].statements) else ("",)
        if s[0] != "call" or not wanted or wanted[:1] != [a for a in s[3] if a in wanted]:
            continue
        named = [text in source["args"] for p in record["proofs"] for source in p["sources"]]
        if not all(named):
            continue
        fn.blocks[b].statements.insert(i, ("havoc", wanted[0], line))
        here.patch(fid, fn)
        changed = {**record, "site": [b, i + 1, line]}
        assert check_all(here, [changed]).failed, f"{fid} {record['rule']}"
        here.unpatch(fid)
        tried += 1
    assert tried > 30


@settings(max_examples=300, deadline=None)
@given(
    st.integers(2, 9).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(1, n - 1)), max_size=20))
    )
)
def test_a_cut_at_all_edges_into_a_block_is_dominance(drawn):
    size, edges = drawn
    graph = nx.DiGraph()
    graph.add_nodes_from(range(size))
    graph.add_edges_from(edges)
    reached = nx.descendants(graph, 0) | {0}
    inside = graph.subgraph(reached).copy()
    parent = nx.immediate_dominators(inside, 0)
    for target in sorted(reached):
        dominators = {target}
        at = target
        while parent.get(at) not in (None, at):
            at = parent[at]
            dominators.add(at)
        for block in sorted(reached - {0}):
            into = {(x, y) for x, y in edges if y == block}
            assert separated(graph, [0], into, [target]) == (block in dominators)


def test_a_malformed_record_fails_and_nothing_else(scanned):
    lines, world, _ = scanned
    good = next(r for r in lines if r.get("ground") == "dominated")
    bad = [{}, {"ground": "dominated"}, {**good, "proofs": 3}, {**good, "site": "x"}, {**good, "function": "no_such"}, {"lemma": 1}]
    outcome = check_all(world(), [*bad, good])
    assert len(outcome.failed) == len(bad)
    assert outcome.verified == [good]


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
