"""The gate on real changes: what lies between two releases, file by file, against one stored scan.

usage: python benchmarks/gate_replay.py OLDER NEWER STORE --build DIR [--store-of older|newer] [--most N] [--units N]
       [--readings FILE] [--json FILE] [--seconds N] [--write FILE] [--only FILE]...

STORE is the stored scan of OLDER, or with `--store-of newer` that of NEWER; then a change is gated as `--base` does it,
from the older contents of its files to what the tree has.  Changes are made by benchmarks/changes.py; those that more
than `--units` units contain are left out and counted.  With `--only` just these files are gated, each by itself.

Changes that an earlier run left in the file of `--json` are not gated again: the page can be made after the findings
were read, and with `--seconds` a run ends after so many CPU seconds and the next one goes on.

READINGS (TOML) says for each fingerprint what the source says: `true`, with the reason.  `--write` writes the page.
Exit 0 when at most three findings of tier error are false or not read.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

import msgspec
from changes import differing, release_of, spread, together, units_of
from ground import Ground, Texts, encoded, opened, stopwatch

from verifier.findings import Finding
from verifier.gate.overlay import Overlay
from verifier.gate.run import compare
from verifier.gate.variant import make_variant

MOST_FALSE = 3


class Change(msgspec.Struct):
    """Files that changed together, and what the gate said: findings, and of how many units it read how many in full."""

    files: list[str]
    units: int
    seconds: float = 0.0
    read: int = 0
    in_full: int = 0
    findings: list[Finding] = []
    fixed: list[Finding] = []

    @property
    def name(self) -> str:
        return self.files[0] if len(self.files) == 1 else f"{self.files[0]} and {len(self.files) - 1} more"


class Run(msgspec.Struct):
    """What runs leave in `--json`: the changes that were gated, and how many were left out."""

    changes: list[Change]
    left_out: int


def chosen(changes: list[Change], most: int) -> list[Change]:
    """`most` changes, a fifth of them in drivers, evenly spread over the files."""
    drivers = [c for c in changes if c.files[0].startswith(("drivers/", "sound/"))]
    core = spread([c for c in changes if c not in drivers], most - most // 5)
    return core + spread(drivers, most - len(core))


def gate(ground: Ground, change: Change, texts: Texts, newer: bool, jobs: int) -> None:
    """Gate a change, and enter what came of it."""
    took = stopwatch()
    overlay = Overlay()
    overlay.files = {name: encoded(texts[name][0 if newer else 1]) for name in change.files}
    other = make_variant(ground.tree, ground.base, overlay, jobs)
    document = compare(other, ground.clean) if newer else compare(ground.clean, other)
    units = document.completeness.change
    change.read, change.in_full = units.total, units.analysed
    change.findings, change.fixed, change.seconds = document.findings, document.fixed or [], took()


def told(change: Change) -> str:
    """What the gate said of a change, as lines of the log."""
    short = f", {change.read - change.in_full} not in full" if change.read != change.in_full else ""
    lines = [
        f"\n    {word} {f.tier} {f.kind} {f.rule} {f.function} {f.file}:{f.line} {f.fingerprint}"
        for word, found in (("NEW", change.findings), ("FIXED", change.fixed)) for f in found
    ]  # fmt: skip
    return f"{change.name}: {change.read} units{short}, {change.seconds:.1f} s{''.join(lines)}"


def run_of(args: argparse.Namespace) -> Run:
    """Gate the changes between both trees that were not gated yet."""
    before = msgspec.json.decode(args.json.read_bytes(), type=Run) if args.json and args.json.exists() else Run([], 0)
    if len(before.changes) >= args.most:
        return before
    done = {tuple(change.files): change for change in before.changes}
    newer = args.store_of == "newer"
    with opened(args.newer if newer else args.older, args.store, args.build, args.jobs) as ground:
        records = ground.base.records
        changed, single = differing(args.older, args.newer, {d for r in records for d in r.dependencies if d.endswith((".c", ".h"))})
        made = units_of(records, changed)
        groups = [[f] for f in args.only if f in changed] if args.only else together(changed, made)
        changes = [Change(files, len(set().union(*(made.get(f, ()) for f in files)))) for files in groups]
        small = [c for c in changes if c.units <= args.units]
        print(f"{len(changed)} files differ, {single} are in one tree only; {len(changes)} changes, {len(small)} small enough", flush=True)
        todo = small if args.only else chosen(small, args.most)
        took = stopwatch()
        for n, change in enumerate(todo, 1):
            if tuple(change.files) not in done and took() < args.seconds:
                gate(ground, change, changed, newer, args.jobs)
                done[tuple(change.files)] = change
                print(f"{n}/{len(todo)} {told(change)}", flush=True)
        return Run([done[tuple(c.files)] for c in todo if tuple(c.files) in done], len(changes) - len(small))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("older", type=Path)
    parser.add_argument("newer", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--build", required=True)
    parser.add_argument("--store-of", choices=("older", "newer"), default="older")
    parser.add_argument("--most", type=int, default=160)
    parser.add_argument("--units", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--readings", type=Path, default=Path(__file__).with_name("gate_replay.toml"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--write", type=Path)
    parser.add_argument("--only", action="append", default=[], metavar="FILE")
    args = parser.parse_args()
    readings = tomllib.loads(args.readings.read_text()) if args.readings.exists() else {}
    run = run_of(args)
    if args.json:
        args.json.write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    text, bad = page([release_of(p) for p in (args.older, args.newer)], run, readings, args.store_of == "newer")
    if args.write:
        args.write.write_text(text)
    print(text if not args.write else f"{bad} errors that are false or not read")
    return int(bad > MOST_FALSE)


def page(versions: list[str], run: Run, readings: dict, newer: bool) -> tuple[str, int]:
    """docs/gate-replay.md, and how many findings of tier error are false or were not read."""
    changes = run.changes
    found = [(c, f) for c in changes for f in c.findings]
    fixed = [(c, f) for c in changes for f in c.fixed]
    short = [c for c in changes if c.read != c.in_full]
    errors = [(c, f) for c, f in found if f.tier == "error"]
    bad = [f for _, f in errors if not readings.get(f.fingerprint, {}).get("true", False)]
    how = "from the older contents of its files to the newer ones, in the newer tree" if newer else "as a patch against the older tree"
    out = [
        "# The gate on real changes", "",
        f"What lies between Linux {versions[0]} and {versions[1]} (Debian's source packages), {len(changes)} changes, each gated",
        f"by itself {how}, against one stored scan. Made by `benchmarks/gate_replay.py`;",
        "what each finding is was read in the source (`benchmarks/gate_replay.toml`).", "",
        "| what | |", "| --- | ---: |",
        f"| changes gated | {len(changes)} |",
        f"| files changed by them | {sum(len(c.files) for c in changes)} |",
        f"| left out: more units contain them than `--units` | {run.left_out} |",
        f"| units read again | {sum(c.read for c in changes)} |",
        f"| changes with a unit that could not be read in full | {len(short)} |",
        f"| findings of tier error | {len(errors)} |",
        f"| of these false | {len(bad)} |",
        f"| findings of other tiers | {len(found) - len(errors)} |",
        f"| fixed, as the gate says | {len(fixed)} |",
        f"| CPU seconds, all | {sum(c.seconds for c in changes):.0f} |", "",
    ]  # fmt: skip
    for title, rows in (("Findings", found), ("Fixed", fixed)):
        out += [f"## {title}", ""]
        if not rows:
            out += ["None.", ""]
            continue
        out += ["| change | rule | kind | function | true | reading |", "| --- | --- | --- | --- | --- | --- |"]
        for change, f in rows:
            reading = readings.get(f.fingerprint, {})
            word = {True: "yes", False: "no"}.get(reading.get("true"), "not read")
            out.append(f"| {change.name} | {f.rule} ({f.tier}) | {f.kind} | {f.function} | {word} | {reading.get('why', '')} |")
        out.append("")
    out += ["## All changes", ""] + [f"- {', '.join(f'`{name}`' for name in c.files)}" for c in changes] + [""]
    return "\n".join(out), len(bad)


if __name__ == "__main__":
    sys.exit(main())
