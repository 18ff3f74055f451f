"""`kqual scan` and `kqual gate`: documents of a tree and of a patch."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from verifier.cli import messages, options, output
from verifier.cli.session import annotate, check_tree, open_session, remember, scope_part
from verifier.errors import KqualError, UsageError
from verifier.findings import Document, encode

_TREE_KEYS = ("config", "build", "store_path", "scope", "jobs", "rules", "quiet")


def tree_part(given: dict[str, Any]) -> dict[str, Any]:
    """The options of `options.tree_options` among all that were given."""
    return {key: given[key] for key in _TREE_KEYS}


def finish(document: Document, given: dict[str, Any], tree: str) -> None:
    """Print the document and end with its exit status."""
    output.emit(document, given["form"], given["output"], tree, given["notes"], given["ledger"])
    code = output.status(document, given["fail_on"], given["allow_incomplete"])
    if code == 3:
        units = document.completeness.units
        messages.warning(
            f"incomplete: {units.total - units.analysed} of {units.total} units were not fully analysed, "
            f"{given['allow_incomplete']:.1%} are allowed (--allow-incomplete); `kqual doctor {tree}` says what is missing"
        )
    sys.exit(code)


@click.command(epilog="Exit status: 0 nothing found, 1 findings, 2 an error, 3 analysis incomplete and nothing found.")
@options.tree_argument
@options.tree_options
@options.lsm_option("Also note operations whose LSM hooks none of these modules implements: landlock,yama,apparmor")
@options.output_options(output.FORMATS)
@click.pass_obj
def scan(services: Any, tree: str, **given: Any) -> None:
    """Find controlled operations of TREE that are reached without their checks.

    TREE is a kernel checkout or unpacked tarball, configured or not, or any folder of C files.  It is never written to.

    \b
        kqual scan linux                                    findings as text
        kqual scan linux --format html -o report            a report to browse
        kqual scan linux --report-scope fs --format json    machine-readable, fs/ only
        kqual scan linux --config /boot/config-6.12         with a distribution's configuration
        kqual scan linux --lsm yama,apparmor --notes        what these modules leave undecided, too
    """
    folder = check_tree(tree)
    report_scope = tuple(scope_part(part, folder) for part in given["report_scope"])
    with open_session(services, tree, **tree_part(given)) as session:
        more = {"order": given["order"]} if given["order"] else {}
        document = services.scan(
            session.tree, session.store, session.pack, session.jobs, session.scope, session.progress, **more
        )
        document = annotate(document, session, report_scope)
        if not session.store.readonly:
            session.store.put("document", "scan", encode(document))
            session.store.set_meta("tree", os.path.realpath(folder))
            session.store.set_meta("rules", json.dumps([os.path.realpath(path) for path in given["rules"]]))
            remember(session.store)
    finish(document, given, tree)


@click.command(epilog="Exit status: 0 nothing new, 1 new findings, 2 an error, 3 analysis incomplete and nothing found.")
@options.tree_argument
@click.option("--patch", "patch", metavar="FILE|-", required=True, help="A unified diff; - reads standard input.")
@options.tree_options
@options.output_options(output.GATE_FORMATS)
@click.pass_obj
def gate(services: Any, tree: str, patch: str, **given: Any) -> None:
    """Report what a patch on TREE makes worse, and what it fixes.

    The patch is never written into the tree and no Makefile of it is run.  Scan TREE once beforehand: the gate then
    parses only what the patch touches.

    \b
        git diff HEAD~1 | kqual gate linux --patch -
        kqual gate linux --patch 0001-fs.patch --format markdown
    """
    text = read_patch(patch)
    folder = check_tree(tree)
    report_scope = tuple(scope_part(part, folder) for part in given["report_scope"])
    with open_session(services, tree, **tree_part(given)) as session:
        document = services.gate(
            session.tree, session.store, session.pack, text, session.jobs, session.scope, session.progress
        )
        document = annotate(document, session, report_scope)
        if document.fixed is None:
            document.fixed = []
        if not session.store.readonly:
            session.store.put("document", "gate", encode(document))
            remember(session.store)
    finish(document, given, tree)


def read_patch(name: str) -> bytes:
    """The bytes of a patch file, or of standard input for `-`."""
    if name == "-":
        if sys.stdin.isatty():
            raise UsageError("--patch - reads standard input, which is a terminal", "git diff | kqual gate TREE --patch -")
        return sys.stdin.buffer.read()
    try:
        with open(name, "rb") as handle:
            return handle.read()
    except OSError as error:
        raise KqualError(f"{name}: {error.strerror}", "give a file with a unified diff, or - for standard input") from error
