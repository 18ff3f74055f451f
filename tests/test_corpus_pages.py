"""Every kind of finding has a page whose bad example is reported as that kind and whose good example is not."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "kinds"
KINDS = (
    "missing-check", "ignored-result", "wrong-object", "weaker-check", "refetch", "late-check", "wrong-namespace",
    "wrong-subject", "vacuous-check",
)  # fmt: skip
HEADINGS = ["Bad", "Good", "Reading the finding", "Known false positives", "How to fix"]


def example(kind: str, heading: str) -> str:
    """The C block under a heading, with the heading as part of its function's name."""
    text = (PAGES / f"{kind}.md").read_text()
    match = re.search(rf"^## {heading}\n\n```c\n(.*?)```", text, re.MULTILINE | re.DOTALL)
    assert match, f"{kind}.md has no example under {heading}"
    name = f"{kind.replace('-', '_')}_{heading.lower()}"
    renamed, count = re.subn(r"^(int|long) \w+\(", rf"\1 {name}(", match[1], flags=re.MULTILINE)
    assert count == 1, f"{kind}.md: one function under {heading}"
    return f'#include "kernel.h"\n\n{renamed}'


def test_pages_and_kinds_are_the_same_set() -> None:
    """No kind without a page, no page without a kind."""
    assert sorted(p.stem for p in PAGES.glob("*.md")) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_page_has_all_parts(kind: str) -> None:
    """Title and headings stand in the fixed order that `kqual explain` prints."""
    lines = (PAGES / f"{kind}.md").read_text().splitlines()
    assert lines[0] == f"# {kind}"
    assert [line[3:] for line in lines if line.startswith("## ")] == HEADINGS
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("kind", KINDS)
def test_examples_compile(kind: str, tmp_path: Path) -> None:
    """Both examples are C that gcc accepts over the corpus header."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    shutil.copy(ROOT / "corpus" / "kernel.h", tmp_path)
    for heading in ("Bad", "Good"):
        source = tmp_path / f"{heading}.c"
        source.write_text(example(kind, heading))
        command = ["gcc", "-std=gnu99", "-fsyntax-only", "-Wall", "-Wno-unused", str(source)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, ""), heading


def test_bad_examples_are_reported_as_their_kind_and_good_ones_are_not(tmp_path: Path) -> None:
    """One scan over all examples."""
    from lattices.pack import load
    from verifier.program.analyse import scan
    from verifier.store import Store
    from verifier.tree import open_tree

    tree = tmp_path / "tree"
    tree.mkdir()
    shutil.copy(ROOT / "corpus" / "kernel.h", tree)
    for kind in KINDS:
        for heading in ("Bad", "Good"):
            (tree / f"{kind}-{heading.lower()}.c").write_text(example(kind, heading))
    store = Store.open(tmp_path / "store.db")
    try:
        pack = load(extra=[ROOT / "corpus" / "rules.toml"])
        document = scan(open_tree(str(tree), "plain", build=str(tmp_path / "build")), store, pack, 1, (), None)
    finally:
        store.close()
    seen = {(f.file, f.kind) for f in document.findings}
    wanted = {(f"{kind}-bad.c", kind) for kind in KINDS}
    assert seen == wanted
