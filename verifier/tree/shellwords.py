"""Splits one line of POSIX shell into its simple commands.

The grammar is that of "Shell Command Language", sections 2.2 (quoting) and 2.3 (token recognition), as far as Kbuild's
recipes use it. Nothing is expanded: `$x`, backquotes and globs stay as they are written. One regular expression per
token, because the standard library's shlex needs a minute for what a kernel's dry run prints.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r\n]+)
  | (?P<comment>\#[^\n]*)
  | (?P<redirect>\d*(?:<<-?|>>|>\||<>|[<>]&?))
  | (?P<separator>&&|\|\||;;|[;&|()])
  | (?P<word>(?:[^\s'"\\;&|()<>]+ | '[^']*' | "(?:[^"\\]|\\.)*" | \\.)+)
    """,
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^'"\\]+)""", re.DOTALL)
_IN_DOUBLE = re.compile(r"\\([$`\"\\\n])")
# words after which a new command begins, so that `then gcc ...` is a command of its own
_KEYWORDS = frozenset({"then", "else", "elif", "do", "{", "}", "!", "if", "while", "until", "fi", "done", "time"})


class UnclosedQuote(ValueError):
    """The text ends inside a quotation, or before the character that a backslash quotes."""


def unquote(word: str) -> str:
    """A word's value after quote removal."""
    if "'" not in word and '"' not in word and "\\" not in word:
        return word
    out = []
    for single, double, escaped, bare in _PIECE.findall(word):
        if bare:
            out.append(bare)
        elif double:
            out.append(_IN_DOUBLE.sub(lambda m: "" if m[1] == "\n" else m[1], double))
        elif escaped:
            out.append("" if escaped == "\n" else escaped)
        else:
            out.append(single)
    return "".join(out)


def simple_commands(text: str) -> list[list[str]]:
    """The simple commands of `text`, each a list of unquoted words; redirections are left out.

    Raises UnclosedQuote when the text is not complete.
    """
    commands: list[list[str]] = []
    words: list[str] = []
    skip = False
    at, end = 0, len(text)
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise UnclosedQuote(f"unclosed quotation at column {at + 1}")
        kind = match.lastgroup
        at = match.end()
        if kind == "word":
            word = match[0]
            if skip:
                skip = False
            elif not words and word in _KEYWORDS:
                continue
            else:
                words.append(unquote(word))
        elif kind == "redirect":
            skip = True
        elif kind == "separator" or (kind == "blank" and "\n" in match[0]):
            skip = False
            if words:
                commands.append(words)
                words = []
    if words:
        commands.append(words)
    return commands


def redirect_targets(text: str) -> list[str]:
    """The files that `text` writes to with `>` or `>>`, unquoted, in order. Raises UnclosedQuote like simple_commands."""
    targets: list[str] = []
    wanted = False
    at, end = 0, len(text)
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise UnclosedQuote(f"unclosed quotation at column {at + 1}")
        kind = match.lastgroup
        at = match.end()
        if kind == "redirect":
            wanted = match[0].lstrip("0123456789") in (">", ">>", ">|")
        elif kind == "word":
            if wanted:
                targets.append(unquote(match[0]))
            wanted = False
        elif kind != "blank":
            wanted = False
    return targets
