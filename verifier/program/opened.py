"""Tables of functions that work on what one of them opened.

A table is an initialised object; its opening function is the one in a slot named `open` or `..._open`.  Which slots
really come before all others is rule data (`[[opened]]`); what follows is in verifier.program.entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from verifier.program.index import UnitIndex

if TYPE_CHECKING:
    from verifier.program.link import Program

Table = tuple[list[tuple[str, str]], list[str]]  # opening functions as (slot, function), the others


def opens(slot: str) -> bool:
    """Whether a slot is named as one that opens."""
    field = slot.partition(".")[2]
    return field == "open" or field.endswith("_open")


def tables(program: Program, units: Iterable[tuple[str, UnitIndex]], tags: set[str] | None = None) -> dict[str, Table]:
    """Tables of the struct tags that have an opening slot (`tags`, or as found in the units), by "file:object:tag"."""
    listed = list(units)
    if tags is None:
        tags = {entry.slot.partition(".")[0] for _, unit in listed for entry in unit.entries if opens(entry.slot)}
    out: dict[str, Table] = {}
    for key, unit in listed:
        for entry in unit.entries:
            tag = entry.slot.partition(".")[0]
            fid = program.resolve(key, entry.function) if tag in tags else None
            if fid is None:
                continue
            opening, others = out.setdefault(f"{entry.file}:{entry.table}:{tag}", ([], []))
            if opens(entry.slot):
                if (entry.slot, fid) not in opening:
                    opening.append((entry.slot, fid))
            elif fid not in others:
                others.append(fid)
    return out


def openers(program: Program, only: set[str] | None = None) -> dict[str, list[tuple[str, str]]]:
    """For each function that is only in tables with opening functions, and called through these alone, all of those;
    with `only`, for these functions."""
    found: dict[str, list[tuple[str, str]]] = {}
    spoilt: set[str] = set()
    for name, (opening, others) in sorted(program.tables.items()):
        tag = name.rpartition(":")[2]
        for fid in others:
            if only is not None and fid not in only:
                continue
            if not opening or any(not slot.startswith(f"{tag}.") for slot in program.slots_of(fid)):
                spoilt.add(fid)
            else:
                found.setdefault(fid, []).extend(opening)
    return {fid: sorted(set(pairs)) for fid, pairs in found.items() if fid not in spoilt and not program.callers.get(fid)}


def by_opener(program: Program) -> dict[str, list[str]]:
    """For each opening function the functions whose tables it opens, sorted."""
    found: dict[str, set[str]] = {}
    for opening, others in program.tables.values():
        for _, opener in opening:
            found.setdefault(opener, set()).update(others)
    return {opener: sorted(others) for opener, others in found.items()}
