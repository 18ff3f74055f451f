"""The command that made a document, for whoever wants to make it again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from typing import Any

import click
from click.core import ParameterSource

# Options that a result depends on; those about speed, places on this machine and the output are left out.
DECIDING = frozenset({"config", "arch", "scope", "rules", "report_scope", "order", "attacker", "audit", "triage_file", "baseline", "strict",
                      "patch", "base", "head", "span", "module", "trust"})  # fmt: skip
ALWAYS = frozenset({"config"})  # said even where it was not given: another version may have another default
FILES = frozenset({"config", "rules", "triage_file", "baseline", "patch", "module"})  # named without their folders


def command_line(context: click.Context) -> str:
    """`kqual scan TREE --config audit --lsm yama`, for the command that runs."""
    words = ["kqual", context.info_name or "", "TREE"]
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if isinstance(parameter, click.Option) and name in DECIDING and (given or name in ALWAYS):
            words += _words(max(parameter.opts, key=len), name, context.params[name])
    return shlex.join(words)


def _words(option: str, name: str, value: Any) -> Iterator[str]:
    if value is True:
        yield option
        return
    for one in value if isinstance(value, tuple) else [value]:
        yield option
        text = ",".join(one) if isinstance(one, list) else str(one)
        yield os.path.basename(text.rstrip("/")) if name in FILES else text
