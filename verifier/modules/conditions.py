"""Preprocessor conditions on the configuration: which lines of a header a `.config` leaves in.

Only what headers about hooks use: `#if`, `#ifdef`, `#ifndef`, `#elif`, `#else` over `defined(X)`, `IS_ENABLED(X)` and
its kin, `&& || !` and parentheses.  Any other macro than a CONFIG_ option counts as not defined.
"""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b\s*(.*)")
_WORD = re.compile(r"\w+|&&|\|\||[!()]|\S")
_ASKS = ("defined", "IS_ENABLED", "IS_BUILTIN", "IS_MODULE", "IS_REACHABLE")


def without_comments(text: str) -> str:
    """The text with comments blanked, lines kept and continued lines joined in place."""
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", text)


def active(text: str, options: dict[str, str]) -> str:
    """The text with the lines blanked that a configuration (CONFIG_ name to value) leaves out, and all directives.

    A macro of another kind is unknown; `#ifndef` of one, as around a header, holds.
    """
    out: list[str] = []
    stack: list[tuple[bool, bool, bool]] = []  # (outer holds, this branch holds, some branch held)
    for line in without_comments(text).split("\n"):
        match = _DIRECTIVE.match(line)
        if match:
            _step(stack, match[1], match[2], options)
        shown = not line.lstrip().startswith("#") and (not stack or (stack[-1][0] and stack[-1][1]))
        out.append(line if shown else "")
    return "\n".join(out)


def _step(stack: list[tuple[bool, bool, bool]], word: str, rest: str, options: dict[str, str]) -> None:
    if word in ("if", "ifdef", "ifndef"):
        formula = {"if": rest, "ifdef": f"defined({rest})", "ifndef": f"!defined({rest})"}[word]
        value = holds(formula, options)
        stack.append((not stack or (stack[-1][0] and stack[-1][1]), value, value))
    elif stack and word in ("elif", "else"):
        outer, _, held = stack[-1]
        value = not held and (word == "else" or holds(rest, options))
        stack[-1] = (outer, value, held or value)
    elif stack and word == "endif":
        stack.pop()


def holds(formula: str, options: dict[str, str]) -> bool:
    """The value of a condition; raises ValueError where it is none that this reads."""
    words = _WORD.findall(formula)
    value, rest = _or(words, 0, options)
    if rest != len(words):
        raise ValueError(f"#if {formula.strip()}: {words[rest]!r} is not read")
    return value


def _or(words: list[str], at: int, options: dict[str, str]) -> tuple[bool, int]:
    value, at = _and(words, at, options)
    while at < len(words) and words[at] == "||":
        other, at = _and(words, at + 1, options)
        value = value or other
    return value, at


def _and(words: list[str], at: int, options: dict[str, str]) -> tuple[bool, int]:
    value, at = _unit(words, at, options)
    while at < len(words) and words[at] == "&&":
        other, at = _unit(words, at + 1, options)
        value = value and other
    return value, at


def _unit(words: list[str], at: int, options: dict[str, str]) -> tuple[bool, int]:
    word = words[at] if at < len(words) else ""
    if word == "!":
        value, at = _unit(words, at + 1, options)
        return not value, at
    if word == "(":
        value, at = _or(words, at + 1, options)
        if at >= len(words) or words[at] != ")":
            raise ValueError("#if: a parenthesis is not closed")
        return value, at + 1
    if word in _ASKS:
        inner = at + 1 < len(words) and words[at + 1] == "("
        name = words[at + 1 + inner] if at + 1 + inner < len(words) else ""
        chosen = options.get(name, "n")
        enabled = {"IS_MODULE": ("m",), "IS_ENABLED": ("y", "m"), "IS_REACHABLE": ("y", "m")}.get(word, ("y",))
        value = chosen in enabled if word != "defined" else chosen not in ("n", "m")
        return value, at + 2 + 2 * inner
    if word.isdigit():
        return int(word) != 0, at + 1
    if word.isidentifier():
        return options.get(word, "n") == "y", at + 1
    raise ValueError(f"#if: {word!r} is not read")
