"""Recall on mutated trees: each case becomes a patch on a stored scan, judged by the gate in this process.

usage: python benchmarks/public_cases.py TREE STORE CASES.json [--only ID,...] [--kind KIND] [--build DIR] [--jobs N]

CASES.json is a list of mutations: `file`, `before`, `after`, `function`, `kind`, `expected` ("alarm" or "silent"),
`tree` (kernel version).  Prints a line for each case and the figures; exit 0 when no control is loud and
no case ended with an error.
"""

from __future__ import annotations

import argparse
import collections
import difflib
import json
import re
import sys
import time
import traceback
from pathlib import Path

from lattices import pack as packs
from verifier.gate.overlay import Overlay, read_patch
from verifier.gate.run import compare
from verifier.gate.variant import Variant, make_variant
from verifier.program.analyse import Analysis, analysis
from verifier.store import Store
from verifier.tree import Tree, open_tree

REMOVALS = {"drop-call", "one-path-only"}


def as_patch(root: Path, case: dict) -> bytes | None:
    """Unified diff of a case; None when it does not apply."""
    source = (root / case["file"]).read_text(errors="surrogateescape")
    if source.count(case["before"]) != 1:
        return None
    changed = source.replace(case["before"], case["after"])
    names = ("a/" + case["file"], "b/" + case["file"])
    diff = difflib.unified_diff(source.splitlines(True), changed.splitlines(True), *names)
    return "".join(diff).encode("utf-8", "surrogateescape")


def plain(name: str) -> str:
    """A function name without the system call wrappers' prefixes."""
    return re.sub(r"^((__do_|__se_|__x64_|__ia32_)?(compat_)?sys_|__do_)|\(2\)$", "", name or "")


def patched(tree: Tree, base: Analysis, patch: bytes) -> Variant:
    """The analysed tree with a patch."""
    return make_variant(tree, base, read_patch(tree.root, patch))


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
    tree = open_tree(args.tree, build=args.build)
    pack = packs.load(version=tree.version)
    start = time.process_time()
    with Store.open(args.store) as store:
        base = analysis(tree, store, pack, args.jobs)
        clean = make_variant(tree, base, Overlay())
        print(f"base ready after {time.process_time() - start:.1f} CPU s", file=sys.stderr)
        version = ".".join(tree.version.split(".")[:2])
        count, hit, errors, loud, skipped, failed = (collections.Counter() for _ in range(6))
        for case in json.loads(args.cases.read_text()):
            if case["tree"] != version or (args.only and case["id"] not in args.only.split(",")):
                continue
            if args.kind and case["kind"] != args.kind:
                continue
            patch = as_patch(args.tree, case)
            kind = case["kind"]
            if patch is None:
                skipped[kind] += 1
                continue
            count[kind] += 1
            begin = time.process_time()
            try:
                new = [f for f in compare(clean, patched(tree, base, patch)).findings if f.tier != "note"]
            except Exception:  # noqa: BLE001 - one case must not end the others; it is counted, and fails the run
                traceback.print_exc()
                failed[kind] += 1
                new = []
            took = time.process_time() - begin
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
            print(f"{word} {case['id']} {kind} {case['function']} [{case['hook']}] {took:.1f}s {said}", flush=True)
    removals = [k for k in count if k in REMOVALS]
    others = [k for k in count if k not in REMOVALS and k != "control"]
    for title, kinds in (("removals", removals), ("other kinds", others)):
        print(f"{title}: {sum(hit[k] for k in kinds)}/{sum(count[k] for k in kinds)}, {sum(errors[k] for k in kinds)} as errors")
    print(f"controls loud: {loud['control']}/{count['control']}; skipped {sum(skipped.values())}, failed {failed.total()}")
    return int(bool(loud["control"] or failed))


if __name__ == "__main__":
    sys.exit(main())
