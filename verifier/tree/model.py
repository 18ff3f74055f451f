"""What tree intake hands to the rest: compile commands, where they came from, and what is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

# progress(phase, done, total): total is 0 while it is not known
Progress = Callable[[str, int, int], None]


class CompileCommand(msgspec.Struct, frozen=True):
    """One translation unit. `file` is relative to the tree's root when inside it, else absolute (a generated source in
    the build directory). `arguments` are the build's own, unedited; relative paths in them are meant from `directory`."""

    file: str
    directory: str
    arguments: list[str]


class Tree(msgspec.Struct):
    """A tree that can be read. `root` and `build` are absolute paths; `root` is a link copy when the user's tree was
    configured in place. `config_digest` is the SHA-256 of the final `.config` ("" where there is none). `notes` is the
    ledger: what is missing and which options did not make it into `.config`, one sentence each. `beside` are folders
    outside of the tree by the name that reports give them."""

    root: str
    origin: str  # "compile_commands.json" | "cmd files" | "kbuild" | "plain"
    build: str | None
    version: str
    config_digest: str
    commands: Sequence[CompileCommand]
    notes: list[str]
    beside: dict[str, str] = {}


class Diagnosis(msgspec.Struct, frozen=True):
    """One line of `kqual doctor`: what was looked at, whether it is in order, and what to type when it is not."""

    name: str
    ok: bool
    message: str
    hint: str = ""


class TreeError(Exception):
    """A user's mistake or a lack of the machine: `message` says what is wrong, `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def unit_key(command: CompileCommand) -> tuple[str, str]:
    """What tells two units apart and orders them: the file, then the object (the vDSO is made for two word sizes)."""
    arguments = command.arguments
    return command.file, arguments[arguments.index("-o") + 1] if "-o" in arguments[:-1] else ""


def silent(phase: str, done: int, total: int) -> None:
    """The progress observer for callers that show none."""


def digest(data: bytes) -> str:
    """SHA-256 of the bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def config_digest(config: Path) -> str:
    """SHA-256 of a `.config`, or "" when the file is not there."""
    return digest(config.read_bytes()) if config.is_file() else ""


def inside(path: str, root: str) -> str | None:
    """`path` relative to `root` (both absolute and normalised), or None when it lies elsewhere."""
    prefix = root.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) else None
