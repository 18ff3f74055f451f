"""One subsystem of a real kernel, from sources to findings: every unit is read, and a second scan says the same."""

import json
import os
from pathlib import Path

import pytest

from verifier.cli.main import main


def scan(tree, folder, name):
    """One scan of ipc/ with a build directory and a store of its own; the bytes of its document."""
    document = folder / name
    with pytest.raises(SystemExit) as ended:
        main([
            "scan", str(tree), "--scope", "ipc", "--build", str(folder / "build"), "--store", str(folder / "store.sqlite"),
            "--format", "json", "-o", str(document), "--fail-on", "never", "--quiet",
        ])  # fmt: skip
    assert ended.value.code == 0
    return document.read_bytes()


@pytest.mark.kernel
def test_ipc_of_a_real_kernel(tmp_path):
    tree = Path(os.environ.get("KQUAL_KERNELS", "")) / "linux-source-6.12"
    if not (tree / "ipc").is_dir():
        pytest.skip("KQUAL_KERNELS names no folder with linux-source-6.12")
    first = scan(tree, tmp_path, "first.json")
    document = json.loads(first)
    units = document["completeness"]["units"]
    assert units["analysed"] == units["total"] >= 10
    assert scan(tree, tmp_path, "second.json") == first
