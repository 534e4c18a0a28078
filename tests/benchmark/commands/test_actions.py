"""A command hands its options to its action by name, so the two must agree on the names."""

import inspect
import pkgutil
from importlib import import_module

import click
import pytest

from benchmark.cli import cli
from benchmark.commands import actions
from benchmark.commands.options import SETTINGS

SHORT_FORM = "as_json"  # --json is short for --format json, and `output_format` passes it on as `form`
HELPERS = {"choosing", "filling", "opening"}
NAMES = [module.name for module in pkgutil.iter_modules(actions.__path__) if module.name not in HELPERS]


@pytest.mark.parametrize("name", NAMES)
def test_an_action_takes_the_options_that_its_command_declares(name: str) -> None:
    command = cli.commands[name.replace("_", "-")]
    subcommands = command.commands.values() if isinstance(command, click.Group) else ()
    alone = not isinstance(command, click.Group) or command.invoke_without_command
    for one in (*([command] if alone else []), *subcommands):
        assert one.callback
        action = getattr(import_module(f"{actions.__name__}.{name}"), one.callback.__name__)
        declared = {str(parameter.name) for parameter in one.params} - {*SETTINGS, SHORT_FORM}
        settings = {"settings"} if hasattr(one.callback, "reads_settings") else set()
        assert inspect.signature(action).parameters.keys() == declared | settings
