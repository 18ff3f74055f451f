"""Asks Kbuild for the sources that it would generate during a build, and for nothing else.

The top Makefile has no rule for `security/selinux/flask.h`; the rule stands in the directory's own Makefile, which Kbuild
reads through `scripts/Makefile.build obj=<directory>`. A makefile named in $MAKEFILES adds one goal to the inner make
that calls it for each directory, with everything that the top Makefile exports.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from verifier.tree import make
from verifier.tree.model import CompileCommand, Progress

_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)', re.MULTILINE)

_GOAL = "kqual-generated"
# made by modpost or by linking: they would compile the kernel
_LINKED = (".mod.c", ".vmlinux.export.c")


def makefile(targets: Iterable[str], root: Path) -> str:
    """The makefile that makes `targets` (relative paths), each through the nearest directory that has a Kbuild file."""
    groups: dict[str, list[str]] = {}
    for target in sorted(set(targets)):
        owner = _owner(target, root)
        if owner is not None and not target.endswith(_LINKED):
            groups.setdefault(owner, []).append(target)
    lines = ["ifeq ($(sub_make_done),1)", f".PHONY: {_GOAL}", f"{_GOAL}:"]
    lines += [f"\t-$(MAKE) -k $(build)={owner} {' '.join(names)}" for owner, names in sorted(groups.items())]
    return "\n".join([*lines, "endif", ""])


def missing_includes(commands: Iterable[CompileCommand], root: Path) -> set[str]:
    """The names in #include lines of the units themselves for which no file exists on the unit's search path.

    Most stand under an #ifdef of another architecture or of user space; those that Kbuild would make are among them.
    """
    known: dict[str, bool] = {}

    def exists(path: str) -> bool:
        if path not in known:
            known[path] = os.path.exists(path)
        return known[path]

    missing: set[str] = set()
    for command in commands:
        source = os.path.join(root, command.file)
        try:
            with open(source, "rb") as handle:
                text = handle.read()
        except OSError:
            continue  # the unit itself is missing and has a note of its own
        words = command.arguments
        paths = [w[2:] or words[i + 1] for i, w in enumerate(words[:-1]) if w.startswith("-I")]
        paths = [os.path.join(command.directory, path) for path in paths]
        for match in _INCLUDE.finditer(text):
            name = os.fsdecode(match[2])
            places = paths if match[1] == b"<" else [os.path.dirname(source), *paths]
            if not any(exists(os.path.join(place, name)) for place in places):
                missing.add(name)
    return missing


def mentioned(names: Iterable[str], text: str, root: Path) -> list[str]:
    """The relative paths in a dry run's `text` that end in one of `names` and whose directory Kbuild knows (sorted)."""
    wanted = "|".join(re.escape(name) for name in sorted(names))
    if not wanted:
        return []
    paths = re.compile(rf"(?<![\w./+-])(?:[\w+-][\w.+-]*/)+(?:{wanted})(?![\w./-])")
    return sorted({path for path in paths.findall(text) if _owner(path, root) is not None})


def _owner(target: str, root: Path) -> str | None:
    folder = os.path.dirname(target)
    while folder:
        if any((root / folder / name).is_file() for name in ("Makefile", "Kbuild")):
            return folder
        folder = os.path.dirname(folder)
    return None


def generate(
    targets: list[str], root: Path, build: Path, jobs: int, progress: Progress, variables: list[str] | None = None
) -> list[str]:
    """Makes `targets` in `build`, with `variables` on make's command line; returns those that do not exist afterwards
    (sorted)."""
    progress("generated sources", 0, len(targets))
    if targets:
        rules = build / "kqual-generated.mk"
        rules.write_text(makefile(targets, root), encoding="utf-8")
        make.run(
            ["make", "-s", "-C", str(root), f"O={build}", *(variables or []), f"-j{jobs}", "-k", _GOAL],
            root,
            "making the generated sources",
            allow_failure=True,
            extra={"MAKEFILES": str(rules)},
        )
    left = sorted(name for name in targets if not (build / name).exists())
    progress("generated sources", len(targets) - len(left), len(targets))
    return left
