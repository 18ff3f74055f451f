"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from verifier.findings import TIERS
from verifier.tree.architecture import TRIPLES


class Percent(click.ParamType):
    """A share such as `2` or `2%`, as a number from 0 to 1."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The share; the command fails on anything else."""
        if isinstance(value, float):
            return value
        try:
            share = float(str(value).removesuffix("%")) / 100
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is no percentage from 0 to 100", param, ctx)
        return share


class Order(click.ParamType):
    """Names with commas between them, as the boot parameter `lsm=` has them."""

    name = "order"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """The names; the command fails where there is none."""
        if isinstance(value, list):
            return value
        names = [part.strip() for part in str(value).removeprefix("lsm=").split(",") if part.strip()]
        if not names:
            self.fail(f"{value!r} names no module", param, ctx)
        return names


def _apply(command: Callable, options: list[Callable]) -> Callable:
    for option in reversed(options):
        command = option(command)
    return command


def tree_argument(command: Callable) -> Callable:
    """TREE."""
    return click.argument("tree", type=click.Path(readable=False))(command)


def tree_options(command: Callable) -> Callable:
    """--config, --arch, --build, --store, --scope, -j, --rules, --quiet: every command that takes a tree has them."""
    return _apply(command, [
        click.option("--config", default="audit", show_default=True, metavar="audit|defconfig|FILE",
                     help="Kernel configuration: defconfig with every security module and hook family turned on, "
                          "defconfig alone, or a .config file."),
        click.option("--arch", type=click.Choice(sorted(TRIPLES)), default=None,
                     help="Kbuild's name of another architecture than this machine's; without a compiler for it the tree "
                          "is read without Kbuild."),
        click.option("--build", type=click.Path(readable=False), metavar="DIR", help="Build directory  [default: in the user's cache]"),
        click.option("--store", "store_path", type=click.Path(readable=False), metavar="FILE",
                     help="Where parsed code and results are kept  [default: in the user's cache]"),
        click.option("--scope", multiple=True, metavar="DIR",
                     help="Analyse only units below DIR; calls out of it are unknown. Repeatable."),
        click.option("-j", "--jobs", type=click.IntRange(1, 1024), default=os.cpu_count() or 1, metavar="N",
                     help="Parallel work  [default: one a processor]"),
        click.option("--rules", multiple=True, type=click.Path(exists=True), metavar="DIR",
                     help="Rule files that are laid over the bundled rules. Repeatable."),
        click.option("-q", "--quiet", is_flag=True, help="No progress."),
    ])  # fmt: skip


def lsm_option(text: str) -> Callable:
    """--lsm ORDER."""
    return click.option("--lsm", "order", type=Order(), metavar="ORDER", help=text)


def attacker_option(command: Callable) -> Callable:
    """--attacker WHO."""
    return click.option("--attacker", metavar="unprivileged|userns-root|cap:NAME",
                        help="Only findings that somebody with these privileges can reach.")(command)  # fmt: skip


def judgement_options(command: Callable) -> Callable:
    """--baseline, --write-baseline, --strict."""
    return _apply(command, [
        click.option("--baseline", type=click.Path(readable=False), metavar="FILE", help="Leave out the findings of a baseline file."),
        click.option("--write-baseline", type=click.Path(readable=False), metavar="FILE", help="Write what was found as a baseline file."),
        click.option("--strict", is_flag=True,
                     help="Fail on `kqual: allow` comments that permit nothing; of a change, give no weight to its own."),
    ])  # fmt: skip


def text_options() -> list[Callable]:
    """What text shows, and the HTML report's coverage."""
    return [
        click.option("--notes", is_flag=True, help="Text: show findings of tier note, too."),
        click.option("--ledger", is_flag=True, help="Text: list all that was not analysed."),
        click.option("--terse", is_flag=True, help="Text: one line a finding."),
        click.option("--emacs", is_flag=True, help="Text: lines that editors step through, each step of a path one of them."),
        click.option("--source", default="local", show_default=True, metavar="local|none|URL",
                     help="HTML: excerpts of the tree, no source at all, or links to it at an address ({file} and {line} in it)."),
        click.option("--coverage", type=click.Path(readable=False), metavar="FILE", help="HTML: show this coverage document, too."),
    ]


def with_text_options(command: Callable) -> Callable:
    """The options of `text_options`."""
    return _apply(command, text_options())


def output_options(formats: list[str]) -> Callable:
    """--format, -o, --fail-on, --allow-incomplete, --report-scope and what text shows."""

    def decorate(command: Callable) -> Callable:
        return _apply(command, [
            click.option("--format", "form", type=click.Choice(formats), default="text", show_default=True),
            click.option("-o", "--output", type=click.Path(readable=False), metavar="PATH",
                         help="Write there instead of standard output; a folder for html."),
            click.option("--report-scope", multiple=True, metavar="DIR",
                         help="Report only findings below DIR of a scan of everything. Repeatable."),
            click.option("--fail-on", type=click.Choice([*TIERS, "never"]), default="error", show_default=True,
                         help="Exit with 1 when there is a finding as grave as this."),
            click.option("--allow-incomplete", type=Percent(), default="2%", show_default=True, metavar="PERCENT",
                         help="Exit with 3 when more of the units than this were not fully analysed."),
            *text_options(),
        ])  # fmt: skip

    return decorate
