"""`kqual coverage`: what each check of a tree protects."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from verifier.cli import messages, options
from verifier.cli.output import replace, writing
from verifier.cli.scan import tree_part
from verifier.cli.session import check_tree, configuration_of, open_session
from verifier.findings import CoverageDocument, LedgerEntry, encode, finish_completeness

FAMILIES = ["lsm", "capability", "dac", "lockdown"]


@click.command(epilog="Exit status: 0 done, 2 an error, 3 analysis incomplete.")
@options.tree_argument
@options.tree_options
@click.option("--hook", "hooks", multiple=True, metavar="NAME", help="Only calls of this check. Repeatable.")
@click.option("--family", "families", multiple=True, type=click.Choice(FAMILIES), help="Only checks of this family. Repeatable.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(readable=False), metavar="PATH", help="Write there instead of standard output.")
@click.option("--allow-incomplete", type=options.Percent(), default="2%", show_default=True, metavar="PERCENT",
              help="Exit with 3 when more of the units than this were not fully analysed.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Text: list every site, not only the unexplained ones.")
@click.option("--ledger", is_flag=True, help="Text: list all that was not analysed.")
@click.pass_obj
def coverage(services: Any, tree: str, **given: Any) -> None:
    """Say what each call of a check in TREE protects.

    Every call of a security hook outside of security/ and of the other checks is removed in turn, virtually: the
    program is solved again as if it granted nothing.  A call whose removal opens an obligation is load-bearing; one
    that only opens it together with another call is redundant; the rest is unexplained by the rules, with the reason.

    \b
        kqual coverage linux                                  the table, and the unexplained sites
        kqual coverage linux --family lsm --format json       security hooks alone, machine-readable
        kqual coverage linux --hook security_file_open --all  what each call of one hook protects
    """
    check_tree(tree)
    hooks, families = frozenset(given["hooks"]), frozenset(given["families"])
    wanted = None
    if hooks or families:
        def wanted(check: str, family: str) -> bool:
            return (not hooks or check in hooks) and (not families or family in families)

    with open_session(services, tree, **tree_part(given)) as session:
        document: CoverageDocument = services.coverage(
            session.tree, session.store, session.pack, session.jobs, session.scope, session.progress, wanted
        )
        document.configuration = configuration_of(session)
        document.completeness.ledger += [LedgerEntry(kind="tree", what=note) for note in session.tree.notes]
        finish_completeness(document.completeness)
    if hooks and not document.sites:
        messages.warning(f"no call of {', '.join(sorted(hooks))} in the analysed program")
    _emit(document, given)
    sys.exit(3 if document.completeness.missing_share > given["allow_incomplete"] else 0)


def _emit(document: CoverageDocument, given: dict[str, Any]) -> None:
    from reports import coverage as text

    if given["form"] == "json":
        data = encode(document)
    else:
        data = text.render(document, given["everything"], given["ledger"]).encode("utf-8", "replace")
    target = given["output"]
    if target is None or target == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    writing(target, lambda: replace(Path(target), data))
    messages.say(f"{text.verdict(document)}; written to {target}")
