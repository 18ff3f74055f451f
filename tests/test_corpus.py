"""The corpus: the findings of one plain scan equal the expectations that stand in its comments.

`python tests/test_corpus.py` prints every difference at once, without pytest.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
FILES = sorted(p.relative_to(CORPUS).as_posix() for p in CORPUS.glob("*/*.c"))
KINDS = {
    "missing-check", "ignored-result", "wrong-object", "weaker-check", "refetch", "late-check", "wrong-namespace",
    "wrong-subject", "vacuous-check",
}  # fmt: skip
EXPECT = re.compile(r"/\* expect: (.*?) \*/")
HEAD = re.compile(r"^(?!struct [^(]*\{|typedef|#|/)[A-Za-z_][^;={}]*?\b(\w+)\([^;]*$")

Issue = tuple[int, str, str]


@dataclass(frozen=True)
class Body:
    """A function of a corpus file: its name and its first and last line, counted from 1."""

    name: str
    first: int
    last: int

    @property
    def known_failure(self) -> bool:
        """Whether the name admits that the verdict is wrong today (FP_..., FN_...)."""
        return self.name.startswith(("FP_", "FN_"))

    @property
    def verdict(self) -> str:
        """`ok`, `bad`, or empty for a function that only serves others."""
        match = re.search(r"_(ok|bad)$", self.name)
        return match[1] if match else ""


def bodies(text: str) -> list[Body]:
    """Functions of a file in kernel style: head at column 0, body between `{` and `}` at column 0."""
    out: list[Body] = []
    name, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        match = HEAD.match(line)
        if match:
            name, first = match[1], number
        elif line == "}" and name:
            out.append(Body(name, first, number))
            name = ""
        elif line.endswith(";") and not line.startswith(("\t", " ")):
            name = ""
    return out


def expectations(text: str) -> list[Issue]:
    """(line, kind, rule) of every expectation comment; raises ValueError on one that cannot be read."""
    out: list[Issue] = []
    for number, line in enumerate(text.splitlines(), 1):
        match = EXPECT.search(line)
        if match is None:
            if "expect:" in line:
                raise ValueError(f"line {number}: unreadable expectation: {line.strip()}")
            continue
        for item in match[1].split(";"):
            kind, _, rule = item.strip().partition(" ")
            if kind not in KINDS or not re.fullmatch(r"[a-z0-9-]+(:[\w.]+)?", rule):
                raise ValueError(f"line {number}: unreadable expectation: {item.strip()}")
            out.append((number, kind, rule))
    return sorted(out)


@lru_cache(maxsize=1)
def found() -> dict[str, list[Issue]]:
    """Findings of one plain scan of the corpus: file -> sorted (line, kind, rule)."""
    from lattices.pack import load
    from verifier.program.analyse import scan
    from verifier.store import Store
    from verifier.tree import open_tree

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        pack = load(extra=[CORPUS / "rules.toml"])
        tree = open_tree(str(CORPUS), "plain", build=str(work / "build"))
        store = Store.open(work / "store.db")
        try:
            document = scan(tree, store, pack, 1, (), None)
        finally:
            store.close()
    assert document.completeness.units.analysed == document.completeness.units.total, document.completeness.units
    out: dict[str, list[Issue]] = {}
    for finding in document.findings:
        out.setdefault(finding.file, []).append((finding.line, finding.kind, finding.rule))
    return {file: sorted(issues) for file, issues in out.items()}


def owner(functions: list[Body], line: int) -> Body | None:
    """The function that a line belongs to."""
    return next((b for b in functions if b.first <= line <= b.last), None)


def differences(file: str, known: str | None = None) -> list[str]:
    """Readable differences of a file; `known` names the one known failure to look at, else those are left out."""
    text = (CORPUS / file).read_text()
    functions = bodies(text)
    lines = text.splitlines()

    def counts(issue: Issue) -> bool:
        body = owner(functions, issue[0])
        if known is None:
            return body is None or not body.known_failure
        return body is not None and body.name == known

    wanted = Counter(i for i in expectations(text) if counts(i))
    seen = Counter(i for i in found().get(file, []) if counts(i))
    out = []
    for word, issues in (("missing", wanted - seen), ("not expected", seen - wanted)):
        for line, kind, rule in sorted(issues.elements()):
            body = owner(functions, line)
            where = body.name if body else "-"
            out.append(f"{file}:{line}: {word}: {kind} {rule} in {where}: {lines[line - 1].split('/*')[0].strip()}")
    return sorted(out)


def known_failures() -> list[tuple[str, str]]:
    """(file, function) of every FP_ and FN_ function."""
    return [(f, b.name) for f in FILES for b in bodies((CORPUS / f).read_text()) if b.known_failure]


@pytest.mark.parametrize("file", FILES)
def test_findings_equal_expectations(file: str) -> None:
    """Every finding stands where a comment asks for it, and no other."""
    assert not differences(file), "\n" + "\n".join(differences(file))


@pytest.mark.parametrize(("file", "function"), known_failures())
@pytest.mark.xfail(strict=True, reason="a known failure: rename the function when it passes", raises=AssertionError)
def test_known_failures_still_fail(file: str, function: str) -> None:
    """A known failure that passes is news: the function loses its prefix."""
    assert not differences(file, function)


@pytest.mark.parametrize("file", FILES)
def test_names_carry_the_verdict(file: str) -> None:
    """`_ok` functions hold no expectation; `_bad` ones do, in their own body or in a static function of the file."""
    text = (CORPUS / file).read_text()
    functions = bodies(text)
    wanted = expectations(text)
    for line, kind, rule in wanted:
        body = owner(functions, line)
        assert body is not None, f"{file}:{line}: an expectation outside of functions"
        assert body.verdict != "ok", f"{file}:{line}: {kind} {rule} is expected in {body.name}"
    helped = any((b := owner(functions, line)) is not None and not b.verdict for line, _, _ in wanted)
    for body in functions:
        if body.verdict == "bad":
            own = any(body.first <= line <= body.last for line, _, _ in wanted)
            assert own or helped, f"{file}: {body.name} expects nothing"


def test_there_are_enough_verdicts_and_names_are_unique() -> None:
    """The corpus has at least 150 functions with verdicts, and one program can hold them all."""
    names: Counter[str] = Counter()
    for file in FILES:
        text = (CORPUS / file).read_text()
        for body in bodies(text):
            if body.verdict or not text.splitlines()[body.first - 1].startswith("static"):
                names[body.name] += 1
    assert sum(1 for n in names if re.search(r"_(ok|bad)$", n)) >= 150
    assert [n for n, count in names.items() if count > 1] == []


@pytest.mark.parametrize("file", FILES)
def test_a_compiler_accepts_it(file: str) -> None:
    """gcc finds nothing to complain about beyond what is unused."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    result = subprocess.run(
        ["gcc", "-std=gnu99", "-fsyntax-only", "-Wall", "-Wno-unused", str(CORPUS / file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


def test_preprocessing_stays_trivial() -> None:
    """Only `#include` of kernel.h and `#define NAME number`, so that any C reader can follow."""
    for path in [CORPUS / "kernel.h", *(CORPUS / f for f in FILES)]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.lstrip().startswith("#"):
                assert re.fullmatch(r'#include "(\.\./)?kernel\.h"|#define \w+ (0x[0-9a-fA-F]+|\d+)', line), (
                    f"{path.name}:{number}: {line}"
                )


@pytest.mark.parametrize("file", FILES)
def test_pycparser_reads_it(file: str) -> None:
    """The second front end's parser reads the file once includes, constants and attributes are written out."""
    from pycparser import CParser

    constants: dict[str, str] = {}
    parts = []
    for path in (CORPUS / "kernel.h", CORPUS / file):
        text = re.sub(r"/\*.*?\*/", " ", path.read_text(), flags=re.DOTALL)
        constants.update(re.findall(r"^#define (\w+) (\w+)$", text, re.MULTILINE))
        parts.append(re.sub(r"^#.*$", "", text, flags=re.MULTILINE))
    text = re.sub(r"__attribute__\(\(\w+\(\w+\)\)\)", "", "\n".join(parts))
    text = re.sub(r"\b[A-Z_a-z]\w*\b", lambda m: constants.get(m[0], m[0]), text)
    assert CParser().parse(text, file).ext


def report() -> int:
    """Print all differences; 0 when there are none."""
    known = known_failures()
    wrong = [line for file in FILES for line in differences(file)]
    passing = [f"{file}: {name} passes now: take off its prefix" for file, name in known if not differences(file, name)]
    print("\n".join(wrong + passing) or "all findings are as expected")
    counted = sum(len(expectations((CORPUS / f).read_text())) for f in FILES)
    print(f"{len(FILES)} files, {counted} expectations, {len(known)} known failures, {len(wrong) + len(passing)} differences")
    return 1 if wrong or passing else 0


if __name__ == "__main__":
    sys.path.insert(0, str(CORPUS.parent))
    sys.exit(report())
