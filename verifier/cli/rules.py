"""`kqual rules`: check rule files, and run the examples that rules carry."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from verifier.cli import messages
from verifier.cli.progress import Progress
from verifier.cli.rules_audit import audit
from verifier.errors import KqualError
from verifier.store import Store


@click.group(invoke_without_command=True)
@click.pass_context
def rules(ctx: click.Context) -> None:
    """Check rule files, and run the good and bad examples that rules carry.

    \b
        kqual rules audit linux             hooks of a kernel that the rules do not know, and the other way round
        kqual rules lint                    the bundled rules
        kqual rules lint my-rules           rule files that --rules my-rules would lay over them
        kqual rules test inode-unlink       the examples of one rule
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


rules.add_command(audit)


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
@click.option("--rules", "extra", multiple=True, type=click.Path(exists=True), metavar="DIR", help="Rule files over the bundled ones.")
@click.option("--kernel", "version", default="6.12", show_default=True, help="Kernel version that the rules are read for.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.pass_obj
def test(services: Any, names: tuple[str, ...], extra: tuple[str, ...], version: str, quiet: bool) -> None:
    """Run the good and bad examples of all rules, or of those named: good ones pass, bad ones are reported."""
    pack = services.load_pack(extra, version)
    chosen = [rule for rule in pack.rules if not names or rule.id in names]
    unknown = sorted(set(names) - {rule.id for rule in chosen})
    if unknown:
        raise KqualError(f"no rule {unknown[0]!r}", "kqual explain RULE names close ones")
    failures = 0
    tried = 0
    with Progress(quiet) as progress:
        for count, rule in enumerate(sorted(chosen, key=lambda rule: rule.id)):
            progress("examples", count, len(chosen))
            for expected, code in (("good", rule.good), ("bad", rule.bad)):
                if not code.strip():
                    continue
                tried += 1
                wrong = try_example(services, pack, rule, expected, code)
                if wrong:
                    failures += 1
                    click.echo(messages.clean(f"{rule.file}:{rule.line}: {rule.id}: {wrong}"))
    click.echo(f"{tried} examples of {len(chosen)} rules, {failures} wrong")
    sys.exit(1 if failures else 0)


def try_example(services: Any, pack: Any, rule: Any, expected: str, code: str) -> str:
    """Scan one example alone; what is wrong with the result, or "" when it is as expected."""
    with tempfile.TemporaryDirectory(prefix="kqual-example-") as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        (tree / f"{expected}.c").write_text(f"{rule.prelude}\n{code}", encoding="utf-8")
        with Store.open(Path(folder) / "store.sqlite") as store:
            silent = Progress(quiet=True)
            opened = services.open_tree(str(tree), "plain", None, silent)
            document = services.scan(opened, store, pack, 1, (), silent)
    units = document.completeness.units
    for trouble in [*units.lost, *units.partial]:
        return f"the {expected} example does not parse: {trouble.error}"
    reported = [finding for finding in document.findings if finding.rule == rule.id]
    if expected == "good" and reported:
        return f"the good example is reported at line {reported[0].line - rule.prelude.count(chr(10)) - 1}"
    if expected == "bad" and not reported:
        return "the bad example is not reported"
    return ""
