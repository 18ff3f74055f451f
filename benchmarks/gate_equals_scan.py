"""Whether the gate says what two whole scans say: each case is gated, and scanned in a copy of the tree.

usage: python benchmarks/gate_equals_scan.py TREE STORE CASES.json --build DIR [--only ID,...] [--first N] [--most N]
       [--together N] [--scope DIR]... [--work DIR]

The copy is made of hard links (cp -al), with a new file in place of the one that the case changes; the store, which is
written to, is reused, so that only units that contain that file are parsed again.  Compared are the obligations that
are open to a door, all findings of the whole program, and the new findings against those of the gate.  With --together
N cases become one change, so that one scan judges all of them.  Exit 0 when nothing differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from ground import changed, linked, opened, restore, stopwatch, unified
from mutations import cases_of, mutated

from verifier.findings import finish
from verifier.gate.overlay import read_patch
from verifier.gate.run import compare
from verifier.gate.variant import Variant, make_variant
from verifier.program.analyse import Analysis, analysis
from verifier.program.report import shape_findings, to_finding


def findings(of: Analysis | Variant, base: Analysis) -> dict[str, str]:
    """All findings of an analysed program: fingerprint to a line about it."""
    frontier = of.frontier() if isinstance(of, Analysis) else of.frontier
    found = [to_finding(o, base.pack, of.program, of.doors) for o in frontier.findings()]
    found += shape_findings(of.results, of.program, of.doors, found)
    return {f.fingerprint: f"{f.tier} {f.kind} {f.rule} {f.function} {f.file}:{f.line} door {f.door}" for f in finish(found)}


def differences(clean: Variant, gated: Variant, full: Analysis) -> list[str]:
    """What a gate and a whole scan of the changed tree say differently, one line each."""
    out = []
    one, two = set(gated.frontier.hot), set(full.frontier().hot)
    out += [f"open only for the gate: {n}" for n in sorted(one - two, key=repr)]
    out += [f"open only for the scan: {n}" for n in sorted(two - one, key=repr)]
    mine, theirs = findings(gated, full), findings(full, full)
    out += [f"found only by the gate: {mine[f]}" for f in sorted(mine.keys() - theirs.keys())]
    out += [f"found only by the scan: {theirs[f]}" for f in sorted(theirs.keys() - mine.keys())]
    out += [f"other lines: gate {mine[f]}; scan {theirs[f]}" for f in sorted(mine.keys() & theirs.keys()) if mine[f] != theirs[f]]
    before = findings(clean, full)
    document = compare(clean, gated)
    told = {(f.rule, f.function, f.file) for f in document.findings}
    new = [f for f in theirs if f not in before]
    out += [f"new, but not told by the gate: {theirs[f]}" for f in new if not any(f"{r} {n} {p}:" in theirs[f] for r, n, p in told)]
    known = {" ".join(theirs[f].split(" ")[2:4]) for f in new}
    ruled = [f for f in document.findings if "sibling" not in f.rule]  # those of siblings are no part of `findings`
    out += [f"told by the gate, but not new: {f.rule} {f.function}" for f in ruled if f"{f.rule} {f.function}" not in known]
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--first", type=int, default=0, help="Cases to pass over.")
    parser.add_argument("--most", type=int, default=30)
    parser.add_argument("--together", type=int, default=1)
    parser.add_argument("--scope", action="append", default=[])
    parser.add_argument("--work", type=Path)
    args = parser.parse_args()
    (args.work or args.store.parent).mkdir(parents=True, exist_ok=True)
    scope = tuple(args.scope)
    equal = wrong = 0
    with (
        opened(args.tree, args.store, args.build, 1, scope) as (tree, store, pack, base, clean),
        tempfile.TemporaryDirectory(prefix="kqual-equal-", dir=args.work or args.store.parent) as scratch,
    ):
        copy = linked(args.tree, Path(scratch))
        wanted = cases_of(args.cases, tree.version, args.only)[args.first :][: args.most]
        for first in range(0, len(wanted), args.together):
            texts, cases = mutated(args.tree, wanted[first : first + args.together])
            title = " ".join(case["id"] for case in cases)
            if not cases:
                print(f"skipped from {wanted[first]['id']} on: does not apply", flush=True)
                continue
            took = stopwatch()
            overlay = read_patch(tree.root, unified(texts))
            gated = make_variant(tree, base, overlay, 1, scope)
            told = len(compare(clean, gated).findings)
            gate_cost, took = took(), stopwatch()
            full = analysis(changed(tree, copy, overlay.files), store, pack, 1, scope)
            cost = f"gate {gate_cost:.1f} s, scan {took():.1f} s"
            lines = differences(clean, gated, full)
            wrong, equal = wrong + bool(lines) * len(cases), equal + (not lines) * len(cases)
            print(f"{'DIFFERENT' if lines else 'equal'} {title} ({cost}; {told} findings new)", flush=True)
            for line in lines[:60]:
                print(f"    {line}", flush=True)
            restore(args.tree, copy, overlay.files)
    print(f"{equal} cases equal, {wrong} different")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
