"""An independent count of hook calls, from the text of the sources alone: what the analysed program lacks is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from verifier.coverage.sites import MODULES, Checks, Site
from verifier.findings import LedgerEntry
from verifier.program.analyse import Analysis

_CALL = re.compile(rb"\b(security_\w+)\s*\(")
# Comments and strings, whose line ends are kept.
_NOISE = re.compile(rb'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
LEDGER = "site-not-analysed"


def calls_in_text(text: bytes) -> list[tuple[int, str]]:
    """(line, name) of every `security_...(` in C text that is neither a comment, a string, nor at the start of a
    declaration (which begins in the first column, where no statement does)."""
    if b"security_" not in text:
        return []
    plain = _NOISE.sub(lambda m: b"\n" * m[0].count(b"\n") or b" ", text)
    out = []
    for match in _CALL.finditer(plain):
        start = plain.rfind(b"\n", 0, match.start()) + 1
        if plain[start : start + 1].strip() and plain[start : start + 1] != b"#":
            continue
        out.append((plain.count(b"\n", 0, match.start()) + 1, match[1].decode()))
    return out


def calls_in_sources(root: str, files: Iterable[str]) -> list[tuple[str, int, str]]:
    """(file, line, name) in the C sources of units outside of `security/`."""
    out = []
    for file in sorted(set(files)):
        if file.startswith((MODULES, "/", "<")):
            continue
        try:
            text = Path(root, file).read_bytes()
        except OSError:
            continue  # a unit whose source is gone is lost, and the completeness record says so
        out.extend((file, line, name) for line, name in calls_in_text(text))
    return out


def not_analysed(base: Analysis, root: str, sites: Iterable[Site]) -> list[LedgerEntry]:
    """Ledger entries for the hook calls of the sources that are no site of the program.

    A call inside a macro's arguments has the macro's line in the program: such ones are matched by file and name.
    """
    checks = Checks(base.program, base.pack)
    exact = Counter((s.file, s.line, s.check) for s in sites)
    units = {r.file: r.key for r in base.records}
    unmatched: list[tuple[str, int, str]] = []
    for call in calls_in_sources(root, (r.file for r in base.records)):
        if checks.family(units[call[0]], call[2]) is None:
            continue
        if exact[call]:
            exact[call] -= 1
        else:
            unmatched.append(call)
    moved: Counter[tuple[str, str]] = Counter()
    for (file, _, name), n in exact.items():
        moved[(file, name)] += n
    broken = {r.file for r in base.records if r.status != "analysed"}
    out = []
    for file, line, name in unmatched:
        if moved[(file, name)]:
            moved[(file, name)] -= 1
            continue
        why = "the unit was not fully analysed" if file in broken else "compiled out, or in a function that nothing uses"
        out.append(LedgerEntry(kind=LEDGER, what=f"{file}:{line}: {name}: {why}"))
    return out
