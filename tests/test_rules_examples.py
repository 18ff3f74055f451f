"""Examples of rules: all that come with kqual hold, and each way in which one can be wrong is told."""

from __future__ import annotations

import pytest

from lattices import pack as packs
from verifier.cli.main import main
from verifier.program import examples

pytestmark = pytest.mark.slow

HEAD = '''
prelude = """
struct thing { int rank; };
int security_thing(struct thing *thing);
int capable(int cap);
void operate(struct thing *thing, int rank);
"""
[[service]]
id = "test"
title = "Test"
[[check]]
name = "capable"
family = "capability"
allow = "true"
[[rule]]
id = "toy"
service = "test"
operation = "operate(thing, rank)"
reason = "a toy"
'''
CHECKED = "void f(struct thing *t, int r) { if (security_thing(t)) return; operate(t, r); }"
OPEN = "void f(struct thing *t, int r) { operate(t, r); }"


def silent(phase, done, total):
    pass


def wrongs(tmp_path, good=CHECKED, bad=OPEN, requires="security_thing(thing)"):
    (tmp_path / "toy.toml").write_text(HEAD + f"requires = ['''{requires}''']\ngood = '''\n{good}\n'''\nbad = '''\n{bad}\n'''\n")
    pack = packs.load(tmp_path)
    return [(e.expected, wrong) for e, wrong in examples.judge(pack, examples.examples(pack.rules), 2, silent)]


@pytest.mark.parametrize("version", ["6.12", "6.1"])
def test_every_example_of_the_shipped_rules_behaves(version):
    pack = packs.load(version=version)
    rules = pack.rules
    if version != "6.12":
        newer = {(rule.id, rule.good, rule.bad) for rule in packs.load(version="6.12").rules}
        rules = [rule for rule in rules if (rule.id, rule.good, rule.bad) not in newer]
    tried = list(examples.judge(pack, examples.examples(rules), 2, silent))
    assert [f"{e.rule.id}: {wrong}" for e, wrong in tried if wrong] == []
    assert len(tried) > (1400 if version == "6.12" else 1)


def test_a_pair_that_behaves_has_nothing_wrong(tmp_path):
    assert wrongs(tmp_path) == [("good", ""), ("bad", "")]


def test_what_is_wrong_is_told(tmp_path):
    found = wrongs(tmp_path, good=OPEN, bad=CHECKED)
    assert found == [("good", "the good example is reported at its line 1"), ("bad", "the bad example is not reported")]


def test_a_good_example_without_the_operation_shows_nothing(tmp_path):
    (_, wrong), _ = wrongs(tmp_path, good="int f(struct thing *t) { return security_thing(t); }")
    assert "does not perform the operation" in wrong


def test_a_mistake_in_c_is_told_with_the_line_of_the_example(tmp_path):
    (_, wrong), (_, other) = wrongs(tmp_path, good="int x;\nint f(void) { return y; }")
    assert "does not parse: line 2:" in wrong and "'y'" in wrong
    assert other == ""


@pytest.mark.parametrize(
    ("condition", "code", "passes"),
    [
        ("rank <= 6", "if (r > 6) return;", True),
        ("rank <= 6", "if (r >= 7) return;", True),
        ("rank <= 6", "if (7 <= r) return;", True),
        ("rank <= 6", "if (r > 7) return;", False),
        ("rank <= 6", "if (r < 6) return;", False),
        ("rank >= 0 && rank <= 6", "if (r < 0 || r > 6) return;", True),
        ("rank >= 0 && rank <= 6", "if ((r < 0 || r > 6) && !capable(1)) return;", False),
        ("rank >= 0 && rank <= 6 || capable(1)", "if ((r < 0 || r > 6) && !capable(1)) return;", True),
        ("rank != 9", "if (r > 6) return;", True),
        ("rank != 5", "if (r > 6) return;", False),
        ("rank > 4", "if (r <= 5) return;", True),
        ("rank > 5", "if (r < 5) return;", False),
        ("rank <= 6", "if (r > 6) return; r = t->rank;", False),
    ],
)
def test_ranges_that_branches_leave_are_known(tmp_path, condition, code, passes):
    (_, wrong), _ = wrongs(tmp_path, good=f"void f(struct thing *t, int r) {{ {code} operate(t, r); }}", requires=condition)
    assert (wrong == "") is passes, wrong


def test_a_parameter_that_is_an_index_is_no_pointer(tmp_path):
    """table + i with `i` a parameter is an element of the table: a store there is a store in the table."""
    text = HEAD.replace('operation = "operate(thing, rank)"', 'member = "table.slots"\noperation = "*slot = _"\nrequires = ["capable(1)"]')
    text = text.replace("struct thing {", "struct table { int slots[4]; };\\nstruct thing {")
    code = "void f(unsigned int i, struct table *t) { int *slot = t->slots + i; %s *slot = 1; }"
    text += f"good = '''{code % 'if (!capable(1)) return;'}'''\nbad = '''{code % ''}'''\n"
    (tmp_path / "toy.toml").write_text(text)
    pack = packs.load(tmp_path)
    assert [wrong for _, wrong in examples.judge(pack, examples.examples(pack.rules), 1, silent)] == ["", ""]


def test_rules_are_chosen_by_name_and_by_part_of_the_name(tmp_path, capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["rules", "test", "-q", *arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    assert run("--rule", "task-setgroups", "--rule", "sockopt-priority")[:2] == (0, "4 examples of 2 rules, 0 wrong\n")
    assert run("-k", "sockopt-pri", "-j", "1")[:2] == (0, "2 examples of 1 rule, 0 wrong\n")
    status, _, err = run("-k", "no-such-thing")
    assert status == 2 and "no rule has 'no-such-thing' in its id" in err
    status, _, err = run("--rule", "task-setgroup")
    assert status == 2 and "no rule 'task-setgroup'" in err
