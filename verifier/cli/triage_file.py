"""The triage file: verdicts of people on findings, one table each, made to be kept under version control."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec

from verifier.cli.output import replace
from verifier.errors import KqualError

VERDICTS = ("real", "false-positive", "wont-fix", "known")
DISMISSING = frozenset(VERDICTS) - {"real"}  # findings with these verdicts are counted, and not reported
HEADER = "# Verdicts on findings of kqual; see `kqual triage --help`.\n"
_TABLE = re.compile(r"^\[\[finding\]\]", re.MULTILINE)
_HEX = re.compile(r"[0-9a-f]{16}")


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """A verdict.  `key` finds the finding again when its function or file got another name; `code` is the shape of the
    functions on its path, so that a change brings it back; `rule` and `place` are for people."""

    fingerprint: str
    verdict: str
    reason: str
    rule: str = ""
    place: str = ""
    key: str = ""
    code: str = ""

    def text(self) -> str:
        """The entry as TOML."""
        rows = [f"{name} = {_quoted(value)}" for name, value in msgspec.structs.asdict(self).items() if value]
        return "[[finding]]\n" + "\n".join(rows) + "\n"


def _quoted(value: str) -> str:
    shown = "".join(
        f"\\{c}" if c in '"\\' else c if c.isprintable() or c == " " else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
        for c in value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    )
    return f'"{shown}"'


def parse(text: str, name: str) -> list[Entry]:
    """The entries of a triage file, in its order.  Raises KqualError with the place of the mistake."""
    hint = "correct the file by hand; `kqual triage --help` shows its form"
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise KqualError(f"{name}: not TOML: {error}", hint) from error
    unknown = sorted(set(tables) - {"finding"})
    if unknown:
        raise KqualError(f"{name}: unknown table {unknown[0]!r}", "a triage file holds [[finding]] tables only")
    rows = tables.get("finding", [])
    starts = [text.count("\n", 0, match.start()) + 1 for match in _TABLE.finditer(text)]
    entries: list[Entry] = []
    seen: dict[str, str] = {}
    for number, row in enumerate(rows if isinstance(rows, list) else [rows]):
        where = f"{name}:{starts[number]}" if number < len(starts) else name
        try:
            entry = msgspec.convert(row, Entry)
        except msgspec.ValidationError as error:
            raise KqualError(f"{where}: {error}", hint) from error
        if not _HEX.fullmatch(entry.fingerprint):
            raise KqualError(f"{where}: {entry.fingerprint!r} is no fingerprint", "16 hex digits, as `kqual report` shows them")
        if entry.verdict not in VERDICTS:
            raise KqualError(f"{where}: unknown verdict {entry.verdict!r}", f"one of {', '.join(VERDICTS)}")
        if not entry.reason.strip():
            raise KqualError(f"{where}: a verdict without a reason", 'reason = "why it is so"')
        if entry.fingerprint in seen:
            raise KqualError(f"{where}: {entry.fingerprint} has a verdict already ({seen[entry.fingerprint]})", "keep one of the two")
        seen[entry.fingerprint] = where
        entries.append(entry)
    return entries


def read(path: Path) -> list[Entry]:
    """The entries of the file at `path`; raises KqualError when it cannot be read or is wrong."""
    return parse(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise KqualError(f"{path}: not UTF-8", "save the file as UTF-8") from error
    except OSError as error:
        raise KqualError(f"{path}: {error.strerror}", "name the triage file with --file FILE") from error


def put(path: Path, entry: Entry, instead: str = "") -> bool:
    """Add an entry, or replace the one of its fingerprint (or of `instead`) in its place; comments and other entries
    keep their bytes.  Returns whether one was replaced."""
    text = _text(path) if path.exists() else HEADER
    entries = parse(text, str(path))
    starts = [match.start() for match in _TABLE.finditer(text)]
    names = [old.fingerprint for old in entries]
    known = next((name for name in (entry.fingerprint, instead) if name in names), None)
    if known is None or len(starts) != len(entries):
        if known is not None:
            raise KqualError(f"{path}: the entry of {known} is not written as a [[finding]] table", "correct it by hand")
        new = text + ("" if text.endswith("\n") or not text else "\n") + "\n" + entry.text()
    else:
        at = names.index(known)
        end = starts[at + 1] if at + 1 < len(starts) else len(text)
        old = text[starts[at] : end]
        # comments above the next entry belong to it
        kept = re.search(r"(?:\n[ \t]*(?:#[^\n]*)?)*\n?\Z", old)
        new = text[: starts[at]] + entry.text() + (old[kept.start() :].removeprefix("\n") if kept else "") + text[end:]
    parse(new, str(path))
    try:
        replace(path, new.encode("utf-8"))
    except OSError as error:
        raise KqualError(f"cannot write {path}: {error.strerror}", "name another file with --file FILE") from error
    return known is not None
