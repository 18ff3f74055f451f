"""--trust-build: with it, and only with it, the patched tree's makefiles are run."""

from __future__ import annotations

import json
import shutil

import pytest
from gate_trees import FILES, RULES, diff, write_tree
from test_trees_as_they_are import kernel

from verifier.cli.main import main

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")]
DOOR = '#include "thing.h"\nint __do_sys_new(struct thing *thing)\n{\n\tcontrolled_op(thing);\n\treturn 0;\n}\n'
LINKED = "vmlinux: fs/a.o fs/made.o ;"
RULE = "fs/a.o: ; $(CC) -DN='\"a b\"' -c -o $@ $(srctree)/fs/a.c\n"
SWITCHED = '#include "thing.h"\n#ifdef OPEN\n' + DOOR.partition("\n")[2] + "#endif\nint quiet;\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("ARCH", raising=False)
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"rules/own.toml": RULES})
    linux = kernel(tmp_path)
    (linux / "fs" / "b.c").write_text(SWITCHED)
    makefile = linux / "Makefile"
    makefile.write_text(makefile.read_text().replace("vmlinux: fs/a.o fs/made.o ;", "vmlinux: fs/a.o fs/b.o fs/made.o ;").replace(RULE, RULE + RULE.replace("fs/a.", "fs/b.")))
    return tmp_path


@pytest.fixture
def gate(place, capfd):
    before = {name: (place / "linux" / name).read_text() for name in ("Makefile", "fs/b.c", "fs/a.c")}

    def call(edits, *options, add=None):
        after = dict(before) | (add or {})
        for name, old, new in edits:
            assert after[name].count(old) == 1, old
            after[name] = after[name].replace(old, new)
        (place / "p").write_bytes(diff(before, after))
        with pytest.raises(SystemExit) as ended:
            main(["gate", "linux", "--patch", "p", "--rules", "rules", "-q", "--format", "json", "-j", "1", *options])
        out, err = capfd.readouterr()
        found = json.loads(out) if out else None
        notes = [e["what"] for e in found["completeness"]["ledger"] if e["kind"] == "patch-note"] if found else []
        return ended.value.code, found, notes, err

    return call


def names(found):
    return [f["function"] for f in found["findings"]]


ADD = [("Makefile", "vmlinux: fs/a.o fs/b.o", "vmlinux: fs/a.o fs/new.o fs/b.o"),
       ("Makefile", RULE, RULE + RULE.replace("fs/a.", "fs/new.").replace("-DN=", "-DNEW -DN="))]  # fmt: skip


def test_a_new_file_gets_the_command_of_the_patched_build(gate, place):
    text = DOOR.replace("\tcontrolled_op", "#ifdef NEW\n\tcontrolled_op").replace("\treturn", "#endif\n\treturn")
    code, found, notes, err = gate(ADD, add={"fs/new.c": text})
    assert code == 0 and any("read with the command of fs/a.c" in note for note in notes), err
    assert "Makefile: not interpreted: nothing of a patch is executed" in notes
    code, found, notes, err = gate(ADD, "--trust-build", add={"fs/new.c": text})
    assert (code, names(found)) == (1, ["__do_sys_new"]), err
    assert "fs/new.c: compiled now, as the patched build says" in notes and not any("not interpreted" in note for note in notes)
    assert found["findings"][0]["file"] == "fs/new.c" and "kqual-trusted" not in json.dumps(found)
    assert found["completeness"]["change"]["total"] == 1 and not (place / "linux" / "fs" / "new.c").exists()


def test_a_new_file_that_the_build_leaves_out(gate):
    code, found, notes, err = gate([], "--trust-build", add={"fs/new.c": DOOR})
    assert (code, names(found)) == (0, []), err
    assert "fs/new.c: new, and the patched build does not compile it: not read" in notes
    assert gate([], add={"fs/new.c": DOOR})[0] == 1


def test_only_with_it_anything_is_run(gate, place):
    trap = [("Makefile", "CC = gcc", f"$(shell touch {place}/ran)\nCC = gcc")]
    assert gate(trap)[0] == 0 and not (place / "ran").exists()
    assert gate(trap, "--trust-build")[0] == 0 and (place / "ran").exists()


def test_commands_that_change_and_units_that_go(gate):
    opened = [("Makefile", RULE.replace("fs/a.", "fs/b."), RULE.replace("fs/a.", "fs/b.").replace("-DN=", "-DOPEN -DN="))]
    assert gate(opened)[0] == 0
    code, found, notes, err = gate(opened, "--trust-build")
    assert (code, names(found)) == (1, ["__do_sys_new"]) and "fs/b.c: compiled otherwise, as the patched build says" in notes, err
    code, found, notes, err = gate([("Makefile", "fs/b.o fs/made.o ;", "fs/made.o ;")], "--trust-build")
    assert code == 0 and "fs/b.c: not compiled any more, as the patched build says" in notes, err
    assert found["completeness"]["units"]["total"] == 2


def test_configuration_and_generated_files_are_told(gate, place):
    edits = [("Makefile", "echo > include/prepared.h", "echo '/* other */' > include/prepared.h"),
             ("Makefile", "olddefconfig: ; @", "olddefconfig: ; @echo CONFIG_MORE=y >> .config; ")]  # fmt: skip
    (place / "linux" / "fs" / "a.c").write_text("#include <prepared.h>\n" + FILES["core/perform.c"])
    code, _, notes, err = gate(edits, "--trust-build")
    assert code == 0, err
    assert any(note.startswith("CONFIG_MORE: option that the patched build changes") for note in notes)
    assert any(note.startswith("include/prepared.h: generated file that") for note in notes)


def test_a_base_without_kbuild(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tree(tmp_path / "tree", FILES)
    (tmp_path / "p").write_bytes(diff(FILES, FILES | {"core/new.c": DOOR}))
    with pytest.raises(SystemExit) as ended:
        main(["gate", str(tmp_path / "tree"), "--patch", str(tmp_path / "p"), "--trust-build", "-q", "-j", "1"])
    assert ended.value.code == 2 and "was not configured by Kbuild" in capfd.readouterr().err
