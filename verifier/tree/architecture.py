"""Architectures by Kbuild's names, and what make has to be told to answer for another one than this machine's.

Asking Kbuild needs a compiler and a linker for the architecture (it tries them, and `prepare` compiles a few lines to
learn offsets), but compiles nothing of the kernel.
"""

from __future__ import annotations

import os
import platform
import re
import shutil

_MACHINES = {"x86_64": "x86", "aarch64": "arm64", "riscv64": "riscv", "ppc64le": "powerpc", "s390x": "s390"}
TRIPLES = {"x86": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}  # --arch takes these
_LLVM = ("clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-strip")
_COMPILER = re.compile(r"(?:.*/)?((\w+)(?:-\w+){1,3})-(?:gcc|cc)(?:-[\d.]+)?$")


def host() -> str:
    """Kbuild's name for the architecture that it builds for by itself: $ARCH, else this machine's."""
    return os.environ.get("ARCH") or _MACHINES.get(platform.machine(), "x86")


def foreign(arch: str) -> str:
    """`arch` where it is another one than `host`, else ""."""
    return arch if arch and arch != host() else ""


def make_variables(arch: str) -> list[str] | None:
    """What a make of Kbuild gets on its command line for `arch` ("" is the host's); None where the machine has no
    compiler for it.  $CROSS_COMPILE and $LLVM are taken as the user set them, else gcc is looked for, then LLVM."""
    if not foreign(arch):
        return []
    if os.environ.get("CROSS_COMPILE") or os.environ.get("LLVM"):
        return [f"ARCH={arch}"]
    prefix = f"{TRIPLES[arch]}-"
    if shutil.which(f"{prefix}gcc") and shutil.which(f"{prefix}ld"):
        return [f"ARCH={arch}", f"CROSS_COMPILE={prefix}"]
    if all(shutil.which(tool) for tool in _LLVM):
        return [f"ARCH={arch}", "LLVM=1"]
    return None


def lacking(arch: str) -> str:
    """What is read when there is no compiler, and what to install."""
    return f"no compiler for {arch}: read without Kbuild (apt install gcc-{TRIPLES[arch].replace('_', '-')}, or clang lld llvm)"


def target_of(arguments: list[str]) -> str:
    """The target that a cross compiler's name says (`aarch64-linux-gnu-gcc`), "" for this machine's own compiler."""
    for word in arguments[:2]:
        match = _COMPILER.match(word)
        if match:
            return match[1] if match[2] != platform.machine() else ""
    return ""
