"""Indirect calls by directory: with a target, and with every assignment of their slot seen; fan-out by slot.

usage: python benchmarks/indirect.py STORE [--slots N]

An assignment of a slot ("tag.field") is seen when its source is a function, a constant, or another slot or parameter
that functions are known of.  A slot with one assignment from elsewhere (a call's result, an element of unknown memory)
counts as not seen in full, whatever else is known of it.
"""

from __future__ import annotations

import argparse
import collections
import sys

from verifier.program.bodies import Bodies
from verifier.program.index import sources_of
from verifier.program.link import Info, Program
from verifier.program.stored import read
from verifier.store import Store

DIRECTORIES = ("fs", "kernel", "mm", "net", "ipc", "io_uring", "security", "block")


def unseen(program: Program, bodies: Bodies) -> dict[str, str]:
    """Slots with an assignment whose source is not known, each with one function that makes it."""
    called = {slot for info in program.functions.values() for slot, _ in info.index.slots}
    out: dict[str, str] = {}
    for fid, info in sorted(program.functions.items()):
        for slot in info.index.stores:
            if slot in called and slot not in out and not all(known(program, slot, s) for s in stored(info, slot, bodies)):
                out[slot] = fid
    return out


def stored(info: Info, slot: str, bodies: Bodies) -> list[list[str]]:
    """For each store of a function to a slot the sources of what is stored; [] where one is not known."""
    fn = bodies.body(info)
    out: list[list[str]] = []
    for block in fn.blocks if fn is not None else ():
        for s in block.statements:
            if s[0] not in ("=", "call") or s[1] < 0:
                continue
            place = fn.exprs[s[1]]
            while place[0] == "i":
                place = fn.exprs[place[1]]
            if place[0] != "m" or f"{place[2]}.{place[3]}" != slot:
                continue
            constant = s[0] == "=" and fn.exprs[s[2]][0] == "c"
            out.append(["0"] if constant else sources_of(fn, s[2]) if s[0] == "=" else [])
    return out


def known(program: Program, slot: str, sources: list[str]) -> bool:
    """Whether functions are known of all sources of one store."""
    return bool(sources) and all(
        s == slot or bool(program.targets(s)) if "." in s or "#" in s else True for s in sources
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("--slots", type=int, default=10, help="how many slots to list by calls and by targets")
    args = parser.parse_args()
    with Store.open(args.store, readonly=True) as store:
        keys = store.keys("program")
        program = next((found for key in reversed(keys) if (found := read(store, key)) is not None), None)
        if program is None:
            print("no linked program in this store: run `kqual scan` first", file=sys.stderr)
            return 2
        missing = unseen(program, Bodies(lambda key: store.get("unit", key)))
    sites: collections.Counter[str] = collections.Counter()
    target: collections.Counter[str] = collections.Counter()
    seen: collections.Counter[str] = collections.Counter()
    calls: collections.Counter[str] = collections.Counter()
    for info in program.functions.values():
        top = info.index.file.split("/", 1)[0]
        for slot, _ in info.index.slots:
            found = slot.startswith("&") or bool(program.slots.get(slot))
            sites[top] += 1
            calls[slot] += 1
            target[top] += found
            seen[top] += found and slot not in missing
    print(f"{'':12} {'calls':>7} {'a target':>9}        {'all assignments seen':>20}")
    for top in sorted(sites):
        row(top, sites[top], target[top], seen[top])
    chosen = [d for d in DIRECTORIES if d in sites]
    row("these", sum(sites[d] for d in chosen), sum(target[d] for d in chosen), sum(seen[d] for d in chosen))
    print(f"these: {' '.join(chosen)}; slots with an assignment not seen: {len(missing)}")
    fan = sorted(((len({t.fid for t in program.targets(s)}), n, s) for s, n in calls.items()), reverse=True)
    print("widest slots (functions, calls): " + ", ".join(f"{s} ({f}, {n})" for f, n, s in fan[: args.slots]))
    print("most called (calls, functions): " + ", ".join(f"{s} ({n}, {len({t.fid for t in program.targets(s)})})" for s, n in calls.most_common(args.slots)))
    return 0


def row(name: str, sites: int, target: int, seen: int) -> None:
    """One line of the table."""
    print(f"{name:12} {sites:7} {target:9} {target / sites:6.1%} {seen:13} {seen / sites:6.1%}")


if __name__ == "__main__":
    sys.exit(main())
