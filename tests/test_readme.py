"""The output that README shows is what the commands print."""

import re
from pathlib import Path

import pytest

from verifier.cli.main import main

ROOT = Path(__file__).parent.parent
CORPUS = ["--config", "plain", "--rules", "corpus/rules.toml"]


def shown(command: str) -> list[str]:
    """Lines that README shows below a command, without those left out."""
    block = re.search(rf"^    \$ {re.escape(command)}\n((?:    .*\n)+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    return [line[4:] for line in block[1].splitlines() if line.strip() != "[...]"]


def printed(monkeypatch, capfd, tmp_path, *options):
    """What a scan of the corpus prints, standard error first."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(SystemExit):
        main(["scan", "corpus", *CORPUS, *options])
    out = capfd.readouterr()
    return [*out.err.splitlines(), *out.out.splitlines()]


def in_order(wanted, lines):
    """The first wanted line that does not come behind those before it."""
    left = iter(lines)
    return next((line for line in wanted if line not in left), None)


def test_make_audit(monkeypatch, capfd, tmp_path):
    *wanted, path = shown("make audit")
    recipe = (ROOT / "Makefile").read_text()
    assert f"scan corpus {' '.join(CORPUS)} --format html -o $(REPORT) --fail-on never --allow-incomplete 100" in recipe
    assert path == f"{re.search(r'^REPORT := (.*)$', recipe, re.MULTILINE)[1]}/index.html"
    lines = printed(monkeypatch, capfd, tmp_path, "--format", "html", "-o", str(tmp_path / "r"), "--fail-on", "never", "--allow-incomplete", "100")
    assert in_order(wanted, lines) is None


def test_text_of_a_scan(monkeypatch, capfd, tmp_path):
    lines = printed(monkeypatch, capfd, tmp_path)
    assert in_order(shown(f"kqual scan corpus {' '.join(CORPUS)}"), lines) is None
