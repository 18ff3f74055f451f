"""A module that is built out of the tree, over the stored program of its kernel.

Its compile commands come from its own compile_commands.json, else from a dry run of Kbuild with M=, which runs the
module's makefile.  Nothing is compiled, and nothing is written into its folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from verifier.errors import KqualError
from verifier.findings import UnitTrouble
from verifier.frontend.extract import extract_files
from verifier.gate.overlay import Overlay
from verifier.gate.units import Reading
from verifier.ir.model import decode
from verifier.program.index import index_unit
from verifier.tree import compdb, kbuild
from verifier.tree.model import CompileCommand, Tree

DATABASE = "compile_commands.json"


def read(tree: Tree, folder: str, jobs: int) -> tuple[Overlay, Reading]:
    """The module's units as ones that the kernel did not have, and their sources; KqualError when it has none."""
    top = os.path.realpath(folder)
    name = name_of(tree, top)
    commands, out = _commands(tree, top, name), Reading()
    overlay = Overlay()
    beside = msgspec.structs.replace(tree, beside={name: top})
    out.added = len(commands)
    for command, result in extract_files(beside, commands, {}, jobs):
        if command is None:
            continue
        out.total += 1
        if result.status != "analysed":
            (out.lost if result.status == "lost" else out.partial).append(UnitTrouble(file=result.file, error=result.error))
        if result.status != "lost":
            key = f"module:{result.key}"
            out.blobs[key] = result.blob
            out.exchanged[key] = (None, index_unit(decode(result.blob)))
        for file in sorted({command.file, *(d for d in result.dependencies if d.startswith(name + "/"))}):
            overlay.files.setdefault(file, Path(top, file.removeprefix(name + "/")).read_bytes())
    out.lost.sort(key=lambda t: (t.file, t.error))
    out.partial.sort(key=lambda t: (t.file, t.error))
    return overlay, out


def name_of(tree: Tree, folder: str) -> str:
    """What the module's folder is called in reports: its last part, unless the tree has that name itself."""
    name = os.path.basename(folder)
    while os.path.exists(os.path.join(tree.root, name)):
        name += "-module"
    return name


def _commands(tree: Tree, top: str, name: str) -> list[CompileCommand]:
    if not os.path.isdir(top):
        raise KqualError(f"{top}: no such folder", "name the folder of a module, as for make M=DIR")
    if (Path(top) / DATABASE).is_file():
        found, _ = compdb.read(Path(top) / DATABASE, top, None)
        found = [c for c in found if not os.path.isabs(c.file)]
    elif any((Path(top) / file).is_file() for file in ("Kbuild", "Makefile")):
        found = kbuild.module_commands(tree, top)
    else:
        raise KqualError(f"{top}: neither a Kbuild file, a Makefile nor a {DATABASE}", "name the folder of a module, as for make M=DIR")
    if not found:
        raise KqualError(f"{top}: no C file is compiled there", "is obj-m set in this configuration?")
    return [msgspec.structs.replace(command, file=f"{name}/{command.file}") for command in found]
