"""The initialiser of a table, flattened to the entries of a `GlobalInit`; the same for both front ends."""

from __future__ import annotations

from verifier.frontend.lower_graph import clipped

PLAIN_ENTRIES = 512  # a table of constants longer than this says nothing about authorization
RANGE = 256  # elements of a `[lo ... hi]` range that are listed one by one


def flatten(value: tuple) -> list[tuple[list, tuple]]:
    """Entries of a `GlobalInit` from the value of its initialiser."""
    entries: list[tuple[list, tuple]] = []
    _flatten(value, [], entries)
    if len(entries) > PLAIN_ENTRIES and all(entry[1][0] == "c" for entry in entries):
        return []
    return entries


def _flatten(value: tuple, path: list, entries: list[tuple[list, tuple]]) -> None:
    kind = value[0]
    if kind == "init":
        for field, inner in value[2]:
            _flatten(inner, [*path, f"{value[1]}.{field}"], entries)
    elif kind == "initarr":
        place = 0
        for inner in value[1]:
            if inner[0] == "at":
                for index in range(inner[1], min(inner[2], inner[1] + RANGE - 1) + 1):
                    _flatten(inner[3], [*path, index], entries)
                place = inner[2] + 1
            else:
                _flatten(inner, [*path, place], entries)
                place += 1
    elif kind == "addr" and (literal := _literal(value[1])) is not None:
        _flatten(literal, path, entries)  # the address of a compound literal: its members, as if in place
    else:
        entries.append((path, _constant(value)))


def _literal(value: tuple) -> tuple | None:
    """The compound literal that `value` is, or is a member of."""
    while value[0] in ("mem", "idx"):
        value = value[1]
    return value if value[0] in ("init", "initarr") else None


def _constant(value: tuple) -> tuple:
    kind = value[0]
    if kind == "fun":
        return ("f", value[1])
    if kind == "int":
        return ("c", clipped(value[1]))
    if kind == "str":
        return ("s", value[1])
    if kind == "glob":
        return ("ag", value[1])
    inner = value[1] if kind == "addr" else value
    while inner[0] in ("mem", "idx"):  # a member's address, or an array inside of the object
        inner = inner[1]
    if inner[0] == "glob":
        return ("ag", inner[1])
    return ("u", kind)
