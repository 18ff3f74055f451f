"""Coverage as text: tables by family, service and check, then the sites that the rules do not explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from reports import wording
from verifier.findings import DECIDES_NOTHING, FOR_NOBODY, ONLY_TELLS, SITE_STATUS, CoverageDocument, Site

MOST_LEDGER_LINES = 10
# What families whose calls are counted are called: those of which each call should have a meaning.
COUNTED = {"lsm": "calls of security hooks", "capability": "calls of capability checks", "lockdown": "calls about lockdown"}


def render(document: CoverageDocument, everything: bool = False, ledger: bool = False) -> str:
    """The whole report; `everything` lists all sites, `ledger` all that was not analysed."""
    return "\n".join(lines(document, everything, ledger)) + "\n"


def lines(document: CoverageDocument, everything: bool = False, ledger: bool = False) -> Iterator[str]:
    """The lines of `render`."""
    yield wording.completeness_line(document.completeness)
    for key, value in sorted(document.configuration.items()):
        yield wording.plain(f"{key}: {value}")
    yield ""
    for title, of in _GROUPS:
        yield from _table(title, document.sites, of)
        yield ""
    for status in SITE_STATUS if everything else ("unexplained",):
        chosen = [s for s in document.sites if s.status == status]
        if chosen:
            yield f"{status}: {wording.number(len(chosen))}"
            for site in chosen:
                yield from _site(site)
            yield ""
    for _, title, entries in wording.ledger_groups(document.completeness):
        yield f"not analysed or taken for granted: {title}: {wording.number(len(entries))}"
        shown = entries if ledger else entries[:MOST_LEDGER_LINES]
        yield from (f"    {entry}" for entry in shown)
        if len(shown) < len(entries):
            yield f"    ... {wording.number(len(entries) - len(shown))} more (--ledger lists all)"
    for family in COUNTED:
        yield from (f"{what}: {explained} of {total} ({share})" for what, explained, total, share in shares(document.sites, family))
    yield verdict(document)


def shares(sites: Sequence[Site], family: str) -> Iterator[tuple[str, str, str, str]]:
    """How many calls of a family's checks (a key of COUNTED; `lsm` are the `security_*` functions) are load-bearing or
    redundant, counted with and without those that can refuse nobody: (what is counted, how many, of how many, share)."""
    left = of_family(sites, family)
    what = f"load-bearing or redundant {COUNTED[family]}"
    for words, reason in (("", None), (", without those that decide nothing", (DECIDES_NOTHING, ONLY_TELLS)), (" nor contexts of nobody", FOR_NOBODY)):
        kept = [s for s in left if reason is None or not s.reason.startswith(reason)]
        what += words
        if not kept or (reason is not None and len(kept) == len(left)):
            continue
        left = kept
        explained = sum(s.status != "unexplained" for s in left)
        yield what, wording.number(explained), wording.number(len(left)), _share(explained, len(left))


def of_family(sites: Sequence[Site], family: str) -> list[Site]:
    """The calls that are counted for a family."""
    return [s for s in sites if (s.check.startswith("security_") if family == "lsm" else s.family == family)]


def verdict(document: CoverageDocument) -> str:
    """One line: how many sites, and how many of each status."""
    counts = Counter(s.status for s in document.sites)
    total = len(document.sites)
    shares = ", ".join(f"{wording.number(counts[s])} {s} ({_share(counts[s], total)})" for s in SITE_STATUS)
    return f"{wording.counted(total, 'enforcing site')}: {shares}"


def _share(part: int, total: int) -> str:
    return f"{part / total:.1%}" if total else "0.0%"


_GROUPS: tuple[tuple[str, Callable[[Site], str]], ...] = (
    ("family", lambda s: s.family),
    ("service", lambda s: s.service),
    ("check", lambda s: s.check),
)


def _table(title: str, sites: Iterable[Site], of: Callable[[Site], str]) -> Iterator[str]:
    rows: dict[str, Counter[str]] = {}
    for site in sites:
        rows.setdefault(of(site), Counter())[site.status] += 1
    width = max([len(title), *map(len, rows)], default=len(title))
    yield f"{title:<{width}}  {'sites':>6}  {'load-bearing':>16}  {'redundant':>16}  {'unexplained':>16}"
    for name, counts in sorted(rows.items()):
        total = counts.total()
        cells = "  ".join(f"{wording.number(counts[s]):>8} {_share(counts[s], total):>7}" for s in SITE_STATUS)
        yield wording.plain(f"{name:<{width}}  {wording.number(total):>6}  {cells}")


def _site(site: Site) -> Iterator[str]:
    yield wording.plain(f"{site.file}:{site.line}: {site.check} in {site.function}: {site.status}: {site.reason}")
    if site.dominated_by is not None:
        other = site.dominated_by
        yield wording.plain(f"    redundant with {other.file}:{other.line}: {other.check}")
    for what in site.protects:
        yield wording.plain(f"    protects {what}")
