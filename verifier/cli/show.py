"""`kqual show`: questions about a scanned tree, answered from the store."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Container, Iterator
from typing import Any

import click

from verifier.cli import messages
from verifier.cli.catalogue import Catalogue, decides
from verifier.cli.session import check_tree, last_store
from verifier.store import Store, default_path


def _options(command: Callable) -> Callable:
    for option in (
        click.option("--store", "store_path", type=click.Path(readable=False), metavar="FILE", help="The store of the scan."),
        click.option("--tree", type=click.Path(readable=False), metavar="TREE", help="The scanned tree  [default: the last one]"),
        click.option("--config", default="audit", show_default=True, help="Its configuration, with --tree."),
    ):
        command = option(command)
    return click.pass_obj(command)


def open_catalogue(store_path: str | None, tree: str | None, config: str) -> Catalogue:
    """The catalogue of the store named, of the tree named, or of the last scan."""
    path = store_path or (default_path(check_tree(tree), config) if tree else last_store())
    return Catalogue(Store.open(path, readonly=True, say=messages.warning))


def pack_of(services: Any, catalogue: Catalogue) -> Any:
    """The rules that the scan used."""
    extra = tuple(json.loads(catalogue.store.meta("rules") or "[]"))
    gone = [path for path in extra if not os.path.exists(path)]
    if gone:
        messages.warning(f"the scan's rules in {gone[0]} are gone; the answer is without them")
    return services.load_pack(tuple(path for path in extra if path not in gone), catalogue.info.version, catalogue.store)


class Deciding:
    """The names that a rule pack takes for checks."""

    def __init__(self, pack: Any) -> None:
        self.pack = pack

    def __contains__(self, name: object) -> bool:
        return decides(self.pack, str(name))


def deciding(services: Any, catalogue: Catalogue) -> Container[str]:
    """Names of the checks of the scan's rules."""
    return catalogue.deciding() or Deciding(pack_of(services, catalogue))


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(messages.clean(line))
    sys.stdout.flush()


@click.group(no_args_is_help=False, invoke_without_command=True, epilog="Exit status: 0, or 2 for an error.")
@click.pass_context
def show(ctx: click.Context) -> None:
    """Ask about a scanned tree; the answers come from the store of the last scan, or of --tree or --store.

    \b
        kqual show checks vfs_unlink                    what it checks, guarantees, leaves to its callers
        kqual show callers security_inode_unlink        who calls it, directly and through slots
        kqual show slot inode_operations.unlink         what a slot may hold, who calls through it
        kqual show path openat file_operations.open     the calls from a door, with the checks on the way
        kqual show facts fs/namei.c:4300                which checks are passed when control gets there
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@show.command(epilog="Exit status: 0, or 2 for an error, such as an unknown name: close ones are listed.")
@click.argument("function")
@_options
def checks(services: Any, function: str, store_path: str | None, tree: str | None, config: str) -> None:
    """What FUNCTION checks, guarantees to its callers, and leaves to them.

    \b
        kqual show checks vfs_unlink
        kqual show checks may_delete@fs/namei.c       one of several functions of a name
    """
    from verifier.cli import answers

    catalogue = open_catalogue(store_path, tree, config)
    _print(answers.checks(catalogue, function, deciding(services, catalogue)))


@show.command(epilog="Exit status: 0, or 2 for an error, such as an unknown name: close ones are listed.")
@click.argument("function")
@_options
def callers(_: Any, function: str, store_path: str | None, tree: str | None, config: str) -> None:
    """Who calls FUNCTION, directly and through slots.

    \b
        kqual show callers security_inode_unlink
    """
    from verifier.cli import answers

    _print(answers.callers(open_catalogue(store_path, tree, config), function))


@show.command(epilog="Exit status: 0, or 2 for an error, such as an unknown name: close ones are listed.")
@click.argument("slot", metavar="STRUCT.FIELD")
@_options
def slot(_: Any, slot: str, store_path: str | None, tree: str | None, config: str) -> None:
    """What the slot STRUCT.FIELD may hold, and who calls through it.

    \b
        kqual show slot inode_operations.unlink
    """
    from verifier.cli import answers

    _print(answers.slot(open_catalogue(store_path, tree, config), slot))


@show.command(epilog="Exit status: 0, or 2 for an error, such as an unknown name: close ones are listed.")
@click.argument("door")
@click.argument("function", metavar="FUNCTION|STRUCT.FIELD")
@_options
def path(services: Any, door: str, function: str, store_path: str | None, tree: str | None, config: str) -> None:
    """A shortest chain of calls from DOOR to FUNCTION, or to a call through STRUCT.FIELD, with the checks on the way.

    DOOR is any function; a system call may be named as people do.

    \b
        kqual show path unlinkat vfs_unlink
        kqual show path openat file_operations.open
    """
    from verifier.cli import answers

    catalogue = open_catalogue(store_path, tree, config)
    _print(answers.path(catalogue, door, function, deciding(services, catalogue)))


@show.command(epilog="Exit status: 0, or 2 for an error, such as an unknown name: close ones are listed.")
@click.argument("where", metavar="FILE:LINE")
@_options
def facts(services: Any, where: str, store_path: str | None, tree: str | None, config: str) -> None:
    """Which checks are passed when control reaches FILE:LINE, on every path and on some.

    \b
        kqual show facts fs/namei.c:4530
    """
    from verifier.cli import answers

    catalogue = open_catalogue(store_path, tree, config)
    _print(answers.facts(catalogue, where, pack_of(services, catalogue)))
