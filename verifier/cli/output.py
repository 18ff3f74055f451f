"""A document goes out in the format asked for, and becomes an exit status."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from verifier.cli import messages
from verifier.errors import KqualError, UsageError
from verifier.findings import Document

FORMATS = ["text", "json", "sarif", "gitlab", "html"]
GATE_FORMATS = ["text", "json", "sarif", "markdown", "mail", "gitlab", "b4", "html"]
DEFAULT_FOLDER = "kqual-report"
SOURCE_EXAMPLE = "https://elixir.bootlin.com/linux/v6.12/source"
MOST_SOURCE = 8 << 20  # bytes of a source file that an excerpt is taken from


@dataclass(frozen=True)
class Wishes:
    """How a document is to be printed.  `material` gives what the HTML report shows beyond the document; `comparison`
    is a reports.comparison.Comparison, `branches` a reports.branches.Branches; they are printed in place of the document
    (by HTML beside it).  `code` is the exit status that the document leads to."""

    form: str = "text"
    output: str | None = None
    tree: str | None = None
    notes: bool = False
    ledger: bool = False
    terse: bool = False
    emacs: bool = False
    material: Callable[[], AbstractContextManager[Any]] = nullcontext
    comparison: Any = None
    branches: Any = None
    source: str = "local"
    code: int = 0


def emit(document: Document, wishes: Wishes) -> None:
    """Write the document as wished, to `output` (standard output when None; html: a folder)."""
    output = wishes.output
    if wishes.form == "html":
        from reports.html import write

        folder = Path(output or DEFAULT_FOLDER)
        with wishes.material() as material:
            index = writing(
                str(folder), lambda: write(
                    document, folder, source_of(wishes.tree) if wishes.source == "local" else None, material, wishes.comparison,
                    wishes.branches, remote_of(wishes.source),
                ),
            )
        click.echo(str(index))
        return
    if send(render(document, wishes), output):
        from reports import wording

        messages.say(f"{wording.verdict_line(document)}; written to {output}")


def send(data: bytes, output: str | None) -> bool:
    """Write to `output`, to standard output when it is None or `-`; whether it went to a file."""
    if output is None or output == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return False
    writing(output, lambda: replace(Path(output), data))
    return True


def render(document: Document, wishes: Wishes) -> bytes:
    """The document as bytes in one of the one-file formats."""
    from reports import b4, branches, comparison, gitlab, json_document, mail, markdown, sarif, text

    form = wishes.form
    if wishes.branches is not None:
        from verifier.cli import trees

        if form not in ("text", "mail", "json"):
            raise UsageError(f"no comparison of trees in the format {form}", "--format text, mail, json or html")
        return trees.as_json(wishes.branches) if form == "json" else branches.render(wishes.branches, form == "mail").encode("utf-8", "replace")
    if wishes.comparison is not None and form == "sarif":
        return sarif.render(document, states=comparison.states(wishes.comparison), gone=comparison.gone(wishes.comparison))
    if wishes.comparison is not None:
        if form not in ("text", "mail"):
            raise UsageError(f"no comparison in the format {form}", "--format text, mail, sarif or html")
        return comparison.render(wishes.comparison, form == "mail").encode("utf-8", "replace")
    if form == "json":
        return json_document.render(document)
    if form == "sarif":
        return sarif.render(document)
    if form == "gitlab":
        return gitlab.render(document)
    if form == "b4":
        return b4.render(document, wishes.code)
    if form == "markdown":
        shown = markdown.render(document)
    elif form == "mail":
        shown = mail.render(document)
    elif wishes.terse or wishes.emacs:
        tree = os.path.realpath(wishes.tree) if wishes.emacs and wishes.tree else ""
        shown = text.terse(document, wishes.notes, wishes.emacs, tree)
    else:
        colour = wishes.output is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        shown = text.render(document, colour, wishes.notes, wishes.ledger)
    return shown.encode("utf-8", "replace")


def write(path: str, data: bytes) -> None:
    """Write a file that was asked for; KqualError when that cannot be."""
    writing(path, lambda: replace(Path(path), data))


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


def writing(target: str, action: Callable):
    """What `action` returns; KqualError when `target` cannot be written."""
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


def remote_of(source: str) -> Callable[[str, int], str]:
    """Gives the addresses of lines for `--source URL`; nothing for `local` and `none`.  Raises UsageError for a wrong one.

    `{file}` and `{line}` in the URL are replaced; without them `/FILE#LLINE` is appended.
    """
    if source in ("local", "none"):
        return lambda *_: ""
    if not re.match(r"https?://[^\s/]+", source):
        raise UsageError(f"--source {source}: neither local, none, nor an http address", f"--source {SOURCE_EXAMPLE}")
    template = source if "{file}" in source else source.rstrip("/") + "/{file}#L{line}"

    def address(file: str, line: int) -> str:
        quoted = quote(file.encode("utf-8", "surrogateescape"))
        return template.replace("{file}", quoted).replace("{line}", str(line))

    return address
