"""Several configurations of one tree as one scan; what none of them compiled."""

import json
import shutil
from pathlib import Path

import pytest

from lattices.pack import load
from verifier.cli import facts, trees, uncompiled, union, usage
from verifier.cli.main import main
from verifier.errors import UsageError
from verifier.store import Store

pytestmark = pytest.mark.slow

RULE = """[[rule]]
id = "erase-thing"
service = "file"
operation = "erase(thing)"
requires = ["security_thing(thing)"]
reason = "erases"
"""
HEAD = "struct thing;\nint security_thing(struct thing *t);\nint erase(struct thing *t);\n"
CHECKED = HEAD + "long __do_sys_one(struct thing *t)\n{\n\tint e = security_thing(t);\n\tif (e)\n\t\treturn e;\n\treturn erase(t);\n}\n"
OPEN = HEAD + "long __do_sys_two(struct thing *t)\n{\n\treturn erase(t);\n}\n#ifdef NEVER\nint never(struct thing *t)\n{\n\treturn erase(t);\n}\n#endif\n"


@pytest.fixture
def scans(tmp_path):
    """Stores of two scans of one tree, of which each compiles other files."""
    tree = tmp_path / "tree"
    for name, text in {"fs/one.c": CHECKED, "fs/two.c": OPEN, "arch/x/a.c": "", "arch/x/deep/b.c": "", "fs/three.c": "", "fs/four.rs": "", "fs/five.S": ""}.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "r.toml").write_text(RULE)
    out = []
    for name, files in (("a", ["fs/one.c"]), ("b", ["fs/one.c", "fs/two.c"])):
        database = [{"directory": str(tree), "file": f, "arguments": ["gcc", "-c", f, "-o", f + ".o"]} for f in files]
        (tree / "compile_commands.json").write_text(json.dumps(database))
        store = tmp_path / f"{name}.sqlite"
        with pytest.raises(SystemExit) as ended:
            main(["scan", str(tree), "--store", str(store), "--build", str(tmp_path / f"build-{name}"), "--rules", str(tmp_path / "rules"),
                  "-q", "-j", "1", "--fail-on", "never", "--allow-incomplete", "100", "-o", str(tmp_path / "out")])  # fmt: skip
        assert ended.value.code == 0
        out.append((name, str(store)))
    return out


def test_union(scans, tmp_path, capfd):
    document, obligations = union.of(scans)
    assert document.completeness.units.total == document.completeness.units.analysed == 2
    assert [(o.function, o.verdict) for o in obligations] == [("__do_sys_one", "mediated"), ("__do_sys_two", "unmediated")]
    assert [(f.function, f.assumptions) for f in document.findings] == [("__do_sys_two", ["the kernel is configured as in b"])]
    assert document.configuration["union of"] == "a, b"
    ledger = {(entry.kind, entry.what, entry.count) for entry in document.completeness.ledger}
    assert {("never-compiled", "arch/", 2), ("never-compiled", "fs/three.c", 1), ("not-c-rust", "fs/", 1), ("not-c-assembly", "fs/", 1),
            ("never-compiled-function", "fs/two.c: never", 1)} <= ledger  # fmt: skip
    names = ",".join("=".join(pair) for pair in scans)
    with pytest.raises(SystemExit) as ended:
        main(["report", "--union", names, "--format", "html", "-o", str(tmp_path / "r")])
    assert ended.value.code == 0
    assert "functions that no configuration compiled: 1" in (tmp_path / "r" / "ledger.html").read_text()
    assert "configured as in b" in next((tmp_path / "r" / "findings").iterdir()).read_text()
    first = union.of(scans[:1])[0]
    assert first.findings == [] and ("never-compiled", "fs/two.c") in {(e.kind, e.what) for e in first.completeness.ledger}
    shutil.rmtree(tmp_path / "tree")
    assert not any(e.kind.startswith("never") for e in union.of(scans)[0].completeness.ledger)


def test_what_a_scan_leaves_for_the_report(scans, tmp_path):
    with Store.open(Path(scans[1][1])) as store:
        assert [(o.function, o.line, o.verdict) for o in facts.obligations(store)] == [("__do_sys_one", 9, "mediated"), ("__do_sys_two", 6, "unmediated")]
        assert [(d.name, d.subject, d.operations) for d in facts.doors(store)] == [
            ("__do_sys_one", "user", (("erase-thing", "mediated", 1),)), ("__do_sys_two", "user", (("erase-thing", "unmediated", 1),)),
        ]  # fmt: skip
        assert facts.modules(store, None, None) is None and facts.coverage(store, load(extra=[tmp_path / "rules"])) is None
        store.put("obligations", usage.used(store).digest, b"damaged")
        assert facts.obligations(store) is None


def test_a_report_finds_what_coverage_left(scans, tmp_path):
    rules = str(tmp_path / "rules")
    with pytest.raises(SystemExit):
        main(["coverage", str(tmp_path / "tree"), "--store", scans[1][1], "--build", str(tmp_path / "build-b"), "--rules", rules,
              "-q", "-j", "1", "--allow-incomplete", "100", "-o", str(tmp_path / "c")])  # fmt: skip
    with Store.open(Path(scans[1][1]), readonly=True) as store:
        sites = facts.coverage(store, load(extra=[rules]))["sites"]
    assert [(site["function"], site["status"]) for site in sites] == [("__do_sys_one", "load-bearing")]


def test_different_kernels_are_refused(scans):
    one, two = (union.scanned.opened(*pair) for pair in scans)
    two.document.configuration["kernel"] = "6.12"
    with pytest.raises(UsageError, match="of one tree"):
        union.merged([one, two])


@pytest.mark.parametrize("options", [["--union", "a"], ["--union", "a=/nowhere"], ["--union", "a=b", "--trees", "c=d"], ["--source", "ftp://x"]])
def test_wrong_options(options):
    with pytest.raises(SystemExit) as ended:
        main(["report", *options])
    assert ended.value.code == 2


def test_folders_are_folded():
    files = ["a/b/c.c", "a/b/d.c", "a/e.c", "f.c", "g/h.c"]
    assert uncompiled.folded(files, {"a/x.c"}) == [("a/b/", 2), ("a/e.c", 1), ("f.c", 1), ("g/", 1)]
    assert uncompiled.folded(files, set()) == [("a/", 3), ("f.c", 1), ("g/", 1)]


def test_functions_by_layout(tmp_path):
    (tmp_path / "a.c").write_text("static int __init one(int a,\n\t\tint b)\n{\n\treturn 1;\n}\n\nstruct x\n{\n\tint a;\n};\n\nSYSCALL_DEFINE1(two, int, a)\n{\n}\n")
    assert uncompiled.without(tmp_path / "a.c", [1, 12]) == []
    assert uncompiled.without(tmp_path / "a.c", [12]) == ["one"]
    assert uncompiled.without(tmp_path / "missing.c", []) == []
    assert trees.parsed(("a=b,c=d", "e=f"), "--x") == [("a", "b"), ("c", "d"), ("e", "f")]
