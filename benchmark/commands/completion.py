"""`bench completion SHELL`: the script by which a shell completes commands and options, as click makes it."""

import click
from click.shell_completion import get_completion_class

from benchmark.core.errors import ExitCode
from benchmark.core.streams import show

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> ExitCode:
    """Print the script that completes commands and options in a SHELL.

    In ~/.bashrc or ~/.zshrc stands eval "$(bench completion bash)", with zsh for bash there; in fish's configuration
    bench completion fish | source.
    \f

    Returns:
        OK.
    """
    maker = get_completion_class(shell)
    assert maker is not None
    group = context.find_root().command
    show(maker(group, {}, "bench", "_BENCH_COMPLETE").source())
    return ExitCode.OK
