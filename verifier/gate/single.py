"""One source file as it stands, read with the compiler's arguments, in place of its unit in a stored program.

What a checker that `make C=1` calls is given: arguments and a file, and no tree to look at.
"""

from __future__ import annotations

import os
from pathlib import Path

from verifier import findings as F
from verifier.errors import KqualError
from verifier.frontend.patched import extract_file
from verifier.gate.overlay import Overlay
from verifier.gate.permit import permitted
from verifier.gate.run import compare
from verifier.gate.units import Reading
from verifier.gate.variant import Variant
from verifier.ir.model import decode
from verifier.program.analyse import Analysis
from verifier.program.index import index_unit
from verifier.program.report import shape_findings, to_finding
from verifier.tree.model import CompileCommand, Tree


def check(base: Analysis, tree: Tree, command: CompileCommand, strict: bool = False) -> F.Document:
    """The document of one unit: what stands open in its file, and what the file opens elsewhere.

    `tree` says where the file and the build are; its commands are not looked at.
    """
    reading = _read(base, tree, command)
    try:
        contents = {command.file: Path(tree.root, command.file).read_bytes()}
    except OSError as error:
        raise KqualError(f"{command.file}: {error.strerror}", "name a C file that can be read") from error
    overlay = Overlay()
    overlay.files = contents
    before, after = Variant(base, Overlay(), Reading()), Variant(base, overlay, reading)
    document = compare(before, after, strict)
    frontier = after.frontier
    every = [to_finding(o, base.pack, after.program, after.doors) for o in frontier.findings()]
    every += shape_findings(after.results, after.program, after.doors, every)
    own = [f for f in every if f.file == command.file]
    told = {(F.identity(f), f.line) for f in document.findings}
    own = permitted(before, after, [f for f in own if (F.identity(f), f.line) not in told], strict, [])
    document.findings = F.finish([*document.findings, *own])
    document.fixed = None
    return document


def _read(base: Analysis, tree: Tree, command: CompileCommand) -> Reading:
    """The unit, entered in the place of the stored one of the same file."""
    out = Reading()
    out.total = 1
    result = extract_file(tree, command)
    same = [r for r in base.records if r.file == result.file]
    key = same[0].key if same else f"new:{result.file}"
    out.added = int(not same)
    if not same:
        out.notes.append(f"{result.file}: not among the units of the stored scan")
    if result.status != "analysed":
        (out.lost if result.status == "lost" else out.partial).append(F.UnitTrouble(file=result.file, error=result.error))
    if result.status != "lost":
        out.blobs[key] = result.blob
        out.exchanged[key] = (base.index(key) if same else None, index_unit(decode(result.blob)))
    return out


def name_in(root: str, path: str) -> str:
    """A file's name relative to the tree; absolute when it lies elsewhere."""
    real, top = os.path.realpath(path), os.path.realpath(root).rstrip("/") + "/"
    return real.removeprefix(top)
