"""`kqual completion`: the script that makes a shell complete the words of kqual."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.  Exit status 0.

    \b
        bash:  echo 'eval "$(kqual completion bash)"' >> ~/.bashrc
        zsh:   echo 'eval "$(kqual completion zsh)"' >> ~/.zshrc
        fish:  kqual completion fish > ~/.config/fish/completions/kqual.fish
    """
    root = ctx.find_root()
    made = get_completion_class(shell)
    assert made is not None  # click knows all three
    # `source` itself would ask for bash's version, which the script checks again when it runs
    script = made(root.command, {}, "kqual", "_KQUAL_COMPLETE")
    click.echo(script.source_template % script.source_vars())
