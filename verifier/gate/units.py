"""The units that a patch touches, read again with its contents in place of the tree's.

Nothing of the patched tree is executed: not a Makefile, not a script, not Kconfig.  So a new source borrows the command
of a neighbour, and changes to the build itself are only listed.  Where Kbuild was asked about the patched tree
(verifier.gate.trusted) the commands are its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import msgspec

from verifier.findings import UnitTrouble
from verifier.frontend.extract import RECORDS, decoded, extract_files, in_scope
from verifier.frontend.seen import including
from verifier.frontend.units import work_of
from verifier.gate import trusted
from verifier.gate.overlay import Overlay
from verifier.gate.shared import untouched
from verifier.ir.model import decode
from verifier.program.analyse import Analysis
from verifier.program.index import UnitIndex, index_unit
from verifier.tree.commands import of_files
from verifier.tree.model import CompileCommand, unit_key

BUILD_FILES = ("Makefile", "Kbuild", "Kconfig")
GONE = b'#error "removed by the patch"\n'


class Reading:
    """What came of reading: `exchanged` maps unit keys to (index before, after), None where there is none; `blobs`
    hold the IR after; `lost` and `partial` what could not be read in full; `notes` the rest."""

    def __init__(self) -> None:
        self.exchanged: dict[str, tuple[UnitIndex | None, UnitIndex | None]] = {}
        self.blobs: dict[str, bytes] = {}
        self.lost: list[UnitTrouble] = []
        self.partial: list[UnitTrouble] = []
        self.total = self.added = self.removed = 0
        self.notes: list[str] = []


def read(
    tree: Any, base: Analysis, overlay: Overlay, jobs: int, scope: tuple[str, ...] = (), patched: Any = None
) -> Reading:
    """Read every unit that the overlay touches; `patched` is the tree with the overlay where Kbuild may be asked about it."""
    out = Reading()
    touched = overlay.touched
    if not touched:
        return out
    contents = dict(overlay.files)
    contents.update({name: GONE for name in overlay.removed})
    included = including(base.records, touched)
    grown = not included.keys() >= overlay.files.keys()
    made_from = {id(r) for found in included.values() for r in found}
    records = [
        r for r in base.records
        if not r.file.startswith("<")
        and (r.file in touched or id(r) in made_from or (grown and r.status != "analysed"))
    ]  # fmt: skip
    spared = untouched(tree, base.store, records, contents) if patched is None else set()
    commands = _commands(tree, base, records)
    wanted: list[CompileCommand] = []
    later: list[CompileCommand] = []
    keys: dict[int, str] = {}
    before: dict[str, str] = {}
    for record in records:
        before[record.key] = record.status
        command = commands.get(record.key)
        if record.file in overlay.removed:
            out.exchanged[record.key] = (base.index(record.key), None)
            out.removed += 1
            continue
        if command is None:
            out.total += 1
            out.lost.append(UnitTrouble(file=record.file, error=f"{record.file}: its compile command is not known"))
            continue
        keys[id(command)] = record.key
        (later if id(record) in spared else wanted).append(command)
    if patched is not None:
        wanted = _rebuilt(tree, base, patched, wanted, keys, before, scope, jobs, out)
        out.notes += trusted.notes(tree, patched, {d for r in base.records for d in r.dependencies})
    seen = {c.file for c in patched.commands} if patched is not None else set()
    seen |= _take(tree, base, contents, wanted, keys, before, jobs, out)
    if later and any(t.file.startswith("<") for t in (*out.lost, *out.partial)):
        seen |= _take(tree, base, contents, later, keys, before, jobs, out)  # without a sound header nothing is spared
    elif later:
        out.total += len(later)  # as they were, which is known in full
        out.notes.append(f"{len(later)} units that contain a changed header name nothing that it changes: not read again")
    _read_new(tree, base, overlay, contents, seen, scope, jobs, out, patched is None)
    _remark(overlay, included.keys() | seen | {r.file for r in base.records}, out, patched is None)
    return out


def _rebuilt(
    tree: Any, base: Analysis, patched: Any, wanted: list[CompileCommand], keys: dict[int, str], before: dict[str, str],
    scope: tuple[str, ...], jobs: int, out: Reading,
) -> list[CompileCommand]:  # fmt: skip
    """Read units that the patched build compiles anew or otherwise, and drop those that it does not compile any more;
    returns what is left of `wanted`."""
    found = trusted.Difference(tree, patched)
    commands = {unit_key(command): record.key for record, command in _by_record(tree, base)}
    mine: dict[int, str] = {}
    for command in (*found.added, *found.changed):
        if in_scope(command.file, scope):
            key = commands.get(unit_key(command))
            mine[id(command)] = key or f"new:{command.file}"
            out.added += key is None
            how = "compiled otherwise" if key else "compiled now"
            out.notes.append(f"{command.file}: {how}, as the patched build says")
    gone = {unit_key(command) for command in found.gone}
    for command in found.gone:
        key = commands.get(unit_key(command))
        if key is not None and key not in out.exchanged:
            out.exchanged[key] = (base.index(key), None)
            out.removed += 1
            out.notes.append(f"{command.file}: not compiled any more, as the patched build says")
    _take(patched, base, {}, [c for c in (*found.added, *found.changed) if id(c) in mine], mine, before, jobs, out)
    otherwise = {unit_key(command) for command in found.changed}
    return [c for c in wanted if unit_key(c) not in otherwise | gone]


def _by_record(tree: Any, base: Analysis) -> list[tuple[Any, CompileCommand]]:
    """The units of the base with their commands."""
    records = [r for r in base.records if not r.file.startswith("<")]
    commands = _commands(tree, base, records)
    return [(record, commands[record.key]) for record in records if record.key in commands]


def _take(
    tree: Any, base: Analysis, contents: dict[str, bytes], wanted: list[CompileCommand], keys: dict[int, str],
    before: dict[str, str], jobs: int, out: Reading,
) -> set[str]:  # fmt: skip
    """Read units and enter what differs; returns all files that were read on the way.  A lost one stays as it was, so
    that nothing in it is taken for fixed."""
    seen: set[str] = set()
    for command, result in extract_files(tree, wanted, contents, jobs):
        key = keys[id(command)] if command is not None else result.key
        out.total += command is not None
        seen.update(result.dependencies)
        if result.status != "analysed" and before.get(key, "analysed") == "analysed":
            (out.lost if result.status == "lost" else out.partial).append(UnitTrouble(file=result.file, error=result.error))
        old = base.store.get("unit", key)
        if result.status != "lost" and result.blob != old:
            out.blobs[key] = result.blob
            out.exchanged[key] = (base.index(key), index_unit(decode(result.blob)))
    out.lost.sort(key=lambda t: (t.file, t.error))
    out.partial.sort(key=lambda t: (t.file, t.error))
    return seen


def _commands(tree: Any, base: Analysis, records: list[Any]) -> dict[str, CompileCommand]:
    """Commands by the keys of the units that they made."""
    files = of_files(tree.commands, {record.file for record in records})
    build = tree.build or tree.root
    out: dict[str, CompileCommand] = {}
    for record in records:
        same = files.get(record.file, [])
        if len(same) == 1:
            out[record.key] = same[0]
        for command in same if len(same) > 1 else ():
            made = decoded(base.store.get(RECORDS, work_of(command, tree.root, build).name))
            if made is not None and made.key == record.key:
                out[record.key] = command
    return out


def _read_new(
    tree: Any, base: Analysis, overlay: Overlay, contents: dict[str, bytes], seen: set[str], scope: tuple[str, ...],
    jobs: int, out: Reading, borrow: bool,
) -> None:  # fmt: skip
    """Read sources that the patch makes, with a neighbour's command, where it may be borrowed."""
    made = [
        name for name in sorted(overlay.files)
        if name.endswith(".c") and name not in seen and in_scope(name, scope)
        and not os.path.exists(os.path.join(tree.root, name))
    ]  # fmt: skip
    wanted: list[CompileCommand] = []
    keys: dict[int, str] = {}
    for name in made:
        if not borrow:
            out.notes.append(f"{name}: new, and the patched build does not compile it: not read")
            continue
        other = neighbour(tree.commands, name, overlay.renamed.get(name))
        if other is None:
            out.notes.append(f"{name}: new, and nothing near it is compiled: not read")
            continue
        command = moved(other, name, tree.root)
        keys[id(command)] = f"new:{name}"
        out.added += 1
        wanted.append(command)
        out.notes.append(f"{name}: new, read with the command of {other.file}; whether the build would compile it is not known")
    seen |= _take(tree, base, contents, wanted, keys, {}, jobs, out)


def neighbour(commands: Iterable[CompileCommand], name: str, was: str | None) -> CompileCommand | None:
    """The command of the file that had this content under another name, else of the nearest one that is compiled: in
    the same folder, or in the folder that shares most of the path; the first by name among equals."""
    best: tuple[tuple[int, int, str], CompileCommand] | None = None
    folders = os.path.dirname(name).split("/")
    for command in commands:
        if command.file == was:
            return command
        own = os.path.dirname(command.file).split("/")
        shared = len(os.path.commonprefix([folders, own]))
        if shared == 0 and folders != [""] and own != [""]:
            continue
        rank = (-shared, len(own) - shared, command.file)
        if best is None or rank < best[0]:
            best = rank, command
    return best[1] if best else None


def moved(command: CompileCommand, name: str, root: str) -> CompileCommand:
    """A command made to compile another file."""
    base = os.path.basename(name)[:-2].replace("-", "_")
    arguments = []
    for argument in command.arguments:
        if argument.endswith(".c") and os.path.normpath(os.path.join(command.directory, argument)) == os.path.normpath(
            os.path.join(root, command.file)
        ):
            argument = os.path.join(root, name)
        elif argument.startswith(("-DKBUILD_BASENAME=", "-DKBUILD_MODNAME=")):
            argument = f'{argument.partition("=")[0]}="{base}"'
        arguments.append(argument)
    return msgspec.structs.replace(command, file=name, arguments=arguments)


def _remark(overlay: Overlay, known: set[str], out: Reading, untouched: bool) -> None:
    """List what of the patch was not looked at."""
    for name in sorted(overlay.touched):
        last = os.path.basename(name)
        if last.startswith(BUILD_FILES) or last == ".config" or name.endswith((".mk", ".lds", ".lds.S")):
            if not untouched:
                continue
            out.notes.append(f"{name}: not interpreted: nothing of a patch is executed")
        elif name.endswith((".S", ".s", ".tbl", ".rs")):
            out.notes.append(f"{name}: not C, not read")
        elif (
            name.endswith((".c", ".h")) and name in overlay.files and name not in known
            and not any(note.startswith(f"{name}: ") for note in out.notes)
        ):  # fmt: skip
            out.notes.append(f"{name}: no unit of this configuration contains it: not read")
