"""The gate on real changes: what lies between two releases, file by file, against one stored scan.

usage: python benchmarks/gate_replay.py OLDER NEWER STORE --build DIR [--store-of older|newer] [--most N] [--units N]
       [--readings FILE] [--json FILE] [--again] [--write FILE] [--time N]

STORE is the stored scan of OLDER, or with `--store-of newer` that of NEWER; then a change is gated as `--base` does it,
from the older contents of its files to what the tree has.  A change is one .c file with the changed headers whose new or
vanished names it mentions, together with other files of its folder that need the same ones; or a header alone.  Changes
that more than `--units` units contain are left out and counted.  `--time N` times the command `kqual gate` on N one-file
changes below fs/ and net/, beside the compiler with the commands of Kbuild on the same files.

`--again` takes the changes that an earlier run left in the file of `--json` instead of gating them, so that the page can
be made after the findings were read.

READINGS (TOML) says for each fingerprint what the source says: `true`, with the reason.  `--write` writes the page.
Exit 0 when at most three findings of tier error are false or not read.
"""

from __future__ import annotations

import argparse
import difflib
import re
import statistics
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import msgspec

from lattices import pack as packs
from verifier.findings import Document
from verifier.frontend.seen import including
from verifier.gate.overlay import Overlay
from verifier.gate.run import compare
from verifier.gate.variant import make_variant
from verifier.program.analyse import Analysis, analysis
from verifier.store import Store
from verifier.tree import Tree, open_tree

WORD = re.compile(r"[A-Za-z_]\w*")
MOST_TOGETHER = 8  # files of one change
MOST_FALSE = 3
Texts = tuple[bytes, bytes]


class Change(msgspec.Struct):
    """Files that changed together, how many units contain one of them, and what the gate said."""

    files: list[str]
    units: int
    seconds: float = 0.0
    read: int = 0
    document: Document | None = None

    @property
    def name(self) -> str:
        return self.files[0] if len(self.files) == 1 else f"{self.files[0]} and {len(self.files) - 1} more"


class Run(msgspec.Struct):
    """What a run leaves in `--json`: the changes, how many were left out, the CPU seconds, and the times."""

    changes: list[Change]
    left_out: int
    spent: float
    times: list[tuple[str, float, float]]


def cpu() -> float:
    """CPU seconds of this process and its children so far."""
    return sum(getrusage(who).ru_utime + getrusage(who).ru_stime for who in (RUSAGE_SELF, RUSAGE_CHILDREN))


def differing(older: Path, newer: Path, names: set[str]) -> tuple[dict[str, Texts], int]:
    """Both texts of the files that differ; and how many stand in one of the trees only."""
    out: dict[str, Texts] = {}
    single = 0
    for name in sorted(names):
        one, two = older / name, newer / name
        if not one.is_file() or not two.is_file():
            single += one.is_file() != two.is_file()
        elif one.stat().st_size != two.stat().st_size or one.read_bytes() != two.read_bytes():
            out[name] = one.read_bytes(), two.read_bytes()
    return out, single


def words(text: bytes) -> set[str]:
    return set(WORD.findall(text.decode("utf-8", "replace")))


def together(changed: dict[str, Texts], made_from: dict[str, set[str]]) -> list[list[str]]:
    """The changed files in groups.  `made_from` gives for a file the units (by file name) that contain it."""
    fresh = {name: words(old) ^ words(new) for name, (old, new) in changed.items() if name.endswith(".h")}
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    used: set[str] = set()
    for name, (old, new) in changed.items():
        if name.endswith(".h"):
            continue
        own = words(old) ^ words(new) | words("\n".join(_changed_lines(old, new)).encode())
        needs = tuple(h for h in sorted(fresh) if own & fresh[h] and name in made_from.get(h, ()))
        used.update(needs)
        folder = name.rpartition("/")[0] if needs else name
        groups.setdefault((folder, needs), []).append(name)
    out = []
    for (_, needs), names in groups.items():
        parts = [names[i : i + MOST_TOGETHER] for i in range(0, len(names), MOST_TOGETHER)]
        out += [sorted(part) + list(needs) for part in parts]
    return sorted(out + [[h] for h in fresh if h not in used])


def _changed_lines(old: bytes, new: bytes) -> list[str]:
    lines = (text.decode("utf-8", "replace").splitlines() for text in (old, new))
    return [line[2:] for line in difflib.ndiff(*lines) if line[:1] in "+-"] if len(old) < 20_000 else []


def chosen(changes: list[Change], most: int) -> list[Change]:
    """`most` changes, a fifth of them in drivers, evenly spread over the files."""
    drivers = [c for c in changes if c.files[0].startswith(("drivers/", "sound/"))]
    core = spread([c for c in changes if c not in drivers], most - most // 5)
    return core + spread(drivers, most - len(core))


def spread(items: list, most: int) -> list:
    """`most` of the items, evenly spread."""
    return [items[i * len(items) // most] for i in range(most)] if len(items) > most else items


def gated(tree: Tree, base: Analysis, clean: object, texts: dict[str, Texts], newer: bool, jobs: int) -> tuple[Document, int]:
    """The gate's document of a change, and how many units it read."""
    overlay = Overlay()
    overlay.files = {name: text[0 if newer else 1] for name, text in texts.items()}
    other = make_variant(tree, base, overlay, jobs)
    document = compare(other, clean) if newer else compare(clean, other)
    return document, other.reading.total


def as_patch(texts: dict[str, Texts], backwards: bool) -> bytes:
    """A unified diff from the older to the newer texts, or back."""
    out: list[str] = []
    for name, pair in sorted(texts.items()):
        old, new = ([t.decode("utf-8", "surrogateescape") for t in p.splitlines(True)] for p in (reversed(pair) if backwards else pair))
        out += difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
    return "".join(out).encode("utf-8", "surrogateescape")


def timed(tree: Tree, args: argparse.Namespace, changes: list[Change], changed: dict[str, Texts]) -> list[tuple[str, float, float]]:
    """(file, CPU seconds of `kqual gate`, of the compiler) for one-file changes below fs/ and net/."""
    commands = {c.file: c for c in tree.commands}
    wanted = [c.files[0] for c in changes if len(c.files) == 1 and c.files[0].startswith(("fs/", "net/")) and c.files[0] in commands]
    wanted = spread(wanted, args.time)
    out = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in wanted:
            patch = Path(scratch, "change.patch")
            patch.write_bytes(as_patch({name: changed[name]}, args.store_of == "newer"))
            gate = ["gate", tree.root, "--build", args.build, "--store", str(args.store), "--patch", str(patch), "-q", "-j", "1"]
            start = cpu()
            subprocess.run([sys.executable, "-m", "verifier.cli.main", *gate, "--format", "json", "-o", f"{scratch}/out"], check=False)
            middle = cpu()
            command = commands[name]
            arguments = [a for a in command.arguments if not a.startswith("-Wp,-MMD")]
            arguments[arguments.index("-o") + 1] = f"{scratch}/out.o"
            subprocess.run(arguments, cwd=command.directory, check=True, capture_output=True)
            end = cpu()
            out.append((name, middle - start, end - middle))
            print(f"{name}: gate {middle - start:.2f} s, compiler {end - middle:.2f} s, ratio {(middle - start) / (end - middle):.2f}", flush=True)
    return out


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
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--time", type=int, default=0)
    args = parser.parse_args()
    newer = args.store_of == "newer"
    tree = open_tree(str(args.newer if newer else args.older), build=args.build)
    versions = [open_version(p) for p in (args.older, args.newer)]
    pack = packs.load(version=tree.version)
    readings = tomllib.loads(args.readings.read_text()) if args.readings.exists() else {}
    with Store.open(args.store) as store:
        base = analysis(tree, store, pack, args.jobs)
        clean = make_variant(tree, base, Overlay())
        names = {d for r in base.records for d in r.dependencies if d.endswith((".c", ".h"))}
        changed, single = differing(args.older, args.newer, names)
        made = {name: {r.file for r in records} for name, records in including(base.records, set(changed)).items()}
        changes = [Change(files, len(set().union(*(made.get(f, ()) for f in files)))) for files in together(changed, made)]
        small = [c for c in changes if c.units <= args.units]
        print(f"{len(changed)} files differ, {single} are in one tree only; {len(changes)} changes, {len(small)} small enough", flush=True)
        todo = chosen(small, args.most) if not args.again else []
        start = cpu()
        for n, change in enumerate(todo, 1):
            begin = cpu()
            change.document, change.read = gated(tree, base, clean, {f: changed[f] for f in change.files}, newer, args.jobs)
            change.seconds = cpu() - begin
            told = "".join(
                f"\n    {word} {f.tier} {f.kind} {f.rule} {f.function} {f.file}:{f.line} {f.fingerprint}"
                for word, found in (("NEW", change.document.findings), ("FIXED", change.document.fixed or [])) for f in found
            )  # fmt: skip
            units = change.document.completeness.change
            short = f", {units.total - units.analysed} not in full" if units.total != units.analysed else ""
            print(f"{n}/{len(todo)} {change.name}: {change.read} units{short}, {change.seconds:.1f} s{told}", flush=True)
        spent = cpu() - start
    run = Run(todo, len(changes) - len(small), spent, [])
    if args.again:
        run = msgspec.json.decode(args.json.read_bytes(), type=Run)
    if args.time:
        run.times = timed(tree, args, small, changed)
    if args.json:
        args.json.write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    text, bad = page(versions, run.changes, readings, run.left_out, newer, run.spent, run.times)
    if args.write:
        args.write.write_text(text)
    print(text if not args.write else f"{bad} errors that are false or not read")
    return int(bad > MOST_FALSE)


def open_version(root: Path) -> str:
    """The version that a tree's top Makefile says."""
    parts = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL) *= *(\d+)", (root / "Makefile").read_text(), re.MULTILINE))
    return f"{parts['VERSION']}.{parts['PATCHLEVEL']}.{parts['SUBLEVEL']}"


def page(
    versions: list[str], changes: list[Change], readings: dict, left_out: int, newer: bool, spent: float,
    times: list[tuple[str, float, float]],
) -> tuple[str, int]:  # fmt: skip
    """docs/gate-replay.md, and how many findings of tier error are false or were not read."""
    found = [(c, f) for c in changes if c.document for f in c.document.findings]
    fixed = [(c, f) for c in changes if c.document for f in c.document.fixed or []]
    short = [c for c in changes if c.document.completeness.change.total != c.document.completeness.change.analysed]
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
        f"| left out: more units contain them than `--units` | {left_out} |",
        f"| units read again | {sum(c.read for c in changes)} |",
        f"| changes with a unit that could not be read in full | {len(short)} |",
        f"| findings of tier error | {len(errors)} |",
        f"| of these false | {len(bad)} |",
        f"| findings of other tiers | {len(found) - len(errors)} |",
        f"| fixed, as the gate says | {len(fixed)} |",
        f"| CPU seconds, all | {spent:.0f} |", "",
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
    if times:
        ratios = [gate / gcc for _, gate, gcc in times]
        out += [
            "## Beside the compiler", "",
            f"The command `kqual gate --patch` on {len(times)} of the one-file changes below `fs/` and `net/`, and gcc -O2 with Kbuild's own",
            "command on the same file, CPU seconds (user and system, with all children) of the same run.", "",
            "| | median | largest |", "| --- | ---: | ---: |",
            f"| gate | {statistics.median(g for _, g, _ in times):.1f} | {max(g for _, g, _ in times):.1f} |",
            f"| gcc | {statistics.median(c for _, _, c in times):.1f} | {max(c for _, _, c in times):.1f} |",
            f"| ratio | {statistics.median(ratios):.2f} | {max(ratios):.2f} |", "",
        ]  # fmt: skip
    out += ["## All changes", ""] + [f"- {', '.join(f'`{name}`' for name in c.files)}" for c in changes] + [""]
    return "\n".join(out), len(bad)


if __name__ == "__main__":
    sys.exit(main())
