"""Reads the `.<object>.cmd` files that Kbuild leaves beside every object it has made."""

from __future__ import annotations

import os
import re
from pathlib import Path

from verifier.tree.dryrun import compile_source, is_kernel
from verifier.tree.model import CompileCommand, Progress, inside, unit_key
from verifier.tree.shellwords import UnclosedQuote, simple_commands

# `cmd_x.o := gcc ...` before 6.3, `savedcmd_x.o := gcc ...` since
_COMMAND = re.compile(r"^(?:saved)?cmd_\S+\s*:=\s*(.*)$", re.MULTILINE)
# what stands at the top of a tree only after a build has got to its end, or near it
_BUILT = ("vmlinux", "vmlinux.o", "vmlinux.a", "Module.symvers", "modules.order")
_LINKED = (".mod.c", ".vmlinux.export.c")


def is_built(top: Path) -> bool:
    """Whether Kbuild has compiled a kernel in this directory (a few objects of a prepared one do not count)."""
    return any((top / name).exists() for name in _BUILT) and (top / ".config").is_file()


def parse(text: str) -> list[str] | None:
    """The compiler's arguments from the text of one `.cmd` file; None when it compiles no C file for the kernel.

    Raises UnclosedQuote for a damaged one.
    """
    match = _COMMAND.search(text)
    if match is None:
        return None
    # make's own escapes (`make-cmd` in scripts/Kbuild.include)
    line = match[1].replace("$(pound)", "#").replace("\\#", "#").replace("$$", "$")
    for words in simple_commands(line):
        unit = compile_source(words)
        if unit is not None and is_kernel(unit[0]):
            return unit[0]
    return None


def read(top: Path, root: str, progress: Progress) -> tuple[list[CompileCommand], list[str]]:
    """The commands of all `.cmd` files under `top`, the directory that Kbuild ran in (absolute, normalised), sorted by
    file, and notes. Files that cannot be read are counted in a note."""
    found: dict[tuple[str, str], CompileCommand] = {}
    damaged: list[str] = []
    vanished: list[str] = []
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in (".git", "Documentation", "kqual-source"))
        for name in sorted(files):
            if not (name.startswith(".") and name.endswith(".o.cmd")):
                continue
            path = os.path.join(folder, name)
            try:
                with open(path, encoding="utf-8", errors="surrogateescape") as handle:
                    arguments = parse(handle.read())
            except (OSError, UnclosedQuote) as error:
                damaged.append(f"{path}: {error}")
                continue
            if arguments is None:
                continue
            source = compile_source(arguments)[1]
            file = os.path.normpath(os.path.join(top, source))
            relative = inside(file, root)
            if file.endswith(_LINKED):
                continue
            if not os.path.exists(file):
                vanished.append(file)
                continue
            command = CompileCommand(relative or file, str(top), arguments)
            found.setdefault(unit_key(command), command)
        progress("cmd files", len(found), 0)
    notes = []
    if damaged:
        notes.append(f"{len(damaged)} .cmd files could not be read, such as {damaged[0]}")
    if vanished:
        notes.append(f"{len(vanished)} sources named in .cmd files do not exist (any more), such as {vanished[0]}")
    return [found[key] for key in sorted(found)], notes
