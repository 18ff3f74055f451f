"""`kqual report`: a stored document in another format."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from verifier.cli import options, output
from verifier.cli.session import check_tree, last_store
from verifier.errors import KqualError, UsageError
from verifier.findings import Document, decode
from verifier.store import Store


def stored_document(store_path: str | None, which: str = "scan") -> tuple[Document, Store]:
    """The last document of a store (the store used last when no path is given), and the open store."""
    store = Store.open(store_path or last_store(), readonly=True)
    data = store.get("document", which)
    if data is None:
        raise KqualError(f"{store.path} holds no finished {which}", f"run `kqual {which} TREE` to the end first")
    return decode(data), store


def read_document(name: str) -> Document:
    """The document of a JSON file; raises KqualError when it is none."""
    try:
        with open(name, "rb") as handle:
            return decode(handle.read())
    except OSError as error:
        raise KqualError(f"{name}: {error.strerror}", "give a file written by `kqual scan --format json`") from error


@click.command()
@click.argument("document", required=False, type=click.Path())
@click.option("--compare", "old", type=click.Path(), metavar="OLD", help="Say what changed since this document: text, mail or html.")
@click.option("--trees", multiple=True, metavar="NAME=FILE,...",
              help="One finding over several trees, oldest first: stores or JSON documents. Text, mail, json or html.")
@click.option("--history", type=click.Path(), metavar="DIR",
              help="With --trees: a git repository that knows the trees by their names; says which commits touch the check.")
@click.option("--tree", type=click.Path(), metavar="TREE", help="Where the source in HTML comes from.")
@click.option("--store", "store_path", type=click.Path(), metavar="FILE", help="Take the last scan of this store.")
@click.option("--format", "form", type=click.Choice(output.GATE_FORMATS), default="text", show_default=True)
@click.option("-o", "--output", "target", type=click.Path(), metavar="PATH", help="A folder for html, else a file.")
@options.lsm_option("HTML: the modules that count, as the boot parameter has them  [default: the scan's, else all of the tree]")
@options.with_text_options
@click.pass_obj
def report(
    services: Any, document: str | None, old: str | None, trees: tuple[str, ...], history: str | None, tree: str | None,
    store_path: str | None, form: str, target: str | None, **given: Any,
) -> None:  # fmt: skip
    """Print a finished scan or gate again, in another format, or compare two.

    DOCUMENT is a JSON file that kqual wrote; without it the last scan is taken.  Exit status 0 once it is printed.

    \b
        kqual report --format html -o report
        kqual report scan.json --format sarif -o scan.sarif
        kqual report --compare old.json new.json --format mail
        kqual report --trees 6.1=lts.sqlite,6.12=new.sqlite --history linux.git
    """
    from verifier.cli import material

    over = None
    if trees:
        from verifier.cli import trees as several

        if document is not None or old is not None or store_path is not None:
            raise UsageError("--trees names all that is compared", "leave DOCUMENT, --compare and --store out")
        over = several.over(trees, given["notes"], history)
        last = several.parsed(trees)[-1][1]
        document, store_path = (last, None) if several.is_document(last) else (None, last)
    elif history is not None:
        raise UsageError("--history goes with --trees", "kqual report --trees 6.1=FILE,6.12=FILE --history DIR")
    store_file, rules = None, ()
    if document is not None:
        content = read_document(document)
        if tree is not None:
            check_tree(tree)
    else:
        content, store = stored_document(store_path)
        with store:
            tree = tree or store.meta("tree")
            rules = tuple(path for path in json.loads(store.meta("rules") or "[]") if os.path.exists(path))
            store_file = store.path
    found = None
    if old is not None:
        from reports.comparison import compare

        found = compare(read_document(old), content, services.load_pack(rules, "").services)
    output.emit(content, output.Wishes(
        form=form, output=target, tree=tree, comparison=found, branches=over,
        notes=given["notes"], ledger=given["ledger"], terse=given["terse"], emacs=given["emacs"],
        material=lambda: material.opened(services, store_file, rules, given["coverage"], given["order"]),
    ))  # fmt: skip
