"""`kqual store`: what a store holds, and how it shrinks and moves."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import click

from verifier.cli import messages, usage
from verifier.cli.session import check_tree, last_store, remember
from verifier.errors import KqualError
from verifier.store import Store, default_path

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)


class Size(click.ParamType):
    """A number of bytes, such as 800M or 2G."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes; the command fails on anything else."""
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no size; write 800M or 2G", param, ctx)
        return int(float(match[1]) * UNITS[match[2].upper()])


def shown(size: int) -> str:
    """`12 B`, `3.4 MiB`"""
    amount, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"


def on_disk(path: Path) -> int:
    """Bytes of the file with its write-ahead log."""
    return sum(p.stat().st_size for p in (path, path.with_name(path.name + "-wal")) if p.exists())


def which(store_path: str | None, tree: str | None, config: str) -> Path:
    """The store named, that of the tree named, or the one used last."""
    return Path(store_path) if store_path else default_path(check_tree(tree), config) if tree else last_store()


def _place(command: Any) -> Any:
    for option in (
        click.option("--store", "store_path", type=click.Path(readable=False), metavar="FILE", help="The store  [default: the one used last]"),
        click.option("--tree", type=click.Path(readable=False), metavar="TREE", help="The store of this tree."),
        click.option("--config", default="audit", show_default=True, metavar="CONFIG", help="Its configuration, with --tree."),
    ):
        command = option(command)
    return command


@click.group(invoke_without_command=True, epilog="Exit status: 0, or 2 for an error.")
@click.pass_context
def store(ctx: click.Context) -> None:
    """Look at, shrink and move the store of a tree: parsed code and results, in one file.

    \b
        kqual store info                              what the store used last holds, and whose it is
        kqual store gc --max-size 2G                  forget what the last scan did not use
        kqual store export linux.kqual                one file, for another machine or folder
        kqual store import linux.kqual --tree linux   make it the store of a tree with the same sources
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@store.command(epilog="Exit status: 0, or 2 for an error.")
@_place
def info(store_path: str | None, tree: str | None, config: str) -> None:
    """The tree, configuration and version of a store, and its sizes by kind of value; changes nothing."""
    path = which(store_path, tree, config)
    with Store.open(path, readonly=True, say=messages.warning) as opened:
        rows = [("store", f"{path} ({shown(on_disk(path))})")]
        for title, key in (("tree", "tree"), ("configuration", "config"), ("kqual", "tool"), ("rule files", "rules")):
            value = opened.meta(key)
            if value and value != "[]":
                rows.append((title, value))
        keep = usage.used(opened)
        done = "finished; what it used was not noted" if opened.get("document", "scan") else "none was finished"
        rows.append(("last scan", f"{len(keep.units)} units, analysis {keep.digest[:12]}" if keep else done))
        sizes = opened.sizes()
    for title, value in rows:
        click.echo(messages.clean(f"{title + ':':<15}{value}"))
    for kind, (count, size) in sizes.items():
        click.echo(messages.clean(f"    {kind:<14}{count:>10,} values {shown(size):>12}"))
    total = sum(size for _, size in sizes.values())
    click.echo(f"    {'all':<14}{sum(count for count, _ in sizes.values()):>10,} values {shown(total):>12}")


@store.command(epilog="Exit status: 0, or 2 for an error.")
@_place
@click.option("--max-size", type=Size(), metavar="SIZE", help="When it is still larger (800M, 2G), forget more: see above.")
def gc(store_path: str | None, tree: str | None, config: str, max_size: int | None) -> None:
    """Forget what the last scan did not use, and give the space back.

    With --max-size, whole kinds of values go as long as the file is larger: those first that cost least to make again
    (the catalogue of `kqual show`, then results, then parsed units).  Documents of finished scans stay; the next scan
    makes again what it lacks.
    """
    path = which(store_path, tree, config)
    if not path.is_file():
        raise KqualError(f"no store at {path}", "run `kqual scan TREE` first, or name the store with --store FILE")
    with Store.open(path, say=messages.warning) as opened:
        keep = usage.used(opened)
        if keep is None:
            raise KqualError(f"{path} does not say what its last scan used", "run `kqual scan TREE` to the end, then this again")
        before = on_disk(path)
        gone = usage.prune(opened, keep)
        opened.compact()
        for kind in usage.REMADE:
            if max_size is None or on_disk(path) <= max_size:
                break
            gone[kind] = gone.get(kind, 0) + opened.count(kind)
            if kind == "catalogue":
                opened.set_meta("catalogue", "")
            opened.clear(kind)
            opened.compact()
    after = on_disk(path)
    what = ", ".join(f"{count:,} {kind}" for kind, count in gone.items() if count) or "nothing"
    click.echo(messages.clean(f"{path}: forgot {what}; {shown(before)} before, {shown(after)} now"))
    if max_size is not None and after > max_size:
        messages.warning(f"still larger than {shown(max_size)}: what is left are documents of finished scans")


@store.command(epilog="Exit status: 0, or 2 for an error.")
@click.argument("file", type=click.Path(path_type=Path))
@_place
@click.option("--force", is_flag=True, help="Replace FILE when it is there.")
def export(file: Path, store_path: str | None, tree: str | None, config: str, force: bool) -> None:
    """Write the store into FILE, which holds no path that another machine would have to have."""
    path = which(store_path, tree, config)
    if file.exists() and not force:
        raise KqualError(f"{file} is there already", "name another file, or replace it with --force")
    with Store.open(path, readonly=True, say=messages.warning) as opened:
        opened.copy_to(file)
    with Store.open(file) as copied:
        for key in ("tree", "rules", "build"):
            copied.set_meta(key, "[]" if key == "rules" else "")
        copied.compact()
    click.echo(messages.clean(f"{file}: {shown(on_disk(file))}; next: kqual store import {file} --tree TREE"))


@store.command("import", epilog="Exit status: 0, or 2 for an error.")
@click.argument("file", type=click.Path(path_type=Path))
@_place
@click.option("--force", is_flag=True, help="Replace the store that the tree has.")
def import_(file: Path, store_path: str | None, tree: str | None, config: str, force: bool) -> None:
    """Make FILE (from `kqual store export`) the store of --tree, or the file --store.

    A scan of a tree with the same sources, configuration and kqual then finds everything; of other sources, what is
    equal.
    """
    if not tree and not store_path:
        raise KqualError("import: whose store shall it be?", "kqual store import FILE --tree TREE, or --store FILE")
    path = which(store_path, tree, config)
    if path.exists() and os.path.exists(file) and os.path.samefile(path, file):
        raise KqualError(f"{file} is that store already", "name another file")
    if path.exists() and not force:
        raise KqualError(f"{path} is there already", "replace it with --force")
    path.parent.mkdir(parents=True, exist_ok=True)
    with Store.open(file, readonly=True, say=messages.warning) as opened:
        opened.copy_to(path)
    with Store.open(path, say=messages.warning) as copied:
        copied.set_meta("build", "")
        if tree:
            copied.set_meta("tree", os.path.realpath(tree))
        remember(copied)
    click.echo(messages.clean(f"{path}: {shown(on_disk(path))}; `kqual show` and `kqual report` answer from it now"))
