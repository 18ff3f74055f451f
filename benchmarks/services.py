"""Every service: one call of a check is taken out of a real tree, and the gate names a rule of that service.

usage: python benchmarks/services.py TREE STORE [--build DIR] [--only SERVICE,...] [--page]

The calls are those of `services.toml`.  All are taken out in one change, each replaced by the constant that allows, and
the change is gated against the stored scan (which is made where the store lacks it); a service holds when a new finding breaks a
rule of it that the call's check can meet.  `--page` prints a table for docs/.  Exit 0 when all hold.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from coverage_check import CONSTANT, without
from ground import encoded, opened, text_of

from lattices.model import Pack
from lattices.pack import version_matches
from verifier.coverage.asks import Asks
from verifier.findings import Finding
from verifier.gate.overlay import Overlay
from verifier.gate.run import gate_overlay

REMOVALS = Path(__file__).with_suffix(".toml")
Removal = dict[str, str]


def removals(version: str, only: str = "") -> list[Removal]:
    """The removals for a kernel version, of some services (with commas between them)."""
    listed = tomllib.loads(REMOVALS.read_text())["removal"]
    chosen = [r for r in listed if version_matches(version, r.get("versions", ">=0"))]
    return [r for r in chosen if not only or r["service"] in only.split(",")]


def line_of(text: str, function: str, check: str) -> int | None:
    """The line of a function's first call of a check; None without one."""
    begin = re.search(rf"^(?:\w[^\n;={{}}]*\b)?{function}\([^;]*?\)\s*\{{", text, re.MULTILINE)
    end = text.find("\n}", begin.end()) if begin is not None else -1
    call = re.compile(rf"\b{check}\s*\(").search(text, begin.end(), end) if begin is not None else None
    return text.count("\n", 0, call.start()) + 1 if call is not None else None


def removed(text: str, removal: Removal, pack: Pack) -> str | None:
    """The source without the call; None when it is not there as it should be."""
    line = line_of(text, removal["function"], removal["check"])
    check = pack.check(removal["check"])
    constant = CONSTANT.get(str(check.allow)) if check is not None else None
    return without(text, line, removal["check"], constant) if line is not None and constant is not None else None


def rows(found: list[Finding], chosen: list[Removal], pack: Pack, asks: Asks) -> Iterator[tuple[Removal, int, list[Finding]]]:
    """Each removal with the number of its service's rules and the findings that it explains."""
    service = {rule.id: rule.service for rule in pack.rules}
    for removal in chosen:
        asked = {rule for rule, _ in asks.asking(removal["check"]) if service[rule] == removal["service"]}
        count = sum(s == removal["service"] for s in service.values())
        yield removal, count, [f for f in found if f.rule in asked]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--build")
    parser.add_argument("--only", default="")
    parser.add_argument("--page", action="store_true")
    args = parser.parse_args()
    held = 0
    with opened(args.tree, args.store, args.build) as ground:
        chosen = removals(ground.tree.version, args.only)
        texts: dict[str, str] = {}
        for removal in chosen:
            file = removal["file"]
            text = removed(texts.get(file) or text_of(args.tree / file), removal, ground.pack)
            if text is None:
                print(f"not there: {file}: {removal['check']} in {removal['function']}", file=sys.stderr)
            else:
                texts[file] = text
        overlay = Overlay()
        overlay.files.update({file: encoded(text) for file, text in texts.items()})
        found = gate_overlay(ground.tree, ground.base, overlay).findings
        if args.page:
            print("| service | rules | taken out | found |\n| --- | ---: | --- | --- |")
        for removal, count, of in rows(found, chosen, ground.pack, Asks(ground.base)):
            held += bool(of)
            told = ", ".join(f"`{name}`" for name in sorted({f"{f.rule} @ {f.function}" for f in of})[:2]) or "nothing"
            title = ground.pack.services[removal["service"]]
            print(f"| {title} | {count} | `{removal['check']}` in `{removal['function']}` | {told} |" if args.page else
                  f"{'found ' if of else 'MISSED'} {removal['service']:12} {removal['check']} in {removal['function']}: {told}")  # fmt: skip
    print(f"{held} of {len(chosen)} services", file=sys.stderr)
    return 0 if held == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
