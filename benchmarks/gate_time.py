"""The gate beside the compiler: the CPU seconds of `kqual gate` on real changes, and of gcc -O2 on the files they touch.

usage: python benchmarks/gate_time.py OLDER NEWER STORE --build DIR [--most N] [--first N] [--below DIR]... [--json FILE]

STORE is the stored scan of NEWER with its build directory; a change is gated as the patch that takes it back.  Changes
are taken from what lies between both releases below fs/ and net/, one file or one commit-sized group each, evenly
spread.  The compiler runs Kbuild's own commands.  Both are counted with all of their children, one after the other on
the same machine.  Prints a line for each change and the medians; exit 0 when the median ratio is at most 3.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from changes import differing, spread, together, units_of
from ground import stopwatch, unified

from verifier.frontend.extract import extract
from verifier.store import Store
from verifier.tree import Tree, open_tree
from verifier.tree.commands import of_files

MOST_RATIO = 3.0


class Time(NamedTuple):
    """The files of a change, and CPU seconds of both."""

    files: list[str]
    gate: float
    compiler: float

    @property
    def ratio(self) -> float:
        return self.gate / self.compiler


def compiled(tree: Tree, files: list[str], scratch: str) -> float:
    """CPU seconds of the compiler on the sources among some files."""
    took = stopwatch()
    for commands in of_files(tree.commands, set(files)).values():
        arguments = [a for a in commands[0].arguments if not a.startswith("-Wp,-MMD")]
        arguments[arguments.index("-o") + 1] = f"{scratch}/out.o"
        subprocess.run(arguments, cwd=commands[0].directory, check=True, capture_output=True)
    return took()


def gated(tree: Tree, store: Path, build: str, patch: bytes, scratch: str) -> float:
    """CPU seconds of the command `kqual gate`."""
    file = Path(scratch, "change.patch")
    file.write_bytes(patch)
    options = ["--build", build, "--store", str(store), "--patch", str(file), "-q", "-j", "1", "--format", "json", "-o", f"{scratch}/out"]
    took = stopwatch()
    command = [sys.executable, "-m", "verifier.cli.main", "gate", tree.root, *options]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # as it is installed
    done = subprocess.run(command, env=environment, check=False, capture_output=True)
    if done.returncode == 2:
        raise SystemExit(done.stderr.decode())
    return took()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("older", type=Path)
    parser.add_argument("newer", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--build", required=True)
    parser.add_argument("--most", type=int, default=30)
    parser.add_argument("--first", type=int, default=0, help="Changes to pass over, of --most.")
    parser.add_argument("--below", action="append", metavar="DIR")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    below = tuple(args.below or ("fs/", "net/"))
    tree = open_tree(str(args.newer), build=args.build)
    with Store.open(args.store) as store:
        records = extract(tree, store, 1)
    changed, _ = differing(args.older, args.newer, {d for r in records for d in r.dependencies if d.startswith(below)})
    groups = together(changed, units_of(records, changed))
    known = of_files(tree.commands, set(changed))
    wanted = [files for files in groups if any(file in known for file in files) and all(f in known or f.endswith(".h") for f in files)]
    times: list[Time] = []
    with tempfile.TemporaryDirectory() as scratch:
        for files in spread(wanted, args.most)[args.first :]:
            texts = {name: (changed[name][1], changed[name][0]) for name in files}
            time = Time(files, gated(tree, args.store, args.build, unified(texts), scratch), compiled(tree, files, scratch))
            times.append(time)
            print(f"{', '.join(files)}: gate {time.gate:.2f} s, compiler {time.compiler:.2f} s, ratio {time.ratio:.2f}", flush=True)
    if args.json:
        args.json.write_text(json.dumps([time._asdict() for time in times], indent=1) + os.linesep)
    for title, values in (("gate", [t.gate for t in times]), ("compiler", [t.compiler for t in times]), ("ratio", [t.ratio for t in times])):
        print(f"{title}: median {statistics.median(values):.2f}, largest {max(values):.2f} ({len(values)} changes)")
    return int(statistics.median(t.ratio for t in times) > MOST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
