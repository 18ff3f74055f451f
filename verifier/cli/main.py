"""The command line: the group of commands, and what happens when one fails."""

from __future__ import annotations

import importlib
import os
import sys
import traceback

import click

from verifier import __version__
from verifier.cli import messages
from verifier.cli.services import Services
from verifier.errors import KqualError

COMMANDS = {  # name: (module, attribute, one line for the overview)
    "scan": ("verifier.cli.scan", "scan", "Find operations that are reached without their checks."),
    "gate": ("verifier.cli.gate", "gate", "Report what a patch makes worse."),
    "check": ("verifier.cli.check", "check", "Check one file, as make C=1 hands it over."),
    "coverage": ("verifier.cli.coverage", "coverage", "Say what each call of a check protects."),
    "doctor": ("verifier.cli.doctor", "doctor", "Say what a tree needs before it can be scanned."),
    "explain": ("verifier.cli.explain", "explain", "Explain a finding, a rule, or a kind of finding."),
    "show": ("verifier.cli.show", "show", "Ask about checks, callers, slots and paths."),
    "verify": ("verifier.cli.verify", "verify", "Check the certificates of a scan again."),
    "modules": ("verifier.cli.modules", "modules", "Say which security module decides what."),
    "report": ("verifier.cli.report", "report", "Print a finished scan in another format."),
    "triage": ("verifier.cli.triage", "triage", "Keep verdicts on findings, and dismiss what is known."),
    "store": ("verifier.cli.stores", "store", "Look at, shrink and move the store of a tree."),
    "completion": ("verifier.cli.completion", "completion", "Print what makes the shell complete words of kqual."),
    "rules": ("verifier.cli.rules", "rules", "Check and try rule files."),
}


class Commands(click.Group):
    """Loads a command's module only when it is used, so that `kqual --help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the overview."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        return getattr(importlib.import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        """Name close commands when there is none of that name."""
        from difflib import get_close_matches

        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            close = get_close_matches(name, COMMANDS, 1)
            hint = f"kqual {close[0]}" if close else "kqual --help"
            raise KqualError(f"no command {name!r}", hint)
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, invoke_without_command=True)
@click.version_option(__version__, prog_name="kqual", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
@click.pass_context
def kqual(ctx: click.Context, debug: bool) -> None:
    """Verify where the Linux kernel places its security checks.

    For every controlled operation of a tree: is it reached, on every path from every door that user space can open,
    only after an authorization check was passed, for this object and this operation?

    \b
    First steps:
        kqual doctor linux                          is everything there?
        kqual scan linux --format html -o report    audit the tree (minutes), browse report/index.html
        kqual explain missing-check                 what does this kind of finding mean?
        kqual show checks vfs_unlink                ask about the scanned tree (seconds)
        git diff | kqual gate linux --patch -       what does this patch make worse?

    \b
    Completion of words in the shell:
        eval "$(kqual completion bash)"             in ~/.bashrc; zsh and fish: kqual completion --help
    """
    ctx.obj = ctx.obj or Services()
    if debug:
        os.environ["KQUAL_DEBUG"] = "1"  # for the worker processes (verifier.frontend.workers)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: list[str] | None = None, services: Services | None = None) -> None:
    """Run a command and leave the process: status 0, 1 or 3 from the command, 2 for any error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = kqual.main(given, prog_name="kqual", standalone_mode=False, obj=services)
        sys.stdout.flush()
    except SystemExit as error:
        code = error.code
    except BaseException as error:  # noqa: BLE001 - the last resort: every error becomes a message and a status
        code = failure(error, "--debug" in given)
    sys.exit(code if isinstance(code, int) else 0)


def failure(error: BaseException, debug: bool) -> int:
    """Say what went wrong; returns the exit status, which is 2."""
    if debug and not isinstance(error, click.ClickException):
        traceback.print_exception(error)
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "kqual"
        messages.error(error.format_message(), f"{where} --help")
    elif isinstance(error, click.ClickException):
        messages.error(error.format_message())
    elif isinstance(error, KeyboardInterrupt | click.Abort):
        messages.error("interrupted", "the same command again: it goes on from what is stored")
    elif isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at exit
    elif isinstance(getattr(error, "message", None), str) and isinstance(getattr(error, "hint", None), str):
        messages.error(error.message, error.hint)
    elif hasattr(error, "problems"):
        files = sorted({problem.file for problem in error.problems if not problem.file.startswith("lattices/linux/")})
        told = "\n".join(str(problem) for problem in error.problems[:20])
        messages.error("the rules cannot be used:\n" + told, " ".join(["kqual rules lint", *files]))
    elif isinstance(error, MemoryError):
        messages.error("out of memory", "fewer parallel jobs: -j 1, or a part of the tree: --scope DIR")
    elif isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        messages.error(f"{name}{error.strerror or error}", "check the space left and the permissions")
    else:
        kind = type(error).__name__
        first = str(error).split("\n", 1)[0][:200]
        messages.error(
            f"internal error: {kind}: {first}",
            "the same command with `kqual --debug ...`, and report its output with `kqual --version`",
        )
    return 2


if __name__ == "__main__":
    main()
