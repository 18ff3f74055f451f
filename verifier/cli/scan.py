"""`kqual scan`: the document of a tree."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from verifier.cli import decision, messages, options, output
from verifier.cli.attacker import known, limit
from verifier.cli.reproduce import command_line
from verifier.cli.session import annotate, check_tree, open_session, remember, scope_part
from verifier.cli.triage import applied, looked_at
from verifier.findings import Document, encode
from verifier.gate import baseline

_TREE_KEYS = ("config", "arch", "build", "store_path", "scope", "jobs", "rules", "quiet")


def tree_part(given: dict[str, Any]) -> dict[str, Any]:
    """The options of `options.tree_options` among all that were given."""
    return {key: given[key] for key in _TREE_KEYS}


def finish(services: Any, document: Document, given: dict[str, Any], tree: str, store: Path | None) -> None:
    """Apply and write baselines, print the document, and end with its exit status."""
    document = limit(document, given.get("attacker"))
    if given["write_baseline"]:
        output.write(given["write_baseline"], baseline.encode(document.findings))
    if given["baseline"]:
        baseline.leave_out(document, baseline.read(given["baseline"]))
    terms = decision.Terms(given["fail_on"], given["allow_incomplete"], given["strict"])
    code = decision.status(document, terms)
    wanted = wishes(services, given, tree, store, code)
    if given["form"] != "html":
        output.emit(document, wanted)
    for what in decision.stale_comments(document) if terms.strict else ():
        messages.error(what, "take the comment out, or correct it")
    messages.say(f"kqual: {decision.line(document, terms, tree)}")
    if given["form"] == "html":  # the index is the last that is said
        output.emit(document, wanted)
    sys.exit(code)


def wishes(services: Any, given: dict[str, Any], tree: str, store: Path | None, code: int) -> output.Wishes:
    """How the options want the document; `store` is read again, and only for HTML."""

    def material() -> Any:
        from verifier.cli import material as of_html  # hundreds of modules, which no other form needs

        return of_html.opened(services, store, given["rules"], given["coverage"])

    return output.Wishes(
        form=given["form"], output=given["output"], tree=tree, notes=given["notes"], ledger=given["ledger"],
        terse=given["terse"], emacs=given["emacs"], source=given["source"], code=code,
        material=material,
    )  # fmt: skip


@click.command(epilog="Exit status: 0 nothing found, 1 findings, 2 an error, 3 analysis incomplete and nothing found.")
@options.tree_argument
@options.tree_options
@options.lsm_option("Also note operations whose LSM hooks none of these modules implements: landlock,yama,apparmor")
@click.option("--certificates", type=click.Path(readable=False), metavar="FILE",
              help="Write there, for everything found mediated, evidence that `kqual verify` checks.")
@options.output_options(output.FORMATS)
@options.judgement_options
@options.attacker_option
@click.option("--audit-blind", "audit", is_flag=True,
              help="Also list errors before any hook is asked, and hooks asked before file modes and owners: no findings.")
@click.option("--triage", "triage_file", type=click.Path(readable=False), metavar="FILE",
              help="Dismiss the findings that FILE gives a verdict (`kqual triage --help`); they are counted.")
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
    looked_at(given["triage_file"])
    known(given["attacker"])
    output.remote_of(given["source"])
    with open_session(services, tree, **tree_part(given)) as session:
        more = {"order": given["order"]} if given["order"] else {}
        if given["certificates"]:
            more["certificates"] = given["certificates"]
        if given["audit"]:
            more["audit"] = True
        document = services.scan(
            session.tree, session.store, session.pack, session.jobs, session.scope, session.progress, **more
        )
        document = annotate(document, session, report_scope)
        document.configuration["command"] = command_line(click.get_current_context())
        if not session.store.readonly:
            session.store.put("document", "scan", encode(document))
            session.store.set_meta("tree", os.path.realpath(folder))
            session.store.set_meta("config", given["config"])
            session.store.set_meta("report scope", json.dumps(report_scope))
            session.store.set_meta("lsm", json.dumps(given["order"]))
            session.store.set_meta("build", session.tree.build or "")
            session.store.set_meta("arch", given["arch"] or "")
            session.store.set_meta("rules", json.dumps([os.path.realpath(path) for path in given["rules"]]))
            remember(session.store)
        document = applied(document, session.store, given["triage_file"])
    finish(services, document, given, tree, session.store.path)
