"""open_tree on tiny trees: where commands come from, what is never written, and what a user is told."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from verifier.tree import TreeError, default_build, diagnose, open_tree
from verifier.tree.doctor import describe
from verifier.tree.kbuild import LINK_COPY, STAMP, fragment, options

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

# a Kbuild of forty lines: the goals, the files and the refusal that intake relies on
TOP_MAKEFILE = r"""
VERSION = 6
PATCHLEVEL = 99
SUBLEVEL = 1
EXTRAVERSION = -rc2
ifneq ($(sub_make_done),1)
export sub_make_done := 1
export srctree := $(CURDIR)
export build := -f $(srctree)/scripts/Makefile.build obj
$(MAKEFILE_LIST): ;
%: sub ; @:
sub: ; @test ! -e .config || { echo 'The source tree is not clean' >&2; exit 1; }; \
	mkdir -p $(O); $(MAKE) -C $(O) -f $(srctree)/Makefile $(MAKECMDGOALS)
.PHONY: sub
else
CC = gcc -D__KERNEL__ -I$(srctree)/include -I./include
x86_64_defconfig defconfig: ; @echo CONFIG_A=y > .config; echo run >> runs
olddefconfig: ; @grep -v LANDLOCK .config > .c2; mv .c2 .config
prepare: ; @$(PREPARE) mkdir -p include fs; echo > include/prepared.h
vmlinux: fs/a.o fs/made.o ; ld -o $@ vmlinux.a
modules: ; @:
fs/a.o: ; $(CC) -DN='"a b"' -c -o $@ $(srctree)/fs/a.c
fs/made.o: fs/made.c ; $(CC) -c -o $@ fs/made.c
fs/made.c: ; sh gen > fs/made.c
endif
"""
MERGE = """
while [ $# -gt 1 ]; do case $1 in -O) out=$2; shift;; -m) ;; *) cat "$1" > "$out/.merged";; esac; shift; done
cat "$1" >> "$out/.merged"; mv "$out/.merged" "$out/.config"
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def kernel(tmp_path, cache):
    top = tmp_path / "linux"
    files = {
        "Makefile": TOP_MAKEFILE,
        "Kconfig": "config A\n\tbool\nconfig SECURITY_LANDLOCK\n\tbool\n",
        "scripts/Makefile.build": "fs/made.c: ; echo 'int made;' > $@\n",
        "scripts/kconfig/merge_config.sh": MERGE,
        "arch/x86/Kbuild": "",
        "fs/Makefile": "",
        "fs/a.c": "int a;\n",
        "include/linux/kconfig.h": "",
    }
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return top


def contents(top):
    return {
        os.path.join(folder, name): os.stat(os.path.join(folder, name)).st_mtime_ns
        for folder, folders, files in os.walk(top)
        for name in [*files, *folders]
    }


@needs_make
def test_a_bare_kernel_tree_is_asked_through_kbuild(kernel, cache):
    before = contents(kernel)
    seen = []
    tree = open_tree(str(kernel), progress=lambda *row: seen.append(row))
    build = default_build(str(kernel))
    assert (tree.origin, tree.version, tree.root) == ("kbuild", "6.99.1-rc2", str(kernel))
    assert tree.build == str(build) and cache in build.parents
    assert [c.file for c in tree.commands] == [str(build / "fs/made.c"), "fs/a.c"]
    assert tree.commands[1].arguments[3:] == ["-I./include", '-DN="a b"', "-c", "-o", "fs/a.o", f"{kernel}/fs/a.c"]
    assert (build / "fs/made.c").read_text() == "int made;\n"
    assert len(json.loads((build / "compile_commands.json").read_text())) == 2
    assert any(note.startswith("CONFIG_SECURITY_LANDLOCK=y") and "dependency" in note for note in tree.notes)
    assert {row[0] for row in seen} >= {"configure", "prepare", "dry run"}
    assert contents(kernel) == before
    assert describe(tree)[0].message.startswith("2 C units from kbuild")


@needs_make
def test_a_ready_build_directory_is_read_back_without_make(kernel, monkeypatch):
    first = open_tree(str(kernel))
    monkeypatch.setenv("PATH", "/nonexistent")
    assert open_tree(str(kernel)) == first


@needs_make
def test_a_changed_makefile_asks_again(kernel):
    open_tree(str(kernel))
    (kernel / "fs/b.c").write_text("int b;\n")
    text = TOP_MAKEFILE.replace("fs/a.o fs/made.o ;", "fs/a.o fs/b.o ;") + "fs/b.o: ; $(CC) -c -o $@ $(srctree)/fs/b.c\n"
    (kernel / "Makefile").write_text(text)
    assert [c.file for c in open_tree(str(kernel)).commands] == ["fs/a.c", "fs/b.c"]


@needs_make
def test_a_damaged_stamp_or_database(kernel, tmp_path):
    build = tmp_path / "b"
    first = open_tree(str(kernel), build=str(build))
    (build / STAMP).write_text("{")
    assert open_tree(str(kernel), build=str(build)).commands == first.commands
    (build / "compile_commands.json").write_text("[{")
    with pytest.raises(TreeError, match="truncated"):
        open_tree(str(kernel), build=str(build))


@needs_make
def test_configurations_have_directories_of_their_own(kernel, tmp_path):
    own = tmp_path / "my.config"
    own.write_text("CONFIG_B=y\nCONFIG_LANDLOCK=y\n")
    trees = [open_tree(str(kernel), config=config) for config in ("audit", "defconfig", str(own))]
    assert len({tree.build for tree in trees}) == len({tree.config_digest for tree in trees}) == 3
    assert any("CONFIG_LANDLOCK=y is not in the final .config" in note for note in trees[2].notes)
    with pytest.raises(TreeError, match="was made for"):
        open_tree(str(kernel), config="defconfig", build=trees[0].build)


@needs_make
def test_a_tree_configured_in_place_is_read_through_a_link_copy(kernel):
    (kernel / ".config").write_text("CONFIG_OWN=y\n")
    (kernel / "include/generated").mkdir()
    (kernel / "include/generated/autoconf.h").touch()
    (kernel / "fs/a.o").touch()
    (kernel / "fs/.made.h.cmd").touch()
    (kernel / "fs/made.h").touch()
    before = contents(kernel)
    tree = open_tree(str(kernel))
    assert tree.root == os.path.join(tree.build, LINK_COPY)
    assert [c.file for c in tree.commands][1] == "fs/a.c"
    assert sorted(os.listdir(os.path.join(tree.root, "fs"))) == ["Makefile", "a.c"]
    assert not os.path.exists(os.path.join(tree.root, "include/generated"))
    assert (Path(tree.build) / ".config").read_text() == "CONFIG_OWN=y\n"
    assert contents(kernel) == before
    (kernel / "fs/a.c").rename(kernel / "fs/new.c")
    open_tree(str(kernel))
    assert sorted(os.listdir(os.path.join(tree.root, "fs"))) == ["Makefile", "new.c"]


@needs_make
def test_a_failing_make_is_shown_and_resumed(kernel, tmp_path):
    (kernel / "Makefile").write_text("PREPARE = flex || { echo 'flex: not found' >&2; exit 3; };\n" + TOP_MAKEFILE)
    build = tmp_path / "b"
    with pytest.raises(TreeError, match="make prepare failed") as caught:
        open_tree(str(kernel), build=str(build))
    assert "flex: not found" in caught.value.message
    assert "apt install flex" in caught.value.hint and "--config plain" in caught.value.hint
    assert json.loads((build / STAMP).read_text())["steps"] == ["configure"]
    status = os.stat(kernel / "Makefile")
    (kernel / "Makefile").write_text(" " * (status.st_size - len(TOP_MAKEFILE)) + TOP_MAKEFILE)
    os.utime(kernel / "Makefile", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert len(open_tree(str(kernel), build=str(build)).commands) == 2
    assert (build / "runs").read_text() == "run\n"  # configured once


@needs_make
def test_ctrl_c_ends_make_and_the_next_run_goes_on(kernel, tmp_path):
    (kernel / "Makefile").write_text("PREPARE = sleep 60;\n" + TOP_MAKEFILE)
    code = "import sys; from verifier.tree import open_tree; open_tree(sys.argv[1], build=sys.argv[2])"
    build = tmp_path / "b"
    child = subprocess.Popen([sys.executable, "-c", code, str(kernel), str(build)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (build / STAMP).exists() or "configure" not in (build / STAMP).read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in child.communicate(timeout=50)[1]
    (kernel / "Makefile").write_text(TOP_MAKEFILE)
    assert len(open_tree(str(kernel), build=str(build)).commands) == 2


def test_make_that_is_missing(kernel, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(TreeError, match="make is not installed") as caught:
        open_tree(str(kernel))
    assert "apt install" in caught.value.hint
    missing = [d.name for d in diagnose(str(kernel)) if not d.ok]
    assert {"make", "gcc", "flex", "bison", "bc"} <= set(missing)


def test_a_compile_database_comes_first(kernel, tmp_path):
    entry = {"directory": str(kernel), "file": "fs/a.c", "command": "gcc -c fs/a.c"}
    (kernel / "compile_commands.json").write_text(json.dumps([entry]))
    tree = open_tree(str(kernel))
    assert (tree.origin, len(tree.commands)) == ("compile_commands.json", 1)
    assert any("audit configuration is not applied" in note for note in tree.notes)
    (kernel / "compile_commands.json").unlink()
    build = tmp_path / "their-build"
    build.mkdir()
    (build / "compile_commands.json").write_text(json.dumps([entry]))
    assert open_tree(str(kernel), build=str(build)).origin == "compile_commands.json"


def test_cmd_files_of_a_built_tree(kernel):
    (kernel / ".config").write_text("CONFIG_A=y\n")
    (kernel / "vmlinux").touch()
    (kernel / "fs/.a.o.cmd").write_text("savedcmd_fs/a.o := gcc -D__KERNEL__ -DN='\"a\"' -c -o fs/a.o fs/a.c ; objtool fs/a.o\n")
    (kernel / "fs/.b.o.cmd").write_text("savedcmd_fs/b.o := gcc -D__KERNEL__ -c -o fs/b.o 'fs/b.c\n")
    (kernel / "fs/.gone.o.cmd").write_text("savedcmd_fs/gone.o := gcc -D__KERNEL__ -c -o fs/gone.o fs/gone.c\n")
    before = contents(kernel)
    tree = open_tree(str(kernel))
    assert tree.origin == "cmd files" and tree.config_digest
    assert [(c.file, c.directory) for c in tree.commands] == [("fs/a.c", str(kernel))]
    assert any("could not be read" in note for note in tree.notes)
    assert any("do not exist" in note for note in tree.notes)
    assert contents(kernel) == before


def test_plain_files(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/b.c").write_text("int b;")
    (tmp_path / "a.c").write_text("int a;")
    tree = open_tree(str(tmp_path))
    assert (tree.origin, [c.file for c in tree.commands], tree.version) == ("plain", ["a.c", "sub/b.c"], "")
    assert tree.notes
    one = open_tree(str(tmp_path / "sub/b.c"))
    assert (one.root, [c.file for c in one.commands]) == (str(tmp_path / "sub"), ["b.c"])
    assert [d.name for d in diagnose(str(tmp_path))] == ["tree", "compile commands", "libclang"]


def test_a_kernel_tree_in_plain_mode_runs_nothing(kernel, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    before = contents(kernel)
    tree = open_tree(str(kernel), config="plain", build=str(tmp_path / "p"))
    assert (tree.origin, [c.file for c in tree.commands]) == ("plain", ["fs/a.c"])
    assert "#define CONFIG_SECURITY_LANDLOCK 1\n" in (tmp_path / "p/plain-include/generated/autoconf.h").read_text()
    assert contents(kernel) == before and any("without Kbuild" in note for note in tree.notes)


def test_mistakes_of_the_user(kernel, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/precious").touch()
    (tmp_path / "text").touch()
    for words, root, more in [
        ("no such directory", tmp_path / "none", {}),
        ("neither a kernel tree", tmp_path / "empty", {}),
        ("neither a directory nor a .c file", tmp_path / "text", {}),
        ("No such file", kernel, {"config": str(tmp_path / "no.config")}),
        ("Is a directory", kernel, {"config": str(tmp_path)}),
        ("never written to", kernel, {"build": str(kernel)}),
        ("never written to", kernel, {"build": str(kernel / "out"), "config": "plain"}),
        ("not made by this version", kernel, {"build": str(tmp_path / "full")}),
        ("cannot be used", kernel, {"build": str(tmp_path / "text")}),
        ("blanks", kernel, {"build": str(tmp_path / "a b")}),
        ("means nothing here", tmp_path / "full", {"config": "defconfig"}),
    ]:
        with pytest.raises(TreeError, match=words) as caught:
            open_tree(str(root), **more)
        assert caught.value.hint, words
    assert os.listdir(tmp_path / "full") == ["precious"]


@pytest.fixture
def nobody():
    """Somebody who may not read everything, where the tests run as root."""
    before = os.getresuid()
    if before[1] == 0:
        os.setresuid(65534, 65534, 0)
    yield
    os.setresuid(*before)


def test_a_tree_without_permission(request):
    top = tempfile.mkdtemp()  # not below tmp_path, which is closed to others in whole
    os.chmod(top, 0)
    request.addfinalizer(lambda: os.rmdir(top))
    request.getfixturevalue("nobody")
    for place in (top, top + "/below"):
        with pytest.raises(TreeError, match="no permission"):
            open_tree(place)


def test_folders_that_cannot_be_listed_are_in_the_notes(request):
    top = Path(tempfile.mkdtemp())
    request.addfinalizer(lambda: shutil.rmtree(top))
    (top / "closed").mkdir()
    for name in ("a.c", "closed/b.c"):
        (top / name).write_text("int x;")
    os.chmod(top, 0o755)
    os.chmod(top / "closed", 0)
    request.getfixturevalue("nobody")
    tree = open_tree(str(top))
    assert [c.file for c in tree.commands] == ["a.c"]
    assert "closed: not analysed: Permission denied" in tree.notes


def test_doctor_names_what_is_wrong(kernel, tmp_path):
    assert [d.ok for d in diagnose(str(tmp_path / "none"))] == [False]
    found = {d.name: d for d in diagnose(str(kernel), config=str(tmp_path / "no.config"))}
    assert not found["configuration"].ok and found["tree"].ok
    assert all(d.hint for d in found.values() if not d.ok)


def test_the_fragment_turns_on_every_security_module():
    asked = options(fragment())
    modules = ["SELINUX", "SMACK", "TOMOYO", "APPARMOR", "YAMA", "LANDLOCK", "LOADPIN", "SAFESETID", "LOCKDOWN_LSM", "IPE"]
    for name in [*modules, "PATH", "NETWORK_XFRM", "INFINIBAND"]:
        assert asked["CONFIG_SECURITY_" + name] == "y", name
    assert asked["CONFIG_BPF_LSM"] == asked["CONFIG_IMA"] == asked["CONFIG_EVM"] == "y"
    lines = [line for line in fragment().splitlines() if line.startswith("CONFIG_")]
    assert len(lines) == len({line.split("=")[0] for line in lines})


@pytest.mark.kernel
@pytest.mark.parametrize("name", ["linux-source-6.12", "linux-source-6.1"])
def test_a_real_kernel_tree(name, tmp_path):
    home = os.environ.get("KQUAL_KERNELS", "")
    if not os.path.isdir(os.path.join(home, name)):
        pytest.skip("KQUAL_KERNELS names no folder with " + name)
    tree = open_tree(os.path.join(home, name), build=str(tmp_path / "b"))
    files = {c.file for c in tree.commands}
    assert len(files) > 3400
    assert {"fs/namei.c", "security/security.c", "security/selinux/hooks.c", "net/socket.c"} <= files
    assert all(os.path.exists(os.path.join(tree.root, file)) for file in files)
    assert not [note for note in tree.notes if "could not be" in note]
