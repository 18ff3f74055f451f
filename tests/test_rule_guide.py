"""The guide for rule writers is run: its files are written, its commands give what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from verifier.cli.main import main

GUIDE = Path(__file__).parent.parent / "docs" / "rule-guide.md"
PART = re.compile(r"^```(?:c|toml)\n(?:/\* (\S+) \*/|# (\S+))\n([\s\S]*?)^```$|^    \$ (kqual .*)\n((?:    .*\n|\n(?=    [^$]))*)", re.MULTILINE)


def steps():
    """("write", file, text) and ("run", command, expected lines), in the guide's order; first lines of files count."""
    for c, toml, text, command, output in PART.findall(GUIDE.read_text(encoding="utf-8")):
        if command:
            yield "run", command, [line[4:] for line in output.splitlines()]
        else:
            yield "write", c or toml, text if c else f"# {toml}\n{text}"


def agrees(expected, lines):
    """Whether the lines are the expected ones, where `...` stands for any number of lines."""
    pattern = "".join("(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in expected)
    return re.fullmatch(pattern, "".join(line + "\n" for line in lines)) is not None


def test_the_guide_is_true(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    done = 0
    for kind, what, content in steps():
        if kind == "write":
            Path(what).parent.mkdir(exist_ok=True)
            Path(what).write_text(content)
            continue
        with pytest.raises(SystemExit):
            main(shlex.split(what)[1:])
        shown = capsys.readouterr().out.splitlines()
        assert agrees(content, shown), f"{what}\n" + "\n".join(shown)
        done += 1
    assert done == 7


def test_agreement_is_strict():
    assert agrees(["a", "...", "d"], ["a", "b", "c", "d"]) and agrees(["a", "...", "d"], ["a", "d"])
    assert not agrees(["a", "..."], ["b"]) and not agrees(["a"], ["a", "b"]) and not agrees(["...", "d"], ["d", "e"])
