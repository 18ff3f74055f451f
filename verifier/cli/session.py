"""One run: the tree, its store and the rules, opened together."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lattices import expressions, qualifiers
from verifier import __version__
from verifier.cli import messages
from verifier.cli.progress import Progress
from verifier.cli.services import Services
from verifier.cli.unkept import Unkept
from verifier.errors import KqualError, StoreError
from verifier.findings import Document, ExemptionNote, LedgerEntry, RuleNote, finish_completeness
from verifier.store import Store, cache_root, default_path
from verifier.tree.kbuild import is_kernel

DIGEST = 12  # digits of a digest that reports print
OLDEST, NEWEST = (6, 1), (6, 12)  # the kernels that the bundled rules were written against


@dataclass
class Session:
    """What a command works on; `folder` is the tree as it was named, `tree` what was opened."""

    folder: str
    tree: Any
    store: Store
    pack: Any
    progress: Progress
    jobs: int
    scope: tuple[str, ...]


def check_tree(tree: str) -> str:
    """The tree's path; raises KqualError when it is no folder, nor a C file, that can be read."""
    path = Path(tree)
    if not tree.strip("\0"):
        raise KqualError("TREE is empty", "give the folder of a kernel tree: kqual scan path/to/linux")
    try:
        there = path.exists()
    except PermissionError:  # a folder above it is closed
        raise KqualError(f"{tree}: no permission to read it", "run as a user who may") from None
    if not there:
        raise KqualError(f"{tree}: no such folder", "give the folder of a kernel tree: kqual scan path/to/linux")
    if not path.is_dir() and path.suffix != ".c":
        raise KqualError(f"{tree}: not a folder", "give the folder of a kernel tree, unpacked")
    if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
        raise KqualError(f"{tree}: no permission to read it", "run as a user who may")
    return str(path)


@contextmanager
def open_session(
    services: Services, tree: str, config: str, build: str | None, store_path: str | None, scope: tuple[str, ...],
    jobs: int, rules: tuple[str, ...], quiet: bool, arch: str | None = None,
) -> Iterator[Session]:  # fmt: skip
    """Open everything that a command on a tree needs; closed again whatever happens."""
    root = check_tree(tree)
    parts = tuple(scope_part(part, root) for part in scope)
    with Progress(quiet) as progress:
        opened = services.open_tree(root, config, build, progress, **({"arch": arch} if arch else {}))
        said = version_note(opened.version, root)
        if said:
            messages.warning(said)
            opened.notes.append(said)
        for folder in rules:
            if os.path.isdir(folder) and not any(Path(folder).rglob("*.toml")):
                messages.warning(f"--rules {folder}: no .toml file is in it")
        with open_store(Path(store_path) if store_path else default_path(root, f"{config}@{arch}" if arch else config)) as store:
            pack = services.load_pack(rules, opened.version, store)
            yield Session(root, opened, store, pack, progress, jobs, parts)


def version_note(version: str, root: str) -> str:
    """What to say when the rules were not written with this kernel version in mind; "" otherwise."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    oldest, newest = (".".join(str(number) for number in end) for end in (OLDEST, NEWEST))
    if not numbers:
        return f"the kernel's version is not known; the rules of {newest} are used" if is_kernel(Path(root)) else ""
    if numbers < OLDEST:
        return f"the rules speak of kernels from {oldest} on; those of {oldest} are used for {version}"
    if numbers > NEWEST:
        return f"the rules were written for kernels up to {newest}; those are used for {version}"
    return ""


def open_store(path: Path) -> Store:
    """The store for writing; for reading only, with what is new kept in memory, when it cannot be written to."""
    try:
        return Store.open(path, say=messages.warning)
    except StoreError as error:
        refused = isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        if not refused or not path.is_file() or not os.access(path, os.R_OK):
            raise
        messages.warning(f"{error.message}; it is used for reading only, and nothing new is kept")
        return Unkept.open(path, readonly=True, say=messages.warning)


def scope_part(part: str, root: str) -> str:
    """A folder of the tree as a relative path; given relative to the tree, or as a path into it."""
    real = os.path.realpath(root)
    for base in (root, "."):
        path = os.path.realpath(os.path.join(base, part))
        if os.path.exists(path) and (path == real or path.startswith(real.rstrip("/") + "/")):
            return os.path.relpath(path, real)
    raise KqualError(f"{part}: no such folder in the tree", "give it relative to the tree: --scope fs/ext4")


def within(file: str, scope: tuple[str, ...]) -> bool:
    """Whether a file of the tree lies in one of the folders; in any case when there are none."""
    return not scope or any(part == "." or file == part or file.startswith(part + "/") for part in scope)


def annotate(document: Document, session: Session, report_scope: tuple[str, ...]) -> Document:
    """Add what the analysis itself does not know: the configuration, notes on tree and rules; apply --report-scope."""
    tree, pack = session.tree, session.pack
    document.findings = [f for f in document.findings if within(f.file, report_scope)]
    if document.fixed is not None:
        document.fixed = [f for f in document.fixed if within(f.file, report_scope)]
    document.configuration = configuration_of(session) | document.configuration
    document.completeness.ledger += [LedgerEntry(kind="tree", what=note) for note in tree.notes]
    if session.scope:
        document.completeness.ledger.append(LedgerEntry(kind="out-of-scope", what=f"all units outside of {', '.join(session.scope)}"))
    document.completeness.ledger += [
        LedgerEntry(kind=f"rule-{rule.what}", what=f"{rule.id}: {rule.reason} ({rule.file}:{rule.line})")
        for rule in pack.overlaid
    ]
    finish_completeness(document.completeness)
    shown = {finding.rule for finding in [*document.findings, *(document.fixed or [])]}
    document.rules = [
        RuleNote(id=rule.id, operation=rule.operation_text, service=rule.service, reason=rule.reason)
        for rule in sorted(pack.rules, key=lambda rule: rule.id)
        if rule.id in shown
    ]
    document.exemptions = [
        ExemptionNote(name=name, reason=exemption.reason, condition=expressions.show(exemption.condition))
        for name, exemption in sorted(pack.exemptions.items())
    ]
    return document


def configuration_of(session: Session) -> dict[str, str]:
    """What a result depends on, for the reports; `reports.wording.CONFIGURATION` says what each is."""
    from verifier.gate import revisions

    tree = session.tree
    configuration = {
        "kqual": __version__,
        "parser": f"libclang {version('libclang')}",
        "kernel": tree.version,
        "commit": revisions.head(session.folder) if os.path.isdir(session.folder) else "",
        "compile commands": tree.origin,
        "configuration": tree.config_digest[:DIGEST],
        "rules": session.pack.digest[:DIGEST],
        "lattice": hashlib.sha256(qualifiers.FILE.read_bytes()).hexdigest()[:DIGEST],
        "scope": " ".join(session.scope),
    }
    return {key: value for key, value in configuration.items() if value}


def remember(store: Store) -> None:
    """Note which store was used last, for the commands that ask about a scan without naming a tree."""
    pointer = cache_root() / "last-store"
    try:
        pointer.parent.mkdir(parents=True, exist_ok=True)
        pointer.with_suffix(".new").write_text(str(store.path.absolute()) + "\n", encoding="utf-8", errors="surrogateescape")
        os.replace(pointer.with_suffix(".new"), pointer)
    except OSError as error:
        messages.warning(f"cannot note the store for later questions in {pointer}: {error.strerror}; name it with --store")


def last_store() -> Path:
    """The store that was used last; raises KqualError when there is none."""
    pointer = cache_root() / "last-store"
    hint = "run `kqual scan TREE` first, or name the store with --store FILE"
    try:
        return Path(pointer.read_text(encoding="utf-8", errors="surrogateescape").rstrip("\n"))
    except FileNotFoundError:
        raise KqualError("no tree was scanned yet", hint) from None
    except OSError as error:
        raise KqualError(f"{pointer}: {error.strerror}", hint) from error
