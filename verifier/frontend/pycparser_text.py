"""What pycparser cannot read itself is taken out of the text first: comments, directives, attributes.

The corpus needs little: `#include "file"`, `#define NAME tokens`, `#undef`, `#ifdef`/`#ifndef`/`#else`/`#endif`, and
`__attribute__((...))`.  Attributes become blanks and are kept by the place of the name that they belong to; blanks
keep all columns.  Whatever else is met is an error with its line, and the rest is read all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?(?:\*/|\Z)|//[^\n]*', re.DOTALL)
WORD = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|[A-Za-z_]\w*|\d[\w.]*')
ATTRIBUTE = re.compile(r'"(?:\\.|[^"\\\n])*"|\b__attribute__\s*(?=\()')
DIRECTIVE = re.compile(r"\s*#\s*(\w*)\s*(.*?)\s*\Z")
BRACKET = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|[(){}\[\]]')
NAME = re.compile(r"[A-Za-z_]\w*")
DEEPEST_INCLUDE = 40
# GNU spellings of what pycparser knows under its standard name.
SPELLINGS = {
    "__builtin_offsetof": "offsetof", "__inline": "inline", "__inline__": "inline", "__const": "const",
    "__volatile__": "volatile", "__signed__": "signed", "__extension__": "", "__restrict": "restrict",
}  # fmt: skip

Place = tuple[str, int, int]


@dataclass
class SourceText:
    """Text for pycparser, and what was taken out of it.

    `attributes` maps the place (file, line, column from 1) of a declared name to the texts of its attributes;
    `closing` maps the place of each `{` to the line of its `}`; `errors` are "file:line: message".
    """

    text: str = ""
    attributes: dict[Place, list[str]] = field(default_factory=dict)
    closing: dict[Place, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


class Reader:
    """Reads a file and what it includes into one text."""

    def __init__(self, read: Callable[[str], str]) -> None:
        self.read = read
        self.macros: dict[str, str] = dict(SPELLINGS)
        self.lines: list[str] = []
        self.origins: list[tuple[str, int]] = []
        self.errors: list[str] = []

    def file(self, name: str, depth: int = 0) -> None:
        """Append a file's lines; raises OSError for the outermost one only."""
        text = TOKEN.sub(blank_comment, self.read(name)).replace("\\\n", " \x00")
        skipping: list[bool] = []
        number = 0
        self.marker(name, 1)
        for line in text.split("\n"):
            number += 1
            joined = line.count("\x00")
            match = DIRECTIVE.match(line.replace("\x00", ""))
            if match:
                self.directive(match.group(1), match.group(2), name, number, skipping, depth)
                self.put("", name, number)
            elif any(skipping):
                self.put("", name, number)
            else:
                self.put(self.expand(line.replace("\x00", "")), name, number)
            for _ in range(joined):
                number += 1
                self.put("", name, number)
        if skipping:
            self.errors.append(f"{name}:{number}: #if without #endif")

    def put(self, line: str, name: str, number: int) -> None:
        self.lines.append(line)
        self.origins.append((name, number))

    def marker(self, name: str, number: int) -> None:
        self.put(f'# {number} "{name}"', "", 0)

    def directive(self, word: str, rest: str, name: str, number: int, skipping: list[bool], depth: int) -> None:
        """Obey one directive."""
        wrong = ""
        if word in ("ifdef", "ifndef"):
            skipping.append((rest in self.macros) == (word == "ifndef"))
        elif word in ("else", "endif") and skipping:
            last = skipping.pop()
            if word == "else":
                skipping.append(not last)
        elif word in ("if", "elif", "else", "endif"):
            wrong = f"#{word} cannot be read here"
            if word == "if":
                skipping.append(False)
        elif any(skipping) or not word or word == "pragma":
            pass
        elif word == "include":
            match = re.match(r'"([^"]+)"\Z', rest)
            if match is None:
                wrong = f"#include {rest} is no file of the corpus"
            elif depth >= DEEPEST_INCLUDE:
                wrong = "files include each other"
            else:
                try:
                    self.file(beside(name, match.group(1)), depth + 1)
                except (OSError, UnicodeDecodeError) as error:
                    wrong = f"cannot read {match.group(1)}: {error.__class__.__name__}"
                self.marker(name, number)
        elif word == "define":
            match = re.match(r"([A-Za-z_]\w*)(\(?)\s*(.*)\Z", rest)
            if match is None or match.group(2):
                wrong = "only macros without parameters can be read here"
            else:
                self.macros[match.group(1)] = match.group(3)
        elif word == "undef":
            self.macros.pop(rest, None)
        else:
            wrong = f"#{word} cannot be read here"
        if wrong:
            self.errors.append(f"{name}:{number}: {wrong}")

    def expand(self, line: str, hidden: frozenset[str] = frozenset()) -> str:
        """The line with object-like macros replaced, each at most once on the way down."""

        def one(match: re.Match) -> str:
            word = match.group()
            body = self.macros.get(word)
            if body is None or word in hidden:
                return word
            return self.expand(body, hidden | {word})

        return WORD.sub(one, line) if self.macros else line


def blank_comment(match: re.Match) -> str:
    """Blanks for a comment, line ends kept; literals as they are."""
    text = match.group()
    return re.sub(r"[^\n]", " ", text) if text.startswith("/") else text


def beside(name: str, included: str) -> str:
    """Path of an included file, relative to the folder of the one that includes it, with `..` worked out."""
    parts: list[str] = []
    for part in (PurePosixPath(name).parent / included).parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        else:
            parts.append(part)
    return str(PurePosixPath(*parts))


def prepare(name: str, read: Callable[[str], str]) -> SourceText:
    """Read the file `name` through `read` (a function from names to text); OSError if it cannot be read at all."""
    reader = Reader(read)
    reader.file(name)
    text = "\n".join(reader.lines) + "\n"
    starts = [0]
    for line in reader.lines:
        starts.append(starts[-1] + len(line) + 1)
    result = SourceText(errors=reader.errors)

    def place(offset: int) -> Place:
        low, high = 0, len(starts) - 1
        while high - low > 1:
            middle = (low + high) // 2
            if starts[middle] <= offset:
                low = middle
            else:
                high = middle
        file, number = reader.origins[low]
        return file, number, offset - starts[low] + 1

    text = _take_attributes(text, result, place)
    closing: list[int] = []
    for match in BRACKET.finditer(text):
        if match.group() == "{":
            closing.append(match.start())
        elif match.group() == "}" and closing:
            result.closing[place(closing.pop())] = place(match.start())[1]
    result.text = text
    return result


def _take_attributes(text: str, result: SourceText, place: Callable[[int], Place]) -> str:
    pieces: list[str] = []
    done = 0
    found: list[tuple[int, int, str]] = []
    for match in ATTRIBUTE.finditer(text):
        if match.group().startswith('"') or match.start() < done:
            continue
        end = after_brackets(text, match.end())
        if end is None:
            result.errors.append("{}:{}: attribute without an end".format(*place(match.start())))
            break
        found.append((match.start(), end, text[match.end() : end]))
        pieces += [text[done : match.start()], re.sub(r"[^\n]", " ", text[match.start() : end])]
        done = end
    text = "".join(pieces) + text[done:]
    for start, end, words in found:
        owner = owner_of(text, start, end)
        if owner is not None:
            result.attributes.setdefault(place(owner), []).append(re.sub(r"\s+", " ", words).strip("() "))
    return text


def after_brackets(text: str, start: int) -> int | None:
    """Offset behind the bracket that closes the one at `start`; None if there is none."""
    depth = 0
    for match in BRACKET.finditer(text, start):
        token = match.group()
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
            if depth <= 0:
                return match.end()
    return None


def owner_of(text: str, start: int, end: int) -> int | None:
    """Offset of the name that the attribute between `start` and `end` (blank by now) belongs to.

    Behind a declarator it is that declarator's name (`x ATTR = 1`, `f(void) ATTR;`, `a[3] ATTR;`), before one
    the next name that is followed by no other name (`void ATTR f(void)`).
    """
    behind = text[end:].lstrip()
    if behind[:1] in ("=", ";", ",", ")", "{") or not behind:
        before = text[:start].rstrip()
        while before[-1:] in (")", "]"):
            before = _without_brackets(before).rstrip()
        match = re.search(r"[A-Za-z_]\w*\Z", before)
        return match.start() if match else None
    at = end
    last = None
    while True:
        match = re.compile(r"\s*(?:([A-Za-z_]\w*)|\*)").match(text, at)
        if match is None:
            return last
        if match.group(1):
            last = match.start(1)
        at = match.end()


def _without_brackets(text: str) -> str:
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        if text[place] in ")]":
            depth += 1
        elif text[place] in "([":
            depth -= 1
            if depth == 0:
                return text[:place]
    return ""
