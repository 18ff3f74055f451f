"""Facts of a patch that change no verdict, for the reviewer: doors, table entries and hook calls that come or go."""

from __future__ import annotations

from collections import Counter

from verifier.findings import door_title
from verifier.flow.summary import Place
from verifier.gate.variant import Variant
from verifier.program.engine import Engine
from verifier.program.layered import differing

KIND = "patch-note"


def patch_notes(before: Variant, after: Variant) -> list[str]:
    """One sentence each, sorted."""
    out = [n for n in [*after.overlay.notes, *after.reading.notes] if n not in {*before.overlay.notes, *before.reading.notes}]
    out += _doors(before, after) + _slots(before, after) + _hooks(before, after)
    return sorted(set(out))


def _place(variant: Variant, fid: str) -> Place:
    index = variant.program.functions[fid].index
    return Place(index.file, index.line, index.name)


def _doors(before: Variant, after: Variant) -> list[str]:
    out = []
    for one, other, word in ((before, after, "new door"), (after, before, "door gone")):
        for fid, door in sorted(other.doors.entries.items()):
            if fid not in one.doors.entries and door.kind != "root":
                at = _place(other, fid)
                out.append(f"{at.file}:{at.line}: {word}: {door_title(at.function)} ({door.kind}, subject {door.subject})")
    return out


def _slots(before: Variant, after: Variant) -> list[str]:
    out = []
    for one, other, word in ((before, after, "now holds"), (after, before, "no longer holds")):
        for slot in sorted(differing(one.program.slots, other.program.slots)):
            if "#" in slot or slot.startswith(("&", "?")):
                continue
            for fid in sorted({t.fid for t in other.program.targets(slot)} - {t.fid for t in one.program.targets(slot)}):
                at = _place(other, fid)
                out.append(f"{at.file}:{at.line}: slot {slot} {word} {at.function}")
    return out


def _hooks(before: Variant, after: Variant) -> list[str]:
    book = Engine(after.program, after.bodies, after.base.pack).book
    out = []
    for fid in sorted({*before.changed, *after.changed, *differing(before.program.functions, after.program.functions)}):
        was, now = (_calls(v, fid, book.is_hook) for v in (before, after))
        for counts, variant, word in ((now - was, after, "new call of"), (was - now, before, "no longer calls")):
            for name, n in sorted(counts.items()):
                at = _place(variant, fid)
                out.append(f"{at.file}:{at.line}: {at.function}: {word} {name}" + (f" ({n} times)" if n > 1 else ""))
    return out


def _calls(variant: Variant, fid: str, is_hook: object) -> Counter[str]:
    """Hooks that a function calls, by name, with the number of calls."""
    info = variant.program.functions.get(fid)
    body = variant.bodies.body(info) if info is not None else None
    counts: Counter[str] = Counter()
    for block in body.blocks if body is not None else ():
        for s in block.statements:
            if s[0] == "call" and body.exprs[s[2]][0] == "f" and is_hook(body.exprs[s[2]][1]):
                counts[body.exprs[s[2]][1]] += 1
    return counts
