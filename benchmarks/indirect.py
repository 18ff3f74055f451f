"""Indirect calls with at least one target, by directory, from a stored scan.

usage: python benchmarks/indirect.py STORE
"""

from __future__ import annotations

import collections
import sys

import msgspec

from verifier.program.link import Program
from verifier.store import Store

DIRECTORIES = ("fs", "kernel", "mm", "net", "ipc", "io_uring", "security", "block")


def main() -> int:
    with Store.open(sys.argv[1], readonly=True) as store:
        keys = store.keys("program")
        data = store.get("program", keys[-1]) if keys else None
    if data is None:
        print("no linked program in this store: run `kqual scan` first", file=sys.stderr)
        return 2
    program = msgspec.msgpack.decode(data, type=Program)
    sites: collections.Counter[str] = collections.Counter()
    known: collections.Counter[str] = collections.Counter()
    for info in program.functions.values():
        top = info.index.file.split("/", 1)[0]
        for slot, _ in info.index.slots:
            sites[top] += 1
            known[top] += slot.startswith("&") or bool(program.slots.get(slot))
    for top in sorted(sites):
        print(f"{top:12} {known[top]:6} of {sites[top]:6}  {known[top] / sites[top]:.1%}")
    chosen = [d for d in DIRECTORIES if d in sites]
    print(f"{'these: ' + ' '.join(chosen)}  {sum(known[d] for d in chosen) / sum(sites[d] for d in chosen):.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
