"""Why obligations are unknown, and what warnings say: the largest causes of each, and both by service, from a stored scan.

usage: python benchmarks/causes.py STORE SCAN.json [--most N]

STORE is the store of the scan whose JSON document is SCAN.json.  An obligation is unknown where the operation is open
and no door whose subject the rule speaks of is known to reach it; the cause is what does reach it.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
from pathlib import Path

import lattices.pack
from verifier.cli.facts import obligations
from verifier.errors import KqualError
from verifier.program.analyse import Analysis
from verifier.program.report import Obligation
from verifier.program.scanned import kept, restore
from verifier.store import Store

OTHER = "(no rule: siblings and shapes)"


def cause(found: Analysis, fids: dict[tuple[str, str], str], obligation: Obligation) -> str:
    """What is known of the ways to an operation that was not decided."""
    fid = fids[(obligation.file, obligation.function)]
    result = found.results.get(fid)
    if result is not None and result.cut:
        return f"the analysis was cut off: {result.cut}"
    other = found.doors.other.get(fid)
    if other is not None:
        return f"only doors of the subject {found.doors.entries[other[0]].subject} reach it, of which the rule says nothing"
    if found.program.callers.get(fid) or found.program.slots_of(fid):
        return "no door is known to reach its callers"
    return "no caller is known: its address is handed on"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("scan", type=Path)
    parser.add_argument("--most", type=int, default=10)
    args = parser.parse_args()
    with Store.open(args.store, readonly=True) as store:
        last, shown = kept(store), obligations(store)
        if last is None or shown is None:
            print("no finished scan in this store: run `kqual scan` first", file=sys.stderr)
            return 2
        try:
            pack = lattices.pack.load(version=last.version or "6.12")
            found = restore(last, store, pack, "")
        except KqualError as e:
            print(e, file=sys.stderr)
            return 2
        fids = {(info.index.file, info.index.name): fid for fid, info in sorted(found.program.functions.items())}
        unknown: dict[str, list[str]] = {}
        for o in shown:
            if o.verdict == "unknown":
                unknown.setdefault(cause(found, fids, o), []).append(f"{o.function} ({o.rule})")
    table("unknown obligations", unknown, args.most)
    warnings: dict[str, list[str]] = {}
    findings = json.loads(args.scan.read_text(encoding="utf-8"))["findings"]
    for finding in findings:
        if finding["tier"] == "warning":
            what = finding["rule"] + ": " + ", ".join(finding["requires"])
            warnings.setdefault(what, []).append(finding["function"])
    table("warnings", warnings, args.most)
    services = {rule.id: pack.services[rule.service] for rule in pack.rules}
    rows = [(services.get(o.rule, OTHER), o.verdict) for o in shown]
    rows += [(services.get(f["rule"], OTHER), f["tier"]) for f in findings]
    counted = collections.Counter(rows)
    columns = ("mediated", "unmediated", "unknown", "error", "warning")
    print("by service: " + ", ".join(columns))
    for service in sorted({service for service, _ in rows}):
        print(f"{service}: " + ", ".join(str(counted[service, column]) for column in columns))
    return 0


def table(title: str, groups: dict[str, list[str]], most: int) -> None:
    """The largest groups with their members, and how many are in the rest."""
    sizes = collections.Counter({name: len(members) for name, members in groups.items()})
    print(f"{title}: {sum(sizes.values())}, {len(groups)} causes")
    for name, n in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:most]:
        print(f"{n:5}  {name}: {', '.join(sorted(groups[name])[:5])}{' ...' if n > 5 else ''}")


if __name__ == "__main__":
    sys.exit(main())
