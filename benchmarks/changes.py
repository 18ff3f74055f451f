"""What lies between two releases of a kernel as changes of the size of a commit."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ground import Texts, text_of

from verifier.frontend.seen import including

WORD = re.compile(r"[A-Za-z_]\w*")
MOST_TOGETHER = 8  # files of one change
MOST_COMPARED = 20_000  # bytes of a file whose changed lines are looked for; of larger ones the words alone are compared


def differing(older: Path, newer: Path, names: Iterable[str]) -> tuple[Texts, int]:
    """Both texts of the files that differ; and how many stand in one of the trees only."""
    out: Texts = {}
    single = 0
    for name in sorted(names):
        one, two = older / name, newer / name
        if not one.is_file() or not two.is_file():
            single += one.is_file() != two.is_file()
        elif one.stat().st_size != two.stat().st_size or one.read_bytes() != two.read_bytes():
            out[name] = text_of(one), text_of(two)
    return out, single


def units_of(records: Iterable[object], files: Iterable[str]) -> dict[str, set[str]]:
    """For each of some files the units (by file name) that contain it."""
    return {name: {r.file for r in found} for name, found in including(records, set(files)).items()}


def together(changed: Texts, made_from: Mapping[str, set[str]]) -> list[list[str]]:
    """The changed files in groups: a .c file with the changed headers whose new or vanished names it mentions, and other
    files of its folder that need the same ones; or a header alone.  `made_from` gives the units that contain a file."""
    fresh = {name: words(old) ^ words(new) for name, (old, new) in changed.items() if name.endswith(".h")}
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    used: set[str] = set()
    for name, (old, new) in changed.items():
        if name.endswith(".h"):
            continue
        own = words(old) ^ words(new) | words("\n".join(_changed_lines(old, new)))
        needs = tuple(h for h in sorted(fresh) if own & fresh[h] and name in made_from.get(h, ()))
        used.update(needs)
        folder = name.rpartition("/")[0] if needs else name
        groups.setdefault((folder, needs), []).append(name)
    out = []
    for (_, needs), names in groups.items():
        parts = [names[i : i + MOST_TOGETHER] for i in range(0, len(names), MOST_TOGETHER)]
        out += [sorted(part) + list(needs) for part in parts]
    return sorted(out + [[h] for h in fresh if h not in used])


def words(text: str) -> set[str]:
    """The words of C in a text."""
    return set(WORD.findall(text))


def _changed_lines(old: str, new: str) -> list[str]:
    if len(old) >= MOST_COMPARED:
        return []
    return [line[2:] for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line[:1] in "+-"]


def spread(items: list, most: int) -> list:
    """`most` of the items, evenly spread."""
    return [items[i * len(items) // most] for i in range(most)] if len(items) > most else items


def release_of(root: Path) -> str:
    """The version that a tree's top Makefile says."""
    parts = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL) *= *(\d+)", (root / "Makefile").read_text(), re.MULTILINE))
    return f"{parts['VERSION']}.{parts['PATCHLEVEL']}.{parts['SUBLEVEL']}"
