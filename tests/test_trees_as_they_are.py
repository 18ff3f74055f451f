"""Trees as people have them: a module outside of the tree, another architecture, a configuration of one's own."""

from __future__ import annotations

import json
import os
import shutil
import stat

import pytest
from gate_trees import FILES, RULES, write_tree
from test_tree_intake import MERGE, TOP_MAKEFILE

from verifier.cli.main import main
from verifier.frontend.flags import understood
from verifier.tree import TreeError, architecture, diagnose, open_tree, plain, stubs

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
DRIVER = {
    "main.c": '#include <thing.h>\n#include "own.h"\nint open_bad(struct thing *t) { return perform(t); }\n',
    "fine.c": "#include <thing.h>\nint open_ok(struct thing *t)\n{\n\treturn may_use(t) ? -1 : perform(t);\n}\n",
    "own.h": "#define OWN 1\n",
    "Kbuild": "obj-m := driver.o\n",
}
# what a Kbuild makes of M=; in a kernel it stands in scripts/Makefile.build
MODULES = """ifneq ($(M),)
modules: ; gcc -D__KERNEL__ -DMODULE -I./include -I$(srctree)/include -c -o $(M)/main.o $(M)/main.c
\tgcc -D__KERNEL__ -DMODULE -I./include -I$(srctree)/include -c -o $(M)/fine.o $(M)/fine.c
else
modules: ; @:
endif
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("ARCH", "CROSS_COMPILE", "LLVM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"rules/own.toml": RULES})

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--rules", "rules", "-q", "--format", "json", "-j", "1"])
        out, err = capfd.readouterr()
        return ended.value.code, json.loads(out) if out else None, err

    return call


def names(found):
    return sorted((f["file"], f["function"]) for f in found["findings"])


def kernel(tmp_path, modules=MODULES):
    text = TOP_MAKEFILE.replace("modules: ; @:\n", modules).replace("mkdir -p include fs", "mkdir -p include/config fs; touch include/config/auto.conf")
    files = {
        "Makefile": text, "Kconfig": "config A\n\tbool\n", "scripts/Makefile.build": "fs/made.c: ; echo 'int made;' > $@\n",
        "scripts/kconfig/merge_config.sh": MERGE, "arch/x86/Kbuild": "", "arch/arm64/Kbuild": "", "fs/Makefile": "",
        "fs/a.c": FILES["core/perform.c"], "include/thing.h": FILES["include/thing.h"], "include/linux/kconfig.h": "",
    }  # fmt: skip
    return write_tree(tmp_path / "linux", files)


# Modules outside of the tree


def test_a_module_with_a_database_of_its_own(run, tmp_path):
    write_tree(tmp_path / "tree", FILES)
    folder = write_tree(tmp_path / "my-driver", DRIVER)
    entries = [
        {"directory": str(folder), "file": name, "arguments": ["cc", f"-I{tmp_path}/tree/include", "-c", name]} for name in ("main.c", "fine.c")
    ]
    (folder / "compile_commands.json").write_text(json.dumps(entries))
    code, found, err = run("gate", "tree", "--module", "my-driver")
    assert (code, names(found)) == (1, [("my-driver/main.c", "open_bad")]), err
    assert found["completeness"]["change"] == {"total": 2, "analysed": 2, "partial": [], "lost": []}
    assert str(tmp_path) not in json.dumps(found)
    (folder / "main.c").write_text(DRIVER["main.c"].replace("int open_bad", "/* kqual: allow thing-use firmware only */\nint open_bad"))
    code, found, err = run("gate", "tree", "--module", "my-driver")
    assert code == 0 and any(e["kind"] == "allowed" for e in found["completeness"]["ledger"]), err
    (folder / "own.h").unlink()
    code, found, err = run("gate", "tree", "--module", "my-driver")
    assert found["completeness"]["change"]["partial"][0]["file"] == "my-driver/main.c", err


@needs_make
def test_kbuild_is_asked_for_a_module(run, tmp_path):
    kernel(tmp_path, MODULES.replace("modules: ;", "modules: ; $(shell touch $(M)/tried)"))
    folder = write_tree(tmp_path / "driver", DRIVER)
    before = sorted(os.listdir(folder))
    code, found, err = run("gate", "linux", "--module", "driver")
    assert (code, names(found)) == (0, []), err  # nothing calls it: a kernel's doors are known by name
    assert found["completeness"]["change"]["analysed"] == 2 and found["completeness"]["units"]["total"] == 4
    (folder / "main.c").write_text(DRIVER["main.c"].replace("open_bad", "__do_sys_bad"))
    code, found, err = run("gate", "linux", "--module", "driver")
    assert (code, names(found)) == (1, [("driver/main.c", "__do_sys_bad")]), err
    assert sorted(os.listdir(folder)) == before


def test_modules_that_cannot_be_read(run, tmp_path):
    write_tree(tmp_path / "tree", FILES)
    (tmp_path / "empty").mkdir()
    write_tree(tmp_path / "driver", DRIVER)
    for folder, word in (("nowhere", "no such folder"), ("empty", "neither a Kbuild"), ("driver", "was not prepared by Kbuild")):
        code, _, err = run("gate", "tree", "--module", folder)
        assert code == 2 and word in err, err
    assert run("gate", "tree", "--module", "driver", "--patch", "x")[0] == 2


def test_a_module_named_like_a_folder_of_the_tree(run, tmp_path):
    write_tree(tmp_path / "tree", FILES)
    folder = write_tree(tmp_path / "drivers", DRIVER)
    entry = {"directory": str(folder), "file": "main.c", "arguments": ["cc", f"-I{tmp_path}/tree/include", "-c", "main.c"]}
    (folder / "compile_commands.json").write_text(json.dumps([entry]))
    assert names(run("gate", "tree", "--module", "drivers")[1]) == [("drivers-module/main.c", "open_bad")]


# Other architectures


@needs_make
def test_kbuild_is_asked_with_a_cross_compiler(run, tmp_path, monkeypatch):
    linux = kernel(tmp_path)
    makefile = (linux / "Makefile").read_text()
    (linux / "Makefile").write_text(makefile.replace("CC = gcc ", "CC = $(CROSS_COMPILE)gcc ").replace("echo run >> runs", "echo $(ARCH) >> runs"))
    write_tree(tmp_path / "bin", {f"aarch64-linux-gnu-{tool}": "#!/bin/sh\n" for tool in ("gcc", "ld")})
    for tool in (tmp_path / "bin").iterdir():
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    tree = open_tree(str(linux), arch="arm64")
    assert tree.origin == "kbuild" and tree.commands[0].arguments[0] == "aarch64-linux-gnu-gcc"
    with open(os.path.join(tree.build, "runs")) as runs:
        assert runs.read() == "arm64\n"
    assert open_tree(str(linux), arch="arm64") == tree and open_tree(str(linux)).build != tree.build
    with pytest.raises(TreeError, match="not for this tree and configuration"):
        open_tree(str(linux), build=tree.build)
    assert any(line.name == "architecture arm64" and "CROSS_COMPILE=aarch64-linux-gnu-" in line.message for line in diagnose(str(linux), arch="arm64"))
    code, found, err = run("scan", "linux", "--arch", "arm64")
    assert code == 0 and found["completeness"]["units"]["analysed"] == 2, err


def test_without_a_compiler_the_tree_is_read_without_kbuild(run, tmp_path, monkeypatch):
    linux = kernel(tmp_path)
    monkeypatch.setattr(architecture.shutil, "which", lambda tool: None)
    tree = open_tree(str(linux), arch="arm64")
    assert tree.origin == "plain" and "no compiler for arm64" in tree.notes[0] and "apt install" in tree.notes[0]
    assert all("--target=aarch64-linux-gnu" in command.arguments for command in tree.commands)
    assert not any("-m64" in command.arguments or f"{linux}/arch/x86/include" in command.arguments for command in tree.commands)
    lines = {line.name: line for line in diagnose(str(linux), arch="arm64")}
    assert "no compiler for arm64" in lines["architecture arm64"].message and "plain" in lines["compile commands"].message


def test_the_hosts_architecture_is_nothing_special(tmp_path, monkeypatch):
    monkeypatch.delenv("ARCH", raising=False)
    assert architecture.make_variables(architecture.host()) == [] and architecture.foreign(architecture.host()) == ""
    assert set(plain._OWN_FLAGS) == set(plain._OWN_FOLDERS) == set(stubs._OWN) == set(architecture.TRIPLES)


@pytest.mark.parametrize(
    ("compiler", "target"),
    [
        ("gcc", []), ("clang", []), ("/usr/bin/cc", []), ("x86_64-linux-gnu-gcc-12", []), ("i686-gcc-thing", []),
        ("aarch64-linux-gnu-gcc", ["--target=aarch64-linux-gnu"]), ("/opt/bin/arm-none-eabi-gcc-13.2", ["--target=arm-none-eabi"]),
    ],
)  # fmt: skip
def test_a_cross_compilers_name_says_the_target(compiler, target, monkeypatch):
    monkeypatch.setattr(architecture.platform, "machine", lambda: "x86_64")
    for before in ([], ["ccache"]):
        assert [o for o in understood([*before, compiler, "-O2", "-c", "a.c"], "/").language if "target" in o] == target
    given = understood([compiler, "--target=riscv64-linux-gnu", "-c", "a.c"], "/").language
    assert [o for o in given if "target" in o] == ["--target=riscv64-linux-gnu"]


# A distribution's configuration


@needs_make
def test_a_configuration_of_ones_own(run, tmp_path):
    kernel(tmp_path)
    (tmp_path / "config-6.99-distro").write_text("CONFIG_A=y\nCONFIG_SECURITY_LANDLOCK=y\n")
    code, found, err = run("scan", "linux", "--config", "config-6.99-distro")
    assert code == 0, err
    notes = [e["what"] for e in found["completeness"]["ledger"] if e["kind"] == "tree"]
    assert "CONFIG_SECURITY_LANDLOCK=y is not in the final .config: this kernel does not know it" in notes
    assert found["completeness"]["units"]["total"] == 2
