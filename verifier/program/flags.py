"""What entries of tables declare: flags of commands, and of file systems.

A dispatcher asks before it calls what a table entry holds, as the entry's flags say.  It is held to that by rules of its own; here the declaration becomes a fact at the handler's entry, for each
registered entry (design, "Dispatchers").
"""

from __future__ import annotations

from verifier.flow.transfer import Frame
from verifier.flow.values import Value
from verifier.oracles.rulebook import Rulebook
from verifier.program.link import Program

REGISTERED = ("file_system_type.init_fs_context", "file_system_type.mount")


def declared(program: Program, fid: str, book: Rulebook, frame: Frame) -> list[Value]:
    """Facts that every entry which holds a function declares; none where it is called directly, too."""
    out: list[Value] = []
    held = program.slots_of(fid)
    for name, slots, member in book.declarations:
        entries = [dict(t.constants) for slot in slots if slot in held for t in program.targets(slot) if t.fid == fid]
        # an entry without any number is a copy that the dispatcher makes of one that stands here, too
        flags = [entry.get(member, 0) for entry in entries if entry]
        common = flags[0] if flags else 0
        for number in flags[1:]:
            common &= number
        if common and not program.callers.get(fid):
            v = frame.values
            out.append(v.make("fact", name, (v.const(common),), v.zero))
    return out


def unmapped(program: Program, allowing: int) -> frozenset[str]:
    """Folders of file systems that cannot be mounted with a mapping of their own: no `fs_flags` there have the bit `allowing`."""
    allowed: dict[str, bool] = {}
    for slot in REGISTERED:
        for target in program.targets(slot):
            info = program.functions.get(target.fid)
            if info is not None:
                folder = info.index.file.rpartition("/")[0]
                flags = dict(target.constants).get("fs_flags", 0)
                allowed[folder] = allowed.get(folder, False) or bool(flags & allowing)
    return frozenset(folder for folder, yes in allowed.items() if not yes and folder.count("/"))
