"""A header as a list of what stands at its top level, read from its text alone.

Good for one question: what may a change of the text change for those who include it?  So anything that is not
plainly a macro, a function or a prototype is `other`, and nothing is expanded.  Comments and lines do not count.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MACRO, FUNCTION, PROTOTYPE, DIRECTIVE, OTHER = "macro", "function", "prototype", "directive", "other"
_TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|\w+|\n|[^\S\n]+|.", re.DOTALL)
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_TYPES = frozenset(("struct", "union", "enum", "typedef"))
_KEYWORDS = frozenset((
    "void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "bool", "_Bool", "const", "volatile",
    "typeof", "__typeof__", "sizeof", "if", "while", "for", "switch", "return", "asm", "__asm__", "_Static_assert", *_TYPES,
))  # fmt: skip
_STORAGE = frozenset(("static", "extern", "inline", "__inline", "__inline__", "__always_inline", "noinline", "const", "asmlinkage"))
_ATTRIBUTES = frozenset((
    "__attribute__", "__printf", "__scanf", "__must_hold", "__acquires", "__releases", "__cond_acquires", "__aligned", "__section",
    "__alloc_size", "__assume_aligned", "__diagnose_as", "__malloc", "__nonnull", "__realloc_size",
))  # fmt: skip


class Item(NamedTuple):
    """`names` are what it defines or declares; `head` its tokens without a function's body, `body` those of the body;
    `where` the conditions that it stands under."""

    kind: str
    names: tuple[str, ...]
    head: tuple[str, ...]
    body: tuple[str, ...]
    where: tuple[str, ...]


def items(text: str) -> list[Item]:
    """The items of a header, in order."""
    reader = _Reader()
    line: list[str] | None = None  # of a directive
    fresh = True
    for token in _TOKEN.findall(re.sub(r"\\\r?\n", "", text)):
        if token == "\n":
            if line is not None:
                reader.directive(line)
            line, fresh = None, True
        elif token.isspace() or token.startswith(("//", "/*")):
            continue
        elif line is not None:
            line.append(token)
        elif token == "#" and fresh:
            line = []
        else:
            reader.token(token)
            fresh = False
    if line is not None:
        reader.directive(line)
    reader.close(OTHER)
    return reader.found


class _Reader:
    def __init__(self) -> None:
        self.found: list[Item] = []
        self.head: list[str] = []
        self.body: list[str] = []
        self.where: list[str] = []
        self.depth = 0
        self.inside = False  # of a function's body

    def directive(self, line: list[str]) -> None:
        word, rest = (line[0], tuple(line[1:])) if line else ("", ())
        if word in ("define", "undef"):
            self.found.append(Item(MACRO, rest[:1], (word, *rest), (), tuple(self.where)))
            return
        if word in ("endif", "else", "elif") and self.where:
            self.where.pop()
        if word in ("if", "ifdef", "ifndef", "else", "elif"):
            self.where.append(" ".join(line))
        self.found.append(Item(DIRECTIVE, (), tuple(line), (), tuple(self.where)))
        if self.head:
            (self.body if self.inside else self.head).extend(("#", *line))

    def token(self, token: str) -> None:
        if token == "{" and self.depth == 0 and self.head and self.head[-1] == ")":
            self.inside = True
        (self.body if self.inside else self.head).append(token)
        self.depth += (token in _OPEN) - (token in _CLOSE)
        if self.depth == 0 and self.inside:
            self.close(FUNCTION)
        elif self.depth == 0 and token == ";":
            self.close(PROTOTYPE)

    def close(self, kind: str) -> None:
        if self.head or self.body:
            names = _declared(self.head)
            kind = kind if names and not ({"{", "=", "typedef", "#"} & set(self.head)) else OTHER
            self.found.append(Item(kind, names, tuple(self.head), tuple(self.body), tuple(self.where)))
        self.head, self.body, self.depth, self.inside = [], [], 0, False


def _declared(head: list[str]) -> tuple[str, ...]:
    """The names before parentheses that a function's head has at its top level, after a type; none of anything else."""
    out, depth, typed = [], 0, False
    for token, following in zip(head, [*head[1:], ""], strict=True):
        if depth == 0 and following == "(" and token.isidentifier() and token not in _ATTRIBUTES:
            if token in _KEYWORDS or not typed:
                return ()
            out.append(token)
        elif depth == 0 and token.isidentifier() and token not in _STORAGE and token not in _ATTRIBUTES:
            typed = True
        depth += (token in _OPEN) - (token in _CLOSE)
    return tuple(out)
