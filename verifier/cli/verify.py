"""`kqual verify`: certificates checked again, by a checker that shares no code with the solver."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from verifier.cli import messages, options
from verifier.cli.session import open_session
from verifier.errors import KqualError


@click.command(epilog="Exit status: 0 all verified or listed with a reason, 1 some fail, 2 an error.")
@click.argument("file", type=click.Path(readable=False))
@options.tree_argument
@options.tree_options
@click.option("--listed", is_flag=True, help="Also name what is listed without a proof, with the reason.")
@click.pass_obj
def verify(
    services: Any, file: str, tree: str, config: str, arch: str | None, build: str | None, store_path: str | None, scope: tuple[str, ...],
    jobs: int, rules: tuple[str, ...], quiet: bool, listed: bool,
) -> None:
    """Check the certificates in FILE, made by `kqual scan --certificates FILE`, against TREE.

    Each says why an operation is mediated: the calls of the check, the edges on which they allow, the equation of the
    objects, and what holds in each block.  All of it is checked edge by edge on the parsed code; what is trusted stands
    in docs/soundness.md.

    \b
        kqual scan linux --certificates cert.jsonl
        kqual verify cert.jsonl linux
    """  # fmt: skip
    from verifier.frontend.extract import extract
    from verifier.program.linked import link_anew
    from verifier.verify.check import check_all
    from verifier.verify.world import World

    head, records = read(file)
    with open_session(services, tree, config, build, store_path, scope, jobs, rules, quiet, arch) as session:
        if head.get("rules") != session.pack.digest:
            messages.warning(f"{file}: made with other rules; it is checked with these")
        units = extract(session.tree, session.store, session.jobs, session.scope, session.progress)
        program, doors = link_anew(units, session.store, session.pack, session.tree.origin == "plain", session.progress)
        world = World(program, doors, session.pack, lambda key: session.store.get("unit", key))
        verified, unproven, failed = check_all(world, records)
    for record, why in failed:
        click.echo(messages.clean(f"fails: {name_of(record)}: {why}"))
    for record in unproven if listed else ():
        click.echo(messages.clean(f"listed: {name_of(record)}: {record.get('reason', '')}"))
    grounds = Counter(str(record["ground"]) for record in verified)
    told = ", ".join(f"{word} {n}" for word, n in sorted(grounds.items()))
    click.echo(
        f"{len(verified)} verified{f' ({told})' if told else ''}, {len(unproven)} listed without a proof, {len(failed)} failed"
    )
    sys.exit(1 if failed else 0)


def name_of(record: dict[str, Any]) -> str:
    """A record for people."""
    if "lemma" in record:
        return f"lemma {record['lemma']}, what {record.get('function')} guarantees"
    site = record.get("site")
    line = record.get("line") or (site[2] if isinstance(site, list) and len(site) > 2 else 0)
    return f"{record.get('file')}:{line}: {record.get('function')}: {record.get('rule')}"


def read(file: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Head and records of a file; raises KqualError on what is no certificate file."""
    from verifier.verify.check import SCHEMA

    try:
        lines = Path(file).read_bytes().decode("utf-8", "surrogateescape").splitlines()
        records = [json.loads(line) for line in lines if line]
    except (ValueError, RecursionError) as error:
        raise KqualError(f"{file}: not JSON lines: {error}", "give a file of kqual scan --certificates") from None
    if not records or not all(isinstance(r, dict) for r in records) or records[0].get("schema") != SCHEMA:
        raise KqualError(f"{file}: not certificates of the schema {SCHEMA}", "give a file of kqual scan --certificates")
    return records[0], records[1:]
