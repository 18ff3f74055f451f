"""Code of a tree that no scan read: C that no configuration compiles, Rust and assembly."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from reports.layout import function_extent
from verifier.findings import LedgerEntry

MOST_SIZE = 8 << 20  # bytes of a file that is searched for functions
_NAME = re.compile(r"(\w+)\s*\(")
_KINDS = {".c": "never-compiled", ".rs": "not-c-rust", ".S": "not-c-assembly", ".s": "not-c-assembly"}


def ledger(root: str, read: list[set[str]], functions: list[set[tuple[str, int]]]) -> list[LedgerEntry]:
    """What none of some scans looked at; `read` are the files that each of them read, `functions` the (file, line) of
    all functions.  Folders of which nothing was read are one entry; nothing when the tree is not there any more."""
    known = set().union(*read)
    lines: dict[str, list[int]] = {}
    for file, line in set().union(*functions):
        lines.setdefault(file, []).append(line)
    found: dict[str, list[str]] = {}
    compiled: list[str] = []
    for file in files_below(root):
        kind = _KINDS[os.path.splitext(file)[1]]
        if file in known and kind == "never-compiled":
            compiled.append(file)
        elif file not in known:
            found.setdefault(kind, []).append(file)
    out = []
    for kind, files in found.items():
        others = set(compiled) if kind == "never-compiled" else set()
        out += [LedgerEntry(kind=kind, what=what, count=count) for what, count in folded(files, others)]
    for file in compiled:
        names = without(Path(root) / file, lines.get(file, []))
        if names:
            out.append(LedgerEntry(kind="never-compiled-function", what=f"{file}: {', '.join(names)}", count=len(names)))
    return out


def files_below(root: str) -> Iterator[str]:
    """C, Rust and assembly files of a tree, in order; links are not followed."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if os.path.splitext(name)[1] in _KINDS:
                yield os.path.relpath(os.path.join(folder, name), root)


def folded(files: list[str], others: set[str]) -> list[tuple[str, int]]:
    """Files as (what, how many): the topmost folder below which there is none of `others`, or the file itself."""
    mixed = {""}
    for file in others:
        parts = file.split("/")[:-1]
        mixed |= {"/".join(parts[:depth]) for depth in range(len(parts) + 1)}
    counts: dict[str, int] = {}
    for file in files:
        parts = file.split("/")
        tops = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
        top = next((folder + "/" for folder in tops if folder not in mixed), file)
        counts[top] = counts.get(top, 0) + 1
    return sorted(counts.items())


def without(path: Path, compiled: list[int]) -> list[str]:
    """Names of functions in a file's text, by its layout, in whose lines no compiled function begins."""
    try:
        if path.stat().st_size > MOST_SIZE:
            return []
        lines = path.read_text("utf-8", "surrogateescape").split("\n")
    except OSError:
        return []  # the tree changed since the scan, which says so itself
    have = sorted(compiled)
    out = []
    for number, text in enumerate(lines, 1):
        if not text.startswith("{"):
            continue
        extent = function_extent(lines, number)
        if extent is None or any(extent[0] <= line <= extent[1] for line in have):
            continue
        name = _NAME.search(" ".join(lines[extent[0] - 1 : number - 1]))
        if name is not None:
            out.append(name[1])
    return out
