"""A click group that imports a command only when the command is invoked or its own help is shown."""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, NamedTuple, cast

import click

from benchmark.core.errors import Ended


class LazyCommand(NamedTuple):
    """Where a command is defined, and the first paragraph of its help, for the list of commands in the group's help."""

    target: str
    """"package.module:object", where the object is a `click.Command`."""
    help: str


class LazyCommands(Mapping[str, click.Command]):
    """Read-only mapping from a command's name to the command, which is imported on access."""

    def __init__(self, table: Mapping[str, LazyCommand]) -> None:
        self._table = table

    def __getitem__(self, name: str) -> click.Command:
        """Import the command and return it."""
        module, _, attribute = self._table[name].target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def __iter__(self) -> Iterator[str]:
        """Names of all commands, without importing any."""
        return iter(self._table)

    def __len__(self) -> int:
        """Number of commands."""
        return len(self._table)


class LazyGroup(click.Group):
    """Group of commands declared in a table; its own help is written from the table and imports no command."""

    def __init__(self, *args: Any, table: Mapping[str, LazyCommand], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.commands = cast(MutableMapping[str, click.Command], LazyCommands(table))  # click only reads it
        self.table = table

    def invoke(self, ctx: click.Context) -> Any:
        """Invoke a command; a file that ends too early is no Ctrl-C, for which click takes every EOFError."""
        try:
            return super().invoke(ctx)
        except EOFError as error:
            raise Ended(*error.args) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands as `click.Group` does, with help from the table."""
        stubs = [click.Command(name, help=entry.help) for name, entry in self.table.items()]
        click.Group(commands=stubs).format_commands(ctx, formatter)
