"""The sections of a unified diff: which files it touches and how, read without trusting a word of it.

The form is that of `git diff` and of plain `diff -u` (POSIX.1-2017, `diff`); lines inside of a hunk are counted, so
that text that looks like a header cannot pass for one.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from verifier.errors import KqualError

_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_ESCAPE = re.compile(rb'\\([0-7]{3}|[abfnrtv"\\])')
_LETTERS = {b"a": 7, b"b": 8, b"f": 12, b"n": 10, b"r": 13, b"t": 9, b"v": 11, b'"': 34, b"\\": 92}
_LINK_MODES = (b"120000", b"160000")


class Section(NamedTuple):
    """What a diff does to one file: `old` or `new` is None where it is made or removed; `text` is that part of the
    diff; `odd` says why it cannot be applied to plain files ("binary", "symbolic link") or is ""."""

    old: str | None
    new: str | None
    text: bytes
    odd: str


class _Draft:
    def __init__(self, start: int) -> None:
        self.start = start
        self.git: tuple[str, str] | None = None
        self.old: str | None = ""
        self.new: str | None = ""
        self.made = self.removed = self.named = False
        self.odd = ""

    def finish(self, text: bytes) -> Section:
        old, new = self.old, self.new
        if old == "" or new == "":
            if self.git is None:
                raise KqualError("the patch names no file", "is it a unified diff as `git diff` writes it?")
            old = self.git[0] if old == "" else old
            new = self.git[1] if new == "" else new
        return Section(None if self.made else old, None if self.removed else new, text, self.odd)


def sections(text: bytes) -> list[Section]:
    """The sections of a diff in order; KqualError for a path that leaves the tree."""
    out: list[Section] = []
    draft: _Draft | None = None
    left = [0, 0]
    position = 0
    lines = text.splitlines(keepends=True) if b"\r" not in text else re.findall(rb"[^\n]*\n|[^\n]+", text)

    def close(end: int) -> None:
        if draft is not None:
            out.append(_safe(draft.finish(text[draft.start : end])))

    for number, line in enumerate(lines):
        begin, position = position, position + len(line)
        if left[0] > 0 or left[1] > 0:
            left[0] -= line[:1] in (b" ", b"-", b"\n", b"\r")
            left[1] -= line[:1] in (b" ", b"+", b"\n", b"\r")
            continue
        bare = line.rstrip(b"\r\n")
        if line.startswith(b"diff --git "):
            close(begin)
            draft = _Draft(begin)
            draft.git = _git_names(bare[11:])
        elif line.startswith(b"--- ") and number + 1 < len(lines) and lines[number + 1].startswith(b"+++ "):
            if draft is None or draft.named:
                close(begin)
                draft = _Draft(begin)
            draft.named = True
            draft.old = _path(bare[4:])
            draft.new = _path(lines[number + 1].rstrip(b"\r\n")[4:])
            draft.made = draft.made or draft.old is None
            draft.removed = draft.removed or draft.new is None
        elif draft is not None and (match := _HUNK.match(line)):
            left = [int(match[1] or b"1"), int(match[2] or b"1")]
        elif draft is not None:
            _header(draft, bare)
    close(len(text))
    return out


def _header(draft: _Draft, line: bytes) -> None:
    """One extended header line of git."""
    for start, name in ((b"rename from ", "old"), (b"copy from ", "old"), (b"rename to ", "new"), (b"copy to ", "new")):
        if line.startswith(start):
            setattr(draft, name, _unquoted(line[len(start) :]))
    if line.startswith((b"new file mode ", b"deleted file mode ", b"old mode ", b"new mode ", b"index ")):
        if line.endswith(_LINK_MODES):
            draft.odd = "symbolic link"
        draft.made = draft.made or line.startswith(b"new file mode ")
        draft.removed = draft.removed or line.startswith(b"deleted file mode ")
    elif line.startswith(b"GIT binary patch") or (line.startswith(b"Binary files ") and line.endswith(b" differ")):
        draft.odd = draft.odd or "binary"


def _unquoted(name: bytes) -> str:
    """A file name, out of the quotes that git puts around odd ones."""
    if name.startswith(b'"') and name.endswith(b'"') and len(name) > 1:
        name = _ESCAPE.sub(lambda m: bytes([_LETTERS[m[1]] if m[1] in _LETTERS else int(m[1], 8) & 255]), name[1:-1])
    return name.decode("utf-8", "surrogateescape")


def _path(name: bytes) -> str | None:
    """The path of a `---` or `+++` line, without its first component (a/, b/); None for /dev/null."""
    if not name.startswith(b'"'):
        name = name.split(b"\t", 1)[0]
    return _stripped(_unquoted(name.rstrip(b" ")))


def _stripped(name: str) -> str | None:
    if name == "/dev/null":
        return None
    if name.startswith("/"):
        raise KqualError(f"the patch leaves the tree: {name!r}", "nothing was done")
    return name.split("/", 1)[1] if "/" in name else name


def _git_names(rest: bytes) -> tuple[str, str] | None:
    """Both names of a `diff --git` line; only wanted where no other line tells, and then they are the same."""
    if rest.startswith(b'"'):
        both = re.findall(rb'"(?:[^"\\]|\\.)*"', rest)
        names = [_unquoted(n) for n in both] if len(both) == 2 else []
    else:
        half = (len(rest) - 1) // 2
        first, second = rest[:half], rest[half + 1 :]
        same = first.split(b"/", 1)[-1] == second.split(b"/", 1)[-1]
        names = [n.decode("utf-8", "surrogateescape") for n in (first, second)] if same else []
    found = [_stripped(n) for n in names]
    return (found[0] or "", found[1] or "") if len(found) == 2 else None


def _safe(section: Section) -> Section:
    """The section, or KqualError when a path of it leaves the tree."""
    for name in (section.old, section.new):
        if name is None:
            continue
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or "\0" in name or not parts or ".git" in (p.lower() for p in parts):
            raise KqualError(f"the patch leaves the tree: {name!r}", "nothing was done")
    return section
