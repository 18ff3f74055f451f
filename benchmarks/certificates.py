"""Certificates of a whole tree, by ground: python benchmarks/certificates.py TREE STORE [--build DIR] [--scope DIR] [-o FILE]

Reads (or makes) the results of TREE in STORE, writes the certificates, and checks them with a world linked anew.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

from lattices.pack import load
from verifier.certificates.produce import Producer, encode
from verifier.frontend.extract import extract
from verifier.program.analyse import Analysis
from verifier.program.linked import link_anew
from verifier.store import Store
from verifier.tree import open_tree
from verifier.verify.check import check_all
from verifier.verify.world import World


def quiet(phase: str, done: int, total: int) -> None:
    """No progress."""


def main() -> None:
    """Print counts by ground, reasons, and the CPU that both halves took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree")
    parser.add_argument("store")
    parser.add_argument("--build")
    parser.add_argument("--config", default="audit")
    parser.add_argument("--scope", action="append", default=[])
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("-o", "--output")
    given = parser.parse_args()
    tree = open_tree(given.tree, config=given.config, build=given.build)
    store = Store.open(Path(given.store))
    pack = load(None, (), tree.version)
    records = extract(tree, store, given.jobs, tuple(given.scope), None)
    found = Analysis(records, store, pack, tree.origin == "plain", None, tree.root)
    found.run()
    start = time.process_time()
    data, counts = encode(Producer(found).records())
    made = time.process_time() - start
    if given.output:
        Path(given.output).write_bytes(data)
    lines = [json.loads(line) for line in data.decode("utf-8", "surrogateescape").splitlines()]
    total = sum(counts.values())
    print(f"lines of rules at operations found mediated: {total}; {len(data)} bytes; made in {made:.0f} s CPU")
    for word, n in counts.most_common():
        print(f"  {word:<12} {n:6}  {n / max(total, 1):6.1%}")
    for reason, n in Counter(r["reason"] for r in lines if r.get("ground") == "not-plainly").most_common(20):
        print(f"    {n:6}  {reason}")
    start = time.process_time()
    program, doors = link_anew(records, store, pack, tree.origin == "plain", quiet)
    verified, listed, failed = check_all(World(program, doors, pack, lambda key: store.get("unit", key)), lines[1:])
    print(
        f"checked in {time.process_time() - start:.0f} s CPU: {len(verified)} verified, {len(listed)} listed, "
        f"{len(failed)} failed; {sum('lemma' in r for r in lines)} lemmas"
    )
    for record, why in failed[:20]:
        print("  fails:", record.get("function"), record.get("rule"), why)


if __name__ == "__main__":
    main()
