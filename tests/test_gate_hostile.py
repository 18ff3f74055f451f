"""Sources from strangers: what breaks or outlasts the parser costs that unit, which is told, and nothing else."""

from __future__ import annotations

import pytest
from gate_trees import Bench, diff

from verifier.cli.decision import Terms, status
from verifier.cli.main import main
from verifier.frontend import extract
from verifier.gate.overlay import read_patch
from verifier.gate.run import compare
from verifier.gate.variant import make_variant


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    made = Bench(tmp_path_factory.mktemp("hostile"))
    yield made
    made.store.close()


def gated(bench, files):
    return compare(bench.clean, make_variant(bench.tree, bench.base, read_patch(str(bench.root), diff(bench.files, files))))


def held_lost(bench, files, why, monkeypatch=None):
    document = gated(bench, files)
    change = document.completeness.change
    assert [t.file for t in change.lost + change.partial] == ["drivers/other.c"]
    assert any(w in (change.lost + change.partial)[0].error for w in why), change
    assert not document.findings and not document.fixed
    assert status(document, Terms()) == 3
    return document


def with_text(bench, text):
    return bench.edited(("drivers/other.c", "\treturn unrelated(thing);\n", text + "\treturn unrelated(thing);\n"))


def test_deep_nesting(bench):
    parentheses = "\tint x = " + "(" * 10_000 + "1" + ")" * 10_000 + ";\n"
    held_lost(bench, with_text(bench, parentheses), ["nesting", "ended", "error"])
    blocks = "{" * 10_000 + "}" * 10_000 + "\n"
    held_lost(bench, with_text(bench, blocks), ["nesting", "ended", "error"])


def test_deep_nesting_that_the_parser_has_no_limit_for(bench):
    document = gated(bench, with_text(bench, "\tint x = 0;\n\tx = " + "1 + " * 20_000 + "1;\n"))
    assert document.completeness.change.total == 1 and not document.findings


def test_an_include_bomb(bench, monkeypatch):
    monkeypatch.setattr(extract, "PATCH_LIMITS", extract.Limits(2 << 30, 2))
    monkeypatch.setattr(extract.extract_files, "__defaults__", (extract.PATCH_LIMITS,))
    bomb = "#if __INCLUDE_LEVEL__ < 60\n" + '#include "bomb.h"\n' * 4 + "#endif\n"
    files = bench.edited(("drivers/other.c", '#include "thing.h"\n', '#include "thing.h"\n#include "bomb.h"\n'), add={"include/bomb.h": bomb})
    held_lost(bench, files, ["more than 2 CPU seconds"])


def test_a_macro_bomb(bench, monkeypatch):
    monkeypatch.setattr(extract.extract_files, "__defaults__", (extract.Limits(1 << 30, 4),))
    lines = ["#define A0 x + x + x + x + x + x + x + x"]
    lines += [f"#define A{n} " + " + ".join([f"A{n - 1}"] * 8) for n in range(1, 12)]
    files = with_text(bench, "\n" + "\n".join(lines) + "\n\tint x = A11;\n")
    held_lost(bench, files, ["ended", "gave up", "CPU seconds", "MemoryError", "error"])


def test_a_long_function(bench):
    document = gated(bench, with_text(bench, "\tthing->kind++;\n" * 50_000 + "\tcontrolled_op(thing);\n"))
    assert [f.function for f in document.findings] == ["door_other"] or status(document, Terms()) == 3


def test_a_patch_that_is_too_large_is_refused_by_size(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "tree").mkdir()
    with open(tmp_path / "big.patch", "wb") as file:
        file.truncate(500 << 20)
    with pytest.raises(SystemExit) as ended:
        main(["gate", str(tmp_path / "tree"), "--patch", str(tmp_path / "big.patch")])
    assert ended.value.code == 2 and "more than 64 MiB" in capfd.readouterr().err
    with pytest.raises(SystemExit):
        main(["gate", str(tmp_path / "tree"), "--patch", str(tmp_path / "big.patch"), "--max-patch", "1"])
    assert "more than 1 MiB" in capfd.readouterr().err


def test_nothing_of_a_patch_is_executed(bench, tmp_path):
    trap = f"touch {tmp_path}/ran"
    add = {
        "drivers/Makefile": f"obj-y := $(shell {trap})\n", "drivers/Kconfig": f"config X\n\tdefault $(shell,{trap})\n",
        "Kbuild": f"$(shell {trap})\n", "scripts/run.sh": f"#!/bin/sh\n{trap}\n",
    }  # fmt: skip
    document = gated(bench, bench.edited(add=add))
    assert not (tmp_path / "ran").exists()
    notes = [e.what for e in document.completeness.ledger if e.kind == "patch-note"]
    for name in ("drivers/Makefile", "drivers/Kconfig", "Kbuild"):
        assert f"{name}: not interpreted: nothing of a patch is executed" in notes
