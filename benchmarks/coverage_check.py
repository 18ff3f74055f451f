"""Coverage against real removals: calls are taken out of the source, and the gate's findings compared.

usage: python benchmarks/coverage_check.py TREE STORE COVERAGE.json [--count N] [--seed N] [--build DIR] [--family NAME]
       [--scan]

COVERAGE.json is written by `kqual coverage TREE --format json`.  N load-bearing sites and N of the others are drawn
with the seed; each call expression is replaced by the constant that allows (0, or 1 for a check that answers true), in
an overlay, and the gate analyses the changed unit from its text.  A load-bearing site holds when a finding names one
of the predicted rules; one of the others when none names a rule at all.  With `--scan` the load-bearing ones are taken out together, in a
copy of the tree made of hard links, which is scanned; each then holds when a new finding is of a predicted rule at the
predicted function.  Exit 0 when all hold.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from pathlib import Path

from ground import Ground, changed, encoded, linked, opened, text_of

from lattices.model import Pack
from verifier.gate.overlay import Overlay
from verifier.gate.run import gate_overlay
from verifier.program.analyse import analysis

CONSTANT = {"errno": "0", "true": "1", "false": "0"}


def without(text: str, line: int, check: str, constant: str) -> str | None:
    """The source with the call of `check` on a line replaced; None when there is not exactly one that can be seen."""
    lines = text.split("\n")
    start = sum(len(row) + 1 for row in lines[: line - 1])
    found = [m for m in re.finditer(rf"\b{check}\s*\(", text[start : start + len(lines[line - 1])])]
    if len(found) != 1:
        return None
    at = start + found[0].end()
    depth = 1
    while depth and at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    call = text[start + found[0].start() : at]
    return text[: start + found[0].start()] + constant + "\n" * call.count("\n") + text[at:]


def shortened(text: str, site: dict, pack: Pack) -> str | None:
    """The source with a site's call replaced by the constant that allows; None where that cannot be done in the text."""
    check = pack.check(site["check"])
    constant = CONSTANT.get(str(check.allow)) if check else None
    return without(text, site["line"], site["check"], constant) if constant else None


def taken_out(tree: Path, drawn: list[dict], pack: Pack) -> tuple[list[dict], dict[str, str]]:
    """The load-bearing sites whose calls can be replaced in the text, and the files without them."""
    texts: dict[str, str] = {}
    out = []
    for site in drawn:
        shorter = shortened(texts.get(site["file"]) or text_of(tree / site["file"]), site, pack)
        if site["status"] == "load-bearing" and shorter is not None:
            texts[site["file"]] = shorter
            out.append(site)
    return out, texts


def by_scan(args: argparse.Namespace, drawn: list[dict], texts: dict[str, str], ground: Ground) -> int:
    """One scan of a copy of the tree without all of the drawn calls; how many of these give what was predicted."""
    known = {f.fingerprint for f in ground.base.document().findings}
    with tempfile.TemporaryDirectory(prefix="kqual-check-", dir=args.store.parent) as scratch:
        copy = linked(args.tree, Path(scratch))
        tree = changed(ground.tree, copy, {name: encoded(text) for name, text in texts.items()})
        document = analysis(tree, ground.store, ground.pack, 1).document()
    lost = [t.file for t in document.completeness.units.lost]
    print(f"units lost: {lost or 'none'}")
    found = {(f.rule, f.path[-1].function) for f in document.findings if f.fingerprint not in known}
    held = 0
    for site in drawn:
        predicted = {(p.split(" ", 1)[0], re.split(r" @ |, through ", p)[1]) for p in site["protects"]}
        held += bool(found & predicted)
        word = "holds" if found & predicted else "DIFFERS"
        print(f"{word:8} {site['file']}:{site['line']}: {site['check']}; predicted {sorted(predicted)[:3]}", flush=True)
    print(f"{held} of {len(drawn)} give what was predicted in one scan of the tree without them; {len(found)} new findings (seed {args.seed})")
    return int(held < len(drawn))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("coverage", type=Path)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family", default="lsm")
    parser.add_argument("--build")
    parser.add_argument("--scan", action="store_true")
    args = parser.parse_args()
    sites = [s for s in json.loads(args.coverage.read_bytes())["sites"] if s["file"].endswith(".c") and s["family"] == args.family]
    draw = random.Random(args.seed)
    drawn = []
    for bearing in (True, False):
        group = [s for s in sites if (s["status"] == "load-bearing") == bearing]
        drawn += draw.sample(group, min(args.count, len(group)))
    held = {True: 0, False: 0}
    tried = {True: 0, False: 0}
    with opened(args.tree, args.store, args.build) as ground:
        tree, _, pack, base, _ = ground
        if args.scan:
            return by_scan(args, *taken_out(args.tree, drawn, pack), ground)
        for site in drawn:
            place = f"{site['file']}:{site['line']}: {site['check']}"
            shorter = shortened(text_of(args.tree / site["file"]), site, pack)
            if shorter is None:
                print(f"skipped  {place}: the call cannot be replaced in the text")
                continue
            overlay = Overlay()
            overlay.files[site["file"]] = encoded(shorter)
            began = time.process_time()
            found = {f.rule for f in gate_overlay(tree, base, overlay).findings}
            bearing = site["status"] == "load-bearing"
            predicted = {p.split(" ", 1)[0] for p in site["protects"]}
            good = bool(found & predicted) if bearing else not found
            tried[bearing] += 1
            held[bearing] += good
            word = "holds" if good else "DIFFERS"
            print(
                f"{word:8} {place}: {site['status']}; predicted {sorted(predicted)}, found {sorted(found)}"
                f" ({time.process_time() - began:.1f} s CPU)", flush=True
            )  # fmt: skip
    print(f"load-bearing: {held[True]} of {tried[True]} hold; others: {held[False]} of {tried[False]} hold (seed {args.seed})")
    return 0 if held == tried else 1


if __name__ == "__main__":
    sys.exit(main())
