"""`kqual triage`: verdicts of people on findings, kept in a file of their own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from verifier.cli import messages, triage_file
from verifier.cli.report import stored_document
from verifier.cli.session import check_tree
from verifier.cli.verdicts import Bodies, Outcome, apply, judge
from verifier.errors import KqualError
from verifier.findings import Document, Finding
from verifier.store import Store, default_path

FILE = "kqual-triage.toml"


@dataclass
class Place:
    """The scan and the file that the verdicts are about."""

    tree: str
    file: Path
    store_path: str | None
    config: str

    def scan(self) -> tuple[Document, Store]:
        """The tree's last finished scan, and its open store."""
        return stored_document(self.store_path or str(default_path(check_tree(self.tree), self.config)))


class AfterTree(click.Group):
    """A group whose options may stand behind its argument, too: `kqual triage TREE --file FILE add ...`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put TREE behind the options, where click looks for it."""
        if args and not args[0].startswith("-"):
            end = 1
            while end < len(args) and args[end].startswith("-"):
                end += 1 if "=" in args[end] or args[end] in ("--", "--help") else 2
            args = [*args[1:end], args[0], *args[end:]]
        return super().parse_args(ctx, args)


@click.group(cls=AfterTree, invoke_without_command=True, epilog="Exit status: 0 in order, 1 `check` found stale or changed entries, 2 an error.")
@click.argument("tree", type=click.Path(readable=False))
@click.option("--file", "file", type=click.Path(path_type=Path), default=FILE, show_default=True, metavar="FILE", help="The triage file.")
@click.option("--store", "store_path", type=click.Path(readable=False), metavar="FILE", help="The store of the scan  [default: the tree's]")
@click.option("--config", default="audit", show_default=True, metavar="CONFIG", help="The configuration that was scanned.")
@click.pass_context
def triage(ctx: click.Context, tree: str, file: Path, store_path: str | None, config: str) -> None:
    """Keep verdicts on findings in a file, and apply them with `kqual scan TREE --triage FILE`.

    A verdict is `real`, or one that dismisses: `false-positive`, `wont-fix`, `known`.  A dismissed finding is counted
    and not reported.  It comes back when code on its path from the door changes, and stays dismissed when functions
    or files only get other names.

    \b
        kqual triage linux add 3f2a9c false-positive --reason "the caller holds the check: see vfs_open"
        kqual triage linux list
        kqual triage linux check                      names entries that are stale or whose code changed
        kqual scan linux --triage kqual-triage.toml   applies them

    \b
    The file is TOML, made for version control, one table a verdict:
        [[finding]]
        fingerprint = "3f2a9c0d11e2b3a4"
        verdict = "false-positive"
        reason = "the caller holds the check: see vfs_open"
    """
    ctx.obj = Place(tree, file, store_path, config)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def chosen(findings: list[Finding], beginning: str) -> Finding:
    """The finding whose fingerprint begins so; raises KqualError when it is not just one."""
    found = [finding for finding in findings if finding.fingerprint.startswith(beginning)] if len(beginning) >= 4 else []
    if len(found) == 1:
        return found[0]
    if found:
        names = " ".join(finding.fingerprint for finding in found[:4])
        raise KqualError(f"{len(found)} findings begin with {beginning}", f"more digits: {names}")
    raise KqualError(f"no finding {beginning!r} in the last scan", "the id (4 digits or more) stands under each finding of `kqual report`")


@triage.command(epilog="Exit status: 0 written, 2 an error.")
@click.argument("fingerprint")
@click.argument("verdict", type=click.Choice(triage_file.VERDICTS))
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is printed wherever the verdict counts.")
@click.pass_obj
def add(place: Place, fingerprint: str, verdict: str, reason: str) -> None:
    """Give the finding FINGERPRINT (or the beginning of it) a VERDICT, in place of the one it has.

    \b
        kqual triage linux add 3f2a9c known --reason "reported upstream"
    """
    if not reason.strip():
        raise KqualError("--reason is empty", 'say why: --reason "the caller holds the check"')
    document, store = place.scan()
    with store:
        finding = chosen(document.findings, fingerprint)
        bodies = Bodies(store)
        entries = triage_file.read(place.file) if place.file.exists() else []
        moved = {found.fingerprint: entry.fingerprint for entry, found in judge(document.findings, entries, bodies).moved}
        entry = triage_file.Entry(
            finding.fingerprint, verdict, reason.strip(), finding.rule, f"{finding.file}:{finding.function}",
            bodies.key(finding), bodies.code(finding),
        )  # fmt: skip
        again = triage_file.put(place.file, entry, moved.get(finding.fingerprint, ""))
    messages.say(f"{finding.fingerprint}: {verdict}; {'replaced' if again else 'added'} in {place.file}")


@triage.command("list", epilog="Exit status: 0, or 2 for an error.")
@click.pass_obj
def list_(place: Place) -> None:
    """All verdicts of the file, without looking at the tree."""
    for entry in triage_file.read(place.file):
        click.echo(messages.clean(f"{entry.fingerprint}  {entry.verdict:<14}  {entry.rule} in {entry.place}: {entry.reason}"))


@triage.command(epilog="Exit status: 0 all entries fit, 1 some are stale or their code changed, 2 an error.")
@click.pass_obj
def check(place: Place) -> None:
    """Hold the file against the last scan: what it dismisses, what came back, what is stale."""
    document, store = place.scan()
    with store:
        entries = triage_file.read(place.file)
        outcome = judge(document.findings, entries, Bodies(store))
    for line in report_lines(outcome, place.file):
        click.echo(messages.clean(line))
    click.echo(
        f"{len(entries)} verdicts: {len(outcome.dismissed)} findings dismissed, {len(outcome.real)} real, "
        f"{len(outcome.changed)} with changed code, {len(outcome.stale)} stale; "
        f"{len(document.findings) - len(outcome.dismissed)} findings left"
    )
    sys.exit(1 if outcome.changed or outcome.stale else 0)


def report_lines(outcome: Outcome, file: Path) -> list[str]:
    """One line for each entry that wants a look."""
    lines = [f"changed: {f.fingerprint} ({e.verdict}) in {f.file}:{f.function}: look again, then `add` it again" for e, f in outcome.changed]
    lines += [f"stale: {e.fingerprint} ({e.verdict}) {e.rule} in {e.place}: remove it from {file}" for e in outcome.stale]
    return lines + [f"moved: {e.fingerprint} is now {f.fingerprint} in {f.file}:{f.function}: `add` it again to renew" for e, f in outcome.moved]


def looked_at(file: str | None) -> None:
    """Raise KqualError now for a file that cannot be applied later."""
    if file is not None:
        triage_file.read(Path(file))


def applied(document: Document, store: Any, file: str | None) -> Document:
    """The document with the verdicts of a file applied; unchanged without a file."""
    if file is None:
        return document
    outcome = judge(document.findings, triage_file.read(Path(file)), Bodies(store))
    if outcome.stale or outcome.changed:
        messages.warning(
            f"{file}: {len(outcome.stale)} stale verdicts, {len(outcome.changed)} findings back because their code changed; "
            "`kqual triage TREE check` names them"
        )
    return apply(document, outcome, file)
