"""What the compile commands of a kernel tree depend on: its makefiles and the like, as one digest.

Walking a kernel's folders costs more than gating a patch. What the walk found is kept beside the build; as long as no
folder's time changed, no name came or went, and the files alone are looked at.
"""

from __future__ import annotations

import os
import re
import time
from array import array
from pathlib import Path

import msgspec

from verifier.tree.model import digest

SLACK = 1_000_000_000  # nanoseconds: a folder touched so shortly before a walk may change again without showing it
# sources and headers are not among them
_BUILD_FILE = re.compile(r"(Makefile|Kbuild|Kconfig)[\w.-]*$|.*\.(asn1|tbl|awk|pl|mk|map|uni)$")
_LEFT_OUT = (".git", "Documentation", "LICENSES")


class _Walk(msgspec.Struct, array_like=True):
    """Folders with their times (two numbers for each), and the build files in them, all relative to `root`."""

    root: str
    folders: list[str]
    times: bytes
    files: list[str]


def build_inputs(root: Path, kept: Path | None = None) -> str:
    """Digest of names, sizes and modification times of the files that decide the compile commands; the walk over the
    tree's folders is kept in the file `kept`."""
    top = os.fspath(root)
    files = _recalled(top, kept) if kept is not None else None
    if files is None:
        files = _walked(top, kept)
    lines = []
    for name in files:
        status = os.stat(f"{top}/{name}")
        lines.append(f"{top}/{name} {status.st_size} {status.st_mtime_ns}")
    return digest("\n".join(lines).encode("utf-8", "surrogateescape"))


def _recalled(top: str, kept: Path) -> list[str] | None:
    """The build files that the last walk found; None when a name may have come or gone since."""
    try:
        walk = msgspec.msgpack.decode(kept.read_bytes(), type=_Walk)
        if walk.root != top or _times(top, walk.folders).tobytes() != walk.times:
            return None
    except (OSError, msgspec.MsgspecError):
        return None  # not there, of another shape, or a folder is gone
    return walk.files


def _walked(top: str, kept: Path | None) -> list[str]:
    begin = time.time_ns()
    walk = _Walk(top, [], b"", [])
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        relative = folder[len(top) + 1 :]
        walk.folders.append(relative)
        walk.files += [os.path.join(relative, name) for name in sorted(files) if _BUILD_FILE.match(name)]
    times = _times(top, walk.folders)
    if kept is not None and kept.parent.is_dir() and max(times) < begin - SLACK and _speakable(walk):
        walk.times = times.tobytes()
        beside = kept.with_name(f"{kept.name}.{os.getpid()}")
        beside.write_bytes(msgspec.msgpack.encode(walk))
        os.replace(beside, kept)
    return walk.files


def _speakable(walk: _Walk) -> bool:
    """Whether all names are text."""
    try:
        "\n".join([walk.root, *walk.folders, *walk.files]).encode()
    except UnicodeEncodeError:
        return False
    return True


def _times(top: str, folders: list[str]) -> array[int]:
    out = array("Q")
    for name in folders:
        status = os.stat(f"{top}/{name}")
        out.extend((status.st_mtime_ns, status.st_ctime_ns))
    return out
