"""A page about the coverage of a tree's security hooks, or of another family, from the document of `kqual coverage`.

    kqual coverage TREE --family lsm --format json -o COVERAGE.json
    python benchmarks/coverage_page.py COVERAGE.json TITLE [FAMILY] > docs/coverage-VERSION.md

Shares of all calls of the family's checks (by default of `security_*` functions) and without those that can refuse nobody,
tables by service and by check, and every call that no rule explains, with its reason.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from reports.coverage import of_family, shares
from verifier.findings import DECIDES_NOTHING, FOR_NOBODY, ONLY_TELLS, SITE_STATUS, CoverageDocument, Site

GROUPS = (
    ("Unexplained", lambda s: not s.reason.startswith((DECIDES_NOTHING, ONLY_TELLS, FOR_NOBODY))),
    ("Contexts that run for nobody", lambda s: s.reason.startswith(FOR_NOBODY)),
    ("Calls that decide nothing, or whose answer nobody looks at", lambda s: s.reason.startswith((DECIDES_NOTHING, ONLY_TELLS))),
)


def page(document: CoverageDocument, title: str, family: str = "lsm") -> Iterator[str]:
    """The lines of the page."""
    sites = of_family(document.sites, family)
    units = document.completeness.units
    yield f"# {title}"
    yield ""
    yield f"Made by `benchmarks/coverage_page.py` from `kqual coverage TREE --family {family}`; {units.analysed:,} of {units.total:,} units analysed."
    yield ""
    yield "| what is counted | explained | of | share |"
    yield "| --- | ---: | ---: | ---: |"
    for what, explained, total, share in shares(document.sites, family):
        yield f"| {what} | {explained} | {total} | {share} |"
    for name, of in (("service", lambda s: s.service), ("hook" if family == "lsm" else "check", lambda s: s.check)):
        yield ""
        yield from _table(name, sites, of)
    redundant = [s for s in sites if s.status == "redundant"]
    if redundant:
        yield ""
        yield f"## Redundant: {len(redundant)}"
        yield ""
        yield from (f"- `{s.file}:{s.line}` `{s.check}` in `{s.function}`: {s.reason}" for s in redundant)
    left = [s for s in sites if s.status == "unexplained"]
    for name, wanted in GROUPS:
        chosen = [s for s in left if wanted(s)]
        if chosen:
            yield ""
            yield f"## {name}: {len(chosen)}"
            yield ""
            yield from (f"- `{s.file}:{s.line}` `{s.check}` in `{s.function}`: {s.reason}" for s in chosen)


def _table(name: str, sites: list[Site], of: Callable[[Site], str]) -> Iterator[str]:
    rows: dict[str, Counter[str]] = {}
    for site in sites:
        row = rows.setdefault(of(site), Counter())
        row[site.status] += 1
        row["nothing"] += site.reason.startswith((DECIDES_NOTHING, ONLY_TELLS, FOR_NOBODY))
    yield f"| {name} | calls | " + " | ".join(SITE_STATUS) + " | of these refuse nobody |"
    yield "| --- |" + " ---: |" * (len(SITE_STATUS) + 2)
    for key, counts in sorted(rows.items()):
        total = sum(counts[s] for s in SITE_STATUS)
        yield f"| `{key}` | {total} | " + " | ".join(str(counts[s] or "") for s in SITE_STATUS) + f" | {counts['nothing'] or ''} |"


if __name__ == "__main__":
    found = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=CoverageDocument)
    print("\n".join(page(found, *sys.argv[2:4])))
