"""`kqual check`: one file as make hands it over, against a stored program."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from gate_trees import FILES, RULES, write_tree

from verifier.cli.check import located
from verifier.cli.main import main
from verifier.frontend.flags import understood
from verifier.program.scanned import Scanned
from verifier.store import Store

pytestmark = pytest.mark.slow

DROP = ("\tif (err)\n\t\treturn err;\n\treturn perform", "\treturn perform")
# what make C=1 puts between the checker and the file
FLAGS = ["-D__linux__", "-Dlinux", "-Wbitwise", "--arch=x86", "-D__x86_64__", "-m64", "-Wp,-MMD,core/.doors.o.d", "-nostdinc",
         "-I", "include", "-D__KERNEL__", "-std=gnu11", "-fno-strict-aliasing", "-Wall", "-O2", "-falign-jumps=1",
         "-DKBUILD_MODFILE=\"core/doors\"", "-DKBUILD_BASENAME=\"doors\""]  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch):
    write_tree(tmp_path / "tree", FILES)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(place, capfd):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    code, _, err = call("scan", "tree", "--rules", "rules", "-q", "-j", "1")
    assert code == 0, err
    return call


def spoil(place):
    doors = place / "tree" / "core" / "doors.c"
    doors.write_text(doors.read_text().replace(*DROP))


def test_a_good_file(run, monkeypatch, place):
    monkeypatch.chdir(place / "tree")
    code, out, err = run("check", *FLAGS, "core/doors.c")
    assert code == 0 and "passed (status 0): 0 findings" in err.splitlines()[-1], err
    assert "all 1 units of the change fully analysed" in err and "error" not in out.replace("0 errors", "")


def test_a_check_was_dropped(run, place, monkeypatch):
    spoil(place)
    monkeypatch.chdir(place / "tree")
    code, out, err = run("check", *FLAGS, "core/doors.c")
    assert code == 1, (out, err)
    (line,) = [row for row in out.splitlines() if ": error: " in row]
    assert line.startswith("core/doors.c:6:1: error: ") and "[thing-use]" in line
    assert run("check", "--fail-on=never", *FLAGS, "core/doors.c")[0] == 0
    assert run("check", *FLAGS, "core/doors.c", "--fail-on", "never")[0] == 0


def test_the_scans_own_arguments(run, place):
    spoil(place)
    code, out, _ = run("check", "tree/core/doors.c", "--format", "json")
    found = json.loads(out)
    assert code == 1 and [(f["file"], f["function"]) for f in found["findings"]] == [("core/doors.c", "door_wrapped")]
    assert found["completeness"]["change"]["total"] == 1
    (issue,) = json.loads(run("check", "tree/core/doors.c", "--format", "gitlab")[1])
    assert issue["location"] == {"path": "core/doors.c", "lines": {"begin": 6}}


def test_what_a_file_opens_elsewhere(run, place):
    (place / "tree" / "core" / "allow.c").write_text('#include "thing.h"\nint allowed(struct thing *t)\n{\n\treturn 0;\n}\n')
    code, out, _ = run("check", "tree/core/allow.c", "--format", "json")
    assert code == 1 and [f["function"] for f in json.loads(out)["findings"]] == ["door_wrapped"]


def test_what_stood_there_before_is_said_again(run, place):
    (place / "tree" / "core" / "open.c").write_text('#include "thing.h"\nint bad(struct thing *t)\n{\n\treturn perform(t);\n}\n')
    code, out, _ = run("check", "-Itree/include", "tree/core/open.c", "--format", "json")
    found = json.loads(out)
    assert code == 1 and [f["function"] for f in found["findings"]] == ["bad"]
    notes = [e["what"] for e in found["completeness"]["ledger"] if e["kind"] == "patch-note"]
    assert any("not among the units of the stored scan" in note for note in notes)
    assert run("scan", "tree", "--rules", "rules", "-q", "-j", "1")[0] == 1
    for _ in range(2):
        code, out, _ = run("check", "-Itree/include", "tree/core/open.c", "--format", "json")
        assert code == 1 and [f["function"] for f in json.loads(out)["findings"]] == ["bad"]


def test_comments_and_strict(run, place):
    doors = place / "tree" / "core" / "doors.c"
    doors.write_text(doors.read_text().replace(*DROP).replace("\treturn perform", "\t/* kqual: allow thing-use trusted */\n\treturn perform", 1))
    assert run("check", "tree/core/doors.c")[0] == 0
    doors.write_text(FILES["core/doors.c"].replace("int door_inline", "/* kqual: allow thing-use nothing here */\nint door_inline"))
    assert run("check", "tree/core/doors.c")[0] == 0
    assert run("check", "tree/core/doors.c", "--strict")[0] == 1


def test_a_file_that_cannot_be_read_in_full(run, place):
    (place / "tree" / "core" / "doors.c").write_text('#include "gone.h"\n')
    code, _, err = run("check", "tree/core/doors.c")
    assert code == 3 and "1 of 1 units of the change were not fully analysed" in err


def test_mistakes(run, place, tmp_path):
    for arguments, word in (
        (("check",), "no C file"),
        (("check", "-O2"), "no C file"),
        (("check", "tree/none.c"), "no such file"),
        (("check", "tree/core/doors.c", "--store", "nowhere"), "no store"),
        (("check", "tree/core/doors.c", "--rules", "tree"), "no results for these rules"),
        (("check", "tree/core/doors.c", "--fail-on"), "--fail-on"),
    ):
        code, _, err = run(*arguments)
        assert code == 2 and word in err, (arguments, err)
    (place / "late.c").write_text("int late;\n")
    code, _, err = run("check", "late.c")
    assert code == 2 and "not compiled" in err


def test_what_the_parser_defines_itself_is_not_given(tmp_path):
    """Else a precompiled header would never suit."""
    (tmp_path / "a.c").write_text("int a;\n")
    with Store.open(tmp_path / "s") as store:
        _, command = located(store, Scanned("kbuild", "6.12", "", [], []), str(tmp_path), (*FLAGS, str(tmp_path / "a.c")))
    assert command.file == "a.c" and understood(command.arguments, "/").defines == ("-D__KERNEL__",)


MAKEFILE = """c_flags = -Wp,-MMD,.x.d -nostdinc -Iinclude -D__KERNEL__ -std=gnu11 -O2 -DKBUILD_MODNAME='"x"'
core/doors.o: core/doors.c
\t$(CHECK) -D__linux__ -Dlinux -m64 $(c_flags) $<
"""


def test_make_calls_it(run, place):
    """As scripts/Makefile.build has it; two at once, and the store cannot be written to."""
    (place / "tree" / "Makefile").write_text(MAKEFILE)
    checker = f"CHECK={sys.executable} -m verifier.cli.main check"
    make = ["make", "-s", "-C", "tree", "core/doors.o"]
    (store,) = (place / "cache" / "kqual").glob("tree-*")
    for path in [store, *store.iterdir()]:
        os.chmod(path, 0o555 if path.is_dir() else 0o444)
    before = (store / "store.sqlite").read_bytes()
    runs = [subprocess.Popen([*make, checker], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for done in runs:
        out, err = done.communicate()
        assert done.returncode == 0, (out, err)
    spoil(place)
    done = subprocess.run([*make, checker], check=False, capture_output=True, text=True)
    assert done.returncode == 2 and "core/doors.c:6:1: error: " in done.stdout, done.stderr
    assert subprocess.run([*make, checker + " --fail-on never"], check=False, capture_output=True).returncode == 0
    assert before == (store / "store.sqlite").read_bytes()
    for path in [store, *store.iterdir()]:
        os.chmod(path, 0o755)
