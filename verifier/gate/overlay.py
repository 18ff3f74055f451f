"""A patch as an overlay: the contents of the files that it changes, without touching the tree.

`git apply` does the applying on copies in a scratch folder, under limits of time, memory and file size.  Nothing is
written through links: sections about links and binary files are set aside, and a path that passes through a link of
the tree is refused.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

from verifier.errors import KqualError
from verifier.frontend.limits import lower
from verifier.gate.mail import Piece, pieces
from verifier.gate.patch import Section, sections

MOST_BYTES = 64 << 20  # of a patch; --max-patch
MOST_FILE = 64 << 20  # of a file that a patch makes
MOST_MEMORY = 2 << 30  # of git apply
MOST_SECONDS = 120


class Overlay:
    """`files` maps paths relative to the tree to their new contents; `removed` are deleted paths; `renamed` maps a new
    path to the one that it had; `notes` say what of the patch was set aside."""

    def __init__(self, before: Overlay | None = None) -> None:
        self.files: dict[str, bytes] = dict(before.files) if before else {}
        self.removed: list[str] = list(before.removed) if before else []
        self.renamed: dict[str, str] = dict(before.renamed) if before else {}
        self.notes: list[str] = list(before.notes) if before else []

    @property
    def touched(self) -> set[str]:
        """All paths that differ."""
        return {*self.files, *self.removed}


def check_size(size: int, most: int = MOST_BYTES) -> None:
    """KqualError for a patch that is larger than it may be."""
    if size > most:
        raise KqualError(
            f"the patch has more than {most >> 20} MiB", "--max-patch MIB allows more; or split it, or gate a range of commits"
        )


def read_series(root: str, text: bytes, most: int = MOST_BYTES) -> list[tuple[str, Overlay]]:
    """(subject, overlay of everything up to and with it) for each patch of a text; KqualError says what is wrong."""
    check_size(len(text), most)
    if not text.strip():
        return [("", Overlay())]
    out: list[tuple[str, Overlay]] = []
    for piece in pieces(text):
        out.append((piece.subject, _add(root, piece, out[-1][1] if out else Overlay())))
    return out


def read_patch(root: str, text: bytes, most: int = MOST_BYTES) -> Overlay:
    """The overlay of a unified diff, or of a whole series of mails."""
    return read_series(root, text, most)[-1][1]


def _add(root: str, piece: Piece, before: Overlay) -> Overlay:
    found = sections(piece.diff)
    if not found:
        raise KqualError("the patch holds no hunk", "is it a unified diff as `git diff` writes it?")
    overlay = Overlay(before)
    plain = []
    for section in found:
        if section.odd:
            overlay.notes.append(f"{section.new or section.old}: {section.odd}, not read")
        else:
            plain.append(section)
    with tempfile.TemporaryDirectory(prefix="kqual-gate-") as scratch:
        paths: dict[str, None] = {}
        for section in plain:
            for path in (section.old, section.new):
                if path is not None and path not in paths:
                    paths[path] = None
                    _copy(root, path, scratch, before)
        if plain:
            _apply(scratch, b"".join(s.text if s.text.endswith(b"\n") else s.text + b"\n" for s in plain), overlay)
        for path in paths:
            _collect(root, path, Path(scratch, path), overlay)
    _renames(plain, overlay)
    return overlay


def _copy(root: str, path: str, scratch: str, before: Overlay) -> None:
    """Put a file's present contents into the scratch folder, if it has any."""
    top = os.path.realpath(root)
    full = os.path.join(top, path)
    if os.path.realpath(full) != os.path.normpath(full):
        raise KqualError(f"the patch passes through a symbolic link: {path!r}", "name the file itself")
    target = Path(scratch, path)
    if path in before.removed:
        return
    try:
        if path in before.files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(before.files[path])
        elif os.path.isfile(full):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(full, target)
    except OSError as error:
        raise KqualError(f"{path!r}: {error.strerror}", "the patch needs this file") from error


def _collect(root: str, path: str, result: Path, overlay: Overlay) -> None:
    """Take over what became of a path."""
    if result.is_symlink():
        raise KqualError(f"the patch makes a symbolic link: {path!r}", "kqual reads no links from patches")
    if result.is_file():
        check_file = result.stat().st_size
        if check_file > MOST_FILE:
            raise KqualError(f"{path!r} would have more than {MOST_FILE >> 20} MiB", "kqual reads no such files")
        overlay.files[path] = result.read_bytes()
        if path in overlay.removed:
            overlay.removed.remove(path)
    else:
        overlay.files.pop(path, None)
        if os.path.exists(os.path.join(root, path)) and path not in overlay.removed:
            overlay.removed.append(path)


def _renames(plain: list[Section], overlay: Overlay) -> None:
    for section in plain:
        if section.old is not None and section.new is not None and section.old != section.new:
            overlay.renamed[section.new] = overlay.renamed.get(section.old, section.old)


def _apply(folder: str, text: bytes, overlay: Overlay) -> None:
    """Apply as it stands, then with Unix line ends, then with less context; KqualError when nothing helps."""
    first = _git_apply(folder, text)
    if not first:
        return
    if b"\r\n" in text:
        text = text.replace(b"\r\n", b"\n")
        if not _git_apply(folder, text):
            overlay.notes.append("the patch has DOS line ends; they were taken for Unix ones")
            return
    if not _git_apply(folder, text, "-C1"):
        overlay.notes.append("the patch applies only with less context than it has: is TREE the version that it was made for?")
        return
    raise KqualError(f"the patch does not apply: {first}", "is TREE the version that the patch was made for?")


def _limits() -> None:
    lower(resource.RLIMIT_AS, MOST_MEMORY)
    lower(resource.RLIMIT_FSIZE, 2 * MOST_FILE)
    lower(resource.RLIMIT_CPU, MOST_SECONDS)


def _git_apply(folder: str, text: bytes, *options: str) -> str:
    """Run `git apply`; its first complaint, or "" when all was applied (it applies all or nothing)."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": folder, "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CEILING_DIRECTORIES": os.path.dirname(folder),
        "GIT_DIR": os.path.join(folder, ".none"),
    }  # fmt: skip
    command = ["git", "apply", "--whitespace=nowarn", *options, "-"]
    try:
        done = subprocess.run(
            command, cwd=folder, input=text, capture_output=True, env=environment, timeout=MOST_SECONDS, check=False,
            preexec_fn=_limits,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise KqualError("git is not installed", "apt install git") from error
    except subprocess.TimeoutExpired as error:
        raise KqualError(f"git apply did not finish in {MOST_SECONDS} seconds", "split the patch") from error
    if not done.returncode:
        return ""
    if done.returncode < 0:
        return f"git apply was ended by signal {-done.returncode}"
    lines = [s for s in done.stderr.decode(errors="replace").splitlines() if s.strip() and not s.startswith("warning:")]
    return lines[0] if lines else "git apply failed"
