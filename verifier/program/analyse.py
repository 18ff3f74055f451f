"""A scan: a tree and a store become a document.

    units -> indexes -> program, doors -> engine (results) -> frontier -> findings, completeness

Results of a program are stored under a digest of everything that they depend on, so that a scan of an unchanged tree
reads them back.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from lattices.model import Pack
from verifier import findings as F
from verifier.errors import StoreError
from verifier.ir.model import decode
from verifier.program.bodies import Bodies
from verifier.program.doors import Doors, Reach
from verifier.program.engine import Engine
from verifier.program.frontier import Frontier
from verifier.program.index import UnitIndex, entries_of, index_key, index_unit
from verifier.program.link import Program, link
from verifier.program.privilege import Privileges
from verifier.program.reached import by_door
from verifier.program.report import count, obligations, shape_findings, to_finding, verdicts
from verifier.program.results import Results
from verifier.program.sibling_findings import SiblingOracle, untold
from verifier.program.stored import Packed, pack, unpack

ANALYSIS_VERSION = "30"
LINK_VERSION = "7"

Progress = Callable[[str, int, int], None]
Shape = TypeVar("Shape")


class Blobs(Protocol):
    """The part of the store that the analysis uses."""

    def get(self, kind: str, key: str) -> bytes | None: ...
    def put(self, kind: str, key: str, data: bytes) -> None: ...
    def put_many(self, kind: str, items: Iterable[tuple[str, bytes]]) -> None: ...
    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]: ...


class Analysis:
    """A linked and analysed program, as scan, gate and show use it."""

    def __init__(
        self, records: Sequence[Any], store: Blobs, pack: Pack, plain: bool, progress: Progress | None = None, root: str = ""
    ) -> None:
        """`records` are unit records (`file`, `key`, `status`, `error`) of the front end; `root` is the tree's place."""
        self.records = sorted(records, key=lambda r: (r.file, r.key))
        self.store = store
        self.pack = pack
        self.plain = plain
        self.root = root
        self.progress = progress
        self.linked, self.digest = self.digests(self.records, pack, plain)
        self.program = self._program()
        self.doors = self._doors()
        self.bodies = Bodies(lambda key: store.get("unit", key))
        self.engine: Engine | None = None
        self.results = Results()

    @staticmethod
    def digests(records: Sequence[Any], pack: Pack, plain: bool) -> tuple[str, str]:
        """Under what the linked program of these units is stored, and under what its results with these rules."""
        ordered = sorted(records, key=lambda r: (r.file, r.key))
        linked = digest_of(LINK_VERSION, *(f"{r.file} {r.key} {r.status}" for r in ordered))
        return linked, digest_of(ANALYSIS_VERSION, linked, pack.digest, pack.version, str(plain))

    def _program(self) -> Program:
        """The linked program, from the store or from the units' indexes."""
        stored = self._stored("program", self.linked, Packed)
        if stored is not None:
            try:
                return unpack(stored, self._index_data)
            except (ValueError, IndexError):
                self._say("linking again what was stored in another shape", 0, 0)
        indexes = self._indexes()
        self._say("linking", 0, len(indexes))
        program = link([(r.key, indexes[r.key]) for r in self.records if r.key in indexes])
        self.store.put("program", self.linked, msgspec.msgpack.encode(pack(program)))
        return program

    def _index_data(self, unit: str) -> bytes:
        """The encoded index of a unit; made from its IR again where the store lost it."""
        data = self.store.get("index", index_key(unit))
        if data is None:
            blob = self.store.get("unit", unit)
            if blob is None:
                raise StoreError(f"the store has lost a unit that its program was linked from: {unit}", "remove it, and scan again")
            data = msgspec.msgpack.encode(index_unit(decode(blob)))
            self.store.put("index", index_key(unit), data)
        return data

    def _doors(self) -> Doors:
        reach = self._stored("doors", self.digest, Reach)
        if reach is not None:
            with contextlib.suppress(ValueError, IndexError):  # of another shape: then it is made again
                return Doors.restore(self.program, self.pack, reach)
        doors = Doors(self.program, self.pack, self.plain)
        self.store.put("doors", self.digest, msgspec.msgpack.encode(doors.reach()))
        return doors

    def index(self, key: str) -> UnitIndex | None:
        """The index of one unit, by its key."""
        return self._stored("index", index_key(key), UnitIndex)

    def _stored(self, kind: str, key: str, shape: type[Shape]) -> Shape | None:
        """A stored value; one of another shape counts as absent and is made again."""
        data = self.store.get(kind, key)
        return shaped(data, msgspec.msgpack.Decoder(shape)) if data is not None else None

    def _indexes(self) -> dict[str, UnitIndex]:
        keys = [r.key for r in self.records if r.status != "lost"]
        have = self.store.get_many("index", [index_key(key) for key in keys])
        out: dict[str, UnitIndex] = {}
        decoder = msgspec.msgpack.Decoder(UnitIndex)
        fresh: list[tuple[str, bytes]] = []
        for n, key in enumerate(keys):
            stored = shaped(have[index_key(key)], decoder) if index_key(key) in have else None
            if stored is not None:
                out[key] = stored
                continue
            blob = self.store.get("unit", key)
            if blob is None:
                continue
            out[key] = index_unit(decode(blob))
            fresh.append((index_key(key), msgspec.msgpack.encode(out[key])))
            if len(fresh) >= 100:
                self.store.put_many("index", fresh)
                fresh = []
                self._say("indexing", n, len(keys))
        if fresh:
            self.store.put_many("index", fresh)
        return out

    def mentioning(self, names: set[str] | None, without: Iterable[str] = ()) -> list[tuple[str, UnitIndex]]:
        """Units in whose index one of the names occurs as a name of C, in link order; all with None, and then without their
        functions."""
        if names is not None and not names:
            return []
        word = re.compile(b"|".join(re.escape(n.encode("utf-8", "surrogateescape")) for n in sorted(names or {""})))
        left_out = set(without)
        keys = [r.key for r in self.records if r.key not in left_out and r.status != "lost"]
        found = ((key, self.store.get("index", index_key(key))) for key in keys)
        read = entries_of if names is None else msgspec.msgpack.Decoder(UnitIndex).decode
        return [(key, read(data)) for key, data in found if data is not None and word.search(data)]

    def _say(self, phase: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(phase, done, total)

    def run(self) -> None:
        """Results from the store, or by analysis of the whole program."""
        data = self.store.get("results", self.digest)
        if data is not None:
            try:
                self.results = Results.decode(data)
                return
            except msgspec.MsgspecError:
                self._say("reading stored results of another shape again", 0, 0)
        engine = self.new_engine()
        seeds = engine.seeds()
        engine.run(seeds, lambda done, total: self._say("analysing", done, total))
        self.results = engine.results
        self.store.put("results", self.digest, self.results.encode())

    def new_engine(self) -> Engine:
        """An engine over this program with the results known so far."""
        self.engine = Engine(self.program, self.bodies, self.pack)
        self.engine.results = self.results.copy()
        return self.engine

    def subjects(self) -> dict[str, str]:
        """Rule id to the subjects that it holds for."""
        return {r.id: r.subject for r in self.pack.rules}

    def frontier(self) -> Frontier:
        """The graph of open obligations."""
        return self.frontier_of(self.program, self.doors, self.results)

    def frontier_of(self, program: Program, doors: Doors, results: Results) -> Frontier:
        """The graph of open obligations of a variant of the program."""
        return Frontier(program, doors, results, self.subjects())

    def document(self) -> F.Document:
        """The scan's document."""
        frontier = self.frontier()
        found = [to_finding(o, self.pack, self.program, self.doors) for o in frontier.findings()]
        found += shape_findings(self.results, self.program, self.doors, found)
        Privileges(self.program, self.doors, self.results, self.pack, self.bodies).note(found)
        found += untold(self.siblings(), found)
        judged = verdicts(self.results, frontier, self.program, self.doors)
        completeness = self._kept(self.completeness(frontier, judged))
        places = obligations(judged, self.results, self.program)
        self.store.put("obligations", self.digest, msgspec.msgpack.encode(places))
        reach = by_door(self.program, self.doors, places)
        self.store.put("door-reach", self.digest, msgspec.msgpack.encode(reach))
        return F.Document(schema=F.SCHEMA, completeness=completeness, findings=F.finish(found))

    def siblings(self) -> list[F.Finding]:
        """Findings of the sibling oracles, from the store where a scan left them."""
        stored = self._stored("siblings", self.digest, list[F.Finding])
        if stored is None:
            self._say("comparing siblings", 0, 0)
            stored = SiblingOracle(self.program, self.doors, self.results, self.pack, self.bodies).findings()
            Privileges(self.program, self.doors, self.results, self.pack, self.bodies).note(stored)
            self.store.put("siblings", self.digest, msgspec.msgpack.encode(stored))
        return stored

    def stored_completeness(self) -> F.Completeness:
        """What the result rests on, from the store where a scan or a gate left it."""
        stored = self._stored("completeness", self.digest, F.Completeness)
        return stored if stored is not None else self._kept(self.completeness(self.frontier()))

    def _kept(self, completeness: F.Completeness) -> F.Completeness:
        self.store.put("completeness", self.digest, msgspec.msgpack.encode(completeness))
        return completeness

    def completeness(self, frontier: Frontier, judged: dict[tuple[str, str, int], str] | None = None) -> F.Completeness:
        """What the result rests on; `judged` are the verdicts of `frontier` where they are known."""
        if judged is None:
            judged = verdicts(self.results, frontier, self.program, self.doors)
        partial = [F.UnitTrouble(file=r.file, error=r.error) for r in self.records if r.status == "partial"]
        lost = [F.UnitTrouble(file=r.file, error=r.error) for r in self.records if r.status == "lost"]
        units = [r for r in self.records if r.file != "<headers>" and not r.file.startswith("<")]
        direct = indirect = unresolved = 0
        slots: dict[str, list[int]] = {}
        for _, info in sorted(self.program.functions.items()):
            direct += info.index.sites
            for slot, _ in info.index.slots:
                indirect += 1
                known = 1 if slot.startswith("&") else len(self.program.slots.get(slot, ()))
                row = slots.setdefault(slot.split("#")[0] if slot.startswith("?") else slot, [0, known, 0])
                row[0] += 1
                if not known:
                    row[2] += 1
                    unresolved += 1
        rows = [F.SlotCalls(slot=s, sites=n, targets=t, unresolved=u) for s, (n, t, u) in sorted(slots.items()) if u]
        ledger = [
            F.LedgerEntry(kind="cut-off", what=f"{fid}: {result.cut}")
            for fid, result in sorted(self.results.items())
            if result.cut
        ]
        return F.Completeness(
            units=F.Units(
                total=len(units), analysed=sum(r.status == "analysed" for r in units), partial=partial, lost=lost
            ),
            functions=len(self.program.functions),
            calls=F.Calls(direct=direct, indirect=indirect, unresolved=unresolved, slots=rows),
            obligations=count(judged),
            ledger=ledger,
        )


def shaped(data: bytes, decoder: msgspec.msgpack.Decoder[Shape]) -> Shape | None:
    """The decoded value, None when the data is of another shape."""
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def digest_of(*parts: str) -> str:
    """SHA-256 over the parts, in order."""
    h = hashlib.sha256()
    for part in parts:
        h.update(part.encode("utf-8", "surrogateescape") + b"\n")
    return h.hexdigest()


def scan(
    tree: Any, store: Blobs, pack: Pack, jobs: int, scope: tuple[str, ...] = (), progress: Progress | None = None
) -> F.Document:
    """Analyse a tree (verifier.tree.model.Tree) and return its document."""
    return analysis(tree, store, pack, jobs, scope, progress).document()


def analysis(
    tree: Any, store: Blobs, pack: Pack, jobs: int, scope: tuple[str, ...] = (), progress: Progress | None = None
) -> Analysis:
    """Parse what the store lacks, link, and analyse."""
    from verifier.frontend.extract import extract

    records = extract(tree, store, jobs, scope, progress)
    found = Analysis(records, store, pack, tree.origin == "plain", progress, tree.root)
    found.run()
    return found
