"""Sources from strangers: what breaks or outlasts the parser costs that unit, which is told, and nothing else."""

from __future__ import annotations

import resource
import subprocess
import sys
from contextlib import contextmanager

import pytest
from gate_trees import Bench, diff

from verifier.cli.decision import Terms, status
from verifier.cli.main import main
from verifier.frontend import extract, workers
from verifier.gate.overlay import read_patch
from verifier.gate.run import compare
from verifier.gate.variant import make_variant

pytestmark = pytest.mark.slow


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


@contextmanager
def within(seconds):
    """What is done inside takes no more CPU seconds, of all processes, and no process more memory than a worker may use."""

    def used():
        own, below = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return own.ru_utime + own.ru_stime + below.ru_utime + below.ru_stime

    begin = used()
    yield
    assert used() - begin < seconds
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10 <= workers.PATCH_LIMITS.memory


def limited(monkeypatch, memory, seconds):
    monkeypatch.setattr(extract.extract_files, "__defaults__", (workers.Limits(memory, seconds),))


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
    limited(monkeypatch, 2 << 30, 2)
    bomb = "#if __INCLUDE_LEVEL__ < 60\n" + '#include "bomb.h"\n' * 4 + "#endif\n"
    files = bench.edited(("drivers/other.c", '#include "thing.h"\n', '#include "thing.h"\n#include "bomb.h"\n'), add={"include/bomb.h": bomb})
    with within(15):
        held_lost(bench, files, ["more than 2 CPU seconds"])


def test_a_macro_bomb(bench, monkeypatch):
    limited(monkeypatch, 1 << 30, 4)
    lines = ["#define A0 x + x + x + x + x + x + x + x"]
    lines += [f"#define A{n} " + " + ".join([f"A{n - 1}"] * 8) for n in range(1, 12)]
    files = with_text(bench, "\n" + "\n".join(lines) + "\n\tint x = A11;\n")
    with within(20):
        held_lost(bench, files, ["ended", "gave up", "CPU seconds", "MemoryError", "error"])


def test_a_long_function(bench):
    document = gated(bench, with_text(bench, "\tthing->kind++;\n" * 50_000 + "\tcontrolled_op(thing);\n"))
    assert [f.function for f in document.findings] == ["door_other"] or status(document, Terms()) == 3


def test_a_function_of_a_million_lines(bench, monkeypatch):
    limited(monkeypatch, 2 << 30, 5)
    files = with_text(bench, "\tthing->kind++;\n" * 1_000_000)
    with within(60):
        held_lost(bench, files, ["CPU seconds", "gave up", "MemoryError", "ended"])


def test_a_crash_of_the_parser_costs_its_unit_alone(bench):
    files = with_text(bench, "\tint x = " + "!" * 200_000 + "1;\n")
    files["core/doors.c"] = files["core/doors.c"].replace("\tif (err)\n\t\treturn err;\n", "", 1)
    with within(30):
        document = gated(bench, files)
    assert [(t.file, "ended with status -11" in t.error) for t in document.completeness.change.lost] == [("drivers/other.c", True)]
    assert [f.function for f in document.findings] == ["door_wrapped"] and status(document, Terms()) == 1


def test_limits_that_the_user_has_set_are_kept(bench, monkeypatch):
    """Without the right to raise them every unit would be lost."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)
    code = "import resource; from verifier.frontend.limits import lower; lower(resource.RLIMIT_CPU, 300); lower(resource.RLIMIT_AS, 8 << 30); "
    code += "lower(resource.RLIMIT_CPU, 400); print(resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_AS))"
    done = subprocess.run(["bash", "-c", f"ulimit -t 200; ulimit -v 4194304; {sys.executable} -c '{code}'"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"(200, 200) ({4 << 30}, {4 << 30})" and resource.getrlimit(resource.RLIMIT_CPU) == hard


def test_a_patch_without_end(tmp_path):
    """No more of it is read than it may have."""
    (tmp_path / "tree").mkdir()
    command = f"ulimit -v 2097152; exec {sys.executable} -m verifier.cli.main gate {tmp_path}/tree --patch - < /dev/zero"
    with within(30):
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "more than 64 MiB" in done.stderr


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
