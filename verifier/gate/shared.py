"""Which units a change of a header cannot touch that most of the kernel includes.

Such headers lie in a precompiled header, whose functions are read once, from the header's own unit.  All that another
unit takes from them is what it names: so a unit need not be read again when the change leaves types, conditions and
includes alone, and no name that it gives another meaning occurs in the unit, be it through macros.  The names are looked
for in the text of the unit's own files, and, as macros may paste names together, in what the unit was compiled to.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from difflib import SequenceMatcher
from typing import Any

from verifier.frontend.items import FUNCTION, MACRO, PROTOTYPE, Item, items
from verifier.frontend.patched import changed_headers
from verifier.frontend.seen import own_files
from verifier.frontend.sources import Sources
from verifier.program.index import index_key

_NAMED = (MACRO, FUNCTION, PROTOTYPE)
_ONLY_WORDS = bytes(c if chr(c).isalnum() and c < 128 or c == 95 else 32 for c in range(256))
_DEFINE = re.compile(rb"^[ \t]*#[ \t]*define\b(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
_NEVER = frozenset(("__noreturn", "noreturn", "__noreturn__", "_Noreturn"))  # told of every function that is declared so


def untouched(tree: Any, store: Any, records: Iterable[Any], contents: dict[str, bytes]) -> set[int]:
    """The `id` of those records that `contents` (by file) leave as they are, although they are made from such a file."""
    headers = changed_headers(tree, contents)
    out: set[int] = set()
    for key, files in headers.items():
        mine = [r for r in records if r.header == key and r.status == "analysed" and r.file not in contents]
        names = _changed(tree, files, {name: data for name, data in contents.items() if name in files})
        if names is None:
            continue
        test = _Test(tree, store, files, *names)
        out.update(id(r) for r in mine if not contents.keys() & set(own := own_files(r, files)) and not test.names(r, own))
    return out


def _changed(tree: Any, files: set[str], contents: dict[str, bytes]) -> tuple[set[str], set[str]] | None:
    """(all names, those of macros) that new contents of some files of a precompiled header give another meaning, outside
    of functions' bodies; None when it cannot be told."""
    sources = Sources(tree.root, tree.build)
    names: set[str] = set()
    macros: set[str] = set()
    texts = []
    for name, data in contents.items():
        one, two = (items(text.decode("utf-8", "surrogateescape")) for text in (sources.read_name(name), data))
        texts += [*one, *two]
        for item in differing(one, two):
            if item.kind not in _NAMED or _NEVER & set(item.head):
                return None
            names.update(item.names)
    fresh = names
    while fresh:
        word = _any_of(fresh)
        found = list(texts)
        for name in files - contents.keys():
            text = sources.read_name(name)
            if word.search(text):
                found += items(text.decode("utf-8", "surrogateescape"))
        meant: set[str] = set()
        for item in found:
            if fresh.isdisjoint(item.head):
                continue
            if item.kind not in _NAMED:
                return None
            meant.update(item.names)
            macros.update(item.names if item.kind == MACRO else ())
        fresh = meant - names
        names |= meant
    return names, macros


def differing(one: list[Item], two: list[Item]) -> list[Item]:
    """Items that only one of two versions has at a place; not those of which only a function's body differs."""
    out: list[list[Item]] = [[], []]
    for tag, i, j, k, m in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if tag != "equal":
            out[0] += one[i:j]
            out[1] += two[k:m]
    heads = [{(item.head, item.where) for item in side if item.kind == FUNCTION} for side in out]
    return [item for side in out for item in side if item.kind != FUNCTION or (item.head, item.where) not in heads[0] & heads[1]]


def _any_of(names: Iterable[str]) -> re.Pattern[bytes]:
    """Finds one of some names as a whole word."""
    return re.compile(rb"(?<!\w)(?:" + b"|".join(re.escape(name.encode()) for name in sorted(names)) + rb")(?!\w)")


class _Test:
    """Whether units name something."""

    def __init__(self, tree: Any, store: Any, files: set[str], names: set[str], macros: set[str]) -> None:
        self.store = store
        self.sources = Sources(tree.root, tree.build)
        self.word = _any_of(names) if names else None
        self.wanted = {name.encode() for name in names}
        self.macros = sorted(macro.encode() for macro in macros)
        self.parts = {m[i:j] for m in self.macros for i in range(len(m)) for j in range(i + 1, len(m) + 1) if j - i > 1 or m[i:j] == b"_"}
        self.pieces = self._pieces(files) if macros else set()
        self._found: dict[str, tuple[bool, set[bytes]]] = {}

    def names(self, record: Any, own: Iterable[str]) -> bool:
        """Whether one of the names occurs in a unit's own files, can be pasted together there, or is in its program."""
        if self.word is None:
            return False
        read = [self._read(file) for file in own]
        if any(there for there, _ in read):
            return True
        words = set().union(self.pieces, *(found for _, found in read))
        if any(_pasted(macro, words) for macro in self.macros):
            return True
        index = self.store.get("index", index_key(record.key))
        return index is None or self.word.search(index) is not None

    def _read(self, file: str) -> tuple[bool, set[bytes]]:
        """Whether a file has one of the names, and the pieces that macros' names could be made of."""
        if file not in self._found:
            words = _words(self.sources.read_name(file))
            self._found[file] = not self.wanted.isdisjoint(words), words & self.parts
        return self._found[file]

    def _pieces(self, files: Iterable[str]) -> set[bytes]:
        """Such pieces in the macros of the precompiled header."""
        lines = (line for file in sorted(files) for line in _DEFINE.findall(self.sources.read_name(file)))
        return _words(b"\n".join(lines)) & self.parts


def _words(text: bytes) -> set[bytes]:
    return set(text.translate(_ONLY_WORDS).split())


def _pasted(name: bytes, there: Container[bytes]) -> bool:
    """Whether a name is two or more pieces that are there."""
    reached = [True] + [False] * len(name)
    for end in range(1, len(name) + 1):
        reached[end] = any(reached[start] and name[start:end] in there for start in range(end) if (start, end) != (0, len(name)))
    return reached[-1]
