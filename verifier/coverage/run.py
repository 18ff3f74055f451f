"""The whole of `kqual coverage`: sites, removals side by side, and the document."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from lattices.model import Pack
from verifier.coverage.asks import Asks
from verifier.coverage.difference import Effect
from verifier.coverage.judge import Judge
from verifier.coverage.reasons import explain
from verifier.coverage.sites import Site, find_sites
from verifier.coverage.source import not_analysed
from verifier.findings import SCHEMA, CoverageDocument
from verifier.findings import Site as Shown
from verifier.program.analyse import Analysis, Progress, analysis, digest_of

COVERAGE_VERSION = "2"
CHUNK = 8

_judge: Judge  # of this process; workers inherit it


def run_coverage(
    tree: Any, store: Any, pack: Pack, jobs: int = 1, scope: tuple[str, ...] = (), progress: Progress | None = None,
    wanted: Callable[[str, str], bool] | None = None,
) -> CoverageDocument:  # fmt: skip
    """The document of a tree; `wanted` takes a site's check and family and chooses which are judged.

    The whole answer is stored under the base's digest; a later run for all or some sites reads it.
    """
    base = analysis(tree, store, pack, jobs, scope, progress)
    key = coverage_key(base.digest, pack)
    data = store.get("coverage", key)
    if data is not None:
        document = msgspec.msgpack.decode(data, type=CoverageDocument)
    else:
        document = cover(base, tree.root, jobs, progress, wanted)
        if wanted is None and not store.readonly:
            store.put("coverage", key, msgspec.msgpack.encode(document))
    if wanted is not None:
        document.sites = [s for s in document.sites if wanted(s.check, s.family)]
    return document


def coverage_key(digest: str, pack: Pack) -> str:
    """What the answer about an analysis of that digest is stored under: it tells the pack's words on idle calls, too."""
    return digest_of(COVERAGE_VERSION, digest, *(f"{name} {why}" for name, why in sorted(pack.idle.items())))


def cover(
    base: Analysis, root: str, jobs: int = 1, progress: Progress | None = None,
    wanted: Callable[[str, str], bool] | None = None,
) -> CoverageDocument:  # fmt: skip
    """Judge the sites of an analysed program."""
    global _judge
    say = progress or (lambda phase, done, total: None)
    say("finding sites", 0, 0)
    sites = find_sites(base)
    frontier = base.frontier()
    completeness = base.stored_completeness()
    completeness.ledger = [*completeness.ledger, *not_analysed(base, root, sites)]
    _judge = Judge(base, frontier, sites, Asks(base))
    gc.freeze()  # the base stays: collections need not walk it, and workers share its pages
    chosen = [s for s in sites if wanted is None or wanted(s.check, s.family)]
    for site, (found, met) in zip(chosen, _mapped(_alone, chosen, jobs, say, "removing sites"), strict=True):
        _judge.effects[site] = found
        _judge.reached[site] = met
    shown = list(_mapped(_judged, chosen, jobs, say, "judging sites"))
    return CoverageDocument(schema=SCHEMA, completeness=completeness, sites=shown)


def _alone(site: Site) -> tuple[Effect, bool]:
    return _judge.alone(site), _judge.reached[site]


def _judged(site: Site) -> Shown:
    return _judge.judge(site, explain)


def _mapped(
    work: Callable[[Site], Any], sites: Sequence[Site], jobs: int, say: Progress, phase: str
) -> Iterator[Any]:
    """Results in the order of `sites`; every one is computed from the base alone, so it does not matter where."""
    results: Iterable[Any]
    if jobs < 2 or len(sites) < 2 * CHUNK:
        results = map(work, sites)
        yield from _told(results, len(sites), say, phase)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from _told(pool.imap(work, sites, CHUNK), len(sites), say, phase)


def _told(results: Iterable[Any], total: int, say: Progress, phase: str) -> Iterator[Any]:
    say(phase, 0, total)
    for done, result in enumerate(results, 1):
        if done % 16 == 0:
            say(phase, done, total)
        yield result
