"""`each(f(_))`: all that a loop came past was checked; checks that allow with an error number in a wrapper; what a callee asks
of what a wrapper returned; functions given to others through a variable."""

import pytest

from lattices.pack import PackError, load
from verifier.program.examples import examples, judge

HEAD = """
prelude = '''
enum { EOPNOTSUPP = 95 };
struct item { struct item *next; int kind; void *label; };
int security_item(struct item *item);
int security_make(struct item *item);
_Bool special(struct item *item) { return item->kind > 7; }
int act(struct item *item);
static int all(struct item *item)
{
    for (; item; item = item->next) {
        int err;

        if (item->kind)
            continue;
        err = security_item(item);
        if (err)
            return err;
    }
    return 0;
}
static int careless(struct item *item)
{
    int err = 0;

    for (; item; item = item->next)
        err = security_item(item);
    return 0;
}
static int made(struct item *item) { return security_make(item); }
'''

[[check]]
name = "security_make"
allow = ["0", "-EOPNOTSUPP"]
reason = "r"
"""

LOOP = "for (struct item *x = item; x; x = x->next)"
RULES = {
    "in-a-callee": (
        'operation = "act(_)"\nin = ["f"]\nrequires = ["each(security_item(_))"]',
        "int f(struct item *item) { if (all(item)) return -1; return act(item); }",
        "int f(struct item *item) { if (careless(item)) return -1; return act(item); }",
    ),
    "ignored-by-the-caller": (
        'operation = "act(_)"\nin = ["f"]\nrequires = ["each(security_item(_))"]',
        "int f(struct item *item) { int err = all(item); if (err) return err; return act(item); }",
        "int f(struct item *item) { all(item); return act(item); }",
    ),
    "a-loop-that-goes-on": (
        'operation = "act(_)"\nin = ["f"]\nrequires = ["each(security_item(_))"]',
        f"int f(struct item *item) {{ {LOOP} if (security_item(x)) return -1; return act(item); }}",
        f"int f(struct item *item) {{ {LOOP} if (security_item(x)) continue; return act(item); }}",
    ),
    "no-loop-that-asks": (
        'operation = "act(_)"\nin = ["f"]\nrequires = ["each(security_item(_))"]',
        f"int f(struct item *item) {{ {LOOP} if (security_item(x)) return -1; return act(item); }}",
        f"int f(struct item *item) {{ {LOOP} if (special(x)) return -1; return act(item); }}",
    ),
    "only-where-a-member-is-set": (
        'operation = "act(_)"\nin = ["f"]\nrequires = ["each(_->label, security_item(_))"]',
        f"int f(struct item *item) {{ {LOOP} {{ if (x->label && security_item(x)) return -1; }} return act(item); }}",
        f"int f(struct item *item) {{ {LOOP} {{ if (x->label && x->kind == 2 && security_item(x)) return -1; }} return act(item); }}",
    ),
    "refused-every-time": (
        'operation = "act(_)"\nin = ["f"]\nrequires = ["each(!special(_))"]',
        f"int f(struct item *item) {{ {LOOP} if (special(x)) return -1; return act(item); }}",
        f"int f(struct item *item) {{ {LOOP} if (special(x)) break; return act(item); }}",
    ),
    "an-error-number-that-allows": (
        'operation = "act(item)"\nin = ["f"]\nrequires = ["security_make(item)"]',
        "int f(struct item *item) { int err = made(item); if (err && err != -EOPNOTSUPP) return err; return act(item); }",
        "int f(struct item *item) { int err = made(item); if (err && err != -EOPNOTSUPP && err != -12) return err; return act(item); }",
    ),
    "asked-as-a-branch-of-the-callee": (
        'operation = "act(item)"\nin = ["g"]\nrequires = ["security_item(_)"]',
        """static struct item *passed(struct item *item) { return security_item(item) ? 0 : item; }
        static int g(struct item *item) { return item ? act(item) : 0; }
        int f(struct item *item) { struct item *x = passed(item); return g(x); }""",
        """static struct item *passed(struct item *item) { security_item(item); return item->next; }
        static int g(struct item *item) { return item ? act(item) : 0; }
        int f(struct item *item) { struct item *x = passed(item); return g(x); }""",
    ),
    "a-function-in-a-variable": (
        'operation = "act(item)"\nin = ["g"]\nrequires = ["security_item(item)"]',
        """static int g(struct item *item) { return act(item); }
        static int run(int (*call)(struct item *), struct item *item) { return call(item); }
        int f(struct item *item) { int (*call)(struct item *) = g; if (security_item(item)) return -1; return run(call, item); }""",
        """static int g(struct item *item) { return act(item); }
        static int run(int (*call)(struct item *), struct item *item) { return call(item); }
        int f(struct item *item) { int (*call)(struct item *) = g; security_item(item); return run(call, item); }""",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_good_passes_and_bad_is_reported(name, tmp_path):
    body, good, bad = RULES[name]
    rule = f"[[rule]]\nid = '{name}'\nservice = 'file'\nreason = 'r'\n{body}\ngood = '''{good}'''\nbad = '''{bad}'''\n"
    (tmp_path / "r.toml").write_text(HEAD + rule)
    pack = load(extra=[tmp_path])
    wanted = examples([pack.rule(name)])
    assert [e.expected for e in wanted] == ["good", "bad"]
    assert [why for _, why in judge(pack, wanted, 1, lambda *_: None)] == ["", ""]


@pytest.mark.parametrize("line", ["each()", "each(item)", "each(_, security_item(_))", "each(_->label, _->next, security_item(_))"])
def test_each_takes_a_check(line, tmp_path):
    rule = f"""[[rule]]\nid = 'x'\nservice = 'file'\nreason = 'r'\noperation = "act(item)"\nrequires = ["{line}"]\n"""
    (tmp_path / "r.toml").write_text(rule)
    with pytest.raises(PackError, match="`each` takes a check"):
        load(extra=[tmp_path])
