"""What an attacker must have on the way to a finding: computed from checks that were passed, and from what tables declare."""

from __future__ import annotations

import json

import pytest
from gate_trees import RULES, Bench, diff, write_tree

from lattices import pack as packs
from lattices.parsing import parse
from verifier.cli.attacker import Attacker, limit
from verifier.cli.main import main
from verifier.errors import UsageError
from verifier.findings import Document, Finding, empty_completeness
from verifier.gate.overlay import read_patch
from verifier.gate.run import compare
from verifier.gate.variant import make_variant
from verifier.program.declared import evaluate

pytestmark = pytest.mark.slow

HEADER = """#ifndef WAY_H
#define WAY_H
struct user_namespace { int level; };
struct net { struct user_namespace *user_ns; };
struct thing { struct net *net; int kind; };
struct genl_ops { int (*doit)(struct thing *thing); int cmd; unsigned char flags; };
struct ctl_table { const char *procname; unsigned short mode; int (*proc_handler)(struct thing *thing); };
struct attribute { const char *name; unsigned short mode; };
struct device_attribute { struct attribute attr; int (*store)(struct thing *thing); };
struct proc_ops { int (*proc_write)(struct thing *thing); };
struct file_operations { int (*write)(struct thing *thing); };
struct rtnl_link { int (*doit)(struct thing *thing); };
extern struct user_namespace init_user_ns;
_Bool capable(int cap);
_Bool ns_capable(struct user_namespace *ns, int cap);
_Bool perfmon_capable(void);
int security_thing(struct thing *thing);
void controlled_op(struct thing *thing);
void *proc_create(const char *name, unsigned short mode, void *parent, const struct proc_ops *table);
void *debugfs_create_file(const char *name, unsigned short mode, void *parent, void *data, const struct file_operations *table);
#endif
"""
BODY = '#include "way.h"\n'
DOORS = """
int door_free(struct thing *thing) { controlled_op(thing); return 0; }
int door_init(struct thing *thing) { if (!capable(21)) return -1; controlled_op(thing); return 0; }
int door_named(struct thing *thing) { if (!ns_capable(&init_user_ns, 13)) return -1; controlled_op(thing); return 0; }
int door_own(struct thing *thing) { if (!ns_capable(thing->net->user_ns, 12)) return -1; controlled_op(thing); return 0; }
int door_either(struct thing *thing)
{
	if (thing->kind) {
		if (!capable(12))
			return -1;
	} else if (!ns_capable(thing->net->user_ns, 12)) {
		return -1;
	}
	controlled_op(thing);
	return 0;
}
int door_sometimes(struct thing *thing) { if (thing->kind && !capable(21)) return -1; controlled_op(thing); return 0; }
int door_two(struct thing *thing)
{
	if (!capable(21) || !ns_capable(thing->net->user_ns, 12))
		return -1;
	controlled_op(thing);
	return 0;
}
int door_perf(struct thing *thing) { if (!perfmon_capable()) return -1; controlled_op(thing); return 0; }
static int act(struct thing *thing) { controlled_op(thing); return 0; }
int door_above(struct thing *thing) { return capable(21) ? act(thing) : -1; }
"""
TABLES = """
static int genl_admin(struct thing *thing) { controlled_op(thing); return 0; }
static int genl_user(struct thing *thing) { controlled_op(thing); return 0; }
static int genl_free(struct thing *thing) { controlled_op(thing); return 0; }
const struct genl_ops genl[] = {
	{ .doit = genl_admin, .cmd = 1, .flags = 0x01 }, { .doit = genl_user, .cmd = 2, .flags = 0x10 }, { .doit = genl_free, .cmd = 3 },
};
int door_genl(const struct genl_ops *ops, struct thing *thing) { return ops->doit(thing); }

static int ctl_root(struct thing *thing) { controlled_op(thing); return 0; }
static int ctl_all(struct thing *thing) { controlled_op(thing); return 0; }
const struct ctl_table ctl[] = {
	{ .procname = "a", .mode = 0600, .proc_handler = ctl_root }, { .procname = "b", .mode = 0644, .proc_handler = ctl_all },
};
int door_ctl(const struct ctl_table *table, struct thing *thing) { return table->proc_handler(thing); }

static int store_root(struct thing *thing) { controlled_op(thing); return 0; }
static int store_all(struct thing *thing) { controlled_op(thing); return 0; }
const struct device_attribute root_attr = { .attr = { .name = "a", .mode = 0644 }, .store = store_root };
const struct device_attribute all_attr = { .attr = { .name = "b", .mode = 0666 }, .store = store_all };
int door_store(const struct device_attribute *attr, struct thing *thing) { return attr->store(thing); }

static int proc_root(struct thing *thing) { controlled_op(thing); return 0; }
static int proc_all(struct thing *thing) { controlled_op(thing); return 0; }
static const struct proc_ops root_ops = { .proc_write = proc_root };
static const struct proc_ops all_ops = { .proc_write = proc_all };
int make_proc(void) { proc_create("a", 0644, 0, &root_ops); proc_create("b", 0666, 0, &all_ops); return 0; }
int door_proc(const struct proc_ops *ops, struct thing *thing) { return ops->proc_write(thing); }

static int debug_write(struct thing *thing) { controlled_op(thing); return 0; }
static int dev_write(struct thing *thing) { controlled_op(thing); return 0; }
static const struct file_operations debug_ops = { .write = debug_write };
const struct file_operations dev_ops = { .write = dev_write };
int make_debug(void) { debugfs_create_file("a", 0666, 0, 0, &debug_ops); return 0; }
int door_write(const struct file_operations *ops, struct thing *thing) { return ops->write(thing); }
"""
FILES = {"way.h": HEADER, "doors.c": BODY + DOORS, "tables.c": BODY + TABLES}
NET, SYS, DAC = "CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE in init"
WANTED = {
    "door_free": ["nothing"],
    "door_init": [f"{SYS} in init"],
    "door_named": ["CAP_NET_RAW in init"],
    "door_own": [f"{NET} in any user namespace"],
    "door_either": [f"{NET} in any user namespace"],
    "door_sometimes": ["nothing"],
    "door_two": [f"{NET} in any user namespace", f"{SYS} in init"],
    "door_perf": ["CAP_PERFMON in init"],
    "act": [f"{SYS} in init"],
    "genl_admin": [f"{NET} in init"],
    "genl_user": [f"{NET} in any user namespace"],
    "genl_free": ["nothing"],
    "ctl_root": [DAC],
    "ctl_all": ["nothing"],
    "store_root": [DAC],
    "store_all": ["nothing"],
    "proc_root": [DAC],
    "proc_all": ["nothing"],
    "debug_write": [DAC],
    "dev_write": ["nothing"],
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("privileges"), FILES)


def test_privileges_of_paths(bench):
    found = {f.function: f.reachable_with for f in bench.base.document().findings if f.rule == "thing-use"}
    assert found == WANTED


def test_a_new_path_of_the_gate(bench):
    more = "int door_late(struct thing *thing) { return capable(24) ? act(thing) : -1; }\n"
    overlay = read_patch(str(bench.root), diff(bench.files, bench.files | {"doors.c": bench.files["doors.c"] + more}))
    (finding,) = compare(bench.clean, make_variant(bench.tree, bench.base, overlay)).findings
    assert finding.reachable_with == ["CAP_SYS_RESOURCE in init"]


def finding(*needs: str) -> Finding:
    return Finding(
        fingerprint="", kind="missing-check", tier="error", rule="r", operation="o", object="", requires=["c"], file="a.c",
        line=1, function="f", door=None, path=[], sibling=None, assumptions=[], reachable_with=list(needs),
    )  # fmt: skip


def reached(name: str) -> list[bool]:
    cases = [("nothing",), (f"{NET} in any user namespace",), (f"{NET} in init",), (f"{SYS} in init",), (f"{NET} in init", f"{SYS} in init"), ()]
    return [Attacker(name).reaches(finding(*needs)) for needs in cases]


def test_attackers():
    assert reached("unprivileged") == [True, False, False, False, False, True]
    assert reached("userns-root") == [True, True, False, False, False, True]
    assert reached("cap:NET_ADMIN") == reached("cap:cap_net_admin") == [True, True, True, False, False, True]
    for name in ("root", "cap:", "", "cap:1"):
        with pytest.raises(UsageError):
            Attacker(name)


def test_the_ledger_says_what_was_left_out():
    document = Document(schema="kqual/1", completeness=empty_completeness(), findings=[finding("nothing"), finding(f"{SYS} in init"), finding()])
    left = limit(document, "unprivileged")
    assert [f.reachable_with for f in left.findings] == [["nothing"], []]
    assert sorted((e.count, e.what) for e in left.completeness.ledger) == [
        (1, "findings of unknown privilege"), (1, "findings that ask for more than unprivileged has"),
    ]  # fmt: skip
    assert left.configuration["attacker"] == "unprivileged"


def test_the_commands(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path / "tree", {"way.h": HEADER, "doors.c": BODY + DOORS})
    write_tree(tmp_path / "rules", {"own.toml": RULES})

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main([*words])
        return ended.value.code, capfd.readouterr()

    common = ("tree", "--config", "plain", "--rules", "rules", "-q", "--format")
    code, said = run("scan", *common, "json", "--attacker", "unprivileged")
    document = json.loads(said.out)
    assert code == 1 and sorted(f["function"] for f in document["findings"]) == ["door_free", "door_sometimes"]
    code, said = run("report", "--attacker", "userns-root")
    assert "reachable with: CAP_NET_ADMIN in any user namespace" in said.out and "door_init" not in said.out
    assert "findings that ask for more than userns-root has" in said.out
    (tmp_path / "p").write_bytes(diff({"doors.c": BODY + DOORS}, {"doors.c": BODY + DOORS + "int n(struct thing *t) { controlled_op(t); return 0; }\n"}))
    code, said = run("gate", *common, "text", "--patch", "p", "--attacker", "cap:SYS_ADMIN")
    assert code == 1 and "reachable with: no privilege" in said.out
    code, said = run("scan", *common, "text", "--attacker", "nobody")
    assert code == 2 and "userns-root" in said.err


def test_privileges_are_checked_when_they_are_read(tmp_path):
    def problems(text):
        (tmp_path / "p.toml").write_text(text)
        return [p.message for p in packs.collect(extra=[tmp_path])[1]]

    head = '[[privilege]]\nname = "x"\ncapability = "CAP_NET_ADMIN"\nnamespace = "init"\nreason = "r"\n'
    assert problems(head + 'check = "capable"\n') == []
    assert problems(head) and problems(head + 'check = "capable"\ndoor = "syscall"\n')
    assert problems(head.replace("NET_ADMIN", "NOTHING") + 'check = "c"\n')
    assert problems(head.replace('"init"', '"mine"') + 'check = "c"\n')


def test_conditions_over_constants():
    assert evaluate(("and", parse("1"), parse("2")), {}) and not evaluate(parse("flags & 4"), {"flags": 3})
    assert evaluate(parse("type != 0 && (type & 3) != 2"), {"type": 16}) and not evaluate(parse("type == 1 || !type"), {"type": 18})
    with pytest.raises(ValueError):
        evaluate(parse("f(x)"), {})
