"""The linter of rule packs."""

import pytest

from lattices.lint import lint

HEAD = """
[constants]
MAY_WRITE = 2

[[service]]
id = "file"
title = "Files"

[[check]]
name = "capable"
family = "capability"
allow = "true"
implies = ["capable(cap) -> ns_capable(&init_user_ns, cap)"]

[[check]]
name = "ns_capable"
family = "capability"
allow = "true"

[[check]]
name = "inode_permission"
family = "dac"

[[check]]
name = "security_inode_alloc"
allow = "none"
reason = "allocates"

[globals]
names = ["init_user_ns"]
"""

GOOD = {
    "id": "inode-unlink",
    "service": "file",
    "slot": "inode_operations.unlink",
    "operation": "dir->i_op->unlink(dir, dentry)",
    "requires": ["security_inode_unlink(dir, dentry)"],
    "reason": "removes a name",
    "good": "int f;",
    "bad": "int g;",
}


def run(tmp_path, **changes):
    rule = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "head.toml").write_text(HEAD)
    lines = [f"{key} = {value!r}" for key, value in rule.items()]
    (tmp_path / "mine.toml").write_text("\n".join(["[[rule]]", *lines]) + "\n")
    return lint([tmp_path / "mine.toml"], directory=tmp_path / "base"), [line.split(" =")[0] for line in lines]


def test_a_good_rule_has_no_problem(tmp_path):
    assert run(tmp_path)[0] == []


@pytest.mark.parametrize(
    ("changes", "key", "word"),
    [
        ({"reason": None}, None, "no `reason`"),
        ({"good": " "}, None, "no `good`"),
        ({"bad": None}, None, "no `bad`"),
        ({"id": "Inode_Unlink"}, "id", "kebab"),
        ({"requires": []}, "requires", "nothing is required"),
        ({"slot": "unlink"}, "slot", "tag.field"),
        ({"slot": "inode_operations.rmdir"}, "operation", "'unlink'"),
        ({"slot": None}, "operation", "needs its `slot`"),
        ({"operation": "vfs_unlink(dir, dentry)"}, "operation", "through a pointer"),
        ({"operation": "dir->i_op", "slot": None, "requires": ["f(dir)"]}, "operation", "needs its `member`"),
        ({"member": "inode.i_op"}, "member", "exclude"),
        ({"slot": None, "member": "inode.i_mode", "operation": "dir->i_op = dentry"}, "operation", "'i_op'"),
        ({"requires": ["security_inode_alloc(dir)"]}, "requires", "decides nothing"),
        ({"requires": ["ns_capabel(&init_user_ns, 1)"]}, "requires", "no known check"),
        ({"requires": ["security_inode_aloc(dir)"]}, "requires", "no hook that kqual knows"),
        ({"requires": ["dir = dentry"]}, "requires", "requires nothing"),
        ({"slot": None, "operation": "security_x(a)", "requires": ["security_x(a)"]}, "operation", "own requirement"),
        ({"slot": None, "operation": "capable(a)", "requires": ["security_x(a)"]}, "operation", "decides and changes"),
        ({"slot": None, "operation": "inode_permission(_, i, 2)", "requires": ["security_inode_permission(i, 2)"],
          "in": ["f"]}, "operation", "grants security_inode_permission"),
        ({"slot": None, "operation": "inode_permission(_, i, 2)", "requires": ["capable(1)", "inode_permission(_, i, 2)"]},
         "operation", "own requirement"),
        ({"slot": None, "operation": "f(capable(a))", "requires": ["capable(a)"]}, "operation", "own requirement"),
        ({"slot": None, "member": "inode.i_mode", "operation": "inode->i_mode = security_x(inode)",
          "requires": ["security_x(inode)"]}, "operation", "own requirement"),
        ({"slot": None, "operation": "f(a)", "requires": ["security_x(a)"], "in": ["security_x"]}, "in", "inside of it"),
        ({"requires": ["dir->i_op->permission(dir)"]}, "requires", "through a pointer"),
        (
            {"slot": None, "operation": "capable(a)", "requires": ["ns_capable(&init_user_ns, a)"]},
            "operation",
            "grants ns_capable",
        ),
        ({"slot": None, "operation": "return &init_user_ns", "requires": ["f(1)"]}, "operation", "needs its functions"),
        ({"slot": None, "operation": "return _", "requires": ["f(1)"], "in": ["g"]}, "operation", "answer and no effect"),
        ({"slot": None, "operation": "return 0", "requires": ["f(1)"], "in": ["g"]}, "operation", "answer and no effect"),
        ({"slot": None, "operation": "return h(a)", "requires": ["f(a)"], "in": ["g"]}, "operation", "its own effect"),
        ({"slot": None, "member": "inode.i_mode", "operation": "return inode->i_mode", "requires": ["f(1)"], "in": ["g"]},
         "operation", "a read or a write"),
        ({"not_in": ["ovl_do_unlink"]}, "not_in", "says nothing"),
        ({"frobnicate": 1}, "frobnicate", "unknown key"),
        ({"service": "fil"}, "service", "unknown service"),
        ({"requires": ["security_inode_unlink(dir, dentry"]}, "requires", "not closed"),
        ({"requires": ["security_inode_unlink(dri, dentry)"]}, "requires", "neither an operand"),
    ],
)
def test_each_problem_is_found_at_its_line(tmp_path, changes, key, word):
    found, keys = run(tmp_path, **changes)
    assert len(found) == 1 and word in found[0].message
    assert found[0].line == (1 if key is None else keys.index(key) + 2)
    assert found[0].file.endswith("mine.toml")


def test_checks_in_an_order_are_a_rule_where_it_says_in_which_function(tmp_path):
    changes = {"slot": None, "operation": "inode_permission(_, dir, 2)", "requires": ["capable(1)"], "in": ["f"]}
    assert run(tmp_path, **changes)[0] == []


@pytest.mark.parametrize(
    ("line", "column", "text"),
    [
        (4, 14, "operation = 'security_b(a)'"),
        (4, 16, "operation = 'g(security_b(a), a)'"),
        (4, 14, "operation = \"security_b(a)\"   # security_b(a)"),
        (6, 11, "operation = 'f(b)'\nin = [\n    'f', 'security_b',\n]"),
        (5, 14, "in = []\noperation = 'security_b(a)'"),
    ],
)
def test_an_empty_rule_is_refused_at_the_character(tmp_path, line, column, text):
    (tmp_path / "mine.toml").write_text(
        f"[[rule]]\nid = 'x'\nservice = 'file'\n{text}\nrequires = ['security_b(_) || security_b(_, 1)']\n"
        "reason = 'r'\ngood = 'g'\nbad = 'b'\n"
    )
    (found,) = lint([tmp_path / "mine.toml"])
    assert (found.line, found.column) == (line, column)
    assert found.caret.split("\n")[1] == " " * (column - 1) + "^"


def test_the_second_of_two_like_lines_is_pointed_at(tmp_path):
    (tmp_path / "mine.toml").write_text(
        "[[rule]]\nid = 'x'\nservice = 'file'\noperation = 'f(a)'\nrequires = [\n    'security_b(a) || g(a, nope)',\n"
        "    'g(a, nope)',\n]\nreason = 'r'\ngood = 'g'\nbad = 'b'\n"
    )
    assert [(p.line, p.column) for p in lint([tmp_path / "mine.toml"])] == [(6, 28), (7, 11)]


def test_a_hook_that_only_resembles_another_is_declared(tmp_path):
    rule = "[[rule]]\nid = 'x'\nservice = 'file'\noperation = 'f(a)'\nrequires = ['security_inode_unlnk(a)']\nreason = 'r'\ngood = 'g'\nbad = 'b'\n"
    (tmp_path / "x.toml").write_text(rule)
    (found,) = lint([tmp_path / "x.toml"])
    assert found.line == 5 and "security_inode_unlink" in found.hint
    (tmp_path / "x.toml").write_text(rule + "[[check]]\nname = 'security_inode_unlnk'\nfamily = 'lsm'\nreason = 'our own'\n")
    assert lint([tmp_path / "x.toml"]) == []


def test_lattice_files_are_read_too(tmp_path):
    good, bad, unsound = (tmp_path / f"{name}.lattice" for name in ("a", "b", "c"))
    good.write_text("partial order { $checked < $unchecked }")
    assert lint([good]) == []
    bad.write_text("partial order {\n  $a < $b\n  $b < $a\n}")
    unsound.write_text("partial order { $a < $c $a < $d $b < $c $b < $d }")
    assert [(p.file, p.line, p.column) for p in lint([tmp_path])] == [(str(bad), 3, 3), (str(unsound), 1, 1)]
    bad.unlink()
    assert "joins" in lint([unsound])[0].message


def test_retiring_an_unknown_rule_is_a_problem(tmp_path):
    (tmp_path / "x.toml").write_text('[[retire]]\nid = "no-such-rule"\nreason = "x"\n')
    assert "no rule 'no-such-rule'" in lint([tmp_path / "x.toml"])[0].message


def test_the_shipped_rules_have_no_problem():
    assert [str(problem) for problem in lint()] == []
