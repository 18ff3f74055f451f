"""Runs GNU make on a tree's own Kbuild. The only place that executes anything that a tree brings along."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from verifier.tree.model import TreeError

PACKAGES = "apt install make gcc flex bison bc libelf-dev libssl-dev"
WITHOUT = "`--config plain` reads a kernel tree without Kbuild"
# what a caller's own make or shell would force upon Kbuild
_UNWANTED = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEFILES", "GNUMAKEFLAGS", "KBUILD_OUTPUT", "KCONFIG_CONFIG", "O", "V",
             "KCONFIG_ALLCONFIG", "KBUILD_VERBOSE", "sub_make_done", "CDPATH", "C", "CHECK", "M", "KBUILD_EXTMOD")  # fmt: skip


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without what would steer Kbuild, with messages in English and a fixed build identity."""
    env = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    env.update(LC_ALL="C", KBUILD_BUILD_TIMESTAMP="", KBUILD_BUILD_USER="kqual", KBUILD_BUILD_HOST="kqual")
    env.update(extra or {})
    return env


def run(
    command: Sequence[str],
    cwd: Path,
    what: str,
    *,
    allow_failure: bool = False,
    output: Path | None = None,
    extra: dict[str, str] | None = None,
) -> str:
    """Runs `command` in `cwd`; returns what it printed (standard output goes to the file `output` when given, and only
    the rest is returned). `what` names the step for the message. Raises TreeError when it cannot be started, or when it
    fails and `allow_failure` is false. On Ctrl-C the whole process group ends before KeyboardInterrupt goes on."""
    if shutil.which(command[0]) is None:
        raise TreeError(f"{what}: {command[0]} is not installed", f"{PACKAGES}; {WITHOUT}")
    with ExitStack() as files:
        log = files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace"))
        try:
            sink = files.enter_context(open(output, "wb")) if output is not None else log
            process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env=environment(extra),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            raise TreeError(f"{what}: cannot start {command[0]}: {error.strerror}") from error
        try:
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
        log.seek(0)
        text = log.read()
    if code and not allow_failure:
        raise TreeError(f"{what} failed (status {code}):\n{last_lines(text)}", f"{hint_for(text)}; {WITHOUT}")
    return text


def last_lines(text: str, count: int = 12) -> str:
    """The last lines that say something, indented; make's own "Entering directory" lines are left out."""
    lines = [line for line in text.splitlines() if line.strip() and "ing directory '" not in line]
    return "\n".join("    " + line[:300] for line in lines[-count:])


def hint_for(text: str) -> str:
    """What to type, from the words of a failed make."""
    known = (
        ("flex: not found", "apt install flex"),
        ("flex: No such file", "apt install flex"),
        ("bison: not found", "apt install bison"),
        ("bison: No such file", "apt install bison"),
        ("bc: not found", "apt install bc"),
        ("bc: command not found", "apt install bc"),
        ("libelf.h", "apt install libelf-dev"),
        ("gelf.h", "apt install libelf-dev"),
        ("openssl/", "apt install libssl-dev"),
        ("gcc: not found", "apt install gcc"),
        ("cc: not found", "apt install gcc"),
        ("is not clean", "run `make mrproper` in the tree, or let kqual read it through its link copy"),
        ("No space left on device", "free some space, or name another build directory with --build"),
        ("Permission denied", "name a build directory that you may write to with --build"),
    )
    for sign, hint in known:
        if sign in text:
            return hint
    return f"what a kernel build needs: {PACKAGES}; `kqual doctor` looks at each"
