"""Which lemmas a file needs: those that its proofs name, and what the functions in them call that returns a projection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from verifier.program.link import Program

Record = dict[str, Any]


def needed(program: Program, lemmas: list[Record], obligations: Iterable[Record]) -> list[Record]:
    """The lemmas that a file's obligations rest on, in their order."""
    returns = {record["function"]: record["lemma"] for record in lemmas if record["literal"][0] == "returns"}
    kept: set[int] = set()
    work = [(r["function"], r["proof"]) for r in obligations if "proof" in r]
    looked: set[str] = set()
    while work:
        fid, proof = work.pop()
        numbers = {g["lemma"] for g in proof.get("grants", ())} - {None}
        work += [(call["function"], call["proof"]) for item in proof.get("assume", ()) for call in item["calls"]]
        if fid not in looked:
            looked.add(fid)
            numbers.update(returns[callee] for callee in called(program, fid) if callee in returns)
        for number in numbers - kept:
            kept.add(number)
            work.append((lemmas[number]["function"], lemmas[number]["proof"]))
    return [record for record in lemmas if record["lemma"] in kept]


def called(program: Program, fid: str) -> Iterator[str]:
    """The functions that a function calls by name."""
    info = program.functions[fid]
    for name in info.index.calls:
        callee = program.resolve(info.unit, name)
        if callee is not None:
            yield callee
