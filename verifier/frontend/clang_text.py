"""What the C API of libclang does not tell and the source text does: parts of `for`, `asm` operands and labels."""

from __future__ import annotations

import re
from collections.abc import Callable

from verifier.frontend import libclang_api as api
from verifier.frontend.libclang_api import CXCursor

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|/\*.*?\*/|//[^\n]*|[A-Za-z_]\w*|[()\[\]{}:;,?]', re.DOTALL)
BLANK = re.compile(r"/\*.*?\*/|\\\n", re.DOTALL)
WINDOW = 20_000  # bytes of text looked at behind the start of a construct


def sections(text: str, separator: str) -> list[str]:
    """The text inside the first pair of parentheses, split at `separator` outside any inner brackets."""
    depth, start, parts, pending = 0, 0, [], 0
    for match in TOKEN.finditer(text):
        token = match.group()
        if token in "([{":
            depth += 1
            if depth == 1:
                start = match.end()
        elif token in ")]}":
            depth -= 1
            if depth == 0:
                return [*parts, text[start : match.start()]]
        elif depth == 1 and token == "?":
            pending += 1
        elif depth == 1 and token == ":" == separator and pending:
            pending -= 1
        elif depth == 1 and token == separator:
            parts.append(text[start : match.start()])
            start = match.end()
    return []


class SourceText:
    """The files of a unit as text, read at most once each."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._files: dict[int, bytes] = {}

    def at(self, file: int | None, offset: int, length: int = WINDOW) -> str:
        """Text of an open unit's file; "" where there is none (scratch buffers of the preprocessor)."""
        if file is None:
            return ""
        data = self._files.get(file)
        if data is None:
            path = api.path_of(file)
            try:
                data = self._read(path)
            except OSError:
                data = b""  # a token that was pasted together is in no file
            self._files[file] = data
        return data[offset : offset + length].decode("latin-1")

    def for_parts(self, cursor: CXCursor) -> tuple[bool, bool, bool] | None:
        """Which of initialisation, condition and step a `for` has; None if the text does not tell."""
        file, offset, _, _ = api.spelling_extent(cursor)
        parts = sections(self.at(file, offset), ";")
        if len(parts) != 3:
            return None
        before, condition, step = (bool(BLANK.sub("", part).strip()) for part in parts)
        return before, condition, step

    def associations(self, cursor: CXCursor) -> list[str]:
        """The types of a `_Generic` as they are written, without spaces around them."""
        file, offset, _, _ = api.spelling_extent(cursor)
        parts = sections(self.at(file, offset), ",")
        return [part.partition(":")[0].strip() for part in parts[1:]]

    def asm(self, cursor: CXCursor) -> tuple[bool | None, str, int | None, set[str]]:
        """(is it asm goto, template, number of outputs if the text tells, words that may be labels).

        Where the text is not the statement but the call of a macro that makes it, nobody knows whether it jumps: the
        first item is None, and the words are those of the macro's arguments.
        """
        file, offset, end_file, end_offset = api.spelling_extent(cursor)
        length = end_offset - offset + 1 if file == end_file and end_offset >= offset else 400
        text = self.at(file, offset, length)
        head = text.partition("(")[0]
        if "asm" not in head:
            return None, "", None, set(re.findall(r"[A-Za-z_]\w*", text))
        parts = sections(text, ":")
        template = re.sub(r"\s+", " ", parts[0]).strip('" ')[:120] if parts else ""
        outputs = None
        if len(parts) == 1:
            outputs = 0
        elif parts:
            operands = [part.strip() for part in sections(f"({parts[1]})", ",")]
            operands = [part for part in operands if part]
            if all('"' in operand for operand in operands):
                outputs = len(operands)
        words: set[str] = set()
        if "goto" in head.split():
            place, start = api.expansion_extent(cursor)
            around = self.at(place, start)
            end = around.find(";")
            words = set(re.findall(r"[A-Za-z_]\w*", " ".join(parts[4:]) if len(parts) > 4 else text))
            words |= set(re.findall(r"[A-Za-z_]\w*", around[: end if end >= 0 else None]))
            return True, template, outputs, words
        return False, template, outputs, words
