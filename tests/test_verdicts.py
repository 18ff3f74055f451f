"""Verdicts of operations that no system call reaches: for nobody, and for subjects that the rule is not about."""

import pytest
from gate_trees import RULES

from lattices import pack as packs
from verifier.program.analyse import analysis
from verifier.program.report import obligations, verdicts
from verifier.store import Store
from verifier.tree import open_tree

PROGRAM = """
struct thing;
struct work_struct { void (*func)(struct work_struct *work); };
struct svc_procedure { int (*pc_func)(struct thing *thing); };
int security_thing(struct thing *thing);
void controlled_op(struct thing *thing);
extern struct thing *left;

static void later(struct work_struct *work)
{
	controlled_op(left);
}

static int serve(struct thing *thing)
{
	controlled_op(thing);
	return 0;
}

static void step(struct thing *thing)
{
	controlled_op(thing);
}

static int serve_below(struct thing *thing)
{
	step(thing);
	return 0;
}

struct work_struct item = { .func = later };
struct svc_procedure procedures[] = { { .pc_func = serve }, { .pc_func = serve_below } };

static void dispatch(struct work_struct *work)
{
	procedures[0].pc_func(left);
}

struct work_struct dispatcher = { .func = dispatch };

int __do_sys_checked(struct thing *thing)
{
	int err = security_thing(thing);

	if (!err)
		controlled_op(thing);
	return err;
}

int __do_sys_run(struct work_struct *work)
{
	work->func(work);
	return 0;
}
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    place = tmp_path_factory.mktemp("verdicts")
    (place / "tree").mkdir()
    (place / "tree" / "all.c").write_text(PROGRAM)
    (place / "own.toml").write_text(RULES)
    with Store.open(place / "store.sqlite") as store:
        made = analysis(open_tree(str(place / "tree"), config="plain"), store, packs.load(extra=[place / "own.toml"]), 1)
        judged = verdicts(made.results, made.frontier(), made.program, made.doors)
        yield {o.function: o.verdict for o in obligations(judged, made.results, made.program)}


@pytest.mark.parametrize("function, verdict", [
    ("__do_sys_checked", "mediated"),
    ("later", "mediated"),  # for nobody: a call through the slot of work functions runs none of them
    ("serve", "unknown"),  # for a remote client, of whom the rule says nothing, though its caller runs for nobody
    ("step", "unknown"),
])  # fmt: skip
def test_verdicts(found, function, verdict):
    assert found[function] == verdict
