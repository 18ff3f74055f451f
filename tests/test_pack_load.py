"""Loading rule packs: what the shipped data says, overlays, versions, and errors at their line."""

import dataclasses

import pytest

from lattices import model
from lattices.digest import FOR_PEOPLE
from lattices.pack import PackError, collect, load, version_matches
from lattices.parsing import parse

BASE = """
[constants]
MAY_WRITE = 2
MAY_EXEC = 1
ENOSYS = 38

[[service]]
id = "file"
title = "Files"
"""

RULE = """
[[rule]]
id = "inode-unlink"
service = "file"
slot = "inode_operations.unlink"
operation = "dir->i_op->unlink(dir, dentry)"
requires = ["security_inode_unlink(dir, dentry)", "inode_permission(_, dir, MAY_WRITE | MAY_EXEC)"]
reason = "removes a name"
good = "int f;"
bad = "int g;"
"""


@pytest.fixture
def packs(tmp_path):
    """Write files into one directory per layer; returns the function and the base directory."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "base.toml").write_text(BASE)

    def write(text, name="rules.toml", layer="base"):
        (tmp_path / layer).mkdir(exist_ok=True)
        (tmp_path / layer / name).write_text(text)
        return tmp_path / layer

    return write


def problems(directory, *extra):
    with pytest.raises(PackError) as caught:
        load(directory, extra)
    return caught.value.problems


def test_a_rule_is_read_with_its_constants_folded(packs):
    rule = load(packs(RULE)).rule("inode-unlink")
    assert rule.operands == ("dir", "dentry")
    assert rule.requires[1] == ("call", "inode_permission", (("any",), ("name", "dir"), ("int", 3)))
    assert (rule.subject, rule.tier, rule.when, rule.exempt) == ("user", "error", None, ())
    assert (rule.line, rule.requires_text[1]) == (2, "inode_permission(_, dir, MAY_WRITE | MAY_EXEC)")


def test_every_error_is_listed_with_line_and_column(packs):
    text = RULE.replace('service = "file"', 'service = "fiel"').replace("op->unlink(dir,", "op->unlink(dir, ,")
    text += RULE.replace("inode-unlink", "second").replace("security_inode_unlink(dir,", "security_inode_unlink(dri,")
    found = problems(packs(text))
    assert [(p.line, p.message) for p in found] == [
        (4, "unknown service 'fiel'"),
        (6, "something is missing before ','"),
        (17, "`dri` is neither an operand nor a known constant or global"),
    ]
    assert found[0].hint == "did you mean file?"
    assert found[1].caret.splitlines()[1].index("^") == found[1].column - 1
    assert "did you mean dir" in found[2].hint


def test_unknown_keys_tables_and_types(packs):
    found = problems(packs('[[rul]]\nid = "x"\n[[check]]\nname = "c"\nmaks = 1\n[[check]]\nname = "d"\nmask = "1"\n'))
    assert [(p.line, p.message) for p in found] == [
        (1, "unknown table `rul`"),
        (5, "unknown key `maks`"),
        (8, "`mask` must be a number"),
    ]


def test_broken_toml_is_reported_at_its_place_and_the_rest_is_read(packs):
    packs('[[check]\nname = "x"\n', "a.toml")
    pack, found = collect(packs(RULE))
    assert [(p.line, p.message[:8]) for p in found] == [(1, "not TOML")]
    assert pack.rule("inode-unlink") is not None


def test_keys_inside_of_c_examples_are_not_taken_for_keys(packs):
    text = RULE.replace('good = "int f;"', "good = '''\n[[rule]]\nslot = 1;\n'''").replace('id = "', "# x\nid = \"")
    text += '\n[[rule]]\nid = "two"\nservice = "file"\noperation = "f(x"\nrequires = ["g(x)"]\n'
    assert [(p.line, p.column) for p in problems(packs(text))] == [(19, 15)]


@pytest.mark.parametrize(
    ("ranges", "in_61", "in_612"),
    [(">=6.8", False, True), ("<6.2", True, False), (">=6.1,<6.8", True, False), ("==6.12", False, True), ("<=6.1", True, False)],
)
def test_version_ranges(ranges, in_61, in_612):
    assert version_matches("6.1.192", ranges) is in_61
    assert version_matches("6.12", ranges) is in_612


def test_rules_of_other_versions_are_left_out_and_may_share_an_id(packs):
    text = RULE.replace("reason", 'versions = "<6.2"\nreason') + RULE.replace("reason", 'versions = ">=6.2"\nreason')
    where = packs(text)
    assert load(where, version="6.1").rules[0].line == 2
    assert load(where, version="6.12").rules[0].line > 2
    assert "range" in problems(packs(RULE.replace("reason", 'versions = "6.2"\nreason')))[0].message


def test_an_overlay_replaces_adds_and_retires(packs):
    base = packs(RULE + RULE.replace("inode-unlink", "other"))
    extra = packs(
        RULE.replace("removes a name", "mine").replace("good =", "replaces = true\ngood =") + '[[retire]]\nid = "other"\nreason = "not here"\n', layer="extra"
    )
    pack = load(base, [extra])
    assert [(r.id, r.reason) for r in pack.rules] == [("inode-unlink", "mine")]
    assert [(o.id, o.what, o.reason, o.line) for o in pack.overlaid] == [
        ("inode-unlink", "replaced", "mine", 2), ("other", "retired", "not here", 12),
    ]  # fmt: skip
    assert pack.digest != load(base).digest == load(base).digest
    nothing = packs('retire = [{id = "othr", reason = "typo"}]\n', layer="third")
    found = problems(base, nothing)
    assert found[0].hint == "did you mean other?" and found[0].line == 1


def test_an_overlay_takes_a_rules_place_only_where_it_says_so(packs):
    base, layer = packs(RULE), "extra"
    retire = '[[retire]]\nid = "inode-unlink"\nreason = "r"\n'
    mine = RULE.replace("reason", "replaces = true\nreason")
    for text, word, line in [
        (RULE, "there already", 3),
        (retire + RULE, "written anew", 6),
        (mine.replace("inode-unlink", "inode-unlnik"), "no rule 'inode-unlnik' to replace", 8),
        (retire.replace('"r"', '" "'), "without a reason", 3),
        (mine.replace("true", '"yes"'), "must be true or false", 8),
    ]:
        (found,) = problems(base, packs(text, layer=layer))
        assert word in found.message and found.line == line, found
    assert "replaces = true" in problems(base, packs(RULE, layer=layer))[0].hint
    assert "no rule" in problems(packs(mine))[0].message


def test_layers_are_laid_one_after_the_other(packs):
    base = packs(RULE)
    first = packs('[[retire]]\nid = "inode-unlink"\nreason = "r"\n', layer="first")
    second = packs(RULE.replace("removes a name", "again"), layer="second")
    assert load(base, [first]).rules == []
    pack = load(base, [first, second])
    assert [r.reason for r in pack.rules] == ["again"] and pack.overlaid == []
    assert "no rule" in problems(base, first, first)[0].message


def test_rules_of_other_versions_may_be_retired_and_replaced(packs):
    base = packs(RULE.replace("reason", 'versions = ">=6.8"\nreason'))
    extra = packs('[[retire]]\nid = "inode-unlink"\nreason = "r"\n', layer="extra")
    assert load(base, [extra], version="6.1").rules == load(base, [extra], version="6.12").rules == []


def test_the_same_id_twice_in_one_layer_is_an_error(packs):
    assert "there already" in problems(packs(RULE + RULE))[0].message


def test_checks_allow_sets_and_implications(packs):
    pack = load(
        packs(
            '[[check]]\nname = "security_task_prctl"\nallow = ["-ENOSYS"]\n'
            '[[check]]\nname = "file_permission"\nfamily = "dac"\nmask = 1\nmodifiers = "MAY_EXEC"\n'
            'implies = ["file_permission(file, mask) -> inode_permission(_, file->f_inode, mask)"]\n'
        )
    )
    assert pack.check("security_task_prctl").allow == (-38,)
    check = pack.check("file_permission")
    assert (check.mask, check.modifiers) == (1, 1)
    assert check.implies[0][1] == parse("inode_permission(_, file->f_inode, mask)")
    assert pack.check("security_anything").allow == "errno"
    assert pack.check("kfree") is None


def test_accessors_macros_and_aliases_are_expanded_in_rules(packs):
    packs(
        '[[accessor]]\ncall = "file_inode(f)"\nis = "f->f_inode"\n'
        '[[macro]]\ncall = "IS_PRIVATE(inode)"\nis = "inode->i_flags & MAY_WRITE"\n'
        '[[alias]]\nmember = "sk_net"\nis = "__sk_common.skc_net"\n',
        "accessors.toml",
    )
    rule = load(
        packs(
            '[[rule]]\nid = "r"\nservice = "file"\noperation = "do_it(file, sk)"\n'
            'requires = ["check(file_inode(file)) || sk->sk_net"]\nwhen = "!IS_PRIVATE(file->f_inode)"\n'
        )
    ).rules[0]
    assert rule.requires[0] == parse("check(file->f_inode) || sk->__sk_common.skc_net")
    assert rule.when == parse("!(file->f_inode->i_flags & 2)")


def test_exemptions_inline_named_and_with_operands(packs):
    packs(
        '[[exemption]]\nname = "own-task"\nparams = ["task"]\ncondition = "task == current"\nreason = "itself"\n',
        "exemptions.toml",
    )
    head = '[[rule]]\nid = "r"\nservice = "file"\noperation = "do_it(tsk)"\nrequires = ["check(tsk)"]\n'
    rule = load(packs(head + 'exempt = ["own-task(tsk)", {condition = "tsk == 0", reason = "none"}]\n')).rules[0]
    assert [e.condition for e in rule.exempt] == [parse("tsk == current"), parse("tsk == 0")]
    assert rule.exempt[0].name == "own-task"
    for bad, word in (
        ('["own-task"]', "no operand"),
        ('["own-tsk(tsk)"]', "unknown exemption"),
        ('["own-task(tsk, tsk)"]', "takes 1"),
        ('[{condition = "tsk == 0"}]', "without its reason"),
        ("[3]", "exempt"),
    ):
        assert word in problems(packs(head + f"exempt = {bad}\n"))[0].message


def test_a_missing_directory_and_a_file_that_is_not_text(tmp_path):
    assert "cannot be read" in problems(tmp_path / "nowhere")[0].message
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    assert "UTF-8" in problems(tmp_path)[0].message


@pytest.mark.parametrize("version", ["6.1", "6.12"])
def test_the_shipped_pack_loads(version):
    pack = load(version=version)
    assert pack.check("inode_permission").mask == 2
    assert pack.check("ptrace_may_access").allow == "true"
    assert pack.check("mm_access").allow == "pointer"
    assert pack.check("security_inode_setsecctx").allow == "none"
    assert pack.check("security_xfrm_state_pol_flow_match").allow == "true"
    assert pack.check("security_task_prctl").allow == (-38,)
    assert pack.check("security_xfrm_policy_alloc").writes == (0,)
    assert pack.constants["MAY_WRITE"] == 2 and pack.constants["CAP_SYS_ADMIN"] == 21
    assert any("__do_sys_*" in door.functions for door in pack.doors)
    assert all(door.reason for door in pack.doors)
    assert all(exemption.reason for exemption in pack.exemptions.values())
    assert all(change.reason for change in pack.subjects.values())
    assert all(check.reason for check in pack.checks.values() if check.name not in {"security_anything"})


RICH = RULE.replace("requires =", 'exempt = [{condition = "dir == current", reason = "own"}]\nrequires =') + """
[[check]]
name = "inode_permission"
mask = 2
objects = [1]
reason = "asks the mode"
[[door]]
name = "open"
kind = "syscall"
subject = "user"
functions = ["__do_sys_*"]
reason = "a way in"
"""


def test_the_digest_leaves_out_what_is_for_people(packs):
    digest = load(packs(RICH)).digest
    for before, after in [
        ("removes a name", "takes a name away"), ('"own"', '"its own"'), ("asks the mode", "asks"), ("a way in", "an entry"),
        ("int f;", "int other;"), ("int g;", "int h;"), ("[[check]]", "# a comment\n\n[[check]]"),
    ]:  # fmt: skip
        assert before in RICH
        assert load(packs(RICH.replace(before, after))).digest == digest, after
    packs(RICH, name="elsewhere.toml")
    assert load(packs("", name="rules.toml")).digest == digest


def test_the_digest_takes_in_all_that_the_engine_reads(packs):
    digests = {load(packs(RICH)).digest}
    changes = [
        ("security_inode_unlink(dir, dentry)", "security_inode_unlink(dir, _)"), ("MAY_WRITE | MAY_EXEC", "MAY_WRITE"),
        ("inode_operations.unlink", "inode_operations.rmdir"), ("dir == current", "dentry == current"), ("mask = 2", "mask = 1"),
        ("objects = [1]", "objects = []"), ('subject = "user"', 'subject = "remote"'), ("__do_sys_*", "__do_*"),
        ("reason = \"removes", "tier = \"warning\"\nreason = \"removes"), ("reason = \"removes", "in = [\"f\"]\nreason = \"removes"),
        ("reason = \"removes", "not_in = [\"f\"]\nreason = \"removes"), ("reason = \"removes", "lock = \"m\"\nreason = \"removes"),
        ("reason = \"removes", "when = \"dir\"\nreason = \"removes"),
    ]  # fmt: skip
    for before, after in changes:
        assert before in RICH
        digests.add(load(packs(RICH.replace(before, after))).digest)
    digests.add(load(packs(RICH), [packs("[constants]\nMAY_WRITE = 8\n", layer="third")]).digest)
    digests.add(load(packs(RICH), [packs("[globals]\nnames = [\"init_task\"]\n", layer="extra")]).digest)
    assert len(digests) == len(changes) + 3


def test_every_field_of_a_record_is_read_or_for_people():
    """A field that is added to a record must be looked at here: is it for people, or does the engine read it?"""
    read = {
        model.Rule: "id slot member operation operands requires when exempt in_functions not_in subject tier lock operation_text "
        "variables",
        model.Check: "name family allow namespace mask objects subject modifiers implies writes slots member whole labels",
        model.Exemption: "condition name params checks silences",
        model.Accessor: "params value",
        model.SubjectChange: "name effect cred subject",
        model.Door: "name kind subject functions slots registrars attributes",
    }
    for record, names in read.items():
        fields = {field.name for field in dataclasses.fields(record)}
        assert fields - FOR_PEOPLE == set(names.split()), record


def test_a_misspelled_key_is_told_what_it_resembles(packs):
    found = problems(packs(RULE.replace("requires", "require")))
    assert found[0].message == "[[rule]] without `requires`"
    assert (found[1].message, found[1].hint) == ("unknown key `require`", "did you mean requires?")
    assert found[1].line == RULE[: RULE.index("requires")].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "message", "column"),
    [
        ('service = "file"', 'service = "fil"', "unknown service 'fil'", 12),
        ('bad = "int g;"', 'versions = "6.1+"', "'6.1+' is no version range", 13),
        ('bad = "int g;"', "bad = 3", "`bad` must be a quoted string", 1),
        ('bad = "int g;"', 'bda = "int g;"', "unknown key `bda`", 1),
        ('bad = "int g;"', 'exempt = ["nobody"]', "unknown exemption 'nobody'", 12),
        ('bad = "int g;"', 'exempt = ["MAY_EXEC(dir)"]', "unknown exemption 'MAY_EXEC'", 12),
        ('bad = "int g;"', 'exempt = [{condition = "dir", reasn = "x"}]', "unknown key `reasn` in an exemption", 31),
    ],
)
def test_a_problem_points_at_its_character(packs, old, new, message, column):
    found = {problem.message: problem for problem in problems(packs(RULE.replace(old, new)))}
    assert found[message].column == column
    line, caret = found[message].caret.split("\n")
    assert line == new and caret == " " * (column - 1) + "^"


def test_what_is_wrong_beside_an_unknown_key_is_told_too(packs):
    wrong = RULE.replace('service = "file"', 'service = "fil"\nfrobnicate = 1').replace('bad = "int g;"', 'versions = "6.1+"')
    assert [p.message for p in problems(packs(wrong))] == ["unknown service 'fil'", "unknown key `frobnicate`", "'6.1+' is no version range"]


def test_an_exemption_with_the_name_of_a_macro_is_reported(packs):
    """Such a rule was left out without a word."""
    packs('[[macro]]\ncall = "IS_PRIVATE(inode)"\nis = "inode->i_flags & 512"\n', "macros.toml")
    found = problems(packs(RULE.replace('bad = "int g;"', 'exempt = ["IS_PRIVATE(dir)"]')))
    assert [p.message for p in found] == ["unknown exemption 'IS_PRIVATE'"]
