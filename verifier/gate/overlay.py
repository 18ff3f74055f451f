"""A patch as an overlay: the contents of the files that it changes, without touching the tree.

`git apply` does the applying (fuzz, renames, modes, binary hunks) on copies in a scratch folder; it refuses paths that
leave the folder or pass through symbolic links.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from unidiff import PatchSet
from unidiff.errors import UnidiffParseError

from verifier.errors import KqualError

MOST_BYTES = 64 << 20


class Overlay:
    """`files` maps paths relative to the tree to their new contents; `removed` are deleted paths; `hunks` maps a path
    to (first line, last line) ranges of its new text that the patch touches."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.removed: list[str] = []
        self.hunks: dict[str, list[tuple[int, int]]] = {}


def _plain(path: str) -> str:
    return path.split("/", 1)[1] if path.startswith(("a/", "b/")) else path


def read_patch(root: str, text: bytes) -> Overlay:
    """The overlay of a unified diff (or mail with one); KqualError says what is wrong with it."""
    if len(text) > MOST_BYTES:
        raise KqualError(f"the patch has {len(text) >> 20} MiB, more than {MOST_BYTES >> 20}", "split it, or gate a range of commits")
    overlay = Overlay()
    if not text.strip():
        return overlay
    try:
        patch = PatchSet(text.decode("utf-8", "surrogateescape"))
    except (UnidiffParseError, ValueError) as error:
        raise KqualError(f"the patch cannot be read: {error}", "is it a unified diff as `git diff` writes it?") from error
    if not len(patch):
        raise KqualError("the patch holds no hunk", "is it a unified diff as `git diff` writes it?")
    top = os.path.realpath(root)
    with tempfile.TemporaryDirectory(prefix="kqual-gate-") as scratch:
        touched: list[str] = []
        for file in patch:
            for name in (file.source_file, file.target_file):
                if name in ("/dev/null", None):
                    continue
                path = _plain(name)
                full = os.path.realpath(os.path.join(top, path))
                if os.path.isabs(path) or not full.startswith(top + os.sep) or ".." in Path(path).parts:
                    raise KqualError(f"the patch leaves the tree: {path!r}", "nothing was done")
                if path not in touched:
                    touched.append(path)
                    if os.path.isfile(full) and not os.path.islink(os.path.join(top, path)):
                        copy = Path(scratch, path)
                        copy.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(full, copy)
            target = _plain(file.target_file)
            ranges = overlay.hunks.setdefault(target, [])
            for hunk in file:
                ranges.append((hunk.target_start, hunk.target_start + max(hunk.target_length, 1) - 1))
        _apply(scratch, text)
        for path in touched:
            result = Path(scratch, path)
            if result.is_symlink():
                raise KqualError(f"the patch makes a symbolic link: {path!r}", "kqual reads no links from patches")
            if result.is_file():
                overlay.files[path] = result.read_bytes()
            else:
                overlay.removed.append(path)
    return overlay


def _apply(folder: str, text: bytes) -> None:
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": os.path.dirname(folder), "GIT_DIR": os.path.join(folder, ".none")}
    try:
        done = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, input=text, capture_output=True, env=environment,
            timeout=120, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise KqualError("git is not installed", "apt install git") from error
    except subprocess.TimeoutExpired as error:
        raise KqualError("git apply did not finish in two minutes", "split the patch") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["git apply failed"]
        raise KqualError(f"the patch does not apply: {lines[0]}", "is TREE the version that the patch was made for?")
