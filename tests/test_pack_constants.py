"""constants.toml against the headers of a real kernel tree, by the compiler that reads the kernel anyway."""

import os
from pathlib import Path

import pytest

from lattices.pack import load

KERNELS = os.environ.get("KQUAL_KERNELS", "")
# User-space headers stand alone: they need no configured tree, only the generic stand-ins for generated wrappers.
HEADERS = tuple(
    """
linux/capability.h linux/ptrace.h linux/fcntl.h linux/falloc.h linux/keyctl.h linux/prctl.h linux/securebits.h
linux/netlink.h linux/genetlink.h linux/rtnetlink.h linux/xfrm.h linux/io_uring.h linux/bpf.h linux/perf_event.h
linux/sched.h linux/mount.h linux/inotify.h linux/fanotify.h linux/xattr.h linux/quota.h linux/memfd.h linux/in.h
linux/if_tun.h linux/pfkeyv2.h linux/ipc.h linux/stat.h linux/mempolicy.h linux/landlock.h linux/lsm.h linux/seccomp.h
asm-generic/errno.h asm-generic/fcntl.h asm-generic/mman.h
""".split()  # noqa: SIM905
)


def values(tree: Path, names: list[str], into: Path) -> dict[str, int]:
    """Constant by name as libclang evaluates it; what the headers do not define is left out."""
    cindex = pytest.importorskip("clang.cindex")
    for folder in ("asm", "generated"):
        (into / folder).mkdir()
    for header in sorted((tree / "include/uapi/asm-generic").glob("*.h")):
        own = tree / "arch/x86/include/uapi/asm" / header.name
        if not own.exists():
            (into / "asm" / header.name).write_text(f"#include <asm-generic/{header.name}>\n")
    (into / "linux").mkdir()
    for header in ("compiler.h", "compiler_types.h"):
        (into / "linux" / header).write_text("#define __user\n")
    include = "".join(f"#include <{header}>\n" for header in HEADERS if (tree / "include/uapi" / header).exists())
    tests = "".join(f"#ifdef {name}\nenum {{ kq_m_{name} = (int)({name}) }};\n#endif\n" for name in names)
    source = into / "constants.c"
    source.write_text(include + tests)
    arguments = ["-nostdinc", "-D__KERNEL__", "-fms-extensions", "-w", "-ferror-limit=0", f"-I{into}"]
    arguments += [f"-I{tree}/{d}" for d in ("arch/x86/include/uapi", "include/uapi")]
    unit = cindex.Index.create().parse(str(source), arguments)
    # what needs a header that only a configured tree has is evaluated to nonsense after an error, and says nothing
    bad = {d.location.line for d in unit.diagnostics if d.severity >= 3 and str(d.location.file) == str(source)}
    found: dict[str, int] = {}
    todo = list(unit.cursor.get_children())
    while todo:
        cursor = todo.pop()
        if cursor.kind == cindex.CursorKind.ENUM_DECL:
            todo += list(cursor.get_children())
        elif cursor.kind == cindex.CursorKind.ENUM_CONSTANT_DECL and not (
            str(cursor.location.file) == str(source) and cursor.location.line in bad
        ):
            found.setdefault(cursor.spelling.removeprefix("kq_m_"), cursor.enum_value)
    return found


@pytest.mark.kernel
def test_constants_are_those_of_the_tree(tmp_path):
    tree = Path(KERNELS) / "linux-source-6.12"
    if not KERNELS or not (tree / "include").is_dir():
        pytest.skip("KQUAL_KERNELS names no folder with linux-source-6.12")
    constants = load().constants
    found = values(tree, sorted(constants), tmp_path)
    shared = sorted(set(found) & set(constants))
    assert len(shared) > 1000
    wrong = {n: (constants[n], found[n]) for n in shared if (constants[n] - found[n]) % (1 << 32)}
    assert wrong == {}
