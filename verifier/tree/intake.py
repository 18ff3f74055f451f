"""Finds out how the units of a tree are compiled: what the user already has first, Kbuild next, plain files last."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from verifier.tree import architecture, cmdfiles, compdb, kbuild, linkcopy, plain, stubs
from verifier.tree.model import CompileCommand, Progress, Tree, TreeError, config_digest, digest, silent

DATABASE = "compile_commands.json"
_UNFIT = re.compile(r"[\s:#$%]")


def cache_folder() -> Path:
    """The user's cache directory for kqual."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "kqual"


def default_build(root: str, config: str = "audit", arch: str = "") -> Path:
    """The build directory for a tree, a configuration and another architecture when the user names none."""
    name = config if config in ("audit", "defconfig", "plain") else kbuild.config_key(config)
    name += f"@{arch}" if arch else ""
    return cache_folder() / "build" / digest(f"{os.path.realpath(root)}\0{name}".encode("utf-8", "surrogateescape"))[:20]


def open_tree(
    root: str, config: str = "audit", build: str | None = None, progress: Progress | None = None, arch: str = ""
) -> Tree:
    """Opens the tree at `root` for reading and returns its compile commands.

    `config` is "audit", "defconfig", the path of a `.config`, or "plain" (no Kbuild). `build` is where Kbuild may write;
    None means a directory of its own in the user's cache. Compile commands come from `compile_commands.json` in the
    tree or the build directory, the `.cmd` files of a built tree, a Kbuild dry run, or plain `.c` files, in this order;
    another `config` than "audit", and `arch`, pass over the first two, because they were made with a configuration of
    their own. `arch` is Kbuild's name of an architecture; without a compiler for it the tree is read as "plain".

    The tree is never written to. Raises TreeError for every mistake of the user and every lack of the machine.
    """
    report = progress or silent
    top = _top(root)
    if config not in ("audit", "defconfig", "plain"):
        kbuild.config_key(config)  # a file that cannot be read is the user's first news
        config = os.path.abspath(config)
    if top.is_file():
        return _single(top)
    folder = Path(os.path.realpath(build)) if build is not None else None
    kernel = kbuild.is_kernel(top)
    arch = architecture.foreign(arch) if kernel else ""
    if config == "plain" or architecture.make_variables(arch) is None:
        return _plain(top, folder, kernel, arch, config)
    if config == "audit" and not arch:
        tree = _database(top, folder) or _cmd_files(top, folder, kernel, report)
        if tree is not None:
            return tree
    if kernel:
        return _kbuild(top, config, folder, report, arch)
    if config != "audit":
        raise TreeError(f"{top} is not a kernel tree: --config {config} means nothing here", "leave --config out")
    return _plain(top, folder, kernel)


def _top(root: str) -> Path:
    if "\0" in str(root):
        raise TreeError("the tree's path holds a zero byte")
    top = Path(os.path.realpath(root))
    try:
        there, closed = top.exists(), top.is_dir() and not os.access(top, os.R_OK | os.X_OK)
    except PermissionError:  # a directory above it is closed
        there = closed = True
    if not there:
        raise TreeError(f"{root}: there is no such directory", "name the top of a kernel tree")
    if closed:
        raise TreeError(f"{root}: no permission to read this directory", f"chmod -R u+rX {root}, or run as its owner")
    return top


def _single(file: Path) -> Tree:
    if file.suffix != ".c":
        raise TreeError(f"{file}: neither a directory nor a .c file", "name the top of a kernel tree")
    commands = plain.commands(file.parent, [file.name])
    return Tree(str(file.parent), "plain", None, "", "", commands, ["read as a plain file, without a build system"])


def _ours(folder: Path) -> bool:
    return (folder / kbuild.STAMP).exists()


def _database(top: Path, folder: Path | None) -> Tree | None:
    for place in (top, folder):
        path = place / DATABASE if place is not None else None
        if path is None or not path.is_file() or _ours(place):
            continue
        build = str(folder) if folder is not None else None
        commands, notes = compdb.read(path, str(top), build)
        config = _config_beside(commands, place)
        notes.append(f"compile commands and configuration are those of {path}; the audit configuration is not applied")
        return _tree(top, DATABASE, place, config, commands, notes)
    return None


def _config_beside(commands: list[CompileCommand], place: Path) -> str:
    for directory in [place, *(Path(name) for name in sorted({command.directory for command in commands}))]:
        found = config_digest(directory / ".config")
        if found:
            return found
    text = "\0".join("\0".join((c.file, c.directory, *c.arguments)) for c in commands)
    return digest(text.encode("utf-8", "surrogateescape"))


def _cmd_files(top: Path, folder: Path | None, kernel: bool, report: Progress) -> Tree | None:
    for place in (top, folder):
        if place is None or not kernel or not cmdfiles.is_built(place) or _ours(place):
            continue
        commands, notes = cmdfiles.read(place, str(top), report)
        if commands:
            notes.append(f"compile commands and configuration are those of the build in {place}; the audit configuration "
                         "is not applied (give --config to have one made)")  # fmt: skip
            return _tree(top, "cmd files", place, config_digest(place / ".config"), commands, notes)
    return None


def _tree(
    top: Path, origin: str, build: Path | None, config: str, commands: Sequence[CompileCommand], notes: list[str]
) -> Tree:
    return Tree(str(top), origin, str(build) if build else None, kbuild.version(top), config, commands, notes)


def _kbuild(top: Path, config: str, named: Path | None, report: Progress, arch: str = "") -> Tree:
    source, notes = top, []
    configured = linkcopy.is_configured(top, arch or architecture.host())
    if configured and not arch and config == "audit" and (top / ".config").is_file():
        config = str(top / ".config")
        notes.append("the configuration is the tree's own .config, not the audit configuration")
    folder = named or default_build(str(top), config, arch)
    _outside(folder, top)
    if _UNFIT.search(str(top)):
        raise TreeError(f"{top}: Kbuild cannot work in a path with blanks or any of : # $ %", "move the tree elsewhere")
    if configured:
        kbuild.make_directory(folder)
        source = folder / kbuild.LINK_COPY
        linkcopy.update(str(top), str(source), report)
        notes.append("the tree was configured in place; it is read through a link copy without its generated files")
    commands, stamp = kbuild.prepare(source, str(top), config, folder, report, arch)
    return _tree(source, "kbuild", folder, stamp.config_digest, commands, notes + stamp.notes)


def _outside(folder: Path, top: Path) -> None:
    if folder == top or top in folder.parents:
        raise TreeError(f"--build {folder}: the tree itself is never written to", "name a directory outside the tree")
    if _UNFIT.search(str(folder)):
        raise TreeError(f"{folder}: Kbuild cannot work in a path with blanks or any of : # $ %", "name another --build")


def _plain(top: Path, folder: Path | None, kernel: bool, arch: str = "", config: str = "plain") -> Tree:
    if not kernel:
        closed: list[str] = []
        commands = plain.directory(top, closed)
        return _tree(top, "plain", folder, "", commands, ["read as plain files, without a build system", *closed])
    place = folder or default_build(str(top), "plain", arch)
    _outside(place, top)
    try:
        fragment = kbuild.options(kbuild.fragment())
        options = stubs.write(top, place / "plain-include", fragment, kbuild.version(top), arch or "x86")
    except OSError as error:
        raise TreeError(f"{place}: cannot be written: {error.strerror}", "name another directory with --build") from error
    notes = [architecture.lacking(arch)] if arch and config != "plain" else []
    notes.append(plain.KERNEL_NOTE)
    commands = plain.kernel(top, place / "plain-include", notes, arch or "x86")
    digested = digest("".join(f"{name}={value}\n" for name, value in sorted(options.items())).encode())
    compdb.write(place / DATABASE, commands, str(top))
    return _tree(top, "plain", place, digested, commands, notes)
