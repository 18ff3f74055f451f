"""The tree's source for the pages: lines of functions, with their words marked for colour."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable

from markupsafe import Markup

from reports import wording
from reports.layout import function_extent

Source = Callable[[str], str | None]  # the text of a file of the tree, None when it cannot be had

LONGEST_LINE = 400
_KEPT_FILES = 64
_KEYWORDS = (
    "auto|bool|break|case|char|const|continue|default|do|double|else|enum|extern|float|for|goto|if|inline|int|long|"
    "register|return|short|signed|sizeof|static|struct|switch|typedef|typeof|union|unsigned|void|volatile|while|NULL"
)
_TOKENS = re.compile(
    rf"(?P<c>/\*.*?(?:\*/|\Z)|//[^\n]*)|(?P<s>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    rf"|(?P<p>^[ \t]*#[ \t]*\w+)|(?P<k>\b(?:{_KEYWORDS})\b)",
    re.DOTALL | re.MULTILINE,
)


def _escaped(text: str) -> str:
    # Between tags nothing else opens markup; this is never put into an attribute.
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _harmless(line: str) -> str:
    """A line of source whose tabs stay: the pages' gutter is a multiple of eight characters wide."""
    return "\t".join(wording.plain(part) for part in line.rstrip("\r")[:LONGEST_LINE].split("\t"))


def coloured(text: str) -> list[Markup]:
    """Lines of C as markup: keywords and directives `i`, comments `i.c`, strings `i.s`; everything escaped."""
    out: list[str] = []
    end = 0
    for match in _TOKENS.finditer(text):
        out.append(_escaped(text[end : match.start()]))
        kind = match.lastgroup
        parts = _escaped(match[0]).split("\n")
        opening = f"<i class={kind}>" if kind in ("c", "s") else "<i>"
        if len(parts) == 1:
            out.append(f"{opening}{parts[0]}</i>")
        else:
            out.append("\n".join(f"{opening}{part}</i>" if part else "" for part in parts))
        end = match.end()
    out.append(_escaped(text[end:]))
    return [Markup(line) for line in "".join(out).split("\n")]


class Sources:
    """Files of the tree; the last ones used are kept."""

    def __init__(self, read: Source | None, remote: Callable[[str, int], str] = lambda *_: "") -> None:
        """`remote` gives the address of a line for sources that the report does not hold; `read` is None, and `withheld`
        true, where the report may say nothing of the tree's text."""
        self.withheld = read is None
        self.read = read or (lambda _: None)
        self.remote = remote
        self._files: OrderedDict[str, list[str]] = OrderedDict()
        self._marked: dict[str, dict[tuple[int, int], list[Markup]]] = {}
        self._extents: dict[str, dict[int, tuple[int, int] | None]] = {}

    def lines(self, file: str) -> list[str]:
        """All lines of a file as they are; empty when the file cannot be had."""
        if file in self._files:
            self._files.move_to_end(file)
            return self._files[file]
        text = self.read(file)
        # The numbers of compilers count line feeds; other line ends of Python would shift them.
        lines = text.split("\n") if text else []
        self._files[file] = lines
        self._marked[file] = {}
        self._extents[file] = {}
        if len(self._files) > _KEPT_FILES:
            old, _ = self._files.popitem(last=False)
            del self._marked[old], self._extents[old]
        return lines

    def extent(self, file: str, line: int, context: int) -> tuple[int, int] | None:
        """The function around a line, or the lines around it outside of functions; None when there is no such line."""
        lines = self.lines(file)
        if not 0 < line <= len(lines):
            return None
        known = self._extents[file]
        if line not in known:
            found = function_extent(lines, line)
            if found is not None and not found[0] <= line <= found[1]:
                found = None
            known[line] = found
        found = known[line]
        return found if found is not None else (max(1, line - context), min(len(lines), line + context))

    def code(self, file: str, first: int, last: int) -> list[Markup]:
        """Lines `first` to `last` as markup."""
        lines = self.lines(file)
        marked = self._marked[file]
        if (first, last) not in marked:
            marked[first, last] = coloured("\n".join(_harmless(line) for line in lines[first - 1 : last]))
        return marked[first, last]


def windows(first: int, last: int, places: list[int], around: int) -> list[tuple[int, int]]:
    """The parts of `first`..`last` that lie within `around` lines of a place, joined where they touch."""
    parts: list[tuple[int, int]] = []
    for place in sorted(set(places)):
        low, high = max(first, place - around), min(last, place + around)
        if parts and low <= parts[-1][1] + 1:
            parts[-1] = (parts[-1][0], max(high, parts[-1][1]))
        elif low <= high:
            parts.append((low, high))
    return parts
