"""TOML files with positions: `tomllib` gives values, this gives the line and column where each stands."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HEADER = re.compile(r"\s*\[\[?\s*([\w.\-\"']+)\s*\]\]?")
_KEY = re.compile(r"\s*([\w\-]+|\"[^\"]*\"|'[^']*')\s*=")
_TOML_POSITION = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, order=True)
class Problem:
    """Something wrong in a data file: `file:line:column: message` and what to do about it.  Lines count from 1."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    caret: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.message}"
        if self.caret:
            text += "\n    " + self.caret.replace("\n", "\n    ")
        return f"{text}\n    {self.hint}" if self.hint else text


@dataclass
class Source:
    """One TOML file.  `tables` is its content; `shown` is the name used in messages."""

    shown: str
    text: str
    tables: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = self.text.split("\n")
        self._starts: dict[tuple[str, int], int] = {}
        seen: dict[str, int] = {}
        self._bare = _blank_multiline(self.text).split("\n")
        for number, line in enumerate(self._bare):
            match = _HEADER.match(line)
            if match and not _KEY.match(line):
                name = match[1].strip("\"'")
                self._starts[name, seen.get(name, 0)] = number
                seen[name] = seen.get(name, 0) + 1
        self._headers = sorted(self._starts.values())
        try:
            self.tables = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            match = _TOML_POSITION.search(str(error))
            line, column = (int(match[1]), int(match[2])) if match and match[1] else (len(self.lines), 1)
            message = _TOML_POSITION.sub("", str(error))
            self.problems.append(Problem(self.shown, line, column, f"not TOML: {message}", "", self._caret(line, column)))

    def _caret(self, line: int, column: int) -> str:
        text = self.lines[line - 1].replace("\t", " ") if 0 < line <= len(self.lines) else ""
        return f"{text.rstrip()}\n{' ' * (column - 1)}^" if text.strip() else ""

    def position(self, table: str, index: int, key: str = "", value: str = "", offset: int = 0) -> tuple[int, int]:
        """(line, column) of the key in the index-th table of that name, or of character `offset` of a string in it."""
        start = self._starts.get((table, index))
        if start is None:
            return 1, 1
        end = next((line for line in self._headers if line > start), len(self.lines))
        if not key:
            return start + 1, 1
        found = None
        for number in range(start, end):
            match = _KEY.match(self._bare[number])
            if match and match[1].strip("\"'") == key:
                found = number
                break
        if found is None:
            return self._inline(start, end, table, key)
        if not value:
            return found + 1, len(self.lines[found]) - len(self.lines[found].lstrip()) + 1
        first = value.split("\n", 1)[0]
        quoted = [] if "\n" in value else [f'"{value}"', f"'{value}'"]
        for number, text in ((n, t) for t in [*quoted, first] for n in range(found, end)):
            column = self.lines[number].find(text, self.lines[number].find("=") + 1 if number == found else 0)
            if column >= 0:
                column += text in quoted
                if "\n" in value[:offset]:
                    number += value[:offset].count("\n")
                    return number + 1, offset - value.rfind("\n", 0, offset)
                return number + 1, column + offset + 1
        return found + 1, 1

    def _inline(self, start: int, end: int, table: str, key: str) -> tuple[int, int]:
        # keys of inline tables, as in retire = [{id = "x"}]
        pattern = re.compile(rf"\b{re.escape(key)}\s*=")
        for number in range(start, end):
            match = pattern.search(self._bare[number])
            if match:
                return number + 1, match.start() + 1
        return start + 1, 1

    def report(
        self, table: str, index: int, message: str, hint: str = "", key: str = "", value: str | None = None, offset: int = 0
    ) -> None:
        """Add a problem at a character of a string value, which is the key's own where it is not given (a list holds
        several), or at the key itself with `value` empty; `offset` counts from 0."""
        if value is None:
            found = self.tables[table][index].get(key) if key else None
            value = found if isinstance(found, str) else ""
        line, column = self.position(table, index, key, value, offset)
        caret = self._caret(line, column) if key else ""
        self.problems.append(Problem(self.shown, line, column, message, hint, caret))

    def line_of(self, table: str, index: int) -> int:
        """Line of the header of the index-th table of that name."""
        return self._starts.get((table, index), 0) + 1


def _blank_multiline(text: str) -> str:
    """The text with the content of triple-quoted strings blanked, lines kept, so that headers can be found."""
    out: list[str] = []
    position = 0
    for match in re.finditer(r"'''.*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|#[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'", text, re.DOTALL):
        out.append(text[position : match.start()])
        token = match[0]
        out.append(re.sub(r"[^\n]", " ", token) if token.startswith(("'''", '"""', "#")) else token)
        position = match.end()
    out.append(text[position:])
    return "".join(out)


def read(path: Path, shown: str) -> Source:
    """Read a file; an unreadable one is a Source with a problem and no tables."""
    try:
        return Source(shown, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        source = Source(shown, "")
        source.problems.append(Problem(shown, 1, 1, f"not UTF-8: {error.reason}", "save the file as UTF-8"))
    except OSError as error:
        source = Source(shown, "")
        source.problems.append(Problem(shown, 1, 1, f"cannot be read: {error.strerror}"))
    return source
