"""Recall on mutated trees: each case becomes a patch on a stored scan, judged by the gate in this process.

usage: python benchmarks/public_cases.py TREE STORE CASES.json [--only ID,...] [--kind KIND] [--build DIR] [--jobs N]

CASES.json is a list of mutations (benchmarks/mutations.py).  Prints a line for each case and the figures; exit 0 when
no control is loud and no case ended with an error.
"""

from __future__ import annotations

import argparse
import collections
import re
import sys
import traceback
from pathlib import Path

from ground import opened, stopwatch, unified
from mutations import cases_of, mutated

from verifier.gate.overlay import read_patch
from verifier.gate.run import compare
from verifier.gate.variant import make_variant

REMOVALS = {"drop-call", "one-path-only"}


def plain(name: str) -> str:
    """A function name without the system call wrappers' prefixes."""
    return re.sub(r"^((__do_|__se_|__x64_|__ia32_)?(compat_)?sys_|__do_)|\(2\)$", "", name or "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--kind", default="")
    parser.add_argument("--build")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    count, hit, errors, loud, skipped, failed = (collections.Counter() for _ in range(6))
    with opened(args.tree, args.store, args.build, args.jobs) as ground:
        for case in cases_of(args.cases, ground.tree.version, args.only, args.kind):
            texts, applied = mutated(args.tree, [case])
            kind = case["kind"]
            if not applied:
                skipped[kind] += 1
                continue
            count[kind] += 1
            took = stopwatch()
            try:
                after = make_variant(ground.tree, ground.base, read_patch(ground.tree.root, unified(texts)))
                new = [f for f in compare(ground.clean, after).findings if f.tier != "note"]
            except Exception:  # noqa: BLE001 - one case must not end the others; it is counted, and fails the run
                traceback.print_exc()
                failed[kind] += 1
                new = []
            near = [
                f for f in new
                if plain(case["function"]) in {plain(f.function), *(plain(s.function) for s in f.path[-5:])}
            ]  # fmt: skip
            if case["expected"] == "silent":
                loud[kind] += bool(new)
                word = "LOUD" if new else "quiet"
            else:
                hit[kind] += bool(near)
                errors[kind] += any(f.tier == "error" for f in near)
                word = "hit" if near else "MISS"
            said = "; ".join(f"{f.tier} {f.kind} {f.rule} {f.function}:{f.line}" for f in (near or new)[:3])
            print(f"{word} {case['id']} {kind} {case['function']} [{case['hook']}] {took():.1f}s {said}", flush=True)
    removals = [k for k in count if k in REMOVALS]
    others = [k for k in count if k not in REMOVALS and k != "control"]
    for title, kinds in (("removals", removals), ("other kinds", others)):
        print(f"{title}: {sum(hit[k] for k in kinds)}/{sum(count[k] for k in kinds)}, {sum(errors[k] for k in kinds)} as errors")
    print(f"controls loud: {loud['control']}/{count['control']}; skipped {sum(skipped.values())}, failed {failed.total()}")
    return int(bool(loud["control"] or failed))


if __name__ == "__main__":
    sys.exit(main())
