"""CPU of a cold scan, and of a warm one, as a ratio to sparse and to clang -fsyntax-only over the same files.

usage: python benchmarks/cost.py TREE BUILD [--every N] [--jobs N] [--clang]

The peers run over every N-th translation unit of the compile database and their CPU is scaled to the whole; with
`--every 1` nothing is scaled.  All are measured in the same run, user plus system time of all child processes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from verifier.frontend.flags import understood
from verifier.tree import open_tree


def cpu_of(command: list[str], cwd: str | None = None) -> tuple[float, int]:
    """CPU seconds (user + system, children included) of a command, and its exit status."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.returncode


def sparse_command(arguments: list[str]) -> list[str]:
    """The sparse command of a compile command: gcc's own arguments without output and dependency files."""
    out = ["sparse"]
    skip = False
    for a in arguments[1:]:
        if skip:
            skip = False
        elif a == "-o":
            skip = True
        elif a == "-c" or a.startswith(("-Wp,-MMD", "-MD")):
            continue
        else:
            out.append(a)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree")
    parser.add_argument("build")
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--clang", action="store_true")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the store and the result in this empty folder")
    args = parser.parse_args()
    tree = open_tree(args.tree, build=args.build)
    commands = tree.commands
    sample = commands[:: args.every]
    scale = len(commands) / len(sample)

    def peer(make) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)

        def one(command) -> None:
            subprocess.run(
                make(command), cwd=command.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
            )

        with ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(one, sample))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * scale

    with contextlib.ExitStack() as stack:
        folder = args.keep or stack.enter_context(tempfile.TemporaryDirectory())
        store = os.path.join(folder, "store.sqlite")
        scan = ["kqual", "scan", args.tree, "--build", args.build, "--store", store, "-j", str(args.jobs)]
        result = os.path.join(folder, "result.json")
        cold, status = cpu_of([*scan, "--format", "json", "-o", result])
        warm, _ = cpu_of([*scan, "--format", "json", "-o", result])
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        document = json.loads(Path(result).read_text())
    sparse = peer(lambda c: sparse_command(c.arguments))
    print(f"units {len(commands)}, peers over {len(sample)} of them, jobs {args.jobs}, exit status {status}")
    print(f"cold scan   {cold:8.1f} CPU s")
    print(f"warm scan   {warm:8.1f} CPU s   {warm / cold:.3f} of cold")
    print(f"sparse      {sparse:8.1f} CPU s   cold/sparse {cold / sparse:.2f}")
    if args.clang:
        clang = peer(lambda c: ["clang", "-fsyntax-only", "-w", *understood(c.arguments, c.directory).plain(), c.arguments[-1]])
        print(f"clang       {clang:8.1f} CPU s   cold/clang {cold / clang:.2f}")
    print(f"largest process {peak:.0f} MiB")
    print(json.dumps({k: v for k, v in document["completeness"].items() if k != "ledger" and k != "calls"})[:600])
    return 0


if __name__ == "__main__":
    sys.exit(main())
