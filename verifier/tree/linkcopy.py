"""A copy of a tree made of symbolic links, without what a build generated in it.

Kbuild refuses `O=` for a tree that was configured in place, and the tree must not be written to. Directories are real,
files are links, so that relative #includes stay inside the copy.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from verifier.tree.model import Progress, TreeError

_GENERATED_FOLDER = re.compile(r"(?:include/(?:config|generated)|arch/[^/]+/include/generated|\.git|\.tmp_versions)$")
_GENERATED_FILE = re.compile(
    r"(?:\.config.*|.*\.(?:o|a|ko|mod|mod\.c|cmd|d|so|so\.dbg|order|symvers|lds|dtb|usyms)|vmlinux.*|System\.map|\.tmp_.*"
    r"|modules\.builtin.*|\.missing-syscalls\.d|compile_commands\.json)$"
)


def is_configured(root: Path, arch: str) -> bool:
    """Whether Kbuild would call the tree unclean and refuse an out-of-tree build."""
    names = (".config", "include/config", f"arch/{arch}/include/generated")
    return any((root / name).exists() for name in names)


def _generated(folder: str, name: str, files: set[str]) -> bool:
    if f".{name}.cmd" in files:  # Kbuild made it: its command is recorded beside it
        return True
    if name.endswith(".lds"):
        return f"{name}.S" in files
    return bool(_GENERATED_FILE.match(name)) and not (name.endswith(".order") and not name.startswith("modules"))


def sources(root: str) -> dict[str, list[str]]:
    """For each directory (relative, "" is the top) the names of the files that no build made, sorted."""
    tree: dict[str, list[str]] = {}
    for folder, folders, files in os.walk(root):
        here = os.path.relpath(folder, root) if folder != root else ""
        folders[:] = sorted(f for f in folders if not _GENERATED_FOLDER.match(os.path.join(here, f)))
        for name in list(folders):
            if os.path.islink(os.path.join(folder, name)):
                folders.remove(name)
                files.append(name)
        present = set(files)
        tree[here] = sorted(name for name in files if not _generated(here, name, present))
    return tree


def update(root: str, copy: str, progress: Progress) -> None:
    """Makes the directory `copy` the link copy of the tree at `root`: adds what is new, removes what is gone.

    Raises TreeError when it cannot be written.
    """
    wanted = sources(root)
    progress("link copy", 0, len(wanted))
    try:
        os.makedirs(copy, exist_ok=True)
        for folder, folders, files in os.walk(copy, topdown=False):
            here = os.path.relpath(folder, copy) if folder != copy else ""
            keep = set(wanted.get(here, ()))
            links = [f for f in folders if os.path.islink(os.path.join(folder, f))]
            for name in [*files, *links]:
                if name not in keep:
                    os.unlink(os.path.join(folder, name))
            if here not in wanted:
                os.rmdir(folder)
        for done, (here, names) in enumerate(sorted(wanted.items())):
            target = os.path.join(copy, here)
            os.makedirs(target, exist_ok=True)
            present = set(os.listdir(target))
            for name in names:
                if name not in present:
                    os.symlink(os.path.join(root, here, name), os.path.join(target, name))
            if done % 500 == 0:
                progress("link copy", done, len(wanted))
    except OSError as error:
        raise TreeError(
            f"{copy}: the link copy cannot be made: {error.strerror}", "name another build directory with --build"
        ) from error
    progress("link copy", len(wanted), len(wanted))
