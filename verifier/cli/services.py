"""The parts of kqual that the commands call, in one record, so that tests can run commands on parts of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import MsgspecError

from verifier.findings import CoverageDocument, Document
from verifier.store import Store

RULES = "rules"  # the kind of packs in a store


def _open_tree(root: str, config: str, build: str | None, progress: Callable[..., None], arch: str = "") -> Any:
    from verifier.tree import open_tree

    return open_tree(root, config=config, build=build, progress=progress, arch=arch)


def _diagnose(root: str, config: str, build: str | None, progress: Callable[..., None], arch: str = "") -> list[Any]:
    """Look first; open the tree, which makes the build directory, only when nothing is missing."""
    from verifier.tree import Diagnosis, TreeError, diagnose, open_tree
    from verifier.tree.doctor import describe

    found = diagnose(root, config, build, arch)
    if all(line.ok for line in found):
        try:
            found += describe(open_tree(root, config=config, build=build, progress=progress, arch=arch))
        except TreeError as error:
            found.append(Diagnosis("units", False, error.message, error.hint))
    return found


def _load_pack(extra: tuple[str, ...], version: str, store: Store | None = None) -> Any:
    """The rules for a kernel version; from the store where it has read the same files already."""
    from lattices import kept
    from lattices.layers import DIRECTORY

    key = kept.key([DIRECTORY, *map(Path, extra)], version)
    data = store.get(RULES, key) if store is not None else None
    if data is not None:
        with suppress(MsgspecError):  # of another shape: then the files are read
            return kept.decode(data)
    from lattices import pack  # what reads the files

    data = pack.encoded(None, extra, version) if version else pack.encoded(None, extra)
    if store is not None and not store.readonly:
        store.put(RULES, key, data)
    return kept.decode(data)


def _scan(
    tree: Any, store: Store, pack: Any, jobs: int, scope: tuple[str, ...], progress: Callable[..., None],
    order: list[str] | None = None, certificates: str | None = None, audit: bool = False,
) -> Document:  # fmt: skip
    """Scan, and leave the catalogue that `kqual show` reads in the store; with notes on what the modules leave undecided."""
    from verifier.cli import catalogue, modules, usage
    from verifier.gate.permit import permit
    from verifier.program import scanned
    from verifier.program.analyse import analysis

    found = analysis(tree, store, pack, jobs, scope, progress)
    document = found.document()
    permit(found, document)
    catalogue.write(found, store, progress)
    usage.note(found, store)
    scanned.keep(found, tree, scope, store)
    if audit:
        from verifier.program.audit_notes import AuditOracle

        document.audit = AuditOracle(found).notes(progress)
    if certificates is not None:
        from verifier.certificates.produce import write

        write(found, certificates, progress)
    if order is not None or (not scope and modules.has_any(tree)):
        from verifier.findings import finish
        from verifier.modules.reading import modules_of
        from verifier.modules.vacuous import vacuous_findings

        answer = modules_of(tree, store, pack, jobs, order, progress)
        modules.keep(answer, store)
    if order is not None:
        modules.warn_of_unknown(order, answer.modules)
        document.findings = finish([*document.findings, *vacuous_findings(found, answer, document.findings)])
        document.configuration["lsm"] = ",".join(answer.loaded)
    return document


def _gate(
    tree: Any, store: Store, pack: Any, change: Any, jobs: int, scope: tuple[str, ...], progress: Callable[..., None]
) -> Document:
    from verifier.gate import run_gate

    return run_gate(tree, store, pack, change, jobs, scope, progress)


def _coverage(
    tree: Any, store: Store, pack: Any, jobs: int, scope: tuple[str, ...], progress: Callable[..., None],
    wanted: Callable[[str, str], bool] | None,
) -> CoverageDocument:  # fmt: skip
    from verifier.coverage import run_coverage

    return run_coverage(tree, store, pack, jobs, scope, progress, wanted)


@dataclass(frozen=True)
class Services:
    """What the commands call; the defaults load their rooms only when they are called, so that `--help` is quick."""

    open_tree: Callable[..., Any] = _open_tree
    diagnose: Callable[..., list[Any]] = _diagnose
    load_pack: Callable[..., Any] = _load_pack
    scan: Callable[..., Document] = _scan
    gate: Callable[..., Document] = _gate
    coverage: Callable[..., CoverageDocument] = _coverage
