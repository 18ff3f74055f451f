"""`kqual scan`: the document of a tree."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from verifier.cli import messages, options, output
from verifier.cli.session import annotate, check_tree, open_session, remember, scope_part
from verifier.findings import Document, encode
from verifier.gate import baseline

_TREE_KEYS = ("config", "build", "store_path", "scope", "jobs", "rules", "quiet")


def tree_part(given: dict[str, Any]) -> dict[str, Any]:
    """The options of `options.tree_options` among all that were given."""
    return {key: given[key] for key in _TREE_KEYS}


def finish(document: Document, given: dict[str, Any], tree: str) -> None:
    """Apply and write baselines, print the document, and end with its exit status."""
    if given["write_baseline"]:
        output.write(given["write_baseline"], baseline.encode(document.findings))
    if given["baseline"]:
        baseline.leave_out(document, baseline.read(given["baseline"]))
    output.emit(document, given["form"], given["output"], tree, given["notes"], given["ledger"])
    code = output.status(document, given["fail_on"], given["allow_incomplete"])
    stale = [entry.what for entry in document.completeness.ledger if entry.kind == "stale-allow"]
    if given["strict"] and stale:
        for what in stale:
            messages.error(what, "take the comment out, or correct it")
        code = 1
    if code == 3 and document.completeness.change is not None and document.completeness.change.total:
        change = document.completeness.change
        messages.warning(
            f"incomplete: {change.total - change.analysed} of {change.total} units of the change were not fully analysed, "
            f"{given['allow_incomplete']:.1%} are allowed (--allow-incomplete)"
        )
    elif code == 3:
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
@options.judgement_options
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
