"""`kqual doctor`: what a tree needs before it can be scanned."""

from __future__ import annotations

import sys
from typing import Any

import click

from verifier.cli import messages, options
from verifier.cli.progress import Progress
from verifier.cli.session import check_tree


@click.command(epilog="Exit status: 0 all is in order, 2 something is missing.")
@options.tree_argument
@options.tree_options
@click.pass_obj
def doctor(services: Any, tree: str, config: str, arch: str | None, build: str | None, quiet: bool, **_: Any) -> None:
    """Say what was found in TREE, what is missing, and what to type.

    Prepares the build directory and leaves its compile_commands.json there; parses and stores nothing.

    \b
        kqual doctor linux
        kqual doctor linux --config defconfig --build /tmp/build
    """
    root = check_tree(tree)
    with Progress(quiet) as progress:
        found = services.diagnose(root, config, build, progress, **({"arch": arch} if arch else {}))
    for line in found:
        click.echo(messages.clean(f"{'ok     ' if line.ok else 'MISSING'} {line.name}: {line.message}"))
        if line.hint and not line.ok:
            click.echo(messages.clean(f"        try: {line.hint}"))
    bad = sum(not line.ok for line in found)
    click.echo(f"{len(found) - bad} of {len(found)} in order" + ("" if bad else f"; next: kqual scan {tree}"))
    sys.exit(2 if bad else 0)
