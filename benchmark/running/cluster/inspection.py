"""Versions, code, data and weights of a process, on which results depend, and the differences of two processes.

Everything is plain data, so that a worker of another version can still be asked.
"""

import platform
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmark import __version__
from benchmark.core import code, devices
from benchmark.core.errors import BenchError, in_words
from benchmark.core.machine import cpu_name
from benchmark.exhibits.opened import Opened
from benchmark.exhibits.run import Run
from benchmark.methods.construct import predictor_class
from benchmark.records import provenance
from benchmark.suites.world import World

ABSENT = "not there: "
"""Beginning of what is said of data, weights or a method that cannot be opened."""
HELD = ("versions", "inputs")
"""Parts of what is inspected in which a worker must be as the client is."""


@dataclass(frozen=True)
class Inputs:
    """Data sets, encoders and methods that runs rest on.

    Attributes:
        datasets: Roles of data sets, shifts included.
        encoders: Roles of encoders.
        methods: Classes of methods, "package.module:Class".
    """

    datasets: tuple[str, ...] = ()
    encoders: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


def of_runs(runs: Iterable[Run], world: World) -> Inputs:
    """Data sets, encoders and methods that runs rest on, each once."""
    opened = [Opened(run, world) for run in runs]
    return Inputs(
        tuple(dict.fromkeys(role for one in opened for role in (one.run.dataset, *one.shifts))),
        tuple(dict.fromkeys(role for one in opened for role in one.encoders)),
        tuple(dict.fromkeys(one.run.method for one in opened)),
    )


def of_suite(world: World) -> Inputs:
    """The data sets and encoders of a suite that are usable here."""

    def usable(role: str, look: Callable[[str], Any]) -> bool:
        with suppress(BenchError):
            found = look(role)
            return found is None or found.usable
        return False

    return Inputs(
        tuple(role for role in world.suite.datasets if usable(role, world.inspect_dataset)),
        tuple(role for role in world.suite.encoders if usable(role, world.inspect_encoder)),
    )


def inspected(world: World | None, inputs: Inputs) -> dict[str, Any]:
    """Versions, inputs and machine of this process.

    Args:
        world: Suite on this machine; None to leave out data, weights and methods.
        inputs: Data, weights and methods to look at.

    Returns:
        "versions": name -> version, of Python, this program, its code and the libraries. "inputs": thing -> fingerprint, or
        `ABSENT` and the reason. "place": the machine, its processor, commit, device and folders, for people.
    """
    return {
        "versions": {
            "Python": ".".join(platform.python_version_tuple()[:2]),
            "amu-bench": __version__,
            "code": code.of_packages(),
            **{name: version.partition("+")[0] for name, version in provenance.versions().items()},
        },
        "inputs": {} if world is None else dict(_inputs(world, inputs)),
        "place": {
            "host": socket.gethostname(),
            "cpu": cpu_name(),
            **provenance.commit(),
            **({} if world is None else _place(world)),
        },
    }


def _place(world: World) -> dict[str, str]:
    settings = world.settings
    folders = {"cache": settings.cache, "data": settings.data_root, "weights": settings.weights_dirs[0]}
    try:
        device = devices.name(settings.torch_device)
    except BenchError as error:
        device = f"{ABSENT}{error}"
    return {"device": device, **{name: str(folder) for name, folder in folders.items() if folder}}


def _inputs(world: World, inputs: Inputs) -> Iterable[tuple[str, str]]:
    """Thing -> fingerprint."""
    for role in inputs.datasets:
        yield f"data of {world.suite.named(role)}", _told(partial(world.data_fingerprint, role))
    for role in inputs.encoders:
        yield f"weights of {role}", _told(partial(world.encoder_fingerprint, role))
    for method in inputs.methods:
        yield f"code of {method}", _told(partial(_code, method))


def _code(method: str) -> str:
    return code.fingerprint(predictor_class(method))


def _told(fingerprint: Callable[[], str]) -> str:
    try:
        return fingerprint()
    except (BenchError, OSError, ImportError) as error:
        return f"{ABSENT}{in_words(error)}"


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> Sequence[str]:
    """In which versions, code, data and weights a worker differs from the client, a few words each.

    Args:
        here: What the client has, by `inspected`.
        there: What the worker has.

    Returns:
        For each thing what the worker has and what the client has; none where they are alike.
    """
    found = []
    for part in HELD:
        theirs = there.get(part, {})
        for name, value in here[part].items():
            if theirs.get(name) != value:
                found.append(_difference(name, theirs.get(name, f"{ABSENT}nothing is known"), value))
    device = str(there.get("place", {}).get("device", ""))
    return [*found, *([f"device {device}"] if device.startswith(ABSENT) else [])]


def _difference(name: str, theirs: str, ours: str) -> str:
    return f"{name} {theirs}" if theirs.startswith(ABSENT) else f"{name} is {theirs}, here {ours}"
