"""`kqual report --trees`: the scans of several trees, read for a comparison of all of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from reports import branches
from verifier.cli import facts, messages
from verifier.cli.output import source_of
from verifier.cli.report import read_document
from verifier.errors import KqualError, UsageError
from verifier.findings import decode
from verifier.store import Store

HINT = "NAME=FILE,NAME=FILE: kqual report --trees 6.1=STORE,6.12=SCAN.json, oldest first"
MOST_COMMITS = 20


def parsed(given: tuple[str, ...], option: str) -> list[tuple[str, str]]:
    """(name, file) of each tree; raises UsageError for anything else, and for names that occur twice."""
    pairs = []
    for part in ",".join(given).split(","):
        name, equals, file = part.strip().partition("=")
        if not name or not equals or not file:
            raise UsageError(f"{option}: {part!r} is not of the form NAME=FILE", HINT)
        pairs.append((name, file))
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{option}: {twice[0]} is given twice", HINT)
    return pairs


def is_document(file: str) -> bool:
    """Whether a file is a document as JSON, and no store.  Raises KqualError when it cannot be read."""
    try:
        with open(file, "rb") as handle:
            return handle.read(16).lstrip()[:1] == b"{"
    except OSError as error:
        raise KqualError(f"{file}: {error.strerror}", HINT) from error


def branch(name: str, file: str) -> branches.Branch:
    """The scan of one tree: a store, or a document as JSON.  Raises KqualError when it is neither."""
    if is_document(file):
        return branches.Branch(name, read_document(file))
    with Store.open(Path(file), readonly=True, say=messages.warning) as store:
        stored = store.get("document", "scan")
        if stored is None:
            raise KqualError(f"{file} holds no finished scan", "run `kqual scan TREE` to the end first")
        found = facts.obligations(store)
        if found is None:
            messages.warning(f"{name}: the scan did not keep its operations by place; scan again to tell fixed from absent")
        places = [(o.rule, o.file, o.function, o.line, o.verdict) for o in found] if found is not None else None
        return branches.Branch(name, decode(stored), places, source_of(store.meta("tree")))


def over(given: tuple[str, ...], notes: bool, history: str | None) -> branches.Branches:
    """All findings over the trees of the option; `history` is a git repository that knows the trees by their names."""
    trees = [branch(name, file) for name, file in parsed(given, "--trees")]
    return branches.over(trees, notes, commits_of(history) if history else lambda *_: [])


def commits_of(folder: str) -> branches.Commits:
    """Names commits between two trees after which a check occurs more or less often in a file, by `git log -S`.

    A tree's name is a revision of the repository, with or without a leading v.
    """

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=False)
        except OSError as error:
            raise KqualError(f"cannot run git: {error.strerror}", "install git, or leave --history out") from error
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

    if git("rev-parse", "--git-dir") is None:
        raise KqualError(f"{folder}: no git repository", "--history DIR, a checkout that knows the trees by their names")

    def revision(name: str) -> str:
        for candidate in (name, f"v{name}"):
            found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}")
            if found is not None:
                return found.strip()
        raise KqualError(f"{folder} knows no revision {name} or v{name}", "name the trees as the repository does")

    def commits(before: str, after: str, files: list[str], checks: list[str]) -> list[str]:
        span = f"{revision(before)}..{revision(after)}"
        found: dict[str, None] = {}
        for check in checks:
            log = git("log", "--format=%h %s", "--reverse", f"-S{check}(", span, "--", *(f":(literal){file}" for file in files))
            found |= dict.fromkeys((log or "").splitlines())
        return list(found)[:MOST_COMMITS]

    return commits


def as_json(found: Any) -> bytes:
    """The comparison for machines."""
    return json.dumps(branches.as_json(found), indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
