"""Recall on real bugs: each entry has a release of the kernel with the bug and one without; both are scanned.

usage: python benchmarks/real_bugs.py BUGS.json TREES [--work DIR] [--jobs N] [--only ID,...] [--table FILE]

BUGS.json is a list of entries: `id`, `file`, `function`, `missing_or_wrong`, `cls`, `buggy` and `fixed` (package versions).
TREES is a folder with a source tree for each release, as `linux-6.1.176` for 6.1.176-1.  An entry is found when a finding
of tier error or warning in its file, in the function that it names or with it among the last five steps of the path, is
reported on the release with the bug and not on the one without.  Trees are scanned with a scope: the folders and files in
`SCOPES` hold the code of the bugs and the ways from user space to it.  Prints a line for each entry and the figures;
`--table` writes docs/real-bugs.md.  Exit 0 when as many entries are found as `--least` asks for (default 14).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

NETLINK = ["net/netlink", "net/socket.c", "net/core/rtnetlink.c", "net/core/dev_ioctl.c", "fs/ioctl.c"]
SCOPES = {
    "drivers/net/ppp/": ["drivers/net/ppp/ppp_generic.c", "fs/ioctl.c"],
    "drivers/net/vxlan/": ["drivers/net/vxlan", *NETLINK],
    "fs/crypto/": ["fs/crypto", "fs/ext4/ioctl.c", "fs/ext4/file.c", "fs/ext4/dir.c", "fs/ioctl.c"],
    "fs/ntfs3/": ["fs/ntfs3", "fs/xattr.c"],
    "fs/overlayfs/": ["fs/overlayfs", "fs/read_write.c"],
    "fs/pidfs.c": ["fs/pidfs.c", "fs/ioctl.c"],
    "fs/proc/": ["fs/proc", "fs/stat.c", "fs/namei.c", "fs/open.c", "fs/read_write.c", "fs/readdir.c", "fs/seq_file.c"],
    "fs/smb/client/": ["fs/smb/client/netlink.c", "fs/smb/client/cifs_swn.c", *NETLINK],
    "fs/smb/server/": ["fs/smb/server"],
    "mm/": ["mm/madvise.c", "mm/mincore.c", "mm/util.c"],
    "net/core/": ["net/core/sock.c", "net/core/filter.c", "net/socket.c"],
    "net/ieee802154/": ["net/ieee802154", *NETLINK],
    "net/ipv4/": ["net/ipv4/ip_gre.c", "net/ipv4/ip_tunnel.c", "net/ipv4/ipip.c", "net/ipv4/ip_vti.c", *NETLINK],
    "net/ipv6/": ["net/ipv6/ip6_vti.c", "net/ipv6/sit.c", "net/ipv6/ip6_tunnel.c", "net/ipv6/ip6_gre.c", *NETLINK],
    "security/apparmor/": ["security/apparmor", "security/security.c", "net/socket.c"],
}
TITLE = "# Real bugs of 2026, before and after their fixes"


def release(package: str) -> str:
    """6.1.176 for the package version 6.1.176-1."""
    return re.split(r"[-~]", package)[0]


def scope_of(file: str) -> list[str]:
    """What has to be parsed for the bug in a file."""
    return next((scope for prefix, scope in SCOPES.items() if file.startswith(prefix)), [str(Path(file).parent)])


def scan(tree: Path, scope: list[str], work: Path, jobs: int) -> dict:
    """The document of a scan of some folders of a tree."""
    out = work / f"{tree.name}.json"
    log = work / f"{tree.name}.log"
    command = [sys.executable, "-m", "verifier.cli.main", "scan", str(tree), "--build", str(work / f"build-{tree.name}"),
               "--store", str(work / f"{tree.name}.sqlite"), "-j", str(jobs), "--format", "json", "-o", str(out)]  # fmt: skip
    for part in scope:
        command += ["--scope", part]
    with log.open("w") as handle:
        status = subprocess.run(command, stdout=handle, stderr=handle, check=False).returncode
    if status not in (0, 1):
        raise SystemExit(f"the scan of {tree} ended with {status}; see {log}")
    return json.loads(out.read_text())


def about(finding: dict, entry: dict) -> bool:
    """Whether a finding tells of an entry's place."""
    if finding["tier"] == "note":
        return False
    steps = [(finding["file"], finding["function"]), *((s["file"], s["function"]) for s in finding["path"][-5:])]
    if entry["function"].startswith("("):
        return any(file.rpartition("/")[0] == entry["file"].rpartition("/")[0] for file, _ in steps)
    return any(function == entry["function"] for _, function in steps) or (
        # a fix that moved the operation into another function of the file
        finding["file"] == entry["file"] and entry["function"] in {step["function"] for step in finding["path"]}
    )


def mark(finding: dict) -> tuple:
    """What makes a finding the same one in two releases: neither line nor wording."""
    return (finding["kind"], finding["rule"], finding["operation"], finding["function"])


def judge(entry: dict, documents: dict[str, dict]) -> list[dict]:
    """The findings that an entry's release with the bug has and the one without has not."""
    after = {mark(f) for f in documents[release(entry["fixed"])]["findings"]}
    before = documents[release(entry["buggy"])]["findings"]
    return [f for f in before if about(f, entry) and mark(f) not in after]


def named(finding: dict, entry: dict) -> bool:
    """Whether a finding asks for the check that the fix added."""
    words = set(re.findall(r"\w+", entry["missing_or_wrong"]))
    return any(check in words or check.removeprefix("inode_") in entry["missing_or_wrong"] for check in finding["requires"])


def row(entry: dict, found: list[dict], misses: dict[str, str]) -> str:
    """One line of the table."""
    if found:
        best = min(found, key=lambda f: (not named(f, entry), f["tier"] != "error", f["rule"]))
        verdict = f"`{best['kind']}` ({best['tier']}) in `{best['function']}`: {', '.join(f'`{c}`' for c in best['requires'])}"
    else:
        verdict = "missed: " + misses.get(entry["id"], "not looked into")
    where = entry["file"] if entry["function"].startswith("(") else f"{entry['function']}, {entry['file']}"
    return (
        f"| {entry['id']} {entry['cve'] if entry['cve'] != '-' else ''} | {entry['summary']} (`{where}`) "
        f"| {release(entry['buggy'])}, {release(entry['fixed'])} | {verdict} |"
    )


def main() -> int:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bugs", type=Path)
    parser.add_argument("trees", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/real-bugs"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--causes", type=Path, default=Path(__file__).with_name("real_bugs_missed.json"))
    parser.add_argument("--least", type=int, default=14)
    args = parser.parse_args()
    entries = [e for e in json.loads(args.bugs.read_text()) if not args.only or e["id"] in args.only.split(",")]
    misses = json.loads(args.causes.read_text()) if args.causes.exists() else {}
    args.work.mkdir(parents=True, exist_ok=True)
    scopes: dict[str, dict[str, None]] = {}
    for entry in entries:
        for package in (entry["buggy"], entry["fixed"]):
            scopes.setdefault(release(package), {}).update(dict.fromkeys(scope_of(entry["file"])))
    documents = {}
    for version, scope in sorted(scopes.items()):
        documents[version] = scan(args.trees / f"linux-{version}", list(scope), args.work, args.jobs)
        print(f"scanned {version}: {documents[version]['completeness']['units']['analysed']} units", flush=True)
    rows, classes, hits = [], set(), 0
    for entry in entries:
        found = judge(entry, documents)
        hits += bool(found)
        classes |= {entry["cls"]} if found else set()
        rows.append(row(entry, found, misses))
        found = sorted(found, key=lambda f: (not named(f, entry), f["tier"] != "error", f["rule"]))
        said = "; ".join(f"{f['tier']} {f['kind']} {f['rule']} {f['function']} {'+' if named(f, entry) else '-'}" for f in found[:4])
        print(f"{'hit ' if found else 'MISS'} {entry['id']} {entry['cls']}: {said}", flush=True)
    every = {e["cls"] for e in entries}
    figures = f"{hits} of {len(entries)} entries, {len(classes)} of {len(every)} classes"
    print(figures)
    if args.table:
        args.table.write_text(page(figures, rows, documents))
    return int(hits < args.least)


def page(figures: str, rows: list[str], documents: dict[str, dict]) -> str:
    """The text of docs/real-bugs.md."""
    units = ", ".join(f"{v}: {d['completeness']['units']['analysed']}" for v, d in sorted(documents.items()))
    text = (
        f"Found: **{figures}**. Made by `python benchmarks/real_bugs.py BUGS.json TREES --table docs/real-bugs.md`; the\n"
        "entries are bugs fixed in the stable series in 2026, with a Debian release that has each and one that does not. An\n"
        "entry counts when a finding (error or warning) that names its function is reported on the first and not on the\n"
        "second. The scans have a scope: the folders of the bugs and the ways from system calls to them, not whole trees\n"
        f"(units: {units})."
    )
    lines = [TITLE, "", text, "", "| bug | what | releases | verdict |", "| --- | --- | --- | --- |", *rows, ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
