"""libclang and pycparser read the same program: the printed graphs are equal, over the corpus and our own sample."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from verifier.frontend import libclang_api as api
from verifier.frontend.clang import UnitReader
from verifier.frontend.flags import ATTRIBUTE_MACROS, PARSER
from verifier.frontend.lower import lower_unit
from verifier.frontend.pycparser_c import parse_c
from verifier.frontend.sources import Sources
from verifier.ir.checker import check_unit
from verifier.ir.model import Unit, decode, encode
from verifier.ir.printer import print_unit

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("corpus", "tests/frontend_samples")
    for path in (ROOT / folder).glob("**/*.c")
)


def by_libclang(name: str) -> Unit:
    """The unit as libclang reads it, without a precompiled header."""
    sources = Sources(str(ROOT), None)
    index = api.create_index(0, 0)
    try:
        handle, _ = api.parse(index, str(ROOT / name), [*PARSER, *ATTRIBUTE_MACROS], 0)
        assert handle is not None
        unit = lower_unit(UnitReader(sources.name, sources.read).unit(handle, name))
        api.dispose_unit(handle)
        return unit
    finally:
        api.dispose_index(index)


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_front_ends_yield_the_same(name):
    clang = by_libclang(name)
    other = lower_unit(parse_c(name, ROOT))
    assert clang.errors == [] and other.errors == []
    assert check_unit(clang) == []
    texts = [print_unit(unit).splitlines() for unit in (clang, other)]
    assert list(difflib.unified_diff(*texts, "libclang", "pycparser", lineterm="", n=2)) == []


def test_units_survive_the_store_format():
    unit = lower_unit(parse_c("tests/frontend_samples/everything.c", ROOT))
    again = decode(encode(unit))
    assert print_unit(again) == print_unit(unit)
    assert encode(again) == encode(unit)
    assert check_unit(again) == []


def test_there_is_something_to_compare():
    assert any(name.startswith("corpus/") for name in PROGRAMS)
