"""A command hands its options to its action by name, so the two must agree on the names."""

import inspect
import pkgutil
from importlib import import_module

import click
import pytest

from benchmark.cli import cli
from benchmark.commands import actions
from benchmark.commands.options import SETTINGS

HELPERS = {"choosing", "filling", "opening"}
NAMES = [module.name for module in pkgutil.iter_modules(actions.__path__) if module.name not in HELPERS]


@pytest.mark.parametrize("name", NAMES)
def test_an_action_takes_the_options_that_its_command_declares(name: str) -> None:
    command = cli.commands[name.replace("_", "-")]
    subcommands = command.commands.values() if isinstance(command, click.Group) else ()
    for one in (command, *subcommands):
        assert one.callback
        action = getattr(import_module(f"{actions.__name__}.{name}"), one.callback.__name__)
        declared = {str(parameter.name) for parameter in one.params} - set(SETTINGS)
        settings = {"settings"} if hasattr(one.callback, "reads_settings") else set()
        assert inspect.signature(action).parameters.keys() == declared | settings
