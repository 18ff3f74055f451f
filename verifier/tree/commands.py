"""Compile commands in a form that is read without unpacking them: a gate looks at a few of the thousands of a kernel.

Commands of one build consist of the same words, so each is kept as the numbers of its words. Kept beside the compile
database that they come from, and good as long as that is the same file.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from verifier.tree.model import CompileCommand

WIDTH = "I"


class _Kept(msgspec.Struct, array_like=True):
    """`source` says which file the commands come from; command n has the words from `starts[n]` to `starts[n + 1]`, the
    first of them its file, the second its directory."""

    source: list[Any]
    digest: str
    words: list[str]
    starts: bytes
    items: bytes


class Commands(Sequence[CompileCommand]):
    """Compile commands, each unpacked when it is asked for; `digest` stands for all of them."""

    def __init__(self, kept: _Kept) -> None:
        self.digest = kept.digest
        self._words = kept.words
        self._starts, self._items = array(WIDTH, kept.starts), array(WIDTH, kept.items)
        self._made: dict[int, CompileCommand] = {}
        self.files = [self._words[self._items[start]] for start in self._starts[:-1]]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[n] for n in range(len(self))[at]]
        number = range(len(self))[at]
        if number not in self._made:
            file, directory, *arguments = (self._words[n] for n in self._items[self._starts[number] : self._starts[number + 1]])
            self._made[number] = CompileCommand(file, directory, arguments)
        return self._made[number]

    def __iter__(self) -> Iterator[CompileCommand]:
        return (self[number] for number in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def digest(commands: Sequence[CompileCommand]) -> str:
    """Stands for all of some commands, in their order."""
    if isinstance(commands, Commands):
        return commands.digest
    text = "\n".join("\0".join((c.file, c.directory, *c.arguments)) for c in commands)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def of_files(commands: Sequence[CompileCommand], wanted: set[str]) -> dict[str, list[CompileCommand]]:
    """The commands of some files, by file, in their order."""
    files: Iterable[str] = commands.files if isinstance(commands, Commands) else (c.file for c in commands)
    out: dict[str, list[CompileCommand]] = {}
    for number, file in enumerate(files):
        if file in wanted:
            out.setdefault(file, []).append(commands[number])
    return out


def keep(commands: Sequence[CompileCommand], database: Path, place: Path, root: str) -> None:
    """Write down commands that were read from `database` for the tree at `root`."""
    numbers: dict[str, int] = {}
    starts, items = array(WIDTH, [0]), array(WIDTH)
    for command in commands:
        items.extend(numbers.setdefault(word, len(numbers)) for word in (command.file, command.directory, *command.arguments))
        starts.append(len(items))
    try:
        data = msgspec.msgpack.encode(_Kept(_state(database, root), digest(commands), list(numbers), starts.tobytes(), items.tobytes()))
    except UnicodeEncodeError:
        return  # a path that is no text: read from the database every time
    beside = place.with_name(f"{place.name}.{os.getpid()}")
    beside.write_bytes(data)
    os.replace(beside, place)


def kept(database: Path, place: Path, root: str) -> Commands | None:
    """The commands that `keep` wrote down, when the database is still that file and all sources are there."""
    try:
        found = msgspec.msgpack.decode(place.read_bytes(), type=_Kept)
        if found.source != _state(database, root):
            return None
        commands = Commands(found)
    except (OSError, msgspec.MsgspecError, ValueError, IndexError):
        return None  # not there, or of another shape
    return commands if all(os.path.exists(os.path.join(root, file)) for file in commands.files) else None


def _state(database: Path, root: str) -> list[Any]:
    status = database.stat()
    return [root, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
