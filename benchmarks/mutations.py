"""The public mutations of kernel trees, as the benchmarks read them.

A file of cases is a JSON list: `id`, `file`, `before`, `after`, `function`, `hook`, `kind`, `expected` ("alarm" or
"silent"), `tree` (kernel version).
"""

from __future__ import annotations

import json
from pathlib import Path

from ground import Texts, text_of

Case = dict[str, str]


def cases_of(path: Path, version: str, only: str = "", kind: str = "") -> list[Case]:
    """The cases of a kernel version; of some ids (with commas between them), of a kind."""
    release = ".".join(version.split(".")[:2])
    found = [case for case in json.loads(path.read_text()) if case["tree"] == release]
    return [case for case in found if (not only or case["id"] in only.split(",")) and (not kind or case["kind"] == kind)]


def mutated(root: Path, cases: list[Case]) -> tuple[Texts, list[Case]]:
    """The files that cases change, one after the other, and the cases that apply."""
    texts: Texts = {}
    applied = []
    for case in cases:
        file = case["file"]
        old, new = texts[file] if file in texts else (text_of(root / file),) * 2
        if new.count(case["before"]) == 1:
            texts[file] = old, new.replace(case["before"], case["after"])
            applied.append(case)
    return texts, applied
