"""`kqual modules`: which security module decides what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from verifier.cli import messages, options
from verifier.cli.session import open_session

KIND = "modules"


@click.command()
@options.tree_argument
@options.lsm_option("Modules of a boot parameter lsm=, such as landlock,yama,apparmor  [default: all of the tree]")
@options.tree_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-o", "--output", type=click.Path(readable=False), metavar="PATH", help="Write there instead of standard output.")
@click.pass_obj
def modules(
    services: Any, tree: str, order: list[str] | None, config: str, arch: str | None, build: str | None, store_path: str | None,
    scope: tuple[str, ...], jobs: int, rules: tuple[str, ...], quiet: bool, form: str, output: str | None,
) -> None:
    """Say which security module of TREE implements which hook, and which rules rest on hooks that no module implements.

    Reads the modules' own tables in the configuration; parses only the units that hold them, so no scan is needed.

    \b
        kqual modules linux
        kqual modules linux --lsm landlock,yama,apparmor
        kqual modules linux --format json
    """  # fmt: skip
    from verifier.modules.reading import modules_of

    with open_session(services, tree, config, build, store_path, scope, jobs, rules, quiet, arch) as session:
        found = modules_of(session.tree, session.store, session.pack, session.jobs, order, session.progress)
    warn_of_unknown(order, found.modules)
    if form == "json":
        text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
    else:
        text = "\n".join(text_of(found, session.pack, order is not None))
    if output is None:
        click.echo(messages.clean(text))
    else:
        Path(output).write_text(text + "\n", encoding="utf-8")


def warn_of_unknown(order: list[str] | None, known: Any) -> None:
    """Say which names of an order are no modules of the tree."""
    for name in sorted(set(order or ()) - set(known)):
        messages.warning(f"{name}: no module of this tree has that name; passed over, as the kernel does")


def has_any(tree: Any) -> bool:
    """Whether a tree (verifier.tree.model.Tree) compiles units that register security modules."""
    from verifier.modules.tables import relevant

    return bool(relevant(tree.root, (command.file for command in tree.commands if not command.file.startswith("/"))))


def keep(found: Any, store: Any) -> None:
    """Leave the answer in the store, for reports."""
    store.put(KIND, "scan", msgspec.json.encode(found))


def kept(store: Any, order: list[str] | None) -> Any:
    """The answer that the last scan left, for another order of modules where one is given; None when there is none."""
    from verifier.modules.mediation import Mediation, with_order

    data = store.get(KIND, "scan")
    try:
        found = msgspec.json.decode(data, type=Mediation) if data is not None else None
    except msgspec.MsgspecError:
        return None  # of another version; the next scan writes it again
    return with_order(found, order) if found is not None and order is not None else found


def text_of(found: Any, pack: Any, ordered: bool) -> list[str]:
    """The lines of the text form."""
    names = list(found.modules)
    lines = [f"Linux {found.kernel or '(version unknown)'}: rules whose LSM hooks a module implements", ""]
    total = {service: sum(o.service == service for o in found.operations) for service in found.services}
    rows = [["service", "rules", *names]]
    rows += [[s, str(total[s]), *(str(row.get(n, "-")) for n in names)] for s, row in found.services.items()]
    rows += [["all", str(len(found.operations)), *(str(sum(n in o.modules for o in found.operations)) for n in names)]]
    rows += [["hooks", "", *(str(len(found.modules[n].hooks)) for n in names)]]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    lines.append("")
    for name, module in found.modules.items():
        if module.attachable:
            lines.append(f"{name}: a program may be attached to {len(module.attachable)} more hooks; until then they decide nothing")
        if module.called:
            lines.append(f"{name}: {len(module.called)} of its hooks are calls in security/security.c, not entries of a table")
    lines += ["", f"hooks that no module implements ({len(found.unimplemented)})"]
    lines += [f"    {hook}" for hook in found.unimplemented]
    which = f"none of {', '.join(found.loaded)}" if ordered else "no module"
    lines += ["", f"mediated in name only: {which} implements the hooks ({len(found.vacuous)})"]
    width = max((len(item.rule) for item in found.vacuous), default=0)
    lines += [f"    {item.rule.ljust(width)}  {item.service}: {', '.join(item.hooks)}" for item in found.vacuous]
    return lines
