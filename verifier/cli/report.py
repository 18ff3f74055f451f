"""`kqual report`: a stored document in another format."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from verifier.cli import decision, options, output
from verifier.cli.attacker import known, limit
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
@click.argument("document", required=False, type=click.Path(readable=False))
@click.option("--compare", "old", type=click.Path(readable=False), metavar="OLD",
              help="Say what changed since this document: text, mail or html; sarif marks each result as new, unchanged or absent.")
@click.option("--trees", multiple=True, metavar="NAME=FILE,...",
              help="One finding over several trees, oldest first: stores or JSON documents. Text, mail, json or html.")
@click.option("--history", type=click.Path(readable=False), metavar="DIR",
              help="With --trees: a git repository that knows the trees by their names; says which commits touch the check.")
@click.option("--union", multiple=True, metavar="NAME=STORE,...",
              help="Several configurations of one tree as one scan, with the code that none of them compiled in the ledger.")
@click.option("--tree", type=click.Path(readable=False), metavar="TREE", help="Where the source in HTML comes from.")
@click.option("--triage", "triage_file", type=click.Path(readable=False), metavar="FILE",
              help="Dismiss the findings that FILE gives a verdict.")
@click.option("--store", "store_path", type=click.Path(readable=False), metavar="FILE", help="Take the last scan of this store.")
@click.option("--format", "form", type=click.Choice(output.GATE_FORMATS), default="text", show_default=True)
@click.option("-o", "--output", "target", type=click.Path(readable=False), metavar="PATH", help="A folder for html, else a file.")
@options.lsm_option("HTML: the modules that count, as the boot parameter has them  [default: the scan's, else all of the tree]")
@options.attacker_option
@options.with_text_options
@click.pass_obj
def report(services: Any, document: str | None, form: str, target: str | None, **given: Any) -> None:
    """Print a finished scan or gate again, in another format, or compare several.

    DOCUMENT is a JSON file that kqual wrote; without it the last scan is taken.  Exit status 0 once it is printed.

    \b
        kqual report --format html -o report
        kqual report scan.json --format sarif -o scan.sarif
        kqual report --compare old.json new.json --format mail
        kqual report --trees 6.1=lts.sqlite,6.12=new.sqlite --history linux.git
        kqual report --union server=a.sqlite,phone=b.sqlite --format html -o report
    """
    from verifier.cli import material

    _fit_together(document, given)
    output.remote_of(given["source"])
    known(given["attacker"])
    what = _chosen(document, given)
    what.content = limit(what.content, given["attacker"])
    found = None
    if given["old"] is not None:
        from reports.comparison import compare

        found = compare(read_document(given["old"]), what.content, services.load_pack(what.rules, "").services)
    output.emit(what.content, output.Wishes(
        form=form, output=target, tree=what.tree, comparison=found, branches=what.over,
        code=decision.status(what.content, decision.Terms()),
        notes=given["notes"], ledger=given["ledger"], terse=given["terse"], emacs=given["emacs"], source=given["source"],
        material=lambda: material.opened(services, what.store, what.rules, given["coverage"], given["order"], what.obligations),
    ))  # fmt: skip


@dataclass
class _Chosen:
    """What a report is about: its document, where source, pictures and rules come from, and what several scans tell."""

    content: Document
    tree: str | None
    store: Path | None = None
    rules: tuple[str, ...] = ()
    over: Any = None
    obligations: Any = None


def _fit_together(document: str | None, given: dict[str, Any]) -> None:
    """Raises UsageError for options that exclude each other."""
    alone = document is not None or given["old"] is not None or given["store_path"] is not None
    if (given["trees"] or given["union"]) and (alone or (given["trees"] and given["union"])):
        raise UsageError("--trees and --union name all that is read", "leave DOCUMENT, --compare, --store and the other one out")
    if given["triage_file"] is not None and (document is not None or given["trees"] or given["union"]):
        raise UsageError("--triage needs the store of one scan", "kqual report --store FILE --triage FILE")
    if given["history"] is not None and not given["trees"]:
        raise UsageError("--history goes with --trees", "kqual report --trees 6.1=FILE,6.12=FILE --history DIR")


def _chosen(document: str | None, given: dict[str, Any]) -> _Chosen:
    """What the options ask for."""
    tree, store_path, over = given["tree"], given["store_path"], None
    if given["trees"]:
        from verifier.cli import trees

        over = trees.over(given["trees"], given["notes"], given["history"])
        last = trees.parsed(given["trees"], "--trees")[-1][1]
        document, store_path = (last, None) if trees.is_document(last) else (None, last)
    merged, obligations = None, None
    if given["union"]:
        from verifier.cli import trees, union

        pairs = trees.parsed(given["union"], "--union")
        merged, obligations = union.of(pairs)
        store_path = pairs[0][1]
    if document is not None:
        if tree is not None:
            check_tree(tree)
        return _Chosen(read_document(document), tree, over=over)
    content, store = stored_document(store_path)
    with store:
        tree = tree or store.meta("tree")
        rules = tuple(path for path in json.loads(store.meta("rules") or "[]") if os.path.exists(path))
        if given["triage_file"] is not None:
            from verifier.cli.triage import applied

            content = applied(content, store, given["triage_file"])
        return _Chosen(merged or content, tree, store.path, rules, over, obligations)
