"""`kqual report`: a stored document in another format."""

from __future__ import annotations

from typing import Any

import click

from verifier.cli import output
from verifier.cli.session import check_tree, last_store
from verifier.errors import KqualError
from verifier.findings import Document, decode
from verifier.store import Store


def stored_document(store_path: str | None, which: str = "scan") -> tuple[Document, Store]:
    """The last document of a store (the store used last when no path is given), and the open store."""
    store = Store.open(store_path or last_store(), readonly=True)
    data = store.get("document", which)
    if data is None:
        raise KqualError(f"{store.path} holds no finished {which}", f"run `kqual {which} TREE` to the end first")
    return decode(data), store


@click.command()
@click.argument("document", required=False, type=click.Path())
@click.option("--tree", type=click.Path(), metavar="TREE", help="Where the excerpts in HTML come from.")
@click.option("--store", "store_path", type=click.Path(), metavar="FILE", help="Take the last scan of this store.")
@click.option("--format", "form", type=click.Choice(output.GATE_FORMATS), default="text", show_default=True)
@click.option("-o", "--output", "target", type=click.Path(), metavar="PATH", help="A folder for html, else a file.")
@click.option("--notes", is_flag=True, help="Text: show findings of tier note, too.")
@click.option("--ledger", is_flag=True, help="Text: list all that was not analysed.")
def report(
    document: str | None, tree: str | None, store_path: str | None, form: str, target: str | None, notes: bool, ledger: bool
) -> None:
    """Print a finished scan or gate again, in another format.

    DOCUMENT is a JSON file that kqual wrote; without it the last scan is taken.  Exit status 0 once it is printed.

    \b
        kqual report --format html -o report
        kqual report scan.json --format sarif -o scan.sarif
    """
    if document is not None:
        try:
            with open(document, "rb") as handle:
                content: Any = decode(handle.read())
        except OSError as error:
            raise KqualError(f"{document}: {error.strerror}", "give a file written by `kqual scan --format json`") from error
    else:
        content, store = stored_document(store_path)
        with store:
            tree = tree or store.meta("tree")
    if tree is not None and document is not None:
        check_tree(tree)
    output.emit(content, form, target, tree, notes, ledger)
