"""Where functions stand in C text, by the kernel's layout."""

from __future__ import annotations

import re

MOST_SIGNATURE = 12  # lines between a function's first line and its brace
_ONE_LINE_HEAD = re.compile(r"\w.*\)\s*\{\s*$")


def function_extent(lines: list[str], line: int) -> tuple[int, int] | None:
    """First and last line of the function that holds `line`, by the kernel's layout (braces in column 0).

    None outside of functions.  Lines count from 1.
    """
    top = line
    while top > 0 and not _opens(lines[top - 1]) and not (lines[top - 1].startswith("}") and top < line):
        top -= 1
    if top == 0 or not _opens(lines[top - 1]):
        # The line may stand in the signature, above the brace.
        top = line
        while top <= len(lines) and top - line <= MOST_SIGNATURE and not _opens(lines[top - 1]):
            if not lines[top - 1].strip() or lines[top - 1].rstrip().endswith(";"):
                return None
            top += 1
        if top > len(lines) or top - line > MOST_SIGNATURE:
            return None
    bottom = max(top, line)
    while bottom <= len(lines) and not lines[bottom - 1].startswith("}"):
        bottom += 1
    first = top
    while first > 1 and top - first < MOST_SIGNATURE:
        above = lines[first - 2]
        if not above.strip() or above.startswith(("}", "#", " *", "/*")) or above.rstrip().endswith((";", "*/")):
            break
        first -= 1
    return first, min(bottom, len(lines))


def _opens(line: str) -> bool:
    return line.startswith("{") or bool(_ONE_LINE_HEAD.match(line))
