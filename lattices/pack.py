"""The rule pack: controlled operations, the checks they need, and the facts about Linux that rules rely on.

All `*.toml` files of a directory (and of the directories given by `--rules`, which overlay it) are read as one set of
tables; a table may stand in any file.  Expressions come out with constants folded, macros expanded and NULL as 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from lattices import kept, overlay, records
from lattices.digest import digest
from lattices.entries import Entry
from lattices.layers import DIRECTORY, Layers
from lattices.model import (
    Accessor,
    Check,
    Door,
    Exemption,
    Family,
    Hook,
    Pack,
    PackError,
    Privilege,
    Rule,
    SubjectChange,
)
from lattices.reading import Reader
from lattices.rule import rule
from lattices.source import Problem
from lattices.versions import version_matches

PACKS_KEPT = 4  # some 6 MB each

__all__ = [
    "DIRECTORY",
    "Accessor",
    "Check",
    "Door",
    "Exemption",
    "Family",
    "Hook",
    "Pack",
    "PackError",
    "Privilege",
    "Rule",
    "SubjectChange",
    "collect",
    "encoded",
    "load",
    "version_matches",
]


def load(directory: str | Path | None = None, extra: Sequence[str | Path] = (), version: str = "6.12") -> Pack:
    """Read the pack for a kernel version; raises PackError with every problem found.

    `directory` replaces the pack that comes with kqual; the directories (or files) in `extra` overlay it in order:
    a check or accessor of the same name replaces, a rule where it says `replaces = true`; `retire` removes a rule.
    The pack is the caller's own; files that this process has read before are not read again.
    """
    return kept.decode(encoded(directory, extra, version))


def encoded(directory: str | Path | None = None, extra: Sequence[str | Path] = (), version: str = "6.12") -> bytes:
    """`load` that returns what `kept.decode` makes the pack of."""
    places = (DIRECTORY if directory is None else Path(directory), *map(Path, extra))
    return _read(kept.key(places, version), places, version)


@lru_cache(maxsize=PACKS_KEPT)
def _read(key: str, places: tuple[Path, ...], version: str) -> bytes:
    """The encoded pack; `key` is what makes the same places another call when a file in them has changed."""
    pack, problems = collect(places[0], places[1:], version)
    if problems:
        raise PackError(problems)
    return kept.encode(pack)


def collect(
    directory: str | Path | None = None, extra: Sequence[str | Path] = (), version: str = "6.12"
) -> tuple[Pack, list[Problem]]:
    """`load` that returns the problems beside what could be read."""
    layers = Layers(version)
    for number, where in enumerate([DIRECTORY if directory is None else Path(directory), *map(Path, extra)]):
        layers.add(where, number)
    return _pack(layers), sorted(set(layers.problems))


def _pack(layers: Layers) -> Pack:
    """The records of all tables, in the order in which their expressions build on each other."""
    entries = layers.entries
    names = {"globals": layers.globals, "initial": layers.initial, "unmapped": layers.unmapped}
    pack = Pack(layers.version, constants=layers.constants, **names)
    reader = Reader(pack)
    doors: dict[str, Door] = {}
    for entry in entries["service"]:
        pack.services[entry.values["id"]] = entry.values["title"]
    _named(entries["alias"], reader.aliases, "member", lambda entry: tuple(entry.values["is"].split(".")))
    tables: tuple[tuple[str, dict[str, Any], str, Callable[[Reader, Entry], Any]], ...] = (
        ("macro", reader.macros, "call", records.accessor),
        ("accessor", pack.accessors, "call", records.accessor),
        ("check", pack.checks, "name", records.check),
        ("exemption", pack.exemptions, "name", records.exemption),
        ("subject", pack.subjects, "function", records.subject),
        ("hook", pack.hooks, "name", records.hook),
        ("family", pack.families, "name", records.family),
        ("opened", pack.opened, "slot", records.opened),
        ("privilege", pack.declared, "name", records.privilege),
        ("door", doors, "name", records.door),
    )
    for table, into, key, make in tables:
        _named(entries[table], into, key, lambda entry, make=make: make(reader, entry))
    for entry in entries["idle"]:
        pack.idle |= dict.fromkeys(entry.strings("functions"), entry.values["reason"])
    pack.doors = list(doors.values())
    of_rules = [*entries["retire"], *entries["rule"]]
    pack.rules, pack.overlaid = overlay.rules(of_rules, layers.elsewhere, lambda entry: rule(reader, entry))
    pack.digest = digest(pack)
    return pack


def _named(entries: Sequence[Entry], into: dict[str, Any], key: str, make: Callable[[Entry], Any]) -> None:
    """Records by name: a higher layer replaces, a second one of the same layer is refused."""
    owner: dict[str, Entry] = {}
    for entry in entries:
        name = entry.values[key].split("(")[0].strip() if key == "call" else entry.values[key]
        before = owner.get(name)
        if before is not None and before.layer == entry.layer:
            where = f"{before.source.shown}:{before.source.line_of(entry.table, before.index)}"
            entry.fail(f"{entry.table} {name!r} is there already", f"first one: {where}", key)
            continue
        value = make(entry)
        if value is not None:
            owner[name] = entry
            into[name] = value
