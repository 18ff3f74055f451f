"""Documents keep their word: links lead somewhere, and every command that they show exists."""

import re
from pathlib import Path

import click
import pytest

from verifier.cli.main import kqual

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "corpus" / "README.md"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page):
    context = click.Context(kqual)
    for words in re.findall(r"(?:^    (?:\$ )?|`|\| )kqual ([a-z]+)(?: ([a-z]+))?", page.read_text(), re.MULTILINE):
        command = kqual.get_command(context, words[0])
        assert command is not None, words
        if words[0] in ("show", "rules") and words[1]:
            assert words[1] in command.commands, words


def test_goals_of_make_exist():
    goals = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"(?:^    (?:\$ )?|`)make ([a-z]+)", page.read_text(), re.MULTILINE)) <= goals, page
