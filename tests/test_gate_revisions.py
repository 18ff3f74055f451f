"""Revisions of a checkout: what lies between two of them, or between one and the working tree."""

from __future__ import annotations

import json
import subprocess

import pytest
from gate_trees import FILES, RULES, diff, write_tree

from verifier.cli.main import main
from verifier.errors import KqualError
from verifier.gate import revisions

pytestmark = pytest.mark.slow

DROP = ("\tif (err)\n\t\treturn err;\n\treturn perform", "\treturn perform")


def git(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def place(tmp_path):
    """v1 is good; v2 drops a check and renames a file; v3 mends the check and adds a file; v3 is checked out."""
    root = write_tree(tmp_path / "tree", FILES)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    git(tmp_path, "init", "-q", str(root))

    def commit(name):
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", name)
        git(root, "tag", name)

    commit("v1")
    doors = root / "core" / "doors.c"
    good = doors.read_text()
    doors.write_text(good.replace(*DROP))
    git(root, "mv", "core/perform.c", "core/act.c")
    commit("v2")
    doors.write_text(good)
    (root / "core" / "new.c").write_text('#include "thing.h"\nint made(struct thing *t) { return perform(t); }\n')
    commit("v3")
    return tmp_path


@pytest.fixture
def gate(place, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    monkeypatch.chdir(place)

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["gate", "tree", *arguments, "--rules", "rules", "-q", "--format", "json", "-j", "1"])
        out, err = capfd.readouterr()
        return ended.value.code, json.loads(out) if out else None, err

    return call


def names(findings):
    return sorted(f["function"] for f in findings)


def test_between_revisions(gate, place):
    before = {p: p.read_bytes() for p in (place / "tree").rglob("*") if p.is_file()}
    code, found, err = gate("-g", "v1..v2")
    assert (code, names(found["findings"]), found["fixed"]) == (1, ["door_wrapped"], []), err
    code, found, err = gate("--base", "v2", "--head", "v3")
    assert (code, names(found["findings"]), names(found["fixed"])) == (1, ["made"], ["door_wrapped"]), err
    code, found, err = gate("-g", "v3..v1")
    assert (code, found["findings"], names(found["fixed"])) == (0, [], ["made"]), err
    assert before == {p: p.read_bytes() for p in (place / "tree").rglob("*") if p.is_file()}


def test_the_working_tree(gate, place):
    code, found, err = gate()
    assert (code, found["findings"], found["fixed"]) == (0, [], []), err
    doors = place / "tree" / "core" / "doors.c"
    doors.write_text(doors.read_text().replace(*DROP))
    (place / "tree" / "core" / "more.c").write_text('#include "thing.h"\nint more(struct thing *t) { return perform(t); }\n')
    code, found, err = gate()
    assert (code, names(found["findings"])) == (1, ["door_wrapped", "more"]), err
    code, found, err = gate("--base", "v1")
    assert (code, names(found["findings"])) == (1, ["door_wrapped", "made", "more"]), err


def test_mistakes(gate, place, tmp_path):
    for arguments, word in (
        (("--base", "nowhere"), "names no commit"),
        (("--base", "--output=x"), "names no commit"),
        (("-g", "v1"), "A..B"),
        (("-g", "v1...v2"), "A..B"),
        (("--head", "v1"), "--base"),
        (("--patch", "x", "-g", "v1..v2"), "exclude"),
    ):
        code, _, err = gate(*arguments)
        assert code == 2 and word in err, err
    with pytest.raises(KqualError, match="names no commit"):
        revisions.commit(str(place / "tree"), "v9")
    (tmp_path / "bare").mkdir()
    assert not revisions.is_checkout(str(tmp_path / "bare"))


def test_a_checkout_runs_nothing(place):
    root = place / "tree"
    trap = place / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {place}/ran\n")
    trap.chmod(0o755)
    git(root, "config", "diff.external", str(trap))
    git(root, "config", "core.fsmonitor", str(trap))
    git(root, "config", "diff.c.textconv", str(trap))
    (root / ".gitattributes").write_text("*.c diff=c\n")
    (root / "core" / "doors.c").write_text(FILES["core/doors.c"] + "\n")
    assert set(revisions.at(str(root), "v3").files) == {"core/doors.c"}
    assert not (place / "ran").exists()


def test_links_of_a_revision_are_not_read(place):
    root = place / "tree"
    (root / "core" / "link.c").symlink_to("/etc/passwd")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "link")
    git(root, "rm", "-q", "core/link.c")
    overlay = revisions.at(str(root), "HEAD")
    assert not overlay.files and overlay.notes == ["core/link.c: symbolic link or submodule, not read"]


def test_a_series_is_judged_patch_by_patch(gate, place):
    git(place / "tree", "checkout", "-q", "v1")
    (place / "series").write_text(git(place / "tree", "format-patch", "--stdout", "-M", "v1..v3"))
    code, found, err = gate("--patch", "series")
    assert (code, names(found["findings"]), found["fixed"]) == (1, ["made"], []), err
    series = [e["what"] for e in found["completeness"]["ledger"] if e["kind"] == "patch-series"]
    assert series == [
        "1/2 [PATCH 1/2] v2: introduces error thing-use in door_wrapped (core/doors.c:6); fixes 0",
        "2/2 [PATCH 2/2] v3: introduces error thing-use in made (core/new.c:2); fixes 1",
    ]


def test_a_renamed_file_is_no_news(gate, place):
    git(place / "tree", "checkout", "-q", "v1")
    (place / "tree" / "core" / "open.c").write_text('#include "thing.h"\nint bad(struct thing *t) { controlled_op(t); return 0; }\n')
    git(place / "tree", "add", "-A")
    git(place / "tree", "commit", "-q", "-m", "bad")
    git(place / "tree", "mv", "core/open.c", "drivers/open.c")
    git(place / "tree", "commit", "-q", "-m", "moved")
    code, found, err = gate("--base", "HEAD~1", "--head", "HEAD")
    assert (code, found["findings"], found["fixed"]) == (0, [], []), err
    assert diff({}, {}) == b""
