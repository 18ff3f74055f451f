"""`kqual gate`: the document of a change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from verifier.cli import options, output
from verifier.cli.attacker import known
from verifier.cli.reproduce import command_line
from verifier.cli.scan import finish, tree_part
from verifier.cli.session import annotate, check_tree, open_session, remember, scope_part
from verifier.errors import KqualError, UsageError
from verifier.findings import Document, encode
from verifier.gate import revisions
from verifier.gate.overlay import MOST_BYTES, check_size
from verifier.gate.run import Change
from verifier.tree import TreeError


@click.command(epilog="Exit status: 0 nothing new, 1 new findings, 2 an error, 3 analysis incomplete and nothing found.")
@options.tree_argument
@click.option("--patch", "patch", metavar="FILE|-", help="A unified diff, a mail, or a mailbox with a series; - reads standard input.")
@click.option("--base", metavar="REV", help="Gate what TREE, a git checkout, has and REV has not  [default: HEAD]")
@click.option("--head", metavar="REV", help="With --base: gate what REV has, not the working tree.")
@click.option("-g", "span", metavar="A..B", help="Short for --base A --head B.")
@click.option("--module", metavar="DIR", help="Gate an out-of-tree module, as for make M=DIR; its makefile is run.")
@click.option("--trust-build", "trust", is_flag=True,
              help="Ask Kbuild about the patched tree, which runs its makefiles: for the commands of new files, and what it generates.")
@click.option("--max-patch", type=click.IntRange(1, 1 << 20), default=MOST_BYTES >> 20, show_default=True, metavar="MIB",
              help="Refuse a larger patch.")
@options.tree_options
@options.output_options(output.GATE_FORMATS)
@options.judgement_options
@options.attacker_option
@click.pass_obj
def gate(
    services: Any, tree: str, patch: str | None, base: str | None, head: str | None, span: str | None, module: str | None,
    trust: bool, max_patch: int, **given: Any,
) -> None:  # fmt: skip
    """Report what a change of TREE makes worse, and what it fixes.

    A patch is never written into the tree and nothing of it is run.  Scan TREE once beforehand: the gate then
    parses only what the change touches.

    \b
        git diff HEAD~1 | kqual gate linux --patch -
        kqual gate linux --patch 0001-fs.patch --format markdown
        kqual gate linux                                    what the working tree has and HEAD has not
        kqual gate linux -g v6.12..topic                    what lies between two revisions
        kqual gate linux --module ~/driver                  a module that is built outside of the tree
    """
    try:
        document = judged(services, tree, lambda folder: read_change(folder, patch, base, head, span, max_patch << 20, module), trust, given)
    except (KqualError, TreeError) as error:
        if given["form"] == "b4":  # a check that says nothing would be taken for one that passed
            from reports import b4

            output.send(b4.trouble(error.message, error.hint), given["output"])
        raise
    finish(services, document, given, tree, None)  # the store's pictures are those of the base


def judged(services: Any, tree: str, reading: Callable[[str], Change], trust: bool, given: dict[str, Any]) -> Document:
    """The document of the change that `reading` gives for the tree's folder."""
    folder = check_tree(tree)
    output.remote_of(given["source"])
    known(given.get("attacker"))
    change = reading(folder)
    change.strict, change.trust = given["strict"], trust
    report_scope = tuple(scope_part(part, folder) for part in given["report_scope"])
    with open_session(services, tree, **tree_part(given)) as session:
        document = services.gate(
            session.tree, session.store, session.pack, change, session.jobs, session.scope, session.progress
        )
        document = annotate(document, session, report_scope)
        document.configuration["command"] = command_line(click.get_current_context())
        if document.fixed is None:
            document.fixed = []
        if not session.store.readonly:
            session.store.put("document", "gate", encode(document))
            remember(session.store)
    return document


def read_change(
    folder: str, patch: str | None, base: str | None, head: str | None, span: str | None, most: int, module: str | None = None
) -> Change:
    """What the options ask for; KqualError or UsageError when they do not fit together."""
    hint = "git diff | kqual gate TREE --patch -"
    if sum(given is not None for given in (patch, base, span, module)) > 1:
        raise UsageError("--patch, --base, -g and --module exclude each other", "kqual gate --help")
    if head is not None and base is None:
        raise UsageError("--head goes with --base", "kqual gate TREE --base REV --head REV")
    if module is not None:
        return Change(module=module)
    if patch is not None:
        return Change(patch=read_patch(patch, most), most=most)
    if span is not None:
        base, dots, head = span.partition("..")
        if not dots or not base or head.startswith("."):
            raise UsageError(f"-g {span}: not of the form A..B", "-g v6.12..topic")
        head = head or "HEAD"
    if not revisions.is_checkout(folder):
        raise UsageError(f"{folder} is no git checkout; name what to gate with --patch FILE", hint)
    return Change(base=base or "HEAD", head=head, folder=folder, most=most)


def read_patch(name: str, most: int = MOST_BYTES) -> bytes:
    """The bytes of a patch file, or of standard input for `-`; no more than `most` are ever held."""
    if name == "-":
        if sys.stdin.isatty():
            raise UsageError("--patch - reads standard input, which is a terminal", "git diff | kqual gate TREE --patch -")
        data = sys.stdin.buffer.read(most + 1)
    else:
        try:
            with open(name, "rb") as handle:
                data = handle.read(most + 1)
        except OSError as error:
            raise KqualError(f"{name}: {error.strerror}", "give a file with a unified diff, or - for standard input") from error
    check_size(len(data), most)
    return data
