"""The parts of kqual that the commands call, in one record, so that tests can run commands on parts of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verifier.findings import Document
from verifier.store import Store


def _open_tree(root: str, config: str, build: str | None, progress: Callable[..., None]) -> Any:
    from verifier.tree import open_tree

    return open_tree(root, config=config, build=build, progress=progress)


def _diagnose(root: str, config: str, build: str | None, progress: Callable[..., None]) -> list[Any]:
    """Look first; open the tree, which makes the build directory, only when nothing is missing."""
    from verifier.tree import Diagnosis, TreeError, diagnose, open_tree
    from verifier.tree.doctor import describe

    found = diagnose(root, config, build)
    if all(line.ok for line in found):
        try:
            found += describe(open_tree(root, config=config, build=build, progress=progress))
        except TreeError as error:
            found.append(Diagnosis("units", False, error.message, error.hint))
    return found


def _load_pack(extra: tuple[str, ...], version: str) -> Any:
    from lattices import pack

    return pack.load(None, extra, version) if version else pack.load(None, extra)


def _scan(tree: Any, store: Store, pack: Any, jobs: int, scope: tuple[str, ...], progress: Callable[..., None]) -> Document:
    """Scan, and leave the catalogue that `kqual show` reads in the store."""
    from verifier.cli import catalogue
    from verifier.program.analyse import analysis

    found = analysis(tree, store, pack, jobs, scope, progress)
    document = found.document()
    catalogue.write(found, store, progress)
    return document


def _gate(
    tree: Any, store: Store, pack: Any, patch: bytes, jobs: int, scope: tuple[str, ...], progress: Callable[..., None]
) -> Document:
    from verifier.gate import run_gate

    return run_gate(tree, store, pack, patch, jobs, scope, progress)


@dataclass(frozen=True)
class Services:
    """What the commands call; the defaults load their rooms only when they are called, so that `--help` is quick."""

    open_tree: Callable[..., Any] = _open_tree
    diagnose: Callable[..., list[Any]] = _diagnose
    load_pack: Callable[..., Any] = _load_pack
    scan: Callable[..., Document] = _scan
    gate: Callable[..., Document] = _gate
