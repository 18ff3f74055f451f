"""`kqual rules`: check rule files, and run the examples that rules carry."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from verifier.cli import messages, options
from verifier.cli.progress import Progress
from verifier.cli.rules_audit import audit
from verifier.cli.session import open_session
from verifier.errors import KqualError


@click.group(invoke_without_command=True)
@click.pass_context
def rules(ctx: click.Context) -> None:
    """Check rule files, and run the good and bad examples that rules carry.

    \b
        kqual rules audit linux             hooks of a kernel that the rules do not know, and the other way round
        kqual rules lint                    the bundled rules
        kqual rules lint my-rules           rule files that --rules my-rules would lay over them
        kqual rules test inode-unlink       the examples of one rule
        kqual rules mine linux              candidates for rules, from what most of the code does
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


rules.add_command(audit)


@rules.command(epilog="Exit status: 0 no problem, 1 problems.")
@click.argument("paths", nargs=-1, type=click.Path(exists=True))
@click.option("--kernel", "version", default="6.12", show_default=True, help="Kernel version that the rules are read for.")
def lint(paths: tuple[str, ...], version: str) -> None:
    """Problems of rule files and of lattice files (*.lattice, in CQUAL's grammar), each with its line.

    Without PATHS those of the bundled rules.
    """
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


@rules.command()
@options.tree_argument
@options.tree_options
@click.option("--min-support", "support", type=click.IntRange(1), default=4, show_default=True, metavar="N",
              help="Functions at least that pass the check.")  # fmt: skip
@click.option("--min-confidence", "confidence", type=options.Percent(), default="75%", show_default=True, metavar="PERCENT",
              help="Share of all sites, at least, that pass the check.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(readable=False), metavar="FILE", help="Write there instead of standard output.")
@click.pass_obj
def mine(services: Any, tree: str, support: int, confidence: float, output: str | None, **given: Any) -> None:
    """Candidates for rules: operations that the same check precedes, on the same object, at most of their sites.

    They are written as a rule file with their evidence, best first.  The analysis of the last scan of TREE is used; scan
    it first, with the same options.  A check that only a caller makes is not counted.
    """
    from verifier.oracles.mining import written
    from verifier.program.listen import candidates, parameters

    with open_session(services, tree, **given) as session:
        found = analysis_of(session)
        best = candidates(found, support, confidence)
        lines = [messages.clean(line) for line in written(best, parameters(found, best), session.pack)]
    text = "\n".join(lines) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        try:
            Path(output).write_text(text, encoding="utf-8")
        except OSError as error:
            raise KqualError(f"{output}: {error.strerror}", "name a file that can be written") from error
        click.echo(f"{len(best)} candidate{'' if len(best) == 1 else 's'} written to {output}")


def analysis_of(session: Any) -> Any:
    """The finished analysis of a session's tree, from its store where that holds it."""
    from verifier.program.analyse import analysis

    return analysis(session.tree, session.store, session.pack, session.jobs, session.scope, session.progress)
