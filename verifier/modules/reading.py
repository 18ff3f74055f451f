"""From an opened tree to the answer: parse the few units that tell of modules, read the hooks, put both together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lattices.model import Pack
from verifier.errors import KqualError
from verifier.frontend.extract import extract
from verifier.modules.hookdefs import read_definitions
from verifier.modules.mediation import Mediation, mediation
from verifier.modules.tables import FOLDER, read_modules, read_units, relevant
from verifier.tree.kbuild import options as read_options


def modules_of(
    tree: Any, store: Any, pack: Pack, jobs: int, order: list[str] | None, progress: Callable[[str, int, int], None]
) -> Mediation:
    """The modules of a tree (verifier.tree.model.Tree); parses what the store lacks of the units below security/.

    Raises KqualError where the tree has none, or where a unit of theirs cannot be parsed: a module would be missing.
    """
    files = relevant(tree.root, (command.file for command in tree.commands if not command.file.startswith("/")))
    if not files:
        raise KqualError(f"{tree.root}: no unit below {FOLDER}/ registers a module", "give the top of a kernel tree with CONFIG_SECURITY")
    records = [record for record in extract(tree, store, jobs, files, progress) if record.file in files]
    lost = [record for record in records if record.status == "lost"]
    if lost:
        raise KqualError(f"{lost[0].file} cannot be parsed: {lost[0].error}", "kqual doctor TREE says what is missing")
    config = Path(tree.build) / ".config" if tree.build else Path(tree.root) / ".config"
    chosen = read_options(config.read_text("utf-8", "replace")) if config.is_file() else None
    try:
        modules = read_modules(read_units(records, store.get))
    except LookupError as error:
        raise KqualError(str(error), "please report the kernel's version: this way to register is not known") from error
    return mediation(tree.version, modules, read_definitions(tree.root, chosen), pack, order)
