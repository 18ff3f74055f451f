"""Reads and writes `compile_commands.json` (clang's "JSON Compilation Database Format")."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec

from verifier.tree.dryrun import compile_source
from verifier.tree.model import CompileCommand, TreeError, inside, unit_key
from verifier.tree.shellwords import UnclosedQuote, simple_commands

_REMAKE = "make it again (`make compile_commands.json` in a built tree), or remove it and let kqual ask Kbuild"


class _Entry(msgspec.Struct):
    directory: str
    file: str
    command: str | None = None
    arguments: list[str] | None = None


def parse(data: bytes, where: str, root: str, build: str | None) -> tuple[list[CompileCommand], list[str]]:
    """The C units of a compile database, sorted by file, and notes on what was left out.

    `where` names the file in messages; `root` is the tree, `build` the build directory (absolute, normalised). Entries
    whose source lies in neither are left out with a note. Raises TreeError for anything that is not such a database,
    and when no entry belongs to the tree.
    """
    try:
        entries = msgspec.json.decode(data, type=list[_Entry])
    except msgspec.ValidationError as error:
        raise TreeError(f"{where}: not a compile database: {error}", _REMAKE) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TreeError(f"{where}: damaged or truncated: {error}", _REMAKE) from error
    notes: list[str] = []
    found: dict[tuple[str, str], CompileCommand] = {}
    outside: list[str] = []
    vanished: list[str] = []
    for number, entry in enumerate(entries):
        if not entry.file.endswith(".c"):
            continue
        if not os.path.isabs(entry.directory) or "\0" in entry.directory + entry.file:
            raise TreeError(f"{where}: entry {number}: `directory` must be an absolute path", _REMAKE)
        arguments = _arguments(entry, number, where)
        path = os.path.normpath(os.path.join(entry.directory, entry.file))
        name = inside(path, root)
        if name is None:
            if build is None or inside(path, build) is None:
                outside.append(path)
                continue
            name = path
        if not os.path.exists(path):
            vanished.append(name)
            continue
        command = CompileCommand(name, os.path.normpath(entry.directory), arguments)
        found.setdefault(unit_key(command), command)
    answered = sorted(name for (name, _), command in found.items() if "\0@" in "\0" + "\0".join(command.arguments))
    if answered:
        notes.append(f"{where}: {len(answered)} commands name response files, which are not read: macros and include "
                     f"paths in them are unknown, such as for {answered[0]}")  # fmt: skip
    if outside:
        notes.append(f"{where}: {len(outside)} entries lie outside the tree and were left out, such as {min(outside)}")
    if vanished:
        notes.append(f"{where}: {len(vanished)} sources do not exist (any more), such as {min(vanished)}")
    if not found:
        why = f"all {len(outside)} C entries lie outside {root}" if outside else "it names no C source that exists"
        raise TreeError(f"{where}: {why}", _REMAKE)
    return [found[key] for key in sorted(found)], notes


def _arguments(entry: _Entry, number: int, where: str) -> list[str]:
    if entry.arguments:
        return entry.arguments
    if not entry.command:
        raise TreeError(f"{where}: entry {number} ({entry.file}) has neither `arguments` nor `command`", _REMAKE)
    try:
        commands = simple_commands(entry.command)
    except UnclosedQuote as error:
        raise TreeError(f"{where}: entry {number} ({entry.file}): {error}", _REMAKE) from error
    for words in commands:
        unit = compile_source(words)
        if unit is not None:
            return unit[0]
    if not commands:
        raise TreeError(f"{where}: entry {number} ({entry.file}) has an empty `command`", _REMAKE)
    return commands[0]


def read(path: Path, root: str, build: str | None) -> tuple[list[CompileCommand], list[str]]:
    """Reads the database at `path`; see parse."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TreeError(f"{path}: {error.strerror}", "check the file's permissions, or remove it") from error
    return parse(data, str(path), root, build)


def render(commands: list[CompileCommand], root: str) -> bytes:
    """The database's text: one entry per command in the given order, arguments unedited."""
    entries = [
        {"directory": c.directory, "file": os.path.join(root, c.file), "arguments": list(c.arguments)} for c in commands
    ]
    return (json.dumps(entries, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogateescape")


def write(path: Path, commands: list[CompileCommand], root: str) -> None:
    """Writes the database beside `path` and renames it, so that a reader never sees half of it."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(render(commands, root))
    beside.replace(path)
