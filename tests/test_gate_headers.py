"""Changes of headers inside of the precompiled one: every unit that includes them is read again, and they themselves."""

from __future__ import annotations

import pytest
from gate_trees import RULES, diff, write_tree

from lattices import pack as packs
from verifier.gate.overlay import Overlay, read_patch
from verifier.gate.run import compare
from verifier.gate.units import moved, neighbour
from verifier.gate.variant import make_variant
from verifier.program.analyse import analysis
from verifier.store import Store
from verifier.tree.model import CompileCommand, Tree

FILES = {
    "include/linux/kconfig.h": "#define CONFIG_NET 1\n",
    "include/linux/fs.h": """#ifndef FS_H
#define FS_H
struct thing;
int security_thing(struct thing *thing);
void controlled_op(struct thing *thing);
static inline int may_use(struct thing *thing)
{
	return security_thing(thing);
}
#endif
""",
    "fs/a.c": """#include <linux/fs.h>
long __do_sys_a(struct thing *thing)
{
	if (may_use(thing))
		return -1;
	controlled_op(thing);
	return 0;
}
""",
    "fs/b.c": "#include <linux/fs.h>\nlong __do_sys_b(struct thing *thing)\n{\n\treturn may_use(thing);\n}\n",
    "fs/plain.c": "int plain(int x)\n{\n\treturn x;\n}\n",
}


@pytest.fixture
def place(tmp_path):
    """A tree with the commands that Kbuild writes, scanned."""
    root = write_tree(tmp_path / "tree", FILES)
    (tmp_path / "build").mkdir()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    commands = [
        CompileCommand(
            name, str(tmp_path / "build"),
            ["gcc", f"-I{root}/include", "-include", f"{root}/include/linux/kconfig.h", "-D__KERNEL__", "-O2",
             f'-DKBUILD_MODNAME="{name[3:-2]}"', "-c", "-o", "x.o", f"{root}/{name}"],
        )
        for name in sorted(FILES) if name.endswith(".c")
    ]  # fmt: skip
    tree = Tree(str(root), "kbuild", str(tmp_path / "build"), "6.12", "", commands, [])
    with Store.open(tmp_path / "s.sqlite") as store:
        pack = packs.load(None, (str(tmp_path / "rules"),), "6.12")
        base = analysis(tree, store, pack, 1)
        yield tree, base, make_variant(tree, base, Overlay())


def gated(place, files):
    tree, base, clean = place
    return compare(clean, make_variant(tree, base, read_patch(tree.root, diff(FILES, files))))


def test_a_check_goes_from_a_shared_header(place):
    assert [r.header != "" for r in place[1].records][:2] == [True, True]
    changed = FILES["include/linux/fs.h"].replace("return security_thing(thing)", "return 0")
    document = gated(place, FILES | {"include/linux/fs.h": changed})
    assert [(f.function, f.rule) for f in document.findings] == [("__do_sys_a", "thing-use")]
    assert document.completeness.change.total == 3 == document.completeness.change.analysed
    assert any("may_use: no longer calls security_thing" in e.what for e in document.completeness.ledger)


def test_a_shared_header_that_does_not_parse(place):
    document = gated(place, FILES | {"include/linux/fs.h": FILES["include/linux/fs.h"].replace("#endif\n", "") + "struct {\n"})
    change = document.completeness.change
    assert change.analysed == 0 and {t.file for t in change.partial + change.lost} >= {"fs/a.c", "fs/b.c"}


def test_a_shared_header_that_is_gone(place):
    files = {name: text for name, text in FILES.items() if name != "include/linux/fs.h"}
    document = gated(place, files)
    assert document.completeness.change.analysed == 0
    assert "removed by the patch" in (document.completeness.change.partial + document.completeness.change.lost)[0].error


def test_a_new_door(place):
    files = FILES | {"fs/new.c": FILES["fs/a.c"].replace("may_use(thing)", "!thing").replace("_sys_a", "_sys_new")}
    document = gated(place, files)
    assert [f.function for f in document.findings] == ["__do_sys_new"]
    notes = [e.what for e in document.completeness.ledger if e.kind == "patch-note"]
    assert any(n.startswith("fs/new.c: new, read with the command of fs/a.c") for n in notes)
    assert any("new door: new(2)" in n for n in notes)


def test_commands_of_neighbours(place):
    tree = place[0]
    assert neighbour(tree.commands, "fs/z.c", None).file == "fs/a.c"
    assert neighbour(tree.commands, "fs/deep/z.c", None).file == "fs/a.c"
    assert neighbour(tree.commands, "net/z.c", "fs/b.c").file == "fs/b.c"
    assert neighbour(tree.commands, "net/z.c", None) is None
    command = moved(tree.commands[0], "fs/new-one.c", tree.root)
    assert command.arguments[-1] == f"{tree.root}/fs/new-one.c" and '-DKBUILD_MODNAME="new_one"' in command.arguments
