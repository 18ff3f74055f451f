"""Compiler arguments of a build, made for gcc, as arguments for libclang.

Only what changes the meaning of the source is kept: language, word size, macros, include paths.  Code generation,
warnings and dependency files are dropped.  Relative paths become absolute, so that the current directory does not
matter.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

from verifier.tree.architecture import target_of

# Some attributes are invisible in libclang's C API except for the spelling of `annotate`.  These definitions let each
# such attribute bring an annotation along; a macro's own name is not expanded again inside its expansion, so the
# attribute itself stays.  The kernel writes these names with underscores everywhere (compiler_attributes.h).
ATTRIBUTE_MACROS = (
    '-D__cleanup__(f)=__cleanup__(f),__annotate__("cleanup:" #f)',
    '-D__section__(s)=__section__(s),__annotate__("section:" s)',
    '-D__alias__(s)=__alias__(s),__annotate__("alias:" s)',
    '-D__weak__=__weak__,__annotate__("weak")',
)
PARSER = ("-w", "-ferror-limit=0", "-Wno-error", "-fgnuc-version=12.2.0", "-fno-spell-checking")
# Tracepoints as the kernel's headers offer them to code that must not be traced: empty functions.  With them a unit of a
# file system with many tracepoints takes fifty times as long, for code that only reports.
WITHOUT_TRACEPOINTS = "-DNOTRACE"
JOINED_PATHS = ("-I", "-isystem", "-iquote", "-idirafter")
SEPARATE = frozenset(("-o", "-MF", "-MT", "-MQ", "-x", "-arch", "-target", "--param", "-Xlinker", "-Xassembler"))
LANGUAGE = (
    "-std=", "-fshort-wchar", "-funsigned-char", "-fsigned-char", "-ffreestanding", "-fhosted", "-fms-extensions",
    "-fno-builtin", "-fmacro-prefix-map=", "-fplan9-extensions", "-nostdinc", "-m16", "-m32", "-m64", "-march=i386",
    "--target=",
)  # fmt: skip
OPTIMISED = ("-O0", "-O1", "-O2", "-O3", "-Os", "-O")
NAMES_OF_UNIT = ("KBUILD_", "__KBUILD_")


class Flags(NamedTuple):
    """What one command says.

    `language`: options that a precompiled header must share; `includes`: the files of -include; `directories`:
    (option, path) in order; `defines`: -D and -U options, without those of `unit_defines`, which name the unit
    (KBUILD_MODNAME and kin).
    """

    source: str
    language: tuple[str, ...]
    includes: tuple[str, ...]
    directories: tuple[tuple[str, str], ...]
    defines: tuple[str, ...]
    unit_defines: tuple[str, ...]

    def plain(self) -> list[str]:
        """Arguments for a parse without a precompiled header; the source is given to libclang separately."""
        return [
            *self.language, *PARSER, *self.search(), *ATTRIBUTE_MACROS, *self.defines, *self.unit_defines,
            *(part for path in self.includes for part in ("-include", path)),
        ]  # fmt: skip

    def search(self) -> list[str]:
        """The include path."""
        return [part for option, path in self.directories for part in (option, path)]


def understood(arguments: list[str], directory: str) -> Flags:
    """Read a compile command.  Unknown options are dropped; the last argument that ends in .c is the source."""

    def absolute(path: str) -> str:
        return os.path.normpath(os.path.join(directory, path))

    source = ""
    target = target_of(arguments)
    language: list[str] = [f"--target={target}"] if target and not any(a.startswith("--target=") for a in arguments) else []
    includes: list[str] = []
    directories: list[tuple[str, str]] = []
    defines: list[str] = []
    unit_defines: list[str] = []
    rest = iter(arguments[1:])
    for argument in rest:
        if argument in SEPARATE:
            next(rest, None)
        elif argument in ("-include", "-imacros"):
            includes.append(absolute(next(rest, "")))
        elif argument.startswith(("-D", "-U")):
            text = argument if len(argument) > 2 else argument + next(rest, "")
            (unit_defines if text[2:].startswith(NAMES_OF_UNIT) else defines).append(text)
        elif argument.startswith(JOINED_PATHS):
            option = next(o for o in JOINED_PATHS if argument.startswith(o))
            path = argument[len(option) :] or next(rest, "")
            directories.append((option, absolute(path)))
        elif argument.startswith(LANGUAGE):
            if argument not in language:
                language.append(argument)
        elif argument in OPTIMISED:
            language = [option for option in language if option != "-O2"]
            if argument != "-O0":  # the last one counts; it decides about __OPTIMIZE__
                language.append("-O2")
        elif not argument.startswith("-") and argument.endswith((".c", ".i")):
            source = absolute(argument)
    return Flags(source, tuple(language), tuple(includes), tuple(directories), tuple(defines), tuple(unit_defines))


def macro_name(define: str) -> str:
    """Name of the macro that a -D or -U option speaks of."""
    return define[2:].partition("=")[0].partition("(")[0]


def digest(*parts: object) -> str:
    """A short, stable digest of texts and tuples of texts."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogateescape")
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()
