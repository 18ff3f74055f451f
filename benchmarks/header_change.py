"""A change of a header that most of the kernel includes: what gating it costs, and whether units were rightly spared.

usage: python benchmarks/header_change.py TREE STORE PATCH --build DIR [--sample N]

The patch is gated against the stored scan.  Then N of the units that were not read again, evenly spread, are read with
the patch all the same, and compared with what the store has of them.  Exit 0 when none differs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from changes import spread
from ground import opened, stopwatch

from verifier.frontend.extract import extract_files
from verifier.gate.overlay import read_patch
from verifier.gate.run import compare
from verifier.gate.shared import untouched
from verifier.gate.variant import make_variant
from verifier.tree.commands import of_files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("patch", type=Path)
    parser.add_argument("--build", required=True)
    parser.add_argument("--sample", type=int, default=100)
    args = parser.parse_args()
    took = stopwatch()
    with opened(args.tree, args.store, args.build) as (tree, store, _, base, clean):
        overlay = read_patch(tree.root, args.patch.read_bytes())
        after = make_variant(tree, base, overlay)
        document = compare(clean, after)
        units = document.completeness.change
        print(f"gate: {took():.1f} CPU s, {units.total} units read again, {units.total - units.analysed} of them not in full", flush=True)
        print(f"    {len(document.findings)} findings, {len(document.fixed)} fixed", flush=True)
        for note in after.reading.notes:
            print(f"    {note}", flush=True)
        kept = untouched(tree, store, base.records, overlay.files)
        spared = [r for r in base.records if id(r) in kept]
        commands = of_files(tree.commands, {r.file for r in spared})
        keys = {r.file: r.key for r in spread([r for r in spared if len(commands.get(r.file, ())) == 1], args.sample)}
        took = stopwatch()
        wrong = count = 0
        for command, result in extract_files(tree, [commands[file][0] for file in keys], overlay.files, 1):
            if command is not None:
                count += 1
                wrong += result.blob != store.get("unit", keys[command.file])
    print(f"{count} of {len(spared)} units that were spared read all the same, {took():.1f} CPU s: {wrong} differ")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
