"""Changes of headers that everybody includes: few units are read again, and what comes out is what reading all gives."""

from __future__ import annotations

import pytest
from gate_trees import diff
from test_gate_headers import FILES, place  # noqa: F401 - the fixture

from verifier.gate import units
from verifier.gate.overlay import read_patch
from verifier.gate.run import compare
from verifier.gate.shared import _pasted
from verifier.gate.variant import make_variant
from verifier.program.report import to_finding

pytestmark = pytest.mark.slow

HEADER = "include/linux/fs.h"
TEXT = FILES[HEADER]
MORE = {
    "include/linux/fs.h": TEXT.replace("#endif\n", "#define ENOENT 2\n#define NONE (-ENOENT)\n#define JOIN(a, b) a##b\nvoid quiet(void);\n#endif\n"),
    "fs/none.c": "#include <linux/fs.h>\nlong __do_sys_none(struct thing *t)\n{\n\tif (may_use(t))\n\t\treturn NONE;\n\tcontrolled_op(t);\n\treturn 0;\n}\n",
    "fs/join.c": "#include <linux/fs.h>\nint joined(void);\nlong __do_sys_join(struct thing *t)\n{\n\treturn JOIN(jo, ined)();\n}\n",
    "fs/static.c": "#include <linux/fs.h>\nstatic int fresh(void)\n{\n\treturn 1;\n}\nlong __do_sys_static(void)\n{\n\treturn fresh();\n}\n",
}  # fmt: skip
ALL = ["fs/a.c", "fs/b.c", "fs/join.c", "fs/none.c", "fs/plain.c", "fs/static.c"]
EDITS = {  # (old, new, units that are read again)
    "a comment": ("struct thing;", "/* a thing */\n\n\nstruct thing;", []),
    "a prototype": ("struct thing;", "struct thing;\nint brand_new(struct thing *thing);", []),
    "a prototype of a name that a unit has": ("struct thing;", "struct thing;\nint fresh(void);", ["fs/static.c"]),
    "an inline function": ("struct thing;", "struct thing;\nstatic inline int brand_new(void) { return 1; }", []),
    "a body that loses its check": ("return security_thing(thing)", "return 0", []),
    "a body that makes no sense": ("return security_thing(thing)", "return nothing->at.all", ALL),
    "another result": ("static inline int may_use", "static inline long may_use", ["fs/a.c", "fs/b.c", "fs/none.c"]),
    "a function never returns": ("void quiet(void)", "void __attribute__((noreturn)) quiet(void)", ALL),
    "a macro": ("#define ENOENT 2", "#define ENOENT 3", ["fs/none.c"]),
    "a macro of a name that is pasted": ("#define ENOENT 2", "#define ENOENT 2\n#define joined missing", ["fs/join.c"]),
    "a type": ("struct thing;", "struct thing { int more; };", ALL),
    "a condition": ("struct thing;", "#ifndef NOTHING\n#endif\nstruct thing;", ALL),
}


@pytest.fixture
def more(monkeypatch):
    for name, text in MORE.items():
        monkeypatch.setitem(FILES, name, text)


def open_and_found(variant):
    found = [to_finding(o, variant.base.pack, variant.program, variant.doors) for o in variant.frontier.findings()]
    return set(variant.frontier.hot), {(f.rule, f.function, f.file, f.line, f.door) for f in found}


@pytest.mark.parametrize("name", EDITS)
def test_what_is_not_read_again_would_not_differ(more, place, monkeypatch, name):  # noqa: F811
    old, new, expected = EDITS[name]
    tree, base, clean = place
    assert MORE[HEADER].count(old) == 1
    overlay = read_patch(tree.root, diff(FILES, FILES | {HEADER: FILES[HEADER].replace(old, new)}))
    read = []
    extract_files = units.extract_files
    monkeypatch.setattr(units, "extract_files", lambda t, commands, *rest: read.extend(c.file for c in commands) or extract_files(t, commands, *rest))
    after = make_variant(tree, base, overlay)
    assert sorted(read) == expected
    monkeypatch.setattr(units, "untouched", lambda *_: set())
    whole = make_variant(tree, base, overlay)
    assert open_and_found(after) == open_and_found(whole)
    assert {k: v for k, v in after.reading.blobs.items()} == whole.reading.blobs, "a unit differs that was not read again"
    assert [f.fingerprint for f in compare(clean, after).findings] == [f.fingerprint for f in compare(clean, whole).findings]
    assert bool(compare(clean, after).findings) == (name == "a body that loses its check")


def test_pasting():
    assert _pasted(b"FMODE_READ", {b"FMODE_", b"READ"})
    assert not _pasted(b"FMODE_READ", {b"FMODE_READ", b"FMODE_", b"RE"}), "the name itself is no piece"
