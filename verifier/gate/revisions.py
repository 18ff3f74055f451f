"""Revisions of a git checkout as overlays over its working tree, read with plumbing commands; nothing is checked out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from verifier.errors import KqualError
from verifier.gate.overlay import MOST_FILE, Overlay

SECONDS = 600
_LINKS = ("120000", "160000")
_ABSENT = "000000"


def is_checkout(folder: str) -> bool:
    """Whether a folder lies in a git checkout."""
    done = _run(folder, "rev-parse", "--is-inside-work-tree", check=False)
    return done.returncode == 0 and done.stdout.strip() == b"true"


def head(folder: str) -> str:
    """The commit that is checked out in a folder; "" for one that is no checkout of its own, or has no commit yet.

    Whether files were changed since is not asked: git would run filters that the checkout itself configures.
    """
    if not os.path.exists(os.path.join(folder, ".git")):
        return ""
    done = _run(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", "HEAD^{commit}", check=False)
    return "" if done.returncode else done.stdout.decode().strip()


def commit(folder: str, revision: str) -> str:
    """The commit that a revision names; KqualError when it names none."""
    done = _run(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}", check=False)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines()
        if why:
            raise KqualError(f"git: {why[0]}", "TREE must be a git checkout that you may read")
        raise KqualError(f"{revision!r} names no commit", "git log shows what there is")
    return done.stdout.decode().strip()


def at(folder: str, revision: str) -> Overlay:
    """The overlay that turns the working tree into a revision."""
    name = commit(folder, revision)
    overlay = Overlay()
    wanted: list[tuple[str, str]] = []
    for _, old_mode, old_id, _, path, _ in _raw(folder, "--no-renames", name):
        if old_mode in _LINKS:
            overlay.notes.append(f"{path}: symbolic link or submodule, not read")
        elif old_mode == _ABSENT:
            overlay.removed.append(path)
        else:
            wanted.append((path, old_id))
    for path in _run(folder, "ls-files", "--others", "--exclude-standard", "-z").stdout.decode(errors="surrogateescape").split("\0"):
        if path.endswith((".c", ".h")):
            overlay.removed.append(path)
    for (path, _), data in zip(wanted, _blobs(folder, [blob for _, blob in wanted]), strict=True):
        try:
            same = Path(folder, path).read_bytes() == data
        except OSError:
            same = False
        if not same:
            overlay.files[path] = data
    return overlay


def renames(folder: str, base: str, head: str | None) -> dict[str, str]:
    """New path to old path of the files that moved from `base` to `head` (None: the working tree)."""
    revisions = [commit(folder, r) for r in (base, head) if r is not None]
    return {new: old for status, _, _, _, old, new in _raw(folder, "-M", *revisions) if status.startswith("R")}


def _raw(folder: str, *arguments: str) -> list[tuple[str, str, str, str, str, str]]:
    """(status, old mode, old blob, new mode, path, second path) of `git diff --raw`."""
    out = _run(
        folder, "diff", "--raw", "-z", "--abbrev=40", "--no-ext-diff", "--no-textconv", "--relative", *arguments, "--"
    ).stdout.decode("utf-8", "surrogateescape")
    fields = iter(out.split("\0"))
    found = []
    for head in fields:
        if not head.startswith(":"):
            continue
        old_mode, new_mode, old_id, _, status = head[1:].split(" ")
        path = next(fields)
        second = next(fields) if status[0] in "RC" else path
        found.append((status, old_mode, old_id, new_mode, path, second))
    return found


def _blobs(folder: str, names: list[str]) -> list[bytes]:
    """Contents of blobs, in order."""
    if not names:
        return []
    out = _run(folder, "cat-file", "--batch", input="".join(f"{n}\n" for n in names).encode()).stdout
    found = []
    position = 0
    for name in names:
        end = out.index(b"\n", position)
        head = out[position:end].split(b" ")
        if len(head) != 3 or head[1] != b"blob":
            raise KqualError(f"git lacks the object {name}", "git fetch it: is this a shallow or partial clone?")
        size = int(head[2])
        if size > MOST_FILE:
            raise KqualError(f"a file of the revision has more than {MOST_FILE >> 20} MiB", "kqual reads no such files")
        found.append(out[end + 1 : end + 1 + size])
        position = end + 2 + size
    return found


def _run(folder: str, *arguments: str, input: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, input=input, capture_output=True, env=environment, timeout=SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise KqualError("git is not installed", "apt install git") from error
    except subprocess.TimeoutExpired as error:
        raise KqualError(f"git {arguments[0]} did not finish in {SECONDS} seconds", "gate a patch: --patch FILE") from error
    if check and done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["failed"]
        raise KqualError(f"git {arguments[0]}: {lines[0]}", "TREE must be a git checkout that you may read")
    return done
