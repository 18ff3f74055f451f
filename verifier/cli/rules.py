"""`kqual rules`: check rule files, and run the examples that rules carry."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from verifier.cli import messages
from verifier.cli.progress import Progress
from verifier.errors import KqualError


@click.group(invoke_without_command=True)
@click.pass_context
def rules(ctx: click.Context) -> None:
    """Check rule files, and run the good and bad examples that rules carry.

    \b
        kqual rules lint                    the bundled rules
        kqual rules lint my-rules           rule files that --rules my-rules would lay over them
        kqual rules test inode-unlink       the examples of one rule
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@rules.command(epilog="Exit status: 0 no problem, 1 problems.")
@click.argument("paths", nargs=-1, type=click.Path(exists=True))
@click.option("--kernel", "version", default="6.12", show_default=True, help="Kernel version that the rules are read for.")
def lint(paths: tuple[str, ...], version: str) -> None:
    """Problems of rule files, each with its line; of the bundled rules when no PATHS are given."""
    from lattices.lint import lint as find_problems

    problems = find_problems(paths, version)
    for problem in problems:
        click.echo(messages.clean(str(problem)))
    click.echo(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}")
    sys.exit(1 if problems else 0)


@rules.command(epilog="Exit status: 0 all examples behave, 1 some do not.")
@click.argument("names", nargs=-1, metavar="[RULE]...")
@click.option("--rule", "more", multiple=True, metavar="ID", help="Only this rule, like RULE. Repeatable.")
@click.option("-k", "word", default="", metavar="TEXT", help="Only rules whose id contains TEXT.")
@click.option("--rules", "extra", multiple=True, type=click.Path(exists=True), metavar="DIR", help="Rule files over the bundled ones.")
@click.option("--kernel", "version", default="6.12", show_default=True, help="Kernel version that the rules are read for.")
@click.option("-j", "--jobs", type=click.IntRange(1, 1024), default=os.cpu_count() or 1, metavar="N",
              help="Parsers side by side  [default: one a processor]")  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.pass_obj
def test(
    services: Any, names: tuple[str, ...], more: tuple[str, ...], word: str, extra: tuple[str, ...], version: str, jobs: int,
    quiet: bool,
) -> None:  # fmt: skip
    """Run the good and bad examples of all rules, or of those named: good ones pass, bad ones are reported."""
    from verifier.program import examples

    pack = services.load_pack(extra, version)
    named = {*names, *more}
    for name in sorted(named - {rule.id for rule in pack.rules}):
        raise KqualError(f"no rule {name!r}", "kqual explain RULE names close ones")
    chosen = [rule for rule in pack.rules if (not named or rule.id in named) and word in rule.id]
    if not chosen:
        raise KqualError(f"no rule has {word!r} in its id", "kqual rules test runs all")
    wanted = examples.examples(chosen)
    failures = 0
    with Progress(quiet) as progress:
        for example, wrong in examples.judge(pack, wanted, jobs, progress):
            if wrong:
                failures += 1
                click.echo(messages.clean(f"{example.rule.file}:{example.rule.line}: {example.rule.id}: {wrong}"))
    click.echo(f"{len(wanted)} examples of {len(chosen)} rule{'' if len(chosen) == 1 else 's'}, {failures} wrong")
    sys.exit(1 if failures else 0)
