"""`kqual check`: one file, as `make C=1 CHECK="kqual check"` hands it over."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from verifier.cli import options, output
from verifier.cli.scan import finish
from verifier.cli.session import last_store
from verifier.cli.unkept import Unkept
from verifier.errors import KqualError, UsageError
from verifier.findings import TIERS
from verifier.frontend.flags import understood
from verifier.gate import single
from verifier.program import scanned
from verifier.tree import CompileCommand, Tree, open_tree
from verifier.tree.architecture import TRIPLES
from verifier.tree.commands import of_files

# CHECKFLAGS of the kernel's Makefile: the parser defines them itself, and on the command line they would keep it from
# using a precompiled header
PREDEFINED = frozenset(
    f"-D{name}" for name in ("__linux__", "linux", "__STDC__", "unix", "__unix__", "__x86_64__", "__i386__", "__aarch64__")
)
HINT = "kqual scan TREE first; then make C=1 CHECK='kqual check'"


class CompilerCommand(click.Command):
    """Takes its own long options wherever they stand; all other words are the compiler's and are left alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Own options first, then everything else behind `--`."""
        known = {name: param for param in self.get_params(ctx) for name in param.opts if name.startswith("--")}
        own: list[str] = []
        rest: list[str] = []
        words = iter(args)
        for word in words:
            param = known.get(word.partition("=")[0])
            if param is None:
                rest.append(word)
                continue
            own.append(word)
            if "=" not in word and not getattr(param, "is_flag", False):
                own += [following for following in [next(words, None)] if following is not None]
        return super().parse_args(ctx, [*own, "--", *rest])


@click.command(cls=CompilerCommand, epilog="Exit status: 0 nothing found, 1 findings, 2 an error, 3 the file was not read in full.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[COMPILER-ARGUMENTS] FILE")
@click.option("--store", "store_path", type=click.Path(), metavar="FILE", help="The store of a scan  [default: the one used last]")
@click.option("--rules", multiple=True, type=click.Path(exists=True), metavar="DIR",
              help="Rule files laid over the bundled rules  [default: those of the scan]")
@click.option("--format", "form", type=click.Choice(output.FORMATS[:-1]), default="text", show_default=True)
@click.option("--output", type=click.Path(), metavar="PATH", help="Write there instead of standard output.")
@click.option("--fail-on", type=click.Choice([*TIERS, "never"]), default="error", show_default=True,
              help="Exit with 1, which ends make, when there is a finding as grave as this.")
@click.option("--allow-incomplete", type=options.Percent(), default="2%", show_default=True, metavar="PERCENT",
              help="Exit with 3 when more of the units than this were not fully analysed.")
@click.option("--strict", is_flag=True, help="Fail on `kqual: allow` comments that permit nothing.")
@click.option("--notes", is_flag=True, help="Text: show findings of tier note, too.")
@click.pass_obj
def check(services: Any, arguments: tuple[str, ...], store_path: str | None, rules: tuple[str, ...], **given: Any) -> None:
    """Check one C file, as it stands, against the program of the last scan.

    FILE comes with the compiler's arguments, as Kbuild hands them to a checker; without any, those of the scan are
    taken.  The rest of the tree is not looked at: scan it again after larger changes.

    \b
        make C=1 CHECK='kqual check --fail-on never' fs/namei.o
        kqual check fs/namei.c
    """
    with Unkept.open(Path(store_path) if store_path else last_store()) as store:  # many may run beside each other
        last = scanned.kept(store)
        top = store.meta("tree")
        if last is None or not top:
            raise KqualError(f"{store.path} does not say what was scanned", HINT)
        tree, command = located(store, last, top, arguments)
        overlays = rules or tuple(json.loads(store.meta("rules") or "[]"))
        base = scanned.restore(last, store, services.load_pack(overlays, last.version, store), tree.root)
        document = single.check(base, tree, command, given["strict"])
        document.configuration = {"kernel": last.version, "compile commands": "the arguments given" if tree.origin == "given" else last.origin}
    unused = {"write_baseline": None, "baseline": None, "ledger": False, "terse": False, "emacs": True,
              "coverage": None, "source": "local", "rules": rules}  # fmt: skip
    finish(services, document, given | unused, top, None)


def located(store: Any, last: scanned.Scanned, top: str, arguments: tuple[str, ...]) -> tuple[Tree, CompileCommand]:
    """The tree to read from, and the command of the file."""
    here = os.getcwd()
    flags = understood(["cc", *arguments], here)
    if not flags.source:
        raise UsageError("no C file among the arguments", "kqual check FILE.c")
    if not os.path.isfile(flags.source):
        raise KqualError(f"{flags.source}: no such file", "name a C file")
    if last.origin == "plain" and os.path.isfile(top):
        top = os.path.dirname(top)
    name = single.name_in(top, flags.source)
    if len(arguments) > 1:
        build = store.meta("build") or here
        build = build if os.path.realpath(build) == os.path.realpath(here) else here
        tree = Tree(os.path.realpath(top), "given", build, last.version, last.config_digest, [], [])
        own = [a for a in arguments if a not in PREDEFINED]
        target = [f"--target={TRIPLES[store.meta('arch')]}"] if store.meta("arch") else []
        return tree, CompileCommand(name, here, ["cc", *target, *own])
    tree = open_tree(top, store.meta("config") or "audit", store.meta("build") or None, arch=store.meta("arch") or "")
    for command in of_files(tree.commands, {name}).get(name, ()):
        return tree, command
    raise KqualError(f"{name} is not compiled in the configuration that was scanned", HINT)
