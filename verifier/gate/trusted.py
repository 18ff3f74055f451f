"""With --trust-build: Kbuild is asked on the patched tree, which runs its makefiles, Kconfig and scripts.

That happens in a scratch folder: a link copy of the tree with the overlay's files in their places, and a build directory
of its own with the base's configuration.  The tree and its build directory are not touched.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from verifier.errors import KqualError
from verifier.gate.overlay import Overlay
from verifier.tree import kbuild, linkcopy
from verifier.tree.model import CompileCommand, Tree, unit_key

Key = tuple[str, str]
MOST_NOTES = 10


@contextmanager
def asked(tree: Tree, overlay: Overlay, progress: Callable[[str, int, int], None]) -> Iterator[Tree]:
    """The patched tree as Kbuild compiles it, for as long as the context lasts; KqualError where the base was not
    configured by Kbuild."""
    config = Path(tree.build or tree.root, ".config")
    if not config.is_file():
        raise KqualError("--trust-build: the base was not configured by Kbuild", "leave --trust-build out")
    stamp = kbuild.read_stamp(config.parent)
    arch = stamp.config.partition("@")[2] if stamp is not None else ""
    with tempfile.TemporaryDirectory(prefix="kqual-trusted-") as scratch:
        source, build = Path(scratch, "source"), Path(scratch, "build")
        linkcopy.update(tree.root, str(source), progress)
        _apply(overlay, source)
        shutil.copyfile(config, Path(scratch, "config"))
        commands, stamp = kbuild.prepare(source, str(source), str(Path(scratch, "config")), build, progress, arch)
        yield Tree(str(source), "kbuild", str(build), tree.version, stamp.config_digest, commands, stamp.notes)


def _apply(overlay: Overlay, source: Path) -> None:
    for name in (*overlay.removed, *overlay.files):
        (source / name).unlink(missing_ok=True)
    for name, data in overlay.files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)


class Difference:
    """Compile commands of the base and of the patched tree: `added` and `changed` are the patched tree's, `gone` the
    base's."""

    def __init__(self, base: Tree, patched: Tree) -> None:
        # generated sources, whose names are absolute, lie elsewhere in each build
        old, new = ({unit_key(c): c for c in tree.commands if not os.path.isabs(c.file)} for tree in (base, patched))
        self.added = [new[key] for key in sorted(new.keys() - old.keys())]
        self.gone: list[CompileCommand] = []
        self.changed: list[CompileCommand] = []
        if base.origin == "kbuild":  # commands of another origin may differ in more than what the patch did
            self.gone = [old[key] for key in sorted(old.keys() - new.keys())]
            same = old.keys() & new.keys()
            self.changed = [new[key] for key in sorted(same) if _portable(old[key], base) != _portable(new[key], patched)]


def _portable(command: CompileCommand, tree: Tree) -> list[str]:
    """The arguments without what the tree's own place says."""
    build = tree.build or tree.root
    return [a.replace(tree.root, "<root>").replace(build, "<build>") for a in command.arguments]


def notes(base: Tree, patched: Tree, included: Iterable[str]) -> list[str]:
    """What the patched build makes otherwise that units of the base were nevertheless read with."""
    before, after = (kbuild.options(_text(Path(t.build or t.root, ".config")).decode("utf-8", "replace")) for t in (base, patched))
    options = sorted(name for name in before.keys() | after.keys() if before.get(name, "n") != after.get(name, "n"))
    generated = sorted(
        name for name in set(included)
        if not os.path.isabs(name) and not os.path.exists(os.path.join(base.root, name))
        and _text(Path(base.build or base.root, name)) != _text(Path(patched.build or "", name))
    )  # fmt: skip
    out = []
    for what, found in (("option", options), ("generated file", generated)):
        for name in found[:MOST_NOTES]:
            out.append(f"{name}: {what} that the patched build changes; only units that are new or compiled otherwise were read with it")
        if len(found) > MOST_NOTES:
            out.append(f"{len(found) - MOST_NOTES} more {what}s that the patched build changes")
    return out


def _text(path: Path) -> bytes:
    """A file's contents, b"" where there is none."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
