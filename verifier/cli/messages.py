"""What the commands say on standard error: one line, and what to try."""

from __future__ import annotations

import re
import sys

import click

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """The text without control characters, which names from an untrusted tree may hold; line ends stay."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", shown).rstrip()


def say(text: str) -> None:
    """A line on standard error."""
    click.echo(clean(text), err=True)


def error(message: str, hint: str = "") -> None:
    """`kqual: error: MESSAGE`, and `try: HINT` below it."""
    sys.stdout.flush()
    say(f"kqual: error: {message}")
    if hint:
        say(f"try: {hint}")


def warning(message: str) -> None:
    """`kqual: MESSAGE`: something was put right or left out, and the run goes on."""
    say(f"kqual: {message}")
