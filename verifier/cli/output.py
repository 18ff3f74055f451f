"""A document goes out in the format asked for, and becomes an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from verifier.cli import messages
from verifier.errors import KqualError
from verifier.findings import Document, at_or_above

FORMATS = ["text", "json", "sarif", "html"]
GATE_FORMATS = ["text", "json", "sarif", "markdown", "mail", "html"]
DEFAULT_FOLDER = "kqual-report"
MOST_SOURCE = 8 << 20  # bytes of a source file that an excerpt is taken from


def emit(document: Document, form: str, output: str | None, tree: str | None, notes: bool, ledger: bool) -> None:
    """Write the document in the format `form` to `output` (standard output when None; html: a folder)."""
    if form == "html":
        from reports.html import write

        index = _writing(output or DEFAULT_FOLDER, lambda: write(document, Path(output or DEFAULT_FOLDER), source_of(tree)))
        click.echo(str(index))
        return
    data = render(document, form, notes, ledger, to_terminal=output is None)
    if output is None or output == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    _writing(output, lambda: replace(Path(output), data))
    from reports import wording

    messages.say(f"{wording.verdict_line(document)}; written to {output}")


def render(document: Document, form: str, notes: bool, ledger: bool, to_terminal: bool) -> bytes:
    """The document as bytes in one of the one-file formats."""
    from reports import json_document, mail, markdown, sarif, text

    if form == "json":
        return json_document.render(document)
    if form == "sarif":
        return sarif.render(document)
    if form == "markdown":
        shown = markdown.render(document)
    elif form == "mail":
        shown = mail.render(document)
    else:
        colour = to_terminal and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        shown = text.render(document, colour, notes, ledger)
    return shown.encode("utf-8", "replace")


def write(path: str, data: bytes) -> None:
    """Write a file that was asked for; KqualError when that cannot be."""
    _writing(path, lambda: replace(Path(path), data))


def replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: beside it first, then renamed.  Devices and pipes are written to directly."""
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _writing(target: str, action: Callable):
    try:
        return action()
    except OSError as error:
        raise KqualError(f"cannot write {target}: {error.strerror or error}", "name another place with -o PATH") from error


def source_of(tree: str | None) -> Callable[[str], str | None]:
    """Reads files of the tree, and of nothing else, for excerpts."""
    if tree is None:
        return lambda _: None
    root = os.path.realpath(tree)
    if os.path.isfile(root):
        root = os.path.dirname(root)

    def read(file: str) -> str | None:
        path = os.path.realpath(os.path.join(root, file))
        if not path.startswith(root.rstrip("/") + "/"):
            return None
        try:
            with open(path, "rb") as handle:
                return handle.read(MOST_SOURCE).decode("utf-8", "replace")
        except OSError:
            return None  # the page then shows no excerpt, which is all that is lost

    return read


def status(document: Document, fail_on: str, allow_incomplete: float) -> int:
    """Exit status of the contract: 1 findings as grave as `fail_on`, 3 too incomplete and nothing found, else 0."""
    if at_or_above(document.findings, fail_on):
        return 1
    return 3 if document.completeness.missing_share > allow_incomplete else 0
