"""`kqual rules audit`: hooks of a small tree against small packs, and of real kernels against the bundled one."""

import json
import os
from pathlib import Path

import pytest

from lattices import pack
from verifier.cli.main import main
from verifier.modules.audit import audit
from verifier.modules.conditions import active, holds
from verifier.modules.hookdefs import read_definitions

HOOKS = """/*
 * LSM_HOOK(int, 0, in_a_comment, struct thing *thing)
 */
LSM_HOOK(int, 0, thing_use, struct thing *thing,
	 int (*how)(int, int), int mask)
LSM_HOOK(int, 0, thing_check_security, struct thing *thing)
#ifdef CONFIG_SECURITY_PATH
LSM_HOOK(int, 0, thing_path, const struct path *path)
#endif
#if defined(CONFIG_SECURITY) && !defined(CONFIG_TINY)
LSM_HOOK(void, LSM_RET_VOID, thing_free, void)
#endif
"""
HEADER = """
#ifndef __LINUX_SECURITY_H
#define __LINUX_SECURITY_H
#ifdef CONFIG_SECURITY
int security_thing_use(struct thing *thing, int (*how)(int, int), int mask);
int security_thing_check(struct thing *thing);
void security_thing_free(void);
#else
static inline int security_thing_use(struct thing *thing, int (*how)(int, int), int mask)
{
	return 0;
}
static inline int security_thing_check(struct thing *thing)
{
	return 0;
}
static inline void security_thing_free(void) { }
#endif
#ifdef CONFIG_SECURITY_PATH
int security_thing_path(const struct path *path);
#else
static inline int security_thing_path(const struct path *path) { return 0; }
#endif
#endif
"""
CALLS = """
int security_thing_use(struct thing *thing, int (*how)(int, int), int mask)
{
	return call_int_hook(thing_use, thing, how, mask);
}

int security_thing_check(struct thing *thing)
{
	struct lsm_static_call *scall;

	lsm_for_each_hook(scall, thing_check_security) {
		if (scall->hl->hook.thing_check_security(thing))
			return -1;
	}
	return 0;
}

void security_thing_free(void)
{
	call_void_hook(thing_free);
}
"""
PACK = """
[[service]]
id = "file"
title = "Files"

[[rule]]
id = "thing-use"
service = "file"
operation = "use_thing(thing)"
requires = ["security_thing_use(thing, _, 1)"]
reason = "uses the thing"

[[rule]]
id = "thing-check"
service = "file"
operation = "look_thing(thing)"
requires = ["security_thing_check(thing)"]
reason = "looks at the thing"

[[hook]]
name = "thing_check_security"
functions = ["security_thing_check"]

[[hook]]
name = "thing_free"
nothing = "frees what modules keep for a thing"
"""
ALL = {"CONFIG_SECURITY": "y", "CONFIG_SECURITY_PATH": "y"}


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    for name, text in (
        ("include/linux/lsm_hook_defs.h", HOOKS), ("include/linux/security.h", HEADER), ("security/security.c", CALLS),
        ("Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 3\nEXTRAVERSION =\n"),
    ):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def compare(tree, tmp_path, options=None, more=""):
    folder = tmp_path / "pack"
    folder.mkdir(exist_ok=True)
    (folder / "rules.toml").write_text(PACK + more)
    return audit(tree, pack.load(folder), "6.12", options)


def test_hooks_are_read_with_their_functions(tree):
    found = read_definitions(tree)
    assert list(found.hooks) == ["thing_use", "thing_check_security", "thing_path", "thing_free"]
    assert found.hooks["thing_use"].params == ("struct thing *thing", "int (*how)(int, int)", "int mask")
    assert found.hooks["thing_free"].params == () and found.hooks["thing_free"].returns == "void"
    assert found.hooks["thing_use"].line == 4
    assert found.functions("thing_check_security") == ("security_thing_check",)
    assert found.functions("thing_path") == ("security_thing_path",)  # security.c does not tell: by name
    assert found.hooks_of("security_thing_check") == ("thing_check_security",)


def test_each_hook_has_its_class(tree, tmp_path):
    kinds = {hook.name: (hook.kind, hook.rules, hook.reason) for hook in compare(tree, tmp_path).hooks}
    assert kinds == {
        "thing_use": ("guards", ["thing-use"], ""),
        "thing_check_security": ("guards", ["thing-check"], ""),
        "thing_path": ("unclassified", [], ""),
        "thing_free": ("nothing", [], "frees what modules keep for a thing"),
    }


def test_hooks_of_the_pack_that_the_tree_lacks(tree, tmp_path):
    more = """
[[hook]]
name = "thing_new"
nothing = "tells modules of a new thing"

[[rule]]
id = "thing-move"
service = "file"
operation = "move_thing(thing)"
requires = ["security_thing_move(thing)"]
reason = "moves the thing"
"""
    found = compare(tree, tmp_path, more=more).lacking
    assert [item.name for item in found] == ["thing_new", "security_thing_move"]
    assert found[1].what == "asked for by rule thing-move"


@pytest.mark.parametrize(("options", "out"), [
    (ALL, []),
    ({"CONFIG_SECURITY": "y"}, ["thing_path"]),
    (ALL | {"CONFIG_TINY": "y"}, ["thing_free"]),
    ({}, ["thing_use", "thing_check_security", "thing_path", "thing_free"]),
])  # fmt: skip
def test_what_the_configuration_leaves_out(tree, tmp_path, options, out):
    assert compare(tree, tmp_path, options).compiled_out == out


def test_prototypes_that_changed(tree, tmp_path):
    assert compare(tree, tmp_path).prototypes == []
    more = '[[check]]\nname = "security_thing_check"\nmask = 1\n'
    found = compare(tree, tmp_path, more=more).prototypes
    assert [(item.name, item.what) for item in found] == [
        ("security_thing_check", "the check speaks of argument 2, include/linux/security.h declares 1")
    ]
    header = tree / "include/linux/lsm_hook_defs.h"
    header.write_text(HOOKS.replace("\n\t int (*how)(int, int), int mask", " int mask"))
    found = compare(tree, tmp_path).prototypes
    assert [(item.name, item.what) for item in found] == [
        ("security_thing_use", "rule thing-use gives 3 arguments, include/linux/lsm_hook_defs.h:4 declares 2")
    ]
    wider = '[[hook]]\nname = "thing_use"\nwider = "how and mask are the function\'s own"\n'
    assert compare(tree, tmp_path, more=wider).prototypes == []


def test_functions_that_changed(tree, tmp_path):
    (tree / "security/security.c").write_text(CALLS.replace("security_thing_check", "security_thing_test"))
    found = compare(tree, tmp_path).functions
    assert [(item.name, item.what) for item in found] == [
        ("thing_check_security", "asked by security_thing_test, the catalogue says security_thing_check")
    ]


def test_checks_of_other_families_that_the_pack_does_not_know(tree, tmp_path):
    (tree / "caps.h").write_text(
        "extern bool thing_capable(int cap);\nbool my_capable(int cap);\n/* bool no_capable(int cap); */\n"
        "static inline int other_capable(void)\n#define THING_PERM 1\nint incapable_of(void);\n"
    )
    more = """
[[check]]
name = "my_capable"
family = "capability"
allow = "true"
reason = "mine"

[[family]]
name = "capability"
files = ["caps.h", "absent.h"]
names = ["*_capable", "THING_*"]
other = [{name = "other_capable", reason = "a wrapper"}]
"""
    found = compare(tree, tmp_path, more=more).unknown_checks
    assert [item.name for item in found] == ["THING_PERM", "thing_capable"]


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


def test_the_command_counts_and_fails_on_what_is_unclassified(tree, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert run("rules", "audit", tree) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "Linux 6.12.3: 4 hooks of include/linux/lsm_hook_defs.h"
    assert out[-1].startswith("4 hooks: ") and out[-1].endswith("unclassified")
    assert any("there is no configuration" in line for line in out)
    rules = tmp_path / "mine"
    rules.mkdir()
    names = ("thing_use", "thing_check_security", "thing_path", "thing_free")
    (rules / "hooks.toml").write_text("".join(f'[[hook]]\nname = "{name}"\nnothing = "is no hook of Linux"\n' for name in names))
    config = tmp_path / "my.config"
    config.write_text("CONFIG_SECURITY=y\n# CONFIG_SECURITY_PATH is not set\n")
    assert run("rules", "audit", tree, "--rules", rules, "--config", config, "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "kqual/1" and document["compiled_out"] == ["thing_path"]
    assert run("rules", "audit", tree / "include") == 2


def test_conditions():
    options = {"CONFIG_A": "y", "CONFIG_M": "m", "CONFIG_N": "n"}
    assert holds("defined(CONFIG_A) && !defined CONFIG_N", options)
    assert holds("IS_ENABLED(CONFIG_M) && (IS_MODULE(CONFIG_M) || 0)", options)
    assert not holds("IS_BUILTIN(CONFIG_M) || defined(CONFIG_M)", options)
    with pytest.raises(ValueError):
        holds("VERSION > 3", options)
    text = "#if 0\na\n#ifdef CONFIG_A\nb\n#endif\n#elif defined(CONFIG_A)\nc\n#elif 1\nd\n#else\ne\n#endif\nf"
    assert active(text, options).split() == ["c", "f"]


@pytest.fixture(params=["6.12", "6.1"])
def kernel(request):
    path = Path(os.environ.get("KQUAL_KERNELS", "")) / f"linux-source-{request.param}"
    if not (path / "include").is_dir():
        pytest.skip(f"KQUAL_KERNELS names no folder with linux-source-{request.param}")
    return request.param, path


@pytest.mark.kernel
def test_the_bundled_pack_fits_real_kernels(kernel):
    version, path = kernel
    found = audit(path, pack.load(version=version), version)
    assert len(found.hooks) > 200
    assert [found.lacking, found.prototypes, found.functions, found.unknown_checks] == [[], [], [], []]
    void = {name for name, hook in read_definitions(path).hooks.items() if hook.returns == "void"}
    assert void <= {hook.name for hook in found.of_kind("nothing")}
