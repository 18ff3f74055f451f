"""What `kqual doctor` looks at: the tree, the tools that Kbuild needs, the space, and the parser."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from verifier.tree import architecture, cmdfiles, intake, kbuild, linkcopy
from verifier.tree.make import environment
from verifier.tree.model import Diagnosis, Tree, TreeError

_TOOLS = ("make", "gcc", "flex", "bison", "bc", "perl")
_LIBRARIES = (("libelf", "gelf.h", "-lelf", "libelf-dev"), ("libssl", "openssl/evp.h", "-lcrypto", "libssl-dev"))
_NEEDED_BYTES = 2 << 30


def diagnose(root: str, config: str = "audit", build: str | None = None, arch: str = "") -> list[Diagnosis]:
    """Looks at the tree and the machine without running the tree's make; never raises TreeError.

    The order is fixed. A tool counts as an error only when this tree will be asked through Kbuild.
    """
    result: list[Diagnosis] = []
    top = Path(os.path.realpath(root))
    if not top.exists():
        return [Diagnosis("tree", False, f"{root}: there is no such directory", "name the top of a kernel tree")]
    kernel = top.is_dir() and kbuild.is_kernel(top)
    arch = architecture.foreign(arch) if kernel else ""
    origin = _origin(top, config, build, kernel, arch)
    what = f"Linux {kbuild.version(top) or '(unknown version)'}" if kernel else "no kernel tree: read as plain .c files"
    result.append(Diagnosis("tree", True, f"{top}: {what}"))
    result.append(Diagnosis("compile commands", True, f"come from {origin}"))
    if arch and config != "plain":
        told = architecture.make_variables(arch)
        said = f"make gets {' '.join(told)}" if told is not None else architecture.lacking(arch)
        result.append(Diagnosis(f"architecture {arch}", True, said))
    if origin == "a Kbuild dry run":
        if linkcopy.is_configured(top, arch or architecture.host()):
            result.append(Diagnosis("configured in place", True, "it will be read through a link copy, with its .config"))
        version = tuple(int(n) for n in kbuild.version(top).split(".")[:2] if n.isdigit())
        known = (6, 1) <= version
        if known:
            result.append(Diagnosis("version", True, "supported through Kbuild"))
        else:
            hint = "if make fails, `--config plain` reads the tree without Kbuild"
            result.append(Diagnosis("version", False, "not tried with Kbuild (6.1 and newer are)", hint))
        result += _tools()
        result.append(_configuration(config))
        result.append(_space(Path(os.path.realpath(build)) if build else intake.default_build(str(top), arch=arch)))
    result.append(_parser())
    return result


def describe(tree: Tree) -> list[Diagnosis]:
    """The lines that doctor adds once the tree could be opened: what was found, and the ledger."""
    found = f"{len(tree.commands)} C units from {tree.origin}"
    if tree.build:
        found += f", build directory {tree.build}"
    return [Diagnosis("units", bool(tree.commands), found)] + [Diagnosis("note", True, note) for note in tree.notes]


def _origin(top: Path, config: str, build: str | None, kernel: bool, arch: str) -> str:
    if architecture.make_variables(arch) is None:
        return "plain .c files"
    places = [top] + ([Path(os.path.realpath(build))] if build else [])
    if config == "audit" and not arch:
        for place in places:
            if (place / intake.DATABASE).is_file() and not (place / kbuild.STAMP).exists():
                return str(place / intake.DATABASE)
        for place in places:
            if kernel and cmdfiles.is_built(place) and not (place / kbuild.STAMP).exists():
                return f"the .cmd files in {place}"
    return "a Kbuild dry run" if kernel and config != "plain" else "plain .c files"


def _tools() -> list[Diagnosis]:
    result = []
    for tool in _TOOLS:
        path = shutil.which(tool)
        result.append(Diagnosis(tool, path is not None, path or "not installed", "" if path else f"apt install {tool}"))
    if shutil.which("gcc"):
        result += [_library(*row) for row in _LIBRARIES]
    return result


def _library(name: str, header: str, link: str, package: str) -> Diagnosis:
    """Compiles and links four words against the library, as Kbuild's host tools will."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.c"
        source.write_text(f"#include <{header}>\nint main(void) {{ return 0; }}\n", encoding="ascii")
        done = subprocess.run(
            ["gcc", str(source), link, "-o", str(Path(folder) / "probe")], capture_output=True, env=environment(), check=False
        )
    ok = done.returncode == 0
    return Diagnosis(name, ok, "found" if ok else f"{header} or the library is missing", "" if ok else f"apt install {package}")


def _configuration(config: str) -> Diagnosis:
    try:
        kbuild.config_key(config)
    except TreeError as error:
        return Diagnosis("configuration", False, error.message, error.hint)
    return Diagnosis("configuration", True, config)


def _space(build: Path) -> Diagnosis:
    place = build
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        return Diagnosis("build directory", False, f"{build}: {place} cannot be written to", "name another one with --build")
    free = shutil.disk_usage(place).free
    if free < _NEEDED_BYTES:
        return Diagnosis("build directory", False, f"{build}: {free >> 20} MiB free, 2048 MiB are wanted",
                         "free some space, or name another one with --build")  # fmt: skip
    return Diagnosis("build directory", True, f"{build}: {free >> 30} GiB free")


def _parser() -> Diagnosis:
    hint = "pip install libclang==18.1.1"
    try:
        from clang import cindex
    except ImportError as error:
        return Diagnosis("libclang", False, f"cannot be imported: {error}", hint)
    try:
        cindex.conf.get_cindex_library()
    except (OSError, cindex.LibclangError) as error:
        return Diagnosis("libclang", False, f"cannot be loaded: {error}", hint)
    return Diagnosis("libclang", True, str(cindex.conf.get_filename()))
