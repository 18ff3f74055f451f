"""Compile commands for C sources that no build system speaks for."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from verifier.tree.architecture import TRIPLES
from verifier.tree.model import CompileCommand, TreeError

_SKIPPED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv"})
# what a kernel tree is read for without its Kbuild: the parts that every configuration shares
_KERNEL_FOLDERS = ("block", "certs", "crypto", "fs", "init", "io_uring", "ipc", "kernel", "lib", "mm", "net", "security",
                   "virt")  # fmt: skip
_OWN_FOLDERS = {"x86": ("entry", "ia32", "kernel", "mm"), "arm64": ("kernel", "mm")}
_OWN_FLAGS = {
    "x86": ("-m64", "-mno-sse", "-mcmodel=kernel", "-O2", "-DCC_USING_FENTRY"),
    "arm64": (f"--target={TRIPLES['arm64']}", "-mgeneral-regs-only", "-O2", "-DCC_USING_PATCHABLE_FUNCTION_ENTRY",
              "-DKASAN_SHADOW_SCALE_SHIFT="),
}  # fmt: skip
_KERNEL_SKIPPED = frozenset({"tests", "selftests", "test", "kunit", "vdso", "tools"})
KERNEL_NOTE = (
    "read without Kbuild: options and generated headers are guesses, and drivers, sound and other architectures are left out"
)


def sources(
    root: Path, folders: tuple[str, ...] = ("",), skipped: frozenset[str] = _SKIPPED, notes: list[str] | None = None
) -> list[str]:
    """The `.c` files under `folders` of `root`, relative and sorted; links are not followed out of a directory.

    Folders that cannot be listed are named in `notes`.
    """
    found = []
    closed: list[OSError] = []
    for top in folders:
        for folder, inner, files in os.walk(root / top, onerror=closed.append):
            inner[:] = sorted(name for name in inner if name not in skipped)
            found += [os.path.relpath(os.path.join(folder, name), root) for name in files if name.endswith(".c")]
    if notes is not None:
        lines = [f"{os.path.relpath(e.filename, root)}: not analysed: {e.strerror}" for e in closed if e.errno != errno.ENOENT]
        notes.extend(sorted(lines))
    return sorted(set(found))


def directory(root: Path, notes: list[str]) -> list[CompileCommand]:
    """Commands for every `.c` file under `root`, with `root` and its `include` directory as the search path.

    What could not be listed is added to `notes`. Raises TreeError when there is no file.
    """
    names = sources(root, notes=notes)
    if not names:
        hint = notes[0] if notes else "name the top of a kernel tree"
        raise TreeError(f"{root}: neither a kernel tree nor a directory with .c files", hint)
    return commands(root, names)


def commands(root: Path, names: list[str]) -> list[CompileCommand]:
    """Plain commands for the files `names` (relative to `root`)."""
    paths = [f"-I{root}"] + ([f"-I{root}/include"] if (root / "include").is_dir() else [])
    return [CompileCommand(n, str(root), ["cc", "-std=gnu11", *paths, "-c", "-o", n[:-2] + ".o", n]) for n in names]


def kernel(root: Path, stubs: Path, notes: list[str], architecture: str = "x86") -> list[CompileCommand]:
    """Commands for a kernel tree with the headers in `stubs` (see verifier.tree.stubs) in place of generated ones; what
    could not be listed is added to `notes`."""
    arch = f"{root}/arch/{architecture}/include"
    flags = [
        *("gcc", "-nostdinc", f"-I{arch}", f"-I{stubs}", f"-I{root}/include", f"-I{arch}/uapi", f"-I{stubs}/uapi"),
        *(f"-I{root}/include/uapi", "-include", f"{root}/include/linux/kconfig.h"),
        *("-include", f"{root}/include/linux/compiler_types.h", "-D__KERNEL__", "-std=gnu11", "-fshort-wchar"),
        *("-funsigned-char", "-fno-common", "-fno-strict-aliasing", "-Wno-pointer-sign"),
        *_OWN_FLAGS[architecture],
    ]
    skipped = _SKIPPED | _KERNEL_SKIPPED
    result = []
    own_folders = tuple(f"arch/{architecture}/{folder}" for folder in _OWN_FOLDERS[architecture])
    for name in sources(root, (*own_folders, *_KERNEL_FOLDERS), skipped, notes):
        base = os.path.basename(name)[:-2].replace("-", "_")
        folder = os.path.dirname(name)
        own = [f"-I{root}/{folder}", f'-DKBUILD_MODFILE="{folder}/{base}"', f'-DKBUILD_BASENAME="{base}"']
        own += [f'-DKBUILD_MODNAME="{base}"', f"-D__KBUILD_MODNAME=kmod_{base}", "-c", "-o", name[:-2] + ".o"]
        result.append(CompileCommand(name, str(root), [*flags, *own, f"{root}/{name}"]))
    if not result:
        raise TreeError(f"{root}: no C source in fs, kernel, mm, net or security", "name the top of a kernel tree")
    return result
