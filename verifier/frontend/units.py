"""One compile command becomes one encoded unit: choose flags, parse, read, lower, encode."""

from __future__ import annotations

from pathlib import Path

import msgspec

from verifier import __version__
from verifier.frontend import flags as flags_of
from verifier.frontend import libclang_api as api
from verifier.frontend import pch as pch_of
from verifier.frontend.clang import UnitReader
from verifier.frontend.flags import Flags, digest
from verifier.frontend.lower import lower_unit
from verifier.frontend.sources import Sources, spelled
from verifier.ir.model import Unit, encode
from verifier.tree.model import CompileCommand

HEADERS = "<headers>"
READER = 2  # to be raised with every change of the front end or the lowering that changes some unit's IR


class ExtractResult(msgspec.Struct):
    """What came of one unit.  `dependencies` leaves out the files of the precompiled header `header`."""

    file: str
    blob: bytes
    status: str  # "analysed" | "partial" | "lost"
    error: str
    key: str
    dependencies: list[str]
    header: str = ""


class Work(msgspec.Struct):
    """A unit to parse, with the group of its precompiled header if it may have one."""

    file: str
    flags: Flags
    group: pch_of.Group | None
    name: str


def reader_version() -> str:
    """Stands for the code that makes the IR: a unit read by another version is not the same unit."""
    return f"{__version__}/{READER}"


def work_of(command: CompileCommand, root: str, build: str) -> Work:
    """Understand a compile command."""
    flags = flags_of.understood(command.arguments, command.directory)
    relative = tuple(a.replace(root, "<root>").replace(build, "<build>") for a in flags.plain())
    return Work(spelled(command.file), flags, pch_of.group_of(flags, root, build), digest(reader_version(), command.file, relative))


def header_unit(group: pch_of.Group, place: Path, sources: Sources) -> tuple[pch_of.Precompiled | None, ExtractResult]:
    """Make a group's precompiled header and the unit of all functions in it."""

    def read(handle: int, path: str) -> Unit:
        reader = UnitReader(sources.name, sources.read)
        unit = reader.unit(handle, HEADERS, everything=True)
        return lower_unit(unit)

    made, unit, error = pch_of.make(group, place, sources, read)
    name = digest(reader_version(), HEADERS, group.key)
    if made is None:
        return None, ExtractResult(HEADERS, b"", "lost", error, name, [])
    return made, ExtractResult(HEADERS, encode(unit), "analysed", "", digest(name, made.key), made.dependencies)


def read_unit(work: Work, made: pch_of.Precompiled | None, sources: Sources) -> ExtractResult:
    """Parse and encode one unit, with the precompiled header where it suits."""
    flags = work.flags
    try:
        source = sources.read(flags.source)
    except OSError as error:
        return ExtractResult(work.file, b"", "lost", f"{work.file}: {error.strerror}", work.name, [])
    if made is not None and pch_of.suits(flags, made, source):
        made = None
    if made is not None:
        result = _parse(work, pch_of.unit_arguments(flags, made, sources.root), made, sources)
        if result.status == "analysed":
            return result
    return _parse(work, flags.plain(), None, sources)


def _parse(work: Work, arguments: list[str], made: pch_of.Precompiled | None, sources: Sources) -> ExtractResult:
    index = api.create_index(1, 0)
    try:
        handle, code = api.parse(index, work.flags.source, arguments, api.KEEP_GOING, sources.unsaved())
        if handle is None:
            return ExtractResult(work.file, b"", "lost", f"{work.file}: libclang gave up (code {code})", work.name, [])
        try:
            errors = api.errors(handle, 1)
            if made is not None and errors:
                return ExtractResult(work.file, b"", "partial", "", work.name, [])  # the caller parses plainly
            reader = UnitReader(sources.name, sources.read)
            tree = reader.unit(handle, work.file)
            shared = set(made.dependencies) if made else set()
            names = {sources.name(path) for path in api.included_files(handle)} - shared - {""}
        finally:
            api.dispose_unit(handle)
    finally:
        api.dispose_index(index)
    if made is not None:
        names.discard(sources.name(made.path.removesuffix(".pch") + ".h"))
        names.discard(sources.name(made.path))
    dependencies = sorted(names)
    unit = lower_unit(tree)
    status = "analysed" if not tree.errors else "partial" if unit.functions else "lost"
    header = made.key if made else ""
    return ExtractResult(
        work.file, encode(unit) if status != "lost" else b"", status, tree.errors[0] if tree.errors else "",
        unit_key(work, header, dependencies, sources), dependencies, header,
    )  # fmt: skip


def unit_key(work: Work, header: str, dependencies: list[str], sources: Sources) -> str:
    """The key of a unit's IR: command, code, precompiled header, contents of everything included."""
    return digest(sources.key(work.name, dependencies), header)
