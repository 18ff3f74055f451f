"""Time and size of an HTML report of 5,000 made-up findings over 3,000 files.

    python benchmarks/report_size.py [FINDINGS] [FILES] [FOLDER]

Prints seconds of processor time, the size of the index with its data, and the size of the folder.  The budget: 60 s
on one processor, an index below 1 MB, a folder below 150 MB.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from reports.html import write
from verifier.findings import Calls, Completeness, Finding, Obligations, Sibling, Step, Units, make_document

KINDS = ("missing-check", "wrong-object", "refetch", "weaker-check")
FUNCTIONS = 25  # in a file
LINES = 40  # of a function


def text_of(file: str) -> str:
    """A file of about a thousand lines, in the shape of the kernel's."""
    out = ["// SPDX-License-Identifier: MIT", "#include <linux/fs.h>", ""]
    stem = file.rpartition("/")[2].removesuffix(".c")
    for number in range(FUNCTIONS):
        out += ["/* Does the work of the object; the caller holds the lock. */",
                f"static int {stem}_{number}(struct inode *inode, struct dentry *dentry, unsigned int flags)", "{",
                "\tstruct super_block *sb = inode->i_sb;", "\tint error = 0;", ""]  # fmt: skip
        for line in range((LINES - 10) // 3):
            out += [f"\tif (flags & (1U << {line}) && !sb->s_fs_info)", "\t\treturn -EINVAL; /* nothing to do */",
                    f'\tpr_debug("{stem} %u: step {line}\\n", flags);']  # fmt: skip
        out += ["\terror = inode->i_op->unlink(inode, dentry);", "\treturn error;", "}", ""]
    return "\n".join(out)


def findings(count: int, files: list[str]) -> list[Finding]:
    """Findings spread over the files, each with a path through three functions."""
    starts = [n for n, line in enumerate(text_of(files[0]).split("\n"), 1) if line.startswith("static int")]
    out = []
    for number in range(count):
        file, other = files[number % len(files)], files[(number * 7 + 3) % len(files)]
        at = (number // len(files)) % FUNCTIONS
        stem = file.rpartition("/")[2].removesuffix(".c")
        first = starts[at]
        path = [Step(file=other, line=starts[2] + 6, function="caller", note="calls down"),
                Step(file=file, line=starts[-1] + 6, function=f"{stem}_{FUNCTIONS - 1}", note="calls down, the check not passed")]  # fmt: skip
        path += [Step(file=file, line=first + 5 + 3 * n, function=f"{stem}_{at}", note="branch: taken") for n in range(8)]
        path.append(Step(file=file, line=first + 35, function=f"{stem}_{at}", note="inode->i_op->unlink(inode, dentry)"))
        out.append(Finding(
            fingerprint="", kind=KINDS[number % len(KINDS)], tier="error" if number % 3 else "warning", rule=f"rule-{number % 120}",
            operation="inode->i_op->unlink(inode, dentry)", object=f"dentry_{number % 700}", requires=["security_inode_unlink"],
            file=file, line=first + 35, function=f"{stem}_{at}", door=f"__do_sys_call{number % 300}", path=path,
            sibling=Sibling(file=other, line=starts[3] + 35, function="protected", check="security_inode_unlink"),
            assumptions=["the lock is held"], subject="user", reason="removes a name",
        ))  # fmt: skip
    return out


def main(count: int, file_count: int, folder: Path) -> None:
    """Write the report and print its figures."""
    files = [f"fs/dir{n % 60}/part{n}.c" for n in range(file_count)]
    whole = Completeness(
        units=Units(total=file_count, analysed=file_count, partial=[], lost=[]), functions=file_count * FUNCTIONS,
        calls=Calls(direct=0, indirect=0, unresolved=0, slots=[]),
        obligations=Obligations(mediated=100_000, unmediated=count, unknown=0),
    )  # fmt: skip
    document = make_document(whole, findings(count, files))
    started = time.process_time()
    write(document, folder, text_of)
    seconds = time.process_time() - started
    index = (folder / "index.html").stat().st_size + (folder / "data" / "findings.js").stat().st_size
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    print(f"findings {count:,}  source pages {len(list((folder / 'source').iterdir())):,}  files {len(sizes):,}")
    print(f"processor time {seconds:.1f} s  index {index / 1e6:.2f} MB  folder {sum(sizes) / 1e6:.1f} MB")


if __name__ == "__main__":
    given = sys.argv[1:] + [None] * 3
    count, file_count = int(given[0] or 5000), int(given[1] or 3000)
    if given[2]:
        main(count, file_count, Path(given[2]))
    else:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as temporary:
            main(count, file_count, Path(temporary))
