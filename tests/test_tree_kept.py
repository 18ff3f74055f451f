"""What is kept beside a build is used as long as nothing that it rests on changed."""

from __future__ import annotations

import os
import time

import pytest

from verifier.tree import commands as packed
from verifier.tree import compdb
from verifier.tree.inputs import build_inputs
from verifier.tree.model import CompileCommand

OLD = time.time() - 3600


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    for name in ("Makefile", "Kconfig", "fs/Makefile", "fs/ext4/Kbuild", "fs/a.c", "lib/x.h", "Documentation/Makefile"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    settle(root)
    return root


def settle(root):
    for folder, _, files in os.walk(root):
        for name in (".", *files):
            os.utime(os.path.join(folder, name), (OLD, OLD))


def count_walks(monkeypatch):
    walks = []
    walk = os.walk
    monkeypatch.setattr(os, "walk", lambda top: walks.append(top) or walk(top))
    return walks


def changes(root):
    yield lambda: (root / "fs/ext4/Kbuild").write_text("longer than it was")
    yield lambda: (root / "lib/Makefile").write_text("new")
    yield lambda: (root / "fs/Makefile").unlink()
    yield lambda: os.renames(root / "fs/ext4", root / "fs/ext5")


def test_inputs_are_those_of_a_walk(tree, tmp_path, monkeypatch):
    kept = tmp_path / "walk"
    monkeypatch.setattr("verifier.tree.inputs.SLACK", -(10**9))  # folders cannot be given an old ctime
    assert build_inputs(tree, kept) == build_inputs(tree)
    walks = count_walks(monkeypatch)
    assert build_inputs(tree, kept) and not walks, "the folders were walked again"
    before = build_inputs(tree, kept)
    for change in changes(tree):
        change()
        assert build_inputs(tree, kept) == build_inputs(tree) != before
        before = build_inputs(tree)


def test_a_walk_is_not_kept_while_folders_change(tree, tmp_path):
    assert build_inputs(tree, tmp_path / "walk") == build_inputs(tree)
    assert not (tmp_path / "walk").exists(), "their ctime is that of this very second"


def test_a_walk_of_another_shape_is_made_again(tree, tmp_path):
    (tmp_path / "walk").write_bytes(b"\x93\x01\x02\x03")
    assert build_inputs(tree, tmp_path / "walk") == build_inputs(tree)


@pytest.fixture
def commands(tree):
    (tree / "fs/b.c").write_text("")
    words = ["gcc", "-Iinclude", "-c", "-o"]
    return [
        CompileCommand("fs/a.c", str(tree), [*words, "a.o", "fs/a.c"]),
        CompileCommand("fs/a.c", str(tree), [*words, "a32.o", "-m32", "fs/a.c"]),
        CompileCommand("fs/b.c", str(tree), [*words, "b.o", "fs/b.c"]),
    ]


def test_commands_come_back_equal(tree, tmp_path, commands):
    database, place = tmp_path / "compile_commands.json", tmp_path / "kept"
    compdb.write(database, commands, str(tree))
    packed.keep(commands, database, place, str(tree))
    found = packed.kept(database, place, str(tree))
    assert found == commands and list(found) == commands and len(found) == 3
    assert found[-1] == commands[-1] and found[:2] == commands[:2] and found[0] is found[0]
    assert packed.digest(found) == packed.digest(commands)
    for of in (found, commands):
        assert packed.of_files(of, {"fs/a.c", "fs/none.c"}) == {"fs/a.c": commands[:2]}


def test_kept_commands_are_those_of_the_same_database(tree, tmp_path, commands):
    database, place = tmp_path / "compile_commands.json", tmp_path / "kept"
    compdb.write(database, commands, str(tree))
    packed.keep(commands, database, place, str(tree))
    assert packed.kept(database, place, str(tmp_path)) is None, "another tree"
    (tree / "fs/b.c").rename(tree / "fs/c.c")
    assert packed.kept(database, place, str(tree)) is None, "a source is gone"
    (tree / "fs/c.c").rename(tree / "fs/b.c")
    assert packed.kept(database, place, str(tree)) == commands
    compdb.write(database, commands[:2], str(tree))
    assert packed.kept(database, place, str(tree)) is None, "another database"
    place.write_bytes(place.read_bytes()[:-4])
    assert packed.kept(database, place, str(tree)) is None, "cut short"
