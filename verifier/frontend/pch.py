"""Precompiled headers: the core headers of a kernel, parsed once for all units with the same language and macros.

A unit shares the header of its group when nothing that it sets itself could change the text of those headers: neither
a macro of its command line nor one that it defines before its includes may occur in a preprocessor condition of any
header inside.  Otherwise, or when the parse with the precompiled header shows errors, the unit is parsed plainly.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from verifier.frontend import libclang_api as api
from verifier.frontend.core_headers import ROWS
from verifier.frontend.flags import ATTRIBUTE_MACROS, PARSER, WITHOUT_TRACEPOINTS, Flags, digest, macro_name
from verifier.frontend.sources import Sources
from verifier.ir.model import Unit
from verifier.store import cache_root

KERNEL_INCLUDE = re.compile(r"(arch/\w+/)?include(/generated)?(/uapi)?|(arch/\w+/)?include/uapi/generated|include/generated/uapi")
OF_UNIT = "KBUILD_MODNAME"  # every unit has its own; some headers' functions print it
SHARED_MACROS = re.compile(r"__KERNEL__|MODULE|CC_\w+")
UNUSUAL = ("-m16", "-m32", "-march=i386", "-ffreestanding", "-fno-builtin", "-fplan9-extensions")
# Read by the headers in conditions, yet only for the wording of messages or to instantiate code below the includes.
HARMLESS = frozenset(("pr_fmt", "dev_fmt", "DEBUG", "CREATE_TRACE_POINTS", "DEFAULT_SYMBOL_NAMESPACE"))
CONDITION = re.compile(rb"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b((?:[^\n\\]|\\\n|\\.)*)", re.MULTILINE)
WORD = re.compile(rb"[A-Za-z_]\w*")
DIRECTIVE = re.compile(rb"^[ \t]*#[ \t]*(define|undef|include)\b[ \t]*([A-Za-z_]\w*)?", re.MULTILINE)


class Group(msgspec.Struct, frozen=True):
    """Units that can share a precompiled header; `arguments` are those it is made with."""

    key: str
    arguments: tuple[str, ...]


class Precompiled(msgspec.Struct):
    """A precompiled header on disk.

    `key` stands for its arguments and the contents of all that went into it; `conditions` are the words in
    preprocessor conditions of its files.
    """

    path: str
    key: str
    dependencies: list[str]
    conditions: list[str]


def group_of(flags: Flags, root: str, build: str) -> Group | None:
    """The group of a unit, None when it is parsed plainly."""
    if "-D__KERNEL__" not in flags.defines or not any(shared_include(path, root) for path in flags.includes):
        return None
    if "-O2" not in flags.language:
        return None
    if any(option.startswith(UNUSUAL) and option != "-fno-builtin-wcslen" for option in flags.language):
        return None
    defines = sorted({d for d in flags.defines if SHARED_MACROS.fullmatch(macro_name(d))})
    directories: dict[str, str] = {}
    for option, path in flags.directories:
        relative = os.path.relpath(path, root if path.startswith(root + os.sep) else build)
        if KERNEL_INCLUDE.fullmatch(relative):
            directories.setdefault(path, option)
    language = tuple(sorted(o for o in flags.language if not o.startswith("-fno-builtin")))
    arguments = (
        *language, *PARSER, *(part for path, option in directories.items() for part in (option, path)),
        *ATTRIBUTE_MACROS, WITHOUT_TRACEPOINTS, *defines,
        *(part for path in flags.includes if shared_include(path, root) for part in ("-include", path)),
    )  # fmt: skip
    relative = tuple(a.replace(root, "<root>").replace(build, "<build>") for a in arguments)
    return Group(digest("group", relative, OF_UNIT, ROWS), arguments)


def shared_include(path: str, root: str) -> bool:
    """Is it one of the headers that a kernel puts in front of every unit?  Others come with the unit."""
    return path.startswith(f"{root}/include/linux/")


def folder(build: str | None) -> Path:
    """Where precompiled headers are kept: in the build directory if it can be written, else in the user's cache."""
    if build and os.access(build, os.W_OK):
        return Path(build) / ".kqual-pch"
    return cache_root() / "pch"


def unit_arguments(flags: Flags, pch: Precompiled, root: str) -> list[str]:
    """Arguments to parse a unit on top of a precompiled header."""
    language = sorted(o for o in flags.language if not o.startswith("-fno-builtin"))
    own = [part for path in flags.includes if not shared_include(path, root) for part in ("-include", path)]
    return [
        *language, *PARSER, *flags.search(), *ATTRIBUTE_MACROS, WITHOUT_TRACEPOINTS, *flags.defines,
        *flags.unit_defines,
        "-include-pch", pch.path, *own,
    ]  # fmt: skip


def suits(flags: Flags, pch: Precompiled, source: bytes) -> str:
    """ "" if the unit may use the precompiled header, else the macro that forbids it."""
    conditions = set(pch.conditions)
    for define in flags.defines:
        name = macro_name(define)
        if name in conditions and name not in HARMLESS and not SHARED_MACROS.fullmatch(name):
            return name
    pending: list[str] = []
    for match in DIRECTIVE.finditer(source):
        if match.group(1) == b"include":
            for name in pending:
                if name in conditions and name not in HARMLESS:
                    return name
            pending = []
        elif match.group(2):
            pending.append(match.group(2).decode())
    return ""


def condition_words(contents: list[bytes]) -> list[str]:
    """All words in preprocessor conditions of these files; those of the files' own include guards are harmless."""
    words: set[bytes] = set()
    for data in contents:
        for match in CONDITION.finditer(data):
            words.update(WORD.findall(match.group(1)))
    return sorted(word.decode() for word in words if not word.startswith(b"CONFIG_"))


def lookup(group: Group, place: Path, sources: Sources) -> Precompiled | None:
    """The group's precompiled header if it is there and made from the present contents."""
    try:
        found = msgspec.json.decode((place / f"{group.key}.json").read_bytes(), type=Precompiled)
    except (OSError, msgspec.MsgspecError):
        return None  # not made yet, or by a version that wrote other records
    found.path = str(place / f"{group.key}.pch")
    if not os.path.exists(found.path):
        return None
    return found if found.key == sources.key(group.key, found.dependencies) else None


def holds(place: Path, names: Iterable[str]) -> bool:
    """Whether a file of these went into any precompiled header of a folder."""
    wanted = set(names)
    for file in place.glob("*.json"):
        try:
            found = msgspec.json.decode(file.read_bytes(), type=Precompiled)
        except (OSError, msgspec.MsgspecError):
            continue  # of another version: it is not used either
        if not wanted.isdisjoint(found.dependencies):
            return True
    return False


def make(
    group: Group, place: Path, sources: Sources, reader: Callable[[int, str], Unit]
) -> tuple[Precompiled | None, Unit | None, str]:
    """Parse the core headers and save them; (header, what `reader` makes of the unit, first error).

    Raises OSError when the folder cannot be written.
    """
    place.mkdir(parents=True, exist_ok=True)
    first = ""
    for count in range(len(ROWS), 0, -1):
        made, unit, error = _make(group, sum(ROWS[:count], ()), place, sources, reader)
        if made is not None:
            return made, unit, ""
        first = first or error
    return None, None, first


def _make(
    group: Group, names: tuple[str, ...], place: Path, sources: Sources, reader: Callable[[int, str], Unit]
) -> tuple[Precompiled | None, Unit | None, str]:
    source = place / f"{group.key}.h"
    there = [name for name in names if os.path.exists(f"{sources.root}/include/{name}")]
    text = "".join(f"#include <{name}>\n" for name in there)
    write(source, f'#define {OF_UNIT} ""\n{text}#undef {OF_UNIT}\n'.encode())
    index = api.create_index(0, 0)
    try:
        arguments = [*group.arguments, "-x", "c-header", "-Xclang", "-fno-pch-timestamp"]
        options = api.FOR_SERIALIZATION | api.INCOMPLETE
        handle, code = api.parse(index, str(source), arguments, options, sources.unsaved())
        if handle is None:
            return None, None, f"libclang cannot parse the core headers (code {code})"
        try:
            problems = api.errors(handle)
            if problems:
                file, line, message = problems[0]
                return None, None, f"{sources.name(file)}:{line}: {message}"
            unit = reader(handle, str(source))
            included = {sources.name(file) for file in api.included_files(handle)}
            dependencies = sorted(included - {sources.name(str(source)), ""})
            partial = place / f"{group.key}.pch.{os.getpid()}"
            if api.save_unit(handle, os.fsencode(partial), 0):
                return None, unit, "libclang cannot save the core headers"
            os.replace(partial, place / f"{group.key}.pch")
        finally:
            api.dispose_unit(handle)
    finally:
        api.dispose_index(index)
    made = Precompiled(
        str(place / f"{group.key}.pch"),
        sources.key(group.key, dependencies),
        dependencies,
        condition_words([sources.read_name(name) for name in dependencies]),
    )
    write(place / f"{group.key}.json", msgspec.json.encode(made))
    return made, unit, ""


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; leave it alone when it holds that already."""
    if path.exists() and path.read_bytes() == data:
        return
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(data)
    os.replace(partial, path)
