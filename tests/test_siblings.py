"""Sibling oracles: what they compare, what they leave alone, and what the gate makes of them.

The corpus (corpus/siblings) holds the verdicts themselves.
"""

from __future__ import annotations

import pytest
from gate_trees import Bench, diff

from verifier.cli.main import main
from verifier.findings import encode
from verifier.gate.overlay import read_patch
from verifier.gate.run import compare
from verifier.gate.variant import make_variant
from verifier.oracles.siblings import Bounds, Member, deviants
from verifier.program.way import INIT, OWN, both, either

HEADER = """#ifndef HEATER_H
#define HEATER_H
struct net { void *user_ns; };
struct heater { struct net *net; int degrees; };
struct heater_ops { int (*set)(struct heater *heater, int degrees); };
_Bool capable(int cap);
int security_heater(struct heater *heater);
void heat(struct heater *heater, int degrees);
#endif
"""


def implementation(name: str, checked: bool = True, more: str = "") -> str:
    check = "\tif (!capable(21))\n\t\treturn -1;\n" if checked else ""
    return (
        f'#include "heater.h"\nstatic int {name}_set(struct heater *heater, int degrees)\n{{\n{check}{more}'
        f"\theater->degrees = degrees;\n\treturn 0;\n}}\nconst struct heater_ops {name} = {{ .set = {name}_set }};\n"
    )


def caller(name: str, checked: bool = True) -> str:
    check = "\tif (security_heater(heater))\n\t\treturn -1;\n" if checked else ""
    return f"int {name}(struct heater *heater)\n{{\n{check}\theat(heater, 1);\n\treturn 0;\n}}\n"


FILES = {
    "heater.h": HEADER,
    "door.c": '#include "heater.h"\nint door(struct heater *heater, const struct heater_ops *ops)\n{\n\treturn ops->set(heater, 1);\n}\n',
    "oil.c": implementation("oil"),
    "gas.c": implementation("gas"),
    "wood.c": implementation("wood"),
    "coal.c": implementation("coal"),
    "heat.c": '#include "heater.h"\nvoid heat(struct heater *heater, int degrees)\n{\n\theater->degrees = degrees;\n}\n',
    "callers.c": '#include "heater.h"\n' + "\n".join(caller(f"by_{n}") for n in ("call", "ioctl", "netlink", "ring")),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("siblings"), FILES)


def gated(bench, files):
    overlay = read_patch(str(bench.root), diff(bench.files, files))
    return compare(bench.clean, make_variant(bench.tree, bench.base, overlay))


def said(findings):
    return [(f.tier, f.kind, f.rule, f.function, f.file) for f in findings]


SLOT = ("warning", "missing-check", "slot-sibling:heater_ops.set")
DOOR = ("warning", "missing-check", "door-sibling:heat")


def test_a_clean_tree_is_clean(bench):
    assert bench.base.document().findings == []


def test_a_patch_that_removes_the_check_in_one_implementation(bench):
    document = gated(bench, bench.files | {"coal.c": implementation("coal", checked=False)})
    (finding,) = document.findings
    assert said([finding]) == [(*SLOT, "coal_set", "coal.c")]
    assert finding.requires == ["capable"] and "3 of 4 implementations" in finding.reason
    assert (finding.sibling.function, finding.sibling.line, finding.sibling.check) == ("gas_set", 4, "capable")
    assert [step.function for step in finding.path] == ["door", "coal_set"] and finding.door == "door"


def test_a_new_implementation_without_the_check(bench):
    document = gated(bench, bench.files | {"sun.c": implementation("sun", checked=False)})
    assert said(document.findings) == [(*SLOT, "sun_set", "sun.c")] and document.fixed == []


def test_a_condition_around_the_check_is_no_matter_of_numbers(bench):
    more = "\tif (degrees > 9 && !capable(21))\n\t\treturn -1;\n"
    assert gated(bench, bench.files | {"coal.c": implementation("coal", False, more)}).findings == []


def test_a_caller_without_the_check(bench):
    files = bench.files | {"callers.c": bench.files["callers.c"] + "\n" + caller("by_mount", checked=False)}
    (finding,) = gated(bench, files).findings
    assert said([finding]) == [(*DOOR, "by_mount", "callers.c")]
    assert finding.line == files["callers.c"].splitlines().index("int by_mount(struct heater *heater)") + 3
    assert finding.sibling.check == "security_heater" and finding.sibling.function == "by_call"


def test_a_check_added_elsewhere_makes_no_news_and_one_added_here_is_a_fix(tmp_path):
    files = FILES | {"coal.c": implementation("coal", False), "sun.c": implementation("sun", False)}
    bench = Bench(tmp_path, files)
    assert said(bench.base.document().findings) == [(*SLOT, "coal_set", "coal.c"), (*SLOT, "sun_set", "sun.c")]
    added = gated(bench, bench.files | {"ash.c": implementation("ash")})
    assert added.findings == [] and added.fixed == []
    mended = gated(bench, bench.files | {"coal.c": implementation("coal")})
    assert mended.findings == [] and said(mended.fixed) == [(*SLOT, "coal_set", "coal.c")]


def test_moving_an_unchecked_implementation_is_no_news(tmp_path):
    bench = Bench(tmp_path, FILES | {"coal.c": implementation("coal", False)})
    document = gated(bench, bench.files | {"coal.c": "\n\n" + bench.files["coal.c"]})
    assert document.findings == [] and document.fixed == []


def test_the_findings_are_the_same_from_the_store(bench, tmp_path):
    other = Bench(tmp_path, FILES | {"coal.c": implementation("coal", False)})
    first = encode(other.base.document())
    assert b"slot-sibling" in first and encode(other.scan(other.files).document()) == first


def test_a_comment_permits_one(bench):
    text = implementation("coal", False).replace("static int", "/* kqual: allow slot-sibling:heater_ops.set coal is mine */\nstatic int")
    document = gated(bench, bench.files | {"coal.c": text})
    assert document.findings == []
    assert [e.kind for e in document.completeness.ledger if e.kind == "allowed"] == ["allowed"]


GENL = """
struct thing { int kind; };
struct genl_ops { int (*doit)(struct thing *thing); int cmd; unsigned char flags; };
int door_genl(const struct genl_ops *ops, struct thing *thing) { return ops->doit(thing); }
static int add(struct thing *thing) { thing->kind = 1; return 0; }
static int del(struct thing *thing) { thing->kind = 2; return 0; }
static int set(struct thing *thing) { thing->kind = 3; return 0; }
static int mod(struct thing *thing) { thing->kind = 4; return 0; }
static int get(struct thing *thing) { return thing->kind; }
const struct genl_ops genl[] = {
	{ .doit = add, .cmd = 1, .flags = 1 }, { .doit = del, .cmd = 2, .flags = 1 }, { .doit = set, .cmd = 3, .flags = 1 },
	{ .doit = mod, .cmd = 4, .flags = 1 }, { .doit = get, .cmd = 5 },
};
"""


def test_a_flag_that_one_entry_of_a_table_lacks(tmp_path):
    bench = Bench(tmp_path, {"genl.c": GENL})
    assert bench.base.document().findings == []
    (finding,) = gated(bench, {"genl.c": GENL.replace(".cmd = 4, .flags = 1", ".cmd = 4")}).findings
    assert said([finding]) == [("warning", "missing-check", "slot-sibling:genl_ops.doit", "mod", "genl.c")]
    assert finding.requires == ["GENL_ADMIN_PERM"] and finding.sibling.check == "GENL_ADMIN_PERM"
    assert finding.reachable_with == ["nothing"]


@pytest.mark.parametrize("name", ["slot-sibling:heater_ops.set", "door-sibling"])
def test_explain_prints_the_page(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["explain", name])
    assert not ended.value.code and capsys.readouterr().out.startswith("# Siblings")


def test_a_kernel_is_quiet_where_functions_do_different_things(tmp_path):
    text = implementation("coal", False).replace("heater->degrees = degrees", "heater->net = 0")
    assert Bench(tmp_path, FILES | {"coal.c": text}).base.document().findings == []


# --- the oracle itself -----------------------------------------------------------------------------------------------

BOUNDS = Bounds(least=3, share=0.5, few=4, most=2)


def group(*words: str) -> list[Member]:
    """Members from words such as `a+x` (passes the check) and `b-x`: the rest is what each does."""
    return [Member(w, frozenset({("c", "")}) if "+" in w else frozenset(), frozenset(w[2:])) for w in words]


def found(*words: str, bounds: Bounds = BOUNDS, mentions=lambda fid, check: False) -> list[str]:
    return [d.fid for d in deviants(group(*words), bounds, mentions)]


def test_bounds():
    assert found("a+x", "b+x", "c+x", "d-x") == ["d-x"]
    assert found("a+x", "b+x", "d-x", "e-x") == []  # too few protected
    assert found("a+x", "b+x", "c+x", "d-x", "e-x", "f-x") == []  # too many deviants
    assert found("a+x", "b+x", "c+x", "d-y") == []  # does something else
    assert found("a+x", "b+x", "c+x", "d-") == []  # does nothing
    assert found("a+x", "b+x", "c+x", "d-x", mentions=lambda fid, check: True) == []
    assert found("a+xyz", "b+xyz", "c+xyz", "d-x", bounds=BOUNDS._replace(alike=0.5)) == []


def test_more_siblings_are_more_evidence():
    few = deviants(group("a+x", "b+x", "c+x", "d-x"), BOUNDS, lambda fid, check: False)[0]
    many = deviants(group(*(f"{n}+x" for n in "abcdefgh"), "i-x"), BOUNDS, lambda fid, check: False)[0]
    assert many.evidence > few.evidence > 0


def test_ways_meet_and_join_with_namespaces():
    admin_init, admin_own, raw = ("CAP_SYS_ADMIN", INIT), ("CAP_SYS_ADMIN", OWN), ("CAP_NET_RAW", OWN)
    assert both(frozenset({admin_init}), frozenset({admin_own, raw})) == {admin_init, raw}
    assert either(frozenset({admin_init, raw}), frozenset({admin_own})) == {admin_own}
    assert either(frozenset({admin_init}), frozenset({raw})) == frozenset()
