"""One table of one rule file before its expressions are read: which keys there are, and what their values may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from lattices.source import Source

KEYS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "rule": {
        "id": str, "service": str, "slot": str, "member": str, "operation": str, "requires": list, "when": str,
        "exempt": list, "in": list, "not_in": list, "variables": list, "subject": str, "tier": str, "lock": str,
        "reason": str,
        "good": str, "bad": str, "versions": str, "replaces": bool,
    },
    "check": {
        "name": str, "family": str, "allow": (str, list), "namespace": int, "mask": int, "objects": list,
        "subject": int, "modifiers": str, "implies": list, "writes": list, "slots": list, "whole": bool, "labels": bool,
        "member": str, "reason": str, "versions": str,
    },
    "accessor": {"call": str, "is": str, "reason": str, "versions": str},
    "macro": {"call": str, "is": str, "reason": str, "versions": str},
    "alias": {"member": str, "is": str, "reason": str, "versions": str},
    "exemption": {"name": str, "params": list, "condition": str, "checks": list, "silences": list, "reason": str, "versions": str},
    "service": {"id": str, "title": str},
    "subject": {"function": str, "effect": str, "cred": int, "subject": str, "reason": str, "versions": str},
    "door": {
        "name": str, "kind": str, "subject": str, "functions": list, "slots": list, "registrars": list,
        "attributes": list, "reason": str, "versions": str,
    },
    "hook": {
        "name": str, "functions": list, "within": list, "guards": list, "nothing": str, "wider": str, "versions": str,
    },
    "family": {"name": str, "files": list, "names": list, "other": list, "versions": str},
    "opened": {"slot": str, "reason": str, "versions": str},
    "idle": {"functions": list, "reason": str, "versions": str},
    "privilege": {
        "name": str, "check": str, "door": str, "slots": list, "registrars": list, "when": str, "mode": str, "access": str,
        "capability": str, "namespace": str, "reason": str, "versions": str,
    },
    "retire": {"id": str, "reason": str},
}  # fmt: skip
NEEDED = {
    "rule": ("id", "service", "operation", "requires"),
    "check": ("name",),
    "accessor": ("call", "is"),
    "macro": ("call", "is"),
    "alias": ("member", "is"),
    "exemption": ("name", "condition", "reason"),
    "service": ("id", "title"),
    "subject": ("function", "effect"),
    "door": ("name", "kind", "subject"),
    "hook": ("name",),
    "family": ("name", "files", "names"),
    "opened": ("slot", "reason"),
    "idle": ("functions", "reason"),
    "privilege": ("name", "capability", "namespace", "reason"),
    "retire": ("id", "reason"),
}


@dataclass
class Entry:
    """One table of one file, before its expressions are read."""

    source: Source
    table: str
    index: int
    layer: int
    values: dict[str, Any]

    def fail(self, message: str, hint: str = "", key: str = "", value: str | None = None, offset: int = 0) -> None:
        """Report a problem of this entry, see `Source.report`."""
        self.source.report(self.table, self.index, message, hint, key, value, offset)

    def strings(self, key: str) -> tuple[str, ...]:
        items = self.values.get(key, [])
        for item in items:
            if not isinstance(item, str):
                self.fail(f"`{key}` holds {item!r}, which is no string", "write a list of quoted strings", key)
        return tuple(item for item in items if isinstance(item, str))

    def well_formed(self) -> bool:
        """Report keys that the table does not have, values of another kind, and missing keys; False where the rest of the
        entry cannot be read for it."""
        keys, good = KEYS[self.table], True
        for key, value in self.values.items():
            wanted = keys.get(key)
            if wanted is None:
                known = ", ".join(sorted(keys))
                self.fail(f"unknown key `{key}`", similar(key, keys) or f"keys of [[{self.table}]]: {known}", key, "")
            elif not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
                kinds = wanted if isinstance(wanted, tuple) else (wanted,)
                self.fail(f"`{key}` must be {' or '.join(_WORDS[kind] for kind in kinds)}", "", key)
                good = False
        for key in NEEDED[self.table]:
            if key not in self.values:
                self.fail(f"[[{self.table}]] without `{key}`", f"add {key} = ...")
                good = False
        return good


_WORDS = {str: "a quoted string", list: "a list", int: "a number", bool: "true or false"}


def similar(name: str, known: Iterable[str]) -> str:
    """A hint with the known names that look like `name`, "" when none does."""
    close = get_close_matches(name, sorted(set(known)), 3, 0.65)
    return f"did you mean {' or '.join(close)}?" if close else ""
