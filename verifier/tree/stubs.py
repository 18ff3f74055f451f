"""Stand-ins for what Kbuild generates, so that a kernel tree can be read without running anything of it.

The configuration is guessed: the audit fragment's options as far as the tree's Kconfig files declare them, what the
architecture's own symbol selects, and everything that follows by `select` and `def_bool y`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_BLOCK = re.compile(r"^(?:menu)?config[ \t]+(\w+)[ \t]*\n((?:[ \t]+.*\n|[ \t]*\n|#.*\n)*)", re.MULTILINE)
_SELECT = re.compile(r"^[ \t]+select[ \t]+(\w+)(?:[ \t]+if[ \t]+(.*))?$", re.MULTILINE)
_DEFAULT = re.compile(r"^[ \t]+(?:def_bool|def_tristate|default)[ \t]+y[ \t]*(?:if[ \t]+(.*))?$", re.MULTILINE)
_DEPENDS = re.compile(r"^[ \t]+depends on[ \t]+(.*)$", re.MULTILINE)
_BOOLEAN = re.compile(r"^[ \t]+(?:bool|tristate|def_bool|def_tristate)\b", re.MULTILINE)
_WRAPPED = re.compile(r"^(?:mandatory|generic)-y\s*\+?=\s*(\S+\.h)", re.MULTILINE)
_VALUES = {"HZ": "250", "NR_CPUS": "64", "PGTABLE_LEVELS": "4", "NODES_SHIFT": "6", "X86_L1_CACHE_SHIFT": "6",
           "X86_INTERNODE_CACHE_SHIFT": "6", "PHYSICAL_START": "0x1000000", "PHYSICAL_ALIGN": "0x200000",
           "LOG_BUF_SHIFT": "18", "LOG_CPU_MAX_BUF_SHIFT": "12", "BASE_SMALL": "0", "DEFAULT_HOSTNAME": '"(none)"',
           "RCU_FANOUT": "64", "RCU_FANOUT_LEAF": "16", "PANIC_TIMEOUT": "0", "GCC_VERSION": "120200",
           "CLANG_VERSION": "0", "DEFAULT_MMAP_MIN_ADDR": "4096", "ARCH_MMAP_RND_BITS": "28", "LSM": '""',
           "ARCH_MMAP_RND_COMPAT_BITS": "8", "FRAME_WARN": "2048", "MESSAGE_LOGLEVEL_DEFAULT": "4",
           "CONSOLE_LOGLEVEL_DEFAULT": "7", "CONSOLE_LOGLEVEL_QUIET": "4", "ILLEGAL_POINTER_VALUE": "0xdead000000000000",
           "SPLIT_PTLOCK_CPUS": "4", "FUNCTION_ALIGNMENT": "16", "DEFAULT_INIT": '""', "MAX_SKB_FRAGS": "17",
           "INIT_ENV_ARG_LIMIT": "32", "BUILD_SALT": '""', "MODULES_TREE_LOOKUP": "1"}  # fmt: skip
_NUMBER = re.compile(r"^[ \t]+(?:int|hex)\b", re.MULTILINE)
_NUMBER_DEFAULT = re.compile(r"^[ \t]+default[ \t]+(0x[0-9a-fA-F]+|-?\d+)[ \t]*(?:if[ \t]+(.*))?$", re.MULTILINE)
_BASE = ("PAGE_SIZE_4KB", "64BIT", "SMP", "MMU", "NUMA", "CC_IS_GCC", "SPARSEMEM", "SPARSEMEM_VMEMMAP", "HZ_250")
_OWN = {"x86": ("X86", "X86_64"), "arm64": ("ARM64", "ARM64_4K_PAGES", "ARM64_VA_BITS_48", "ARM64_PA_BITS_48")}
_OWN_VALUES = {"x86": {}, "arm64": {"ARM64_PAGE_SHIFT": "12", "PAGE_SHIFT": "12", "ARM64_VA_BITS": "48", "ARM64_PA_BITS": "48",
                                    "ARM64_CONT_PTE_SHIFT": "4", "ARM64_CONT_PMD_SHIFT": "4", "ARCH_MMAP_RND_BITS": "18"}}


def options(root: Path, fragment: dict[str, str], architecture: str = "x86") -> dict[str, str]:
    """The guessed configuration: option without its prefix to its C value. `fragment` maps CONFIG_ names to values."""
    blocks: dict[str, str] = {}
    core: set[str] = set()  # a plain `default y` counts for these: elsewhere it hangs on an enclosing `if`
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in (".git", "Documentation", "tools"))
        if os.path.relpath(folder, root) == "arch":
            folders[:] = [name for name in folders if name == architecture]
        for name in sorted(files):
            if name.startswith("Kconfig"):
                text = (Path(folder) / name).read_text("utf-8", "replace").replace("\\\n", " ")
                for match in _BLOCK.finditer(text):
                    blocks[match[1]] = blocks.get(match[1], "") + match[2]
                    if not folder.startswith((f"{root}/drivers", f"{root}/sound")):
                        core.add(match[1])
    chosen = {name for name in (*_BASE, *_OWN[architecture]) if name in blocks} | {"64BIT", *_OWN[architecture]}
    chosen |= {n.removeprefix("CONFIG_") for n, v in fragment.items() if v == "y"} & blocks.keys()
    refused = {name.removeprefix("CONFIG_") for name, value in fragment.items() if value == "n"}
    grew = True
    while grew:
        before = len(chosen)
        for name in sorted(chosen):
            for target, condition in _SELECT.findall(blocks.get(name, "")):
                if _holds(condition, chosen):
                    chosen.add(target)
        for name, body in blocks.items():
            if name not in chosen and name not in refused and _BOOLEAN.search(body):
                default = _DEFAULT.search(body)
                wanted = default and ("def_" in default[0] or name in core) and _holds(default[1] or "", chosen)
                if wanted and all(_holds(condition, chosen) for condition in _DEPENDS.findall(body)):
                    chosen.add(name)
        grew = len(chosen) > before
    values = {name: "1" for name in chosen if name in blocks and _BOOLEAN.search(blocks[name])}
    for name, body in blocks.items():
        if _NUMBER.search(body):
            defaults = (v for v, condition in _NUMBER_DEFAULT.findall(body) if _holds(condition, chosen))
            values[name] = next(defaults, "0")
    values.update({name: value for name, value in (_VALUES | _OWN_VALUES[architecture]).items() if name in blocks})
    return values


def _holds(condition: str, chosen: set[str]) -> bool:
    """Whether a Kconfig condition holds when exactly `chosen` are y; what is more than names and && || ! is taken as
    false."""
    condition = condition.split("#")[0].strip()
    if not condition:
        return True
    words = re.findall(r"\w+|&&|\|\||!|\(|\)|\S", condition)
    out = []
    for word in words:
        if re.fullmatch(r"\w+", word):
            out.append("True" if word in chosen or word == "y" else "False")
        elif word in ("&&", "||", "!", "(", ")"):
            out.append({"&&": " and ", "||": " or ", "!": " not "}.get(word, word))
        else:
            return False
    return _evaluate(out)


def _evaluate(words: list[str]) -> bool:
    """Value of a Boolean formula over True, False, " and ", " or ", " not " and parentheses (recursive descent)."""
    at = 0

    def peek() -> str:
        return words[at].strip() if at < len(words) else ""

    def either() -> bool:
        nonlocal at
        value = both()
        while peek() == "or":
            at += 1
            value = both() or value
        return value

    def both() -> bool:
        nonlocal at
        value = single()
        while peek() == "and":
            at += 1
            value = single() and value
        return value

    def single() -> bool:
        nonlocal at
        word = peek()
        at += 1
        if word == "not":
            return not single()
        if word == "(":
            value = either()
            at += 1
            return value
        return word == "True"

    return either()


def headers(root: Path, values: dict[str, str], version: str, architecture: str = "x86") -> dict[str, str]:
    """The stand-in headers: path below the stub directory to text."""
    numbers = [int(n) for n in re.findall(r"\d+", version)[:3]] + [0, 0, 0]
    code = (numbers[0] << 16) + (numbers[1] << 8) + min(numbers[2], 255)
    result = {
        "generated/autoconf.h": "".join(f"#define CONFIG_{name} {value}\n" for name, value in sorted(values.items())),
        "generated/bounds.h": "#define NR_PAGEFLAGS 24\n#define MAX_NR_ZONES 4\n#define NR_CPUS_BITS 6\n"
        "#define SPINLOCK_SIZE 4\n#define LRU_GEN_WIDTH 0\n#define __LRU_REFS_WIDTH 0\n",
        "generated/asm-offsets.h": "",
        "generated/timeconst.h": "",
        "generated/rq-offsets.h": "",
        "generated/utsrelease.h": f'#define UTS_RELEASE "{version}"\n',
        "generated/utsversion.h": '#define UTS_VERSION "#1"\n',
        "generated/compile.h": '#define UTS_MACHINE ""\n#define LINUX_COMPILE_BY ""\n#define LINUX_COMPILE_HOST ""\n'
        '#define LINUX_COMPILER ""\n',
        "uapi/linux/version.h": f"#define LINUX_VERSION_CODE {code}\n#define KERNEL_VERSION(a,b,c) (((a) << 16) + ((b) << 8)"
        " + ((c) > 255 ? 255 : (c)))\n",
    }
    for folder, below in (("include/asm-generic", "asm"), ("include/uapi/asm-generic", "uapi/asm")):
        own = f"arch/{architecture}/" + ("include/uapi/asm" if below.startswith("uapi") else "include/asm")
        texts = [(root / f / "Kbuild") for f in (folder, own)]
        wanted = {
            name
            for path in texts
            if path.is_file()
            for name in _WRAPPED.findall(path.read_text("utf-8", "replace"))
        }
        for name in sorted(wanted):
            if not (root / own / name).exists() and (root / folder / name).exists():
                result[f"{below}/{name}"] = f"#include <asm-generic/{name}>\n"
    tables = (("64", ("common", "64"), "unistd_64"), ("64", ("common", "x32"), "unistd_x32"), ("32", ("i386",), "unistd_32"))
    for table, kinds, header in tables:
        path = root / f"arch/x86/entry/syscalls/syscall_{table}.tbl"
        if path.is_file():
            rows = [line.split() for line in path.read_text("utf-8", "replace").splitlines()]
            rows = [row for row in rows if len(row) > 2 and row[0].isdigit() and row[1] in kinds]
            result[f"uapi/asm/{header}.h"] = "".join(f"#define __NR_{row[2]} {row[0]}\n" for row in rows)
            if table == "32":
                result["asm/unistd_32_ia32.h"] = "".join(f"#define __NR_ia32_{row[2]} {row[0]}\n" for row in rows)
                result[f"asm/syscalls_{table}.h"] = ""
            else:
                last = max((int(row[0]) for row in rows), default=0)
                result[f"uapi/asm/{header}.h"] += f"#define __NR_syscalls {last + 1}\n"
                result["asm/unistd_64_x32.h"] = ""
                result[f"asm/syscalls_{table}.h"] = ""
    return result


def write(root: Path, stubs: Path, fragment: dict[str, str], version: str, architecture: str = "x86") -> dict[str, str]:
    """Writes the stand-ins below `stubs` and returns the guessed options."""
    values = options(root, fragment, architecture)
    for name, text in sorted(headers(root, values, version, architecture).items()):
        path = stubs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return values
