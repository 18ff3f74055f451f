"""What entries of tables declare: a handler knows its flags, and the gate sees a flag that a patch takes away."""

from __future__ import annotations

from pathlib import Path

from gate_trees import diff, write_tree

from lattices import pack as packs
from verifier.gate.overlay import Overlay, read_patch
from verifier.gate.run import compare
from verifier.gate.variant import make_variant
from verifier.program.analyse import analysis
from verifier.store import Store
from verifier.tree import open_tree

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
TABLE = """struct radio;
struct radio_command { int (*run)(struct radio *radio); unsigned int flags; };
void switch_radio(struct radio *radio);
static int run_switch(struct radio *radio)
{
	switch_radio(radio);
	return 0;
}
static const struct radio_command commands[] = {
	{ .run = run_switch, .flags = 1 },
};
int command(struct radio *radio, int number)
{
	const struct radio_command *entry = &commands[number];

	return entry->run(radio);
}
"""


def test_a_patch_that_takes_the_flag_away(tmp_path):
    tree = open_tree(write_tree(tmp_path / "tree", {"radio.c": TABLE}), config="plain")
    pack = packs.load(None, (str(CORPUS / "rules.toml"),))
    patch = diff({"radio.c": TABLE}, {"radio.c": TABLE.replace(".flags = 1", ".flags = 4")})
    with Store.open(tmp_path / "s.sqlite") as store:
        base = analysis(tree, store, pack, 1)
        assert not base.document().findings
        clean = make_variant(tree, base, Overlay())
        found = compare(clean, make_variant(tree, base, read_patch(tree.root, patch))).findings
    assert [(f.kind, f.rule, f.function, f.requires) for f in found] == [
        ("weaker-check", "radio-switch", "run_switch", ["radio_declares", "capable"])
    ]
