"""The good and bad examples of rules, each judged as a program of its own by its one rule and the pack's data.

All examples are parsed in one run of the front end's workers, so that one that brings the parser down costs itself
alone.  They are then linked and analysed one by one with a pack that holds one rule, which is what makes it quick:
no other rule's tracked conditions keep paths apart, and the indexes over the rules are those of one.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lattices.model import Pack, Rule
from verifier.frontend.extract import extract
from verifier.frontend.seen import UnitRecord
from verifier.program.analyse import Analysis
from verifier.tree import plain
from verifier.tree.model import Tree

Progress = Callable[[str, int, int], None]


class Example(NamedTuple):
    """One example: `expected` is "good" or "bad", `text` the unit in `file`, `before` the lines before its own."""

    rule: Rule
    expected: str
    file: str
    text: str
    before: int


class Shelf:
    """A store in memory, for programs that are looked at once."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], bytes] = {}

    def get(self, kind: str, key: str) -> bytes | None:
        """One blob."""
        return self.held.get((kind, key))

    def put(self, kind: str, key: str, data: bytes) -> None:
        """Keep one blob."""
        self.held[kind, key] = data

    def put_many(self, kind: str, items: Iterable[tuple[str, bytes]]) -> None:
        """Keep blobs."""
        for key, data in items:
            self.put(kind, key, data)

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """Those of the blobs that are there."""
        return {key: self.held[kind, key] for key in keys if (kind, key) in self.held}


def examples(rules: Sequence[Rule]) -> list[Example]:
    """The examples of rules, in the order of the rules' names; absent ones (the linter's business) are left out."""
    out = []
    for rule in sorted(rules, key=lambda r: r.id):
        before = rule.prelude.count("\n") + 1
        for expected, code in (("good", rule.good), ("bad", rule.bad)):
            if code.strip():
                out.append(Example(rule, expected, f"{len(out)}.{expected}.c", f"{rule.prelude}\n{code}", before))
    return out


def judge(pack: Pack, wanted: Sequence[Example], jobs: int, progress: Progress) -> Iterator[tuple[Example, str]]:
    """Each example with what is wrong with it, "" when it does what it says.

    A good example passes, performs the operation and is not reported; a bad one is reported.
    """
    with tempfile.TemporaryDirectory(prefix="kqual-examples-") as folder:
        for example in wanted:
            (Path(folder) / example.file).write_text(example.text, encoding="utf-8")
        commands = plain.commands(Path(folder), [example.file for example in wanted])
        shelf = Shelf()
        records = extract(Tree(folder, "plain", None, pack.version, "", commands, []), shelf, jobs, (), progress)
    by_file = {record.file: record for record in records}
    for count, example in enumerate(wanted):
        progress("examples", count, len(wanted))
        yield example, verdict(pack, example, by_file[example.file], shelf)
    progress("examples", len(wanted), len(wanted))


def verdict(pack: Pack, example: Example, record: UnitRecord, shelf: Shelf) -> str:
    """What is wrong with one example, "" when it is as expected."""
    rule = example.rule
    if record.status != "analysed":
        return f"the {example.expected} example does not parse: {_own_line(record.error, example)}"
    found = Analysis([record], shelf, dataclasses.replace(pack, rules=[rule], digest=f"{pack.digest} {rule.id}"), True)
    found.run()
    cut = next((f"{fid}: {result.cut}" for fid, result in sorted(found.results.items()) if result.cut), "")
    if cut:
        return f"the analysis of the {example.expected} example was cut off in {cut}"
    reported = [finding for finding in found.document().findings if finding.rule == rule.id]
    if example.expected == "bad":
        return "" if reported else "the bad example is not reported"
    if reported:
        return f"the good example is reported at its line {reported[0].line - example.before}"
    if not any(v.rule == rule.id for result in found.results.values() for v in result.verdicts):
        return "the good example does not perform the operation, so that it shows nothing"
    return ""


def _own_line(error: str, example: Example) -> str:
    """The parser's message with the line counted from the example's own first one."""
    name, _, rest = error.partition(":")
    number, colon, message = rest.partition(":")
    if name != example.file or not colon or not number.isdigit():
        return error
    line = int(number) - example.before
    return f"line {line}:{message}" if line > 0 else f"line {number} of the prelude:{message}"
