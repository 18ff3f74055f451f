"""The digest of a pack, under which results of an analysis are stored: all that the engine reads, and nothing else.

Words for people (reasons, titles, examples), places in files and comments are left out: they may change without one
result changing.  They are looked up in the pack whenever a report is made.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

from lattices.model import Pack

FOR_PEOPLE = frozenset({"reason", "good", "bad", "prelude", "file", "line", "service", "requires_text"})


def digest(pack: Pack) -> str:
    """SHA-256 over rules, checks, accessors, doors, subjects, exemptions, opening slots and globals, each in an order that the files
    do not set; only doors keep theirs, which says what wins."""
    h = hashlib.sha256(f"kqual pack {pack.version}\n".encode())
    tables: list[tuple[str, Any]] = [
        ("rule", {rule.id: rule for rule in pack.rules}), ("check", pack.checks), ("accessor", pack.accessors),
        ("subject", pack.subjects), ("exemption", pack.exemptions), ("privilege", pack.declared),
    ]  # fmt: skip
    for table, records in tables:
        for name, record in sorted(records.items()):
            h.update(f"{table} {name} {plain(record)!r}\n".encode())
    for door in pack.doors:
        h.update(f"door {plain(door)!r}\n".encode())
    h.update(f"opened {sorted(pack.opened)!r}\n".encode())
    h.update(f"globals {sorted(pack.globals)!r} {sorted(pack.initial)!r} {sorted(pack.unmapped)!r}\n".encode())
    return h.hexdigest()


def plain(item: Any) -> Any:
    """A record as nested tuples of its fields, without those for people."""
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        fields = (field.name for field in dataclasses.fields(item) if field.name not in FOR_PEOPLE)
        return tuple((name, plain(getattr(item, name))) for name in fields)
    if isinstance(item, (list, tuple)):
        return tuple(plain(part) for part in item)
    if isinstance(item, dict):
        return tuple((key, plain(value)) for key, value in sorted(item.items()))
    return item
