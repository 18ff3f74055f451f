"""What the benchmarks of the gate stand on: a stored scan, changes as diffs, and the CPU seconds that they take."""

from __future__ import annotations

import difflib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import NamedTuple

import msgspec

from lattices import pack as packs
from lattices.model import Pack
from verifier.gate.overlay import Overlay
from verifier.gate.variant import Variant, make_variant
from verifier.program.analyse import Analysis, analysis
from verifier.store import Store
from verifier.tree import Tree, open_tree

Texts = dict[str, tuple[str, str]]  # a file's older and newer contents, by name


class Ground(NamedTuple):
    """A tree with its stored scan, and the variant in which nothing is changed."""

    tree: Tree
    store: Store
    pack: Pack
    base: Analysis
    clean: Variant


@contextmanager
def opened(tree: Path, store: Path, build: str | None, jobs: int = 1, scope: tuple[str, ...] = ()) -> Iterator[Ground]:
    """The ground of a benchmark; scans what the store lacks."""
    found = open_tree(str(tree), build=build)
    pack = packs.load(version=found.version)
    with Store.open(store) as kept:
        took = stopwatch()
        base = analysis(found, kept, pack, jobs, scope)
        clean = make_variant(found, base, Overlay())
        print(f"base ready after {took():.1f} CPU s", file=sys.stderr)
        yield Ground(found, kept, pack, base, clean)


def stopwatch() -> Callable[[], float]:
    """Tells the CPU seconds of this process and its children since now."""

    def spent() -> float:
        return sum(getrusage(who).ru_utime + getrusage(who).ru_stime for who in (RUSAGE_SELF, RUSAGE_CHILDREN))

    begin = spent()
    return lambda: spent() - begin


def text_of(path: Path) -> str:
    """A source as text that `encoded` gives back byte by byte."""
    return path.read_bytes().decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """The bytes of a source."""
    return text.encode("utf-8", "surrogateescape")


def unified(texts: Texts) -> bytes:
    """A unified diff of files."""
    out: list[str] = []
    for name, (old, new) in sorted(texts.items()):
        lines = [[line + "\n" for line in text.removesuffix("\n").split("\n")] for text in (old, new)]
        out += difflib.unified_diff(*lines, f"a/{name}", f"b/{name}")
    return encoded("".join(out))


def linked(tree: Path, scratch: Path) -> Path:
    """A copy of a tree made of hard links, below `scratch`."""
    copy = scratch.resolve() / "tree"
    subprocess.run(["cp", "-al", str(tree), str(copy)], check=True)
    return copy


def changed(tree: Tree, copy: Path, files: dict[str, bytes | None]) -> Tree:
    """The tree as its copy has it, with some files exchanged there, and with the same build directory."""
    for name, data in files.items():
        (copy / name).unlink()
        if data is not None:
            (copy / name).write_bytes(data)
    root = str(copy)
    commands = [
        msgspec.structs.replace(
            c, directory=c.directory.replace(tree.root, root), arguments=[a.replace(tree.root, root) for a in c.arguments]
        )
        for c in tree.commands
    ]
    return msgspec.structs.replace(tree, root=root, commands=commands)


def restore(tree: Path, copy: Path, files: Iterable[str]) -> None:
    """Put the tree's own files back into its copy."""
    for name in files:
        (copy / name).unlink(missing_ok=True)
        shutil.copy2(tree / name, copy / name)
