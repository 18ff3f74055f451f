"""Several jobs on one store, as a CI farm has them: all end with what one alone would say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gate_trees import FILES, RULES, diff, write_tree

from verifier.cli.main import main
from verifier.store import Store

pytestmark = pytest.mark.slow

DROP = ("\tif (err)\n\t\treturn err;\n\treturn perform", "\treturn perform")


@pytest.fixture
def start(tmp_path):
    write_tree(tmp_path / "tree", FILES)
    write_tree(tmp_path, {"rules/own.toml": RULES})
    changed = FILES | {"core/doors.c": FILES["core/doors.c"].replace(*DROP)}
    (tmp_path / "p").write_bytes(diff(FILES, changed))
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(name, *options, store="s"):
        arguments = [name, "tree", *options, "--rules", "rules", "--store", store, "-q", "--format", "json", "-j", "1"]
        return subprocess.Popen(
            [sys.executable, "-m", "verifier.cli.main", *arguments], cwd=tmp_path, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return run


def answers(runs):
    said = [run.communicate() for run in runs]
    return [(run.returncode, out) for run, (out, _) in zip(runs, said, strict=True)], [err.decode() for _, err in said]


def test_scans_and_gates_from_an_empty_store_at_once(start, tmp_path):
    """Two scans and two gates begin together where nothing is stored."""
    (alone_scan,), _ = answers([start("scan", store="one")])
    (alone_gate,), _ = answers([start("gate", "--patch", "p", store="one")])
    found, said = answers([start("scan"), start("gate", "--patch", "p"), start("scan"), start("gate", "--patch", "p")])
    assert found == [alone_scan, alone_gate, alone_scan, alone_gate], said
    assert (alone_scan[0], alone_gate[0]) == (0, 1)
    assert [f["function"] for f in json.loads(alone_gate[1])["findings"]] == ["door_wrapped"]
    with Store.open(tmp_path / "s") as store:
        assert not store.notices and sorted(store.keys("document")) == ["gate", "scan"]
        assert all(value for kind in store.sizes() for _, value in store.items(kind)) and not store.notices


def test_gates_on_a_store_that_nobody_may_write_to(start, tmp_path, monkeypatch, capfd):
    """The store of a read-only cache: a gate says the same, and leaves it as it was."""
    answers([start("scan")])
    ((code, whole),), _ = answers([start("gate", "--patch", "p")])
    before = (tmp_path / "s").read_bytes()
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **k: False if mode == os.W_OK and Path(path).name == "s" else real(path, mode, **k))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(SystemExit) as ended:
        main(["gate", "tree", "--patch", "p", "--rules", "rules", "--store", "s", "-q", "--format", "json", "-j", "1"])
    out, err = capfd.readouterr()
    assert (ended.value.code, out.encode()) == (code, whole) == (1, whole) and "nothing new is kept" in err
    assert (tmp_path / "s").read_bytes() == before
