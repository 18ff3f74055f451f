"""`kqual coverage` on a small program: virtual removal, redundancy, reasons, and an independent count of the sites."""

import json
import random

import pytest
from msgspec.structs import replace

from lattices import pack as packs
from reports.coverage import shares
from verifier.cli.main import main
from verifier.coverage.asks import Asks
from verifier.coverage.difference import effect
from verifier.coverage.judge import Judge
from verifier.coverage.sites import find_sites
from verifier.coverage.source import calls_in_text
from verifier.findings import DECIDES_NOTHING, FOR_NOBODY, ONLY_TELLS, Site
from verifier.program.analyse import analysis
from verifier.store import Store
from verifier.tree import open_tree

pytestmark = pytest.mark.slow

RULES = """
[[rule]]
id = "thing-use"
service = "file"
operation = "controlled_op(thing)"
requires = ["security_thing(thing) || security_thing_late(thing)"]
reason = "uses the thing"
good = '''
struct thing;
int security_thing(struct thing *thing);
void controlled_op(struct thing *thing);
int use_ok(struct thing *thing) { int err = security_thing(thing); if (err) return err; controlled_op(thing); return 0; }
'''
bad = '''
struct thing;
void controlled_op(struct thing *thing);
int use_bad(struct thing *thing) { controlled_op(thing); return 0; }
'''

[[rule]]
id = "thing-admin"
service = "system"
operation = "admin_op(thing)"
requires = ["capable(CAP_SYS_ADMIN)"]
reason = "changes the thing for everybody"
good = '''
struct thing;
_Bool capable(int cap);
void admin_op(struct thing *thing);
int use_ok(struct thing *thing) { if (!capable(21)) return -1; admin_op(thing); return 0; }
'''
bad = '''
struct thing;
void admin_op(struct thing *thing);
int use_bad(struct thing *thing) { admin_op(thing); return 0; }
'''

[[check]]
name = "thing_permitted"
family = "capability"
allow = "true"
objects = [0]

[[rule]]
id = "thing-permit"
service = "file"
operation = "permit_op(thing)"
requires = ["thing_permitted(thing)"]
reason = "permits the thing"

[[rule]]
id = "box-use"
service = "file"
operation = "box_op(file)"
requires = ["capable(CAP_SYS_NICE)"]
reason = "uses the box"

[[idle]]
functions = ["listed"]
reason = "a longer list for some"
"""
HEADER = """struct thing_operations;
struct thing { struct thing *next; int state; const struct thing_operations *ops; };
struct thing_operations { int (*weigh)(struct thing *); };
int security_thing(struct thing *thing);
int security_thing_late(struct thing *thing);
int security_other(struct thing *thing);
void security_free_thing(struct thing *thing) { thing->state = 0; }
_Bool capable(int cap);
void controlled_op(struct thing *thing);
void admin_op(struct thing *thing);
void permit_op(struct thing *thing);
struct inode;
struct file_operations;
struct file { const struct file_operations *f_op; };
struct file_operations { int (*open)(struct inode *, struct file *); long (*unlocked_ioctl)(struct file *, unsigned int, unsigned long); };
void box_op(struct file *file);
"""
PROGRAM = """#include "thing.h"

int single(struct thing *thing)
{
	int err = security_thing(thing);

	if (err)
		return err;
	controlled_op(thing);
	return 0;
}

int twice(struct thing *thing)
{
	if (security_thing(thing))
		return -1;
	if (security_thing_late(thing))
		return -1;
	controlled_op(thing);
	return 0;
}

static int wrapper(struct thing *thing)
{
	return security_thing(thing);
}

int one_caller(struct thing *thing)
{
	int err = wrapper(thing);

	if (!err)
		controlled_op(thing);
	return err;
}

int other_caller(struct thing *thing)
{
	int err = wrapper(thing->next);

	if (!err)
		controlled_op(thing->next);
	return err;
}

static void perform(struct thing *thing)
{
	controlled_op(thing);
}

int carried(struct thing *thing)
{
	if (security_thing(thing))
		return -1;
	perform(thing);
	return 0;
}

int open_all_the_same(struct thing *thing)
{
	controlled_op(thing);
	return security_thing(thing);
}

int dropped(struct thing *thing)
{
	security_thing(thing);
	return 0;
}

int unasked(struct thing *thing)
{
	/* security_thing(thing) stands in a comment only */
	return security_other(thing);
}

static int nobody(struct thing *thing)
{
	int err = security_thing(thing);

	if (!err)
		controlled_op(thing);
	return err;
}

int far(struct thing *thing)
{
	if (security_thing(thing))
		return -1;
	thing->state = 1;
	security_free_thing(thing);
	return 0;
}

int admin(struct thing *thing)
{
	if (!capable(21))
		return -1;
	admin_op(thing);
	return 0;
}

static int security_namesake(struct thing *thing)
{
	return thing->state;
}

int driver(struct thing *thing)
{
	return security_namesake(thing);
}

static int thing_rank(struct thing *thing)
{
	return capable(13) ? 0 : -1;
}

static int thing_weigh(struct thing *thing)
{
	capable(14);
	return capable(15) ? 0 : -1;
}

const struct thing_operations heavy_things = { .weigh = thing_weigh };

_Bool thing_permitted(struct thing *thing)
{
	return thing->state == 7 || capable(12) || !thing_rank(thing) || !thing->ops->weigh(thing);
}

int permitted(struct thing *thing)
{
	if (!thing_permitted(thing))
		return -1;
	permit_op(thing);
	return 0;
}

int listed(void)
{
	return capable(21) ? 2 : 1;
}

static int box_open(struct inode *inode, struct file *file)
{
	return capable(23) ? 0 : -1;
}

static long box_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (!capable(23))
		return -1;
	box_op(file);
	return 0;
}

const struct file_operations box_operations = { .open = box_open, .unlocked_ioctl = box_ioctl };

long any_open(struct inode *inode, struct file *file)
{
	return file->f_op->open(inode, file);
}

long any_ioctl(struct file *file)
{
	return file->f_op->unlocked_ioctl(file, 1, 2);
}

#ifdef NEVER
int compiled_out(struct thing *thing)
{
	return security_thing(thing);
}
#endif
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coverage")
    (folder / "tree" / "security").mkdir(parents=True)
    (folder / "tree" / "thing.h").write_text(HEADER)
    (folder / "tree" / "use.c").write_text(PROGRAM)
    (folder / "tree" / "security" / "module.c").write_text(
        '#include "../thing.h"\nint inside(struct thing *thing) { return security_thing(thing); }\n'
    )
    (folder / "rules").mkdir()
    (folder / "rules" / "own.toml").write_text(RULES)
    return folder


@pytest.fixture
def run(place, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    monkeypatch.chdir(place)

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["coverage", "tree", "--rules", "rules", "-q", *arguments])
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return call


@pytest.fixture
def sites(run):
    status, out, err = run("--format", "json", "-j", "1")
    assert status == 0, err
    return json.loads(out)["sites"]


def of(sites, function):
    return [s for s in sites if s["function"] == function]


def line_of(text, nth=0):
    return [n for n, line in enumerate(PROGRAM.splitlines(), 1) if text in line][nth]


def test_every_call_of_a_hook_is_a_site(sites):
    shown = [(s["line"], s["check"]) for s in sites if s["family"] == "lsm"]
    live = PROGRAM[: PROGRAM.index("#ifdef NEVER")].encode()
    text = [(line, name) for line, name in calls_in_text(live) if name not in ("security_free_thing", "security_namesake")]
    assert shown == sorted(shown) == sorted(text) and len(shown) == 10
    assert {s["file"] for s in sites} == {"use.c"}


def test_a_needed_check_is_load_bearing(sites):
    (site,) = of(sites, "single")
    assert site["status"] == "load-bearing" and site["dominated_by"] is None
    assert site["protects"] == ["thing-use controlled_op(thing) @ single"]
    assert (site["family"], site["service"], site["line"]) == ("lsm", "file", line_of("security_thing(thing);"))


def test_a_check_in_a_wrapper_protects_all_callers(sites):
    (site,) = of(sites, "wrapper")
    assert site["protects"] == [
        "thing-use controlled_op(thing) @ one_caller", "thing-use controlled_op(thing) @ other_caller",
    ]  # fmt: skip


def test_a_check_above_the_operation(sites):
    (site,) = of(sites, "carried")
    assert site["status"] == "load-bearing"
    assert site["protects"] == ["thing-use controlled_op(thing) @ perform"]


def test_either_of_two_checks_is_redundant_with_the_other(sites):
    first, second = of(sites, "twice")
    assert (first["status"], second["status"]) == ("redundant", "redundant")
    assert first["dominated_by"] == {"file": "use.c", "line": second["line"], "check": "security_thing_late"}
    assert second["dominated_by"] == {"file": "use.c", "line": first["line"], "check": "security_thing"}
    assert first["protects"] == [] and "without both" in first["reason"]


def test_a_check_at_open_and_one_at_use_are_redundant(sites):
    (use,), (opening,) = of(sites, "box_ioctl"), of(sites, "box_open")
    assert (use["status"], use["dominated_by"]["line"]) == ("redundant", opening["line"])
    assert (opening["status"], opening["dominated_by"]["line"]) == ("redundant", use["line"])


@pytest.mark.parametrize(
    "function, words",
    [
        ("open_all_the_same", "the call comes after it"),
        ("dropped", "its result decides nothing: the result of security_thing is dropped"),
        ("unasked", "no rule asks for security_other"),
        ("nobody", "no door"),
        ("far", "no operation that needs it"),
    ],
)
def test_unexplained_sites_say_why(sites, function, words):
    (site,) = of(sites, function)
    assert site["status"] == "unexplained" and words in site["reason"]
    assert site["protects"] == [] and site["dominated_by"] is None


def test_capabilities_have_their_own_family(sites):
    (site,) = of(sites, "admin")
    assert (site["family"], site["service"], site["status"]) == ("capability", "system", "load-bearing")


def test_a_call_in_the_body_of_a_check_protects_what_the_check_does(sites):
    (site,) = of(sites, "thing_permitted")
    assert (site["check"], site["status"]) == ("capable", "load-bearing")
    assert site["protects"] == ["thing-permit permit_op(thing) @ permitted through thing_permitted"]
    (site,) = of(sites, "thing_rank")  # which the check calls
    assert site["protects"] == ["thing-permit permit_op(thing) @ permitted through thing_permitted"]


def test_a_check_may_call_for_its_answer_through_a_table_but_not_for_what_nothing_reads(sites):
    unread, answer = of(sites, "thing_weigh")
    assert answer["protects"] == ["thing-permit permit_op(thing) @ permitted through thing_permitted"]
    assert (unread["status"], unread["protects"]) == ("unexplained", [])
    assert unread["reason"] == "its result decides nothing: the result of capable is dropped"


def test_a_call_that_refuses_nothing_is_declared_so(sites):
    (site,) = of(sites, "listed")
    assert (site["status"], site["reason"]) == ("unexplained", "declared to decide nothing: a longer list for some")


def test_calls_that_are_not_analysed_are_in_the_ledger(run):
    document = json.loads(run("--format", "json")[1])
    line = line_of("return security_thing(thing);", -1)
    told = [e["what"] for e in document["completeness"]["ledger"] if e["kind"] == "site-not-analysed"]
    assert told == [f"use.c:{line}: security_thing: compiled out, or in a function that nothing uses"]


def test_equal_bytes_for_any_number_of_jobs_and_from_the_store(run):
    cold = run("--format", "json", "-j", "1", "--store", "c1")[1]
    assert cold and run("--format", "json", "-j", "1", "--store", "c1")[1] == cold
    assert run("--format", "json", "-j", "2", "--store", "c2")[1] == cold


def test_filters_give_the_same_verdicts(run, sites):
    chosen = json.loads(run("--format", "json", "--hook", "security_thing_late", "--store", "c3")[1])["sites"]
    assert chosen == [s for s in sites if s["check"] == "security_thing_late"]
    chosen = json.loads(run("--format", "json", "--family", "capability")[1])["sites"]
    assert chosen == [s for s in sites if s["family"] == "capability"]
    status, _, err = run("--hook", "security_nothing")
    assert status == 0 and "no call of security_nothing" in err


def test_text(run):
    status, out, _ = run()
    assert status == 0
    assert "19 enforcing sites: 8 load-bearing (42.1%), 4 redundant (21.1%), 7 unexplained (36.8%)" in out
    assert f"use.c:{line_of('security_other')}: security_other in unasked: unexplained: no rule asks for it" not in out
    assert "security_other in unasked: unexplained: no rule asks for security_other" in out
    assert "redundant with use.c" not in out and "redundant with use.c" in run("--all")[1]


def test_text_scan_skips_what_is_no_call():
    text = b'int security_a(int x);\n// security_b(1)\n\tprintk("security_c(");\n\tif (security_d (1) ||\n\t    security_e(2))\n'
    assert calls_in_text(text) == [(4, "security_d"), (5, "security_e")]
    assert calls_in_text(b"#define CHECK(x) security_f(x)\n") == [(1, "security_f")]


def test_usage_errors(run):
    assert run("--family", "nonsense")[0] == 2


def random_program(seed, most=40):
    """Functions that call later ones, some behind a check, and some of them the controlled operation."""
    draw = random.Random(seed)
    out = ['#include "thing.h"\n']
    for n in reversed(range(most)):
        body = []
        if draw.random() < 0.4:
            check = draw.choice(["security_thing(thing)", "security_thing(thing)", "security_thing(thing->next)"])
            body.append(f"\tif ({draw.choice(['', '', 'thing->state && '])}{check})\n\t\treturn -1;\n")
        if draw.random() < 0.4:
            body.append("\tcontrolled_op(thing);\n")
        for callee in sorted(draw.sample(range(n + 1, most), min(draw.randint(0, 2), most - n - 1))):
            argument = draw.choice(["thing", "thing", "thing->next"])
            call = f"f{seed}_{callee}({argument})"
            body.append(draw.choice([f"\t{call};\n", f"\tif ({call})\n\t\treturn -1;\n"]))
        linkage = "" if draw.random() < 0.3 else "static "
        out.append(f"{linkage}int f{seed}_{n}(struct thing *thing)\n{{\n{''.join(body)}\treturn 0;\n}}\n")
    return "\n".join(out)


def test_callers_that_are_left_out_change_nothing(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "thing.h").write_text(HEADER)
    for seed in range(8):
        (tmp_path / "tree" / f"part{seed}.c").write_text(random_program(seed))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    tree = open_tree(tmp_path / "tree", config="plain")
    with Store.open(tmp_path / "store") as store:
        base = analysis(tree, store, packs.load(extra=[tmp_path / "rules"]), 1)
        sites = find_sites(base)
        judge = Judge(base, base.frontier(), sites, Asks(base))
        fewer = bearing = 0
        for site in sites:
            before = judge.remover.analysed
            short = judge.alone(site)
            between = judge.remover.analysed
            whole = effect(judge.frontier, judge.remover.without([site], whole=True))
            fewer += between - before < judge.remover.analysed - between
            bearing += bool(whole.flips)
            assert (short.flips, short.cold) == (whole.flips, whole.cold), site
        assert bearing > 10 and fewer > 5, (bearing, fewer)
        more = 0
        for one, other in [(a, b) for a in sites for b in sites if a < b and a.file == b.file]:
            both = effect(judge.frontier, judge.remover.without([one, other], whole=True))
            alone = effect(judge.frontier, judge.remover.without([other], whole=True))
            around = judge._around(one.fid)
            found = judge.joint(one, [one, other], around).lowest - judge.joint(one, [other], around).fresh
            assert found == both.lowest - alone.fresh, (one, other)
            assert bool(found) == bool(both.fresh - alone.fresh), (one, other)
            more += bool(found)
        assert more > 10, more


def test_a_check_that_many_callers_pass_is_tried_after_all_others(tmp_path):
    """The first call of `opening` is made again by `entered`, which 14 functions call; that of `alone` by nobody."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "thing.h").write_text(HEADER)
    others = "".join(f"int caller{n}(struct thing *thing) {{ return entered(thing); }}\n" for n in range(13))
    (tmp_path / "tree" / "open.c").write_text(
        '#include "thing.h"\nint entered(struct thing *thing) { return security_thing(thing); }\n'
        "int opening(struct thing *thing)\n{\n\tif (security_thing(thing))\n\t\treturn -1;\n"
        "\tif (entered(thing))\n\t\treturn -1;\n\tcontrolled_op(thing);\n\treturn 0;\n}\n"
        "int alone(struct thing *thing)\n{\n\tif (security_thing(thing))\n\t\treturn -1;\n\tentered(thing);\n\treturn 0;\n}\n" + others
    )
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    tree = open_tree(tmp_path / "tree", config="plain")
    with Store.open(tmp_path / "store") as store:
        base = analysis(tree, store, packs.load(extra=[tmp_path / "rules"]), 1)
        judge = Judge(base, base.frontier(), find_sites(base), Asks(base))
        shown = {s.function: judge.judge(s, lambda *_: "") for s in find_sites(base) if s.function in ("opening", "alone")}
    assert (shown["opening"].status, shown["opening"].dominated_by.line) == ("redundant", 2)
    assert (shown["alone"].status, shown["alone"].dominated_by) == ("unexplained", None)


def site_of(check, status="unexplained", reason=""):
    return Site(
        file="a.c", line=1, function="f", check=check, family="lsm", service="file", status=status, protects=[],
        dominated_by=None, reason=reason,
    )  # fmt: skip


def test_shares_are_told_with_and_without_calls_that_refuse_nobody():
    sites = [
        site_of("security_a", "load-bearing"), site_of("security_a", "redundant"), site_of("security_a"),
        site_of("security_b", reason=f"{DECIDES_NOTHING}: tells a label"), site_of("security_b", reason=f"{ONLY_TELLS}: x"),
        site_of("security_c", reason=f"{FOR_NOBODY}: boot"), site_of("rw_verify_area"),
    ]  # fmt: skip
    shown = [(explained, total, share) for _, explained, total, share in shares(sites, "lsm")]
    assert shown == [("2", "6", "33.3%"), ("2", "4", "50.0%"), ("2", "3", "66.7%")]
    assert [total for _, _, total, _ in shares(sites[:3], "lsm")] == ["3"] and not list(shares(sites[6:], "lsm"))
    others = [replace(site, family="capability") for site in (site_of("capable", "load-bearing"), site_of("ns_capable"))]
    assert list(shares([*sites, *others], "capability")) == [("load-bearing or redundant calls of capability checks", "1", "2", "50.0%")]
