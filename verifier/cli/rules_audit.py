"""`kqual rules audit`: the rules against the hooks that a tree declares."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from verifier.cli import messages, options
from verifier.cli.session import check_tree
from verifier.errors import KqualError


@click.command(epilog="Exit status: 0 every hook of the tree is classified, 1 some are not.")
@options.tree_argument
@options.tree_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(readable=False), metavar="PATH", help="Write there instead of standard output.")
@click.pass_obj
def audit(
    services: Any, tree: str, config: str, build: str | None, rules: tuple[str, ...], form: str, output: str | None, **_: Any
) -> None:
    """Compare the rules with the LSM hooks of TREE, by its source text.

    Names hooks that no rule asks for and the catalogue does not explain, hooks of the rules that this kernel lacks,
    hooks that the configuration leaves out, prototypes that changed, and checks that the rules do not know. Nothing is
    scanned and nothing is built: the configuration is that of a build directory made before (`kqual doctor TREE`).

    \b
        kqual rules audit linux
        kqual rules audit linux --format json
    """
    from verifier.modules.audit import audit as compare
    from verifier.tree.kbuild import options as read_options
    from verifier.tree.kbuild import version

    root = check_tree(tree)
    kernel = version(Path(root))
    pack = services.load_pack(rules, kernel)
    where = configuration(root, config, build)
    chosen = read_options(where.read_text("utf-8", "replace")) if where is not None else None
    found = compare(root, pack, kernel, chosen)
    if form == "json":
        text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
    else:
        text = "\n".join(text_of(found, str(where) if where is not None else ""))
    if output is None:
        click.echo(messages.clean(text))
    else:
        Path(output).write_text(text + "\n", encoding="utf-8")
    sys.exit(1 if found.of_kind("unclassified") else 0)


def configuration(root: str, config: str, build: str | None) -> Path | None:
    """The `.config` that a scan with these options would use, where one is there already; None otherwise.

    Raises KqualError for a --config file that is not there.
    """
    from verifier.tree.intake import default_build

    named = config not in ("audit", "defconfig", "plain")
    if named and not os.path.isfile(config):
        raise KqualError(f"{config}: no such configuration file", "--config takes audit, defconfig, or a .config file")
    places = [Path(build)] if build is not None else [] if named else [Path(default_build(root, config)), Path(root)]
    return next((place / ".config" for place in places if (place / ".config").is_file()), Path(config) if named else None)


def text_of(found: Any, config: str) -> list[str]:
    """The lines of the text form; the last one counts the hooks."""
    lines = [f"Linux {found.kernel or '(version unknown)'}: {len(found.hooks)} hooks of include/linux/lsm_hook_defs.h"]

    def part(title: str, items: list[str]) -> None:
        if items:
            lines.extend(["", f"{title} ({len(items)})", *(f"    {item}" for item in items)])

    part(
        "unclassified: no rule asks for the hook, and the catalogue does not say why",
        [f"{hook.name}  {', '.join(hook.functions)}".rstrip() for hook in found.of_kind("unclassified")],
    )
    part("named by the rules, not in this kernel", [f"{item.name}: {item.what}" for item in found.lacking])
    part(f"compiled out by {config}", found.compiled_out or [])
    part("changed prototypes", [f"{item.name}: {item.what}" for item in found.prototypes])
    part("asked through another function", [f"{item.name}: {item.what}" for item in found.functions])
    part("checks that the rules do not know", [f"{item.name}: {item.what}" for item in found.unknown_checks])
    if found.compiled_out is None:
        lines += ["", "hooks compiled out: not told, there is no configuration yet; `kqual doctor` makes one"]
    guards, nothing = found.of_kind("guards"), found.of_kind("nothing")
    rules = len({rule for hook in guards for rule in hook.rules})
    rest = len(found.of_kind("unclassified"))
    total = f"{len(guards)} guard operations of {rules} rules, {len(nothing)} guard nothing, {rest} unclassified"
    lines += ["", f"{len(found.hooks)} hooks: {total}"]
    return lines
