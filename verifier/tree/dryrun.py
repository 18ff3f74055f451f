"""Reads what `make -n V=1` prints: the compile commands, and the sources that the build would generate."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from verifier.tree.model import CompileCommand, inside, unit_key
from verifier.tree.shellwords import UnclosedQuote, simple_commands

# a quotation that is still open after so many lines is a damaged line, not a long one
_MAX_JOIN = 64
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_GENERATED = re.compile(r"(?<![\w./-])(?!savedcmd_|cmd_)(?:[\w+-][\w.+-]*/)+[\w+-][\w.+-]*\.(?:h|c|inc)(?![\w.])")
# these take their value as the next word
_WITH_VALUE = frozenset(
    ["-o", "-x", "-I", "-D", "-U", "-L", "-T", "-MF", "-MT", "-MQ", "-include", "-imacros", "-isystem", "-iquote"]
    + ["-idirafter", "-iprefix", "-isysroot", "-Xclang", "-Xassembler", "--param", "-arch", "-target", "-mllvm"]
)


def logical_lines(lines: Iterable[str]) -> Iterator[str]:
    """Joins physical lines that end in a backslash into one shell line."""
    held: list[str] = []
    for line in lines:
        line = line.rstrip("\r\n")
        if line.endswith("\\") and not line.endswith("\\\\"):
            held.append(line[:-1])
            continue
        if held:
            held.append(line)
            line = "".join(held)
            held = []
        yield line
    if held:
        yield "".join(held)


def compile_source(words: list[str]) -> tuple[list[str], str] | None:
    """For the simple command that compiles one C file: its arguments without leading assignments, and the file as named
    there. None for any other command (assembler, linker, host tools, a text that merely quotes a compiler)."""
    first = 0
    while first < len(words) and _ASSIGNMENT.match(words[first]):
        first += 1
    if first < len(words) and os.path.basename(words[first]) in ("ccache", "sccache", "distcc", "env"):
        first += 1
    arguments = words[first:]
    if "-c" not in arguments[1:] or arguments[0] in ("echo", "printf", ":"):
        return None
    sources = []
    value = False
    for word in arguments[1:]:
        if value:
            value = False
        elif word in _WITH_VALUE:
            value = True
        elif not word.startswith("-") and word.endswith(".c"):
            sources.append(word)
    return (arguments, sources[0]) if len(sources) == 1 else None


def is_kernel(arguments: list[str]) -> bool:
    """Whether Kbuild compiles this for the kernel and not for the machine that builds it."""
    return "-D__KERNEL__" in arguments


def parse_dry_run(text: str, directory: str, root: str) -> tuple[list[CompileCommand], list[str], list[str]]:
    """Reads a dry run printed in `directory` for the tree at `root` (absolute paths).

    Returns the compile commands of the kernel's own units in the order of their files, the relative paths of sources
    that recipes speak of and that do not exist in `directory` or `root` (sorted), and the lines that could not be
    read (each cut to 200 characters).
    """
    found: dict[tuple[str, str], CompileCommand] = {}
    wanted: set[str] = set()
    lost: list[str] = []
    lines = list(logical_lines(text.splitlines()))
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        compiles = " -c" in line and ".c" in line
        if not compiles:
            wanted.update(_GENERATED.findall(line))
            continue
        commands, used = _complete(lines, at, line)
        if commands is None:
            lost.append(line[:200])
            continue
        at += used
        for words in commands:
            unit = compile_source(words)
            if unit is None:
                if words[0] not in ("echo", "trap"):
                    wanted.update(w for w in words if _GENERATED.fullmatch(w))
                continue
            arguments, source = unit
            if not is_kernel(arguments):
                continue
            path = os.path.normpath(os.path.join(directory, source))
            name = inside(path, root)
            if name is None:
                name = path
                local = inside(path, directory)
                if local is not None:
                    wanted.add(local)
            command = CompileCommand(name, directory, arguments)
            found.setdefault(unit_key(command), command)
    missing = sorted(
        path
        for path in wanted
        if not os.path.exists(os.path.join(directory, path)) and not os.path.exists(os.path.join(root, path))
    )
    return [found[key] for key in sorted(found)], missing, lost


def _complete(lines: list[str], at: int, line: str) -> tuple[list[list[str]] | None, int]:
    """The commands of `line`, with following lines added while a quotation is open; how many were added."""
    text = line
    for used in range(_MAX_JOIN):
        try:
            return simple_commands(text), used
        except UnclosedQuote:
            if at + used >= len(lines):
                return None, 0
            text += "\n" + lines[at + used]
    return None, 0
