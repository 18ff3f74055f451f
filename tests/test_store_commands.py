"""`kqual store`: what a store holds, what it forgets, and that it moves; completion of words."""

import os
import shutil
import subprocess
import sys

import pytest
from test_triage import run  # noqa: F401  the fixture

from verifier.cli.main import main
from verifier.cli.stores import Size, shown
from verifier.store import Store

pytestmark = pytest.mark.slow

SCAN = ("scan", "tree", "--rules", "rules", "-q", "-j", "1", "--format", "json", "--store", "s")


@pytest.fixture
def ask(run):  # noqa: F811
    return run


def kinds(out):
    return {line.split()[0]: int(line.split()[1].replace(",", "")) for line in out.splitlines() if " values " in line}


def lasting(out):
    """What stays: sizes and times are remembered of settled files only, rules that were read are dropped by `gc`."""
    return {kind: n for kind, n in kinds(out).items() if kind not in ("seen", "rules", "all")}


def test_info_says_whose_it_is_and_what_it_holds(ask, tmp_path):
    ask(*SCAN)
    before = (tmp_path / "s").read_bytes()
    status, out, _ = ask("store", "info", "--store", "s")
    assert status == 0 and str(tmp_path / "tree") in out and "audit" in out and "1 units" in out
    assert kinds(out)["unit"] == 1 and kinds(out)["all"] == sum(n for k, n in kinds(out).items() if k != "all")
    assert (tmp_path / "s").read_bytes() == before
    assert ask("store", "info")[1].splitlines()[1:] == out.splitlines()[1:]  # the one used last


def test_gc_forgets_what_the_last_scan_did_not_use(ask, tmp_path):
    ask(*SCAN)
    lean = lasting(ask("store", "info", "--store", "s")[1])
    for n in range(3):
        (tmp_path / "tree" / "more.c").write_text(f"int more(int a) {{ return a + {n}; }}\n")
        ask(*SCAN)
    os.remove(tmp_path / "tree" / "more.c")
    out = ask(*SCAN)[1]
    assert kinds(ask("store", "info", "--store", "s")[1])["unit"] == 4
    status, said, _ = ask("store", "gc", "--store", "s")
    assert status == 0 and "3 unit" in said and "3 results" in said
    assert lasting(ask("store", "info", "--store", "s")[1]) == lean
    assert ask(*SCAN)[1] == out


def test_gc_with_a_bound_drops_what_can_be_made_again(ask, tmp_path):
    out = ask(*SCAN)[1]
    status, _, err = ask("store", "gc", "--store", "s", "--max-size", "1K")
    assert status == 0 and "still larger" in err
    assert set(lasting(ask("store", "info", "--store", "s")[1])) == {"document", "used"}
    assert ask("report", "--store", "s", "--format", "json")[1] == out
    status, _, err = ask("show", "checks", "unchecked", "--store", "s")
    assert status == 2 and "kqual scan" in err
    assert ask(*SCAN)[1] == out


def test_a_store_moves_with_its_tree(ask, tmp_path, monkeypatch):
    out = ask(*SCAN)[1]
    assert ask("store", "export", "file.kqual", "--store", "s")[0] == 0
    assert str(tmp_path).encode() not in (tmp_path / "file.kqual").read_bytes()
    shutil.copytree(tmp_path / "tree", tmp_path / "elsewhere" / "linux")
    assert ask("store", "import", "file.kqual", "--tree", "elsewhere/linux")[0] == 0
    assert "elsewhere/linux" in ask("store", "info", "--tree", "elsewhere/linux")[1]
    monkeypatch.setattr("verifier.frontend.extract.run", lambda *_: pytest.fail("a unit was parsed"))
    moved = ask("scan", "elsewhere/linux", *SCAN[2:-2])
    assert moved[1] == out, moved[2]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("store", "info", "--store", "nowhere"), "no store"),
        (("store", "info", "--store", "junk"), "cannot be read"),
        (("store", "gc", "--store", "nowhere"), "no store"),
        (("store", "gc", "--store", "s", "--max-size", "much"), "no size"),
        (("store", "export", "junk", "--store", "s"), "there already"),
        (("store", "export", "no/such/folder", "--store", "s"), "cannot copy"),
        (("store", "import", "file"), "whose store"),
        (("store", "import", "nowhere", "--store", "n"), "no store"),
        (("store", "import", "junk", "--store", "n"), "cannot be read"),
        (("store", "import", "s", "--store", "s", "--force"), "that store already"),
        (("store", "frob"), "frob"),
        (("completion", "tcsh"), "tcsh"),
    ],
)
def test_mistakes(ask, tmp_path, arguments, words):
    (tmp_path / "junk").write_text("junk" * 1000)
    ask(*SCAN)
    status, out, err = ask(*arguments)
    assert status == 2 and not out and words in err and "try: " in err
    assert not (tmp_path / "n").exists()


def test_gc_of_a_store_that_does_not_know(ask, tmp_path):
    with Store.open(tmp_path / "old") as store:
        store.put("unit", "a", b"x")
    status, _, err = ask("store", "gc", "--store", "old")
    assert status == 2 and "does not say" in err


@pytest.mark.parametrize("text, size", [("800M", 800 << 20), ("2G", 2 << 30), ("1.5k", 1536), ("12", 12), ("3GiB", 3 << 30)])
def test_sizes(text, size):
    assert Size().convert(text, None, None) == size


def test_sizes_are_shown_for_people():
    assert [shown(n) for n in (0, 1023, 1536, 5 << 30)] == ["0 B", "1023 B", "1.5 KiB", "5.0 GiB"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell, capfd):
    with pytest.raises(SystemExit) as ended:
        main(["completion", shell])
    assert not ended.value.code and "_KQUAL_COMPLETE" in capfd.readouterr().out


@pytest.mark.parametrize("words, wanted", [("kqual sc", "scan"), ("kqual store im", "import"), ("kqual scan --for", "--format"),
                                           ("kqual scan tree --format sa", "sarif")])  # fmt: skip
def test_words_are_completed(words, wanted):
    environment = os.environ | {"_KQUAL_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    code = "from verifier.cli.main import main; main([])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert wanted in [line.partition(",")[2] for line in done.stdout.splitlines()], done.stderr


def test_the_bash_script_works_in_bash(tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    (tmp_path / "kqual").write_text(f'#!/bin/sh\nexec {sys.executable} -m verifier.cli.main "$@"\n')
    (tmp_path / "kqual").chmod(0o755)
    script = 'eval "$(kqual completion bash)"; COMP_WORDS=(kqual tri); COMP_CWORD=1; _kqual_completion kqual; echo "${COMPREPLY[@]}"'
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "triage", done.stderr



def test_gc_forgets_indexes_of_other_versions(ask):
    ask(*SCAN)
    before = lasting(ask("store", "info", "--store", "s")[1])
    with Store.open("s") as store:
        store.put_many("index", [(key.partition("/")[0] + "/old", b"") for key in store.keys("index")])
    assert "1 index" in ask("store", "gc", "--store", "s")[1]
    assert lasting(ask("store", "info", "--store", "s")[1]) == before
