"""The scheduler that --cluster names: one that is there, one of this process with workers here, or one with batch jobs."""

import ipaddress
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmark.core.cores import share
from benchmark.core.errors import BenchError, ClusterError, Incomplete, reason
from benchmark.core.streams import say
from benchmark.core.text import counted

if TYPE_CHECKING:
    from distributed import Client

BATCH = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "lsf": "LSFCluster"}
"""Batch system -> its class in dask_jobqueue."""
FORMS = "write tcp://HOST:PORT, tls://HOST:PORT, local, local:N, " + ", ".join(BATCH)
LOOPBACK = "127.0.0.1"
MANY = 10_000
"""Largest number of workers of a scheduler that is there, where --jobs names none."""
TLS = "name one under distributed.comm.tls in ~/.config/dask/distributed.yaml (docs/cluster.md)"
CONNECT = 20
"""Seconds within which a scheduler has to answer."""
PATIENCE = 300
"""Seconds without any worker after which a command ends; with a batch system, whose queue may be long, it waits on."""


@dataclass(frozen=True)
class Scheduler:
    """What --cluster says.

    Attributes:
        said: The option's value.
        kind: "tcp", "tls", "local", or one of `BATCH`.
        workers: Number of workers that "local:N" names; 0 where none is named.
    """

    said: str
    kind: str
    workers: int = 0

    @property
    def patience(self) -> float:
        """Seconds without any worker after which a command ends."""
        return float("inf") if self.kind in BATCH else PATIENCE

    @property
    def remote(self) -> bool:
        """Whether its workers are on machines that may have other devices than this one."""
        return self.kind != "local"


def parsed(said: str) -> Scheduler:
    """What a value of --cluster means; BenchError for one that means nothing, or without the libraries."""
    kind, _, rest = said.partition(":")
    if kind in ("tcp", "tls"):
        with suppress(ValueError):
            url = urlsplit(said)
            if url.hostname and url.port and url.netloc and not url.path:
                found = Scheduler(said, kind)
                _library("distributed")
                return found
        raise BenchError(f"--cluster {said}: the address of a scheduler is {kind}://HOST:PORT")
    if re.fullmatch(r"local(:[1-9]\d{0,3})?", said):
        _library("distributed")
        return Scheduler(said, "local", int(rest or 0))
    if said in BATCH:
        _library("dask_jobqueue")
        return Scheduler(said, said)
    raise BenchError(f"--cluster {said}: there is no such scheduler; {FORMS}")


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise BenchError(f"--cluster needs {name}, which is not here; pip install 'amu-bench[cluster]'") from error


def number_of_workers(scheduler: Scheduler, asked: int | None, here: int) -> int:
    """Number of workers that a command will have.

    Args:
        scheduler: The scheduler.
        asked: Value of --jobs.
        here: Number of worker processes that suits this machine.

    Returns:
        Of a scheduler that is there, its workers now, at least 1 and at most `asked`; of batch jobs `asked`, or 1.
        ClusterError where the scheduler cannot be reached.
    """
    if scheduler.kind == "local":
        return scheduler.workers or asked or here
    if scheduler.kind in BATCH:
        return asked or 1
    with opened(scheduler, 0) as client:
        there = len(client.scheduler_info(n_workers=-1)["workers"])
    return max(1, min(there, asked or there))


@contextmanager
def opened(scheduler: Scheduler, workers: int) -> Iterator["Client"]:
    """Within the context there is a connection to a scheduler, and, of a scheduler that is started here, the scheduler.

    Args:
        scheduler: The scheduler.
        workers: Number of workers that are asked for, of a scheduler that is started here.

    Yields:
        The client.

    Raises:
        ClusterError: The scheduler cannot be reached.
    """
    from distributed import Client

    with ExitStack() as stack:
        stack.enter_context(_silent())
        if scheduler.kind == "local":
            there = stack.enter_context(_local(workers))
        elif scheduler.kind in BATCH:
            there = stack.enter_context(batch(scheduler.kind))
            there.scale(workers)
            say(f"{scheduler.kind}: {counted(workers, 'worker')} asked for", err=True)
        else:
            there = scheduler.said
            _check_certificates(scheduler)
        try:
            client = Client(there, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError, ImportError) as error:
            raise ClusterError(
                f"scheduler {scheduler.said} cannot be reached ({reason(error)[:200]}); dask scheduler starts one, and"
                " docs/cluster.md says how"
            ) from error
        stack.callback(_close, client)
        yield client


def _check_certificates(scheduler: Scheduler) -> None:
    """Raise ClusterError for a scheduler that talks TLS where dask's configuration names no certificate of the client."""
    from distributed.security import Security

    if scheduler.kind != "tls":
        return
    try:
        found = Security().get_connection_args("client").get("ssl_context")
    except OSError as error:
        raise ClusterError(
            f"scheduler {scheduler.said}: a certificate cannot be read ({reason(error)}); {TLS}"
        ) from error
    if found is None:
        raise ClusterError(f"scheduler {scheduler.said}: dask's configuration has no certificate for it; {TLS}")


def _close(client: "Client") -> None:
    with suppress(Exception):  # the scheduler may have gone, and the command has said so
        client.close(timeout=2)


@contextmanager
def _silent() -> Iterator[None]:
    """Within the context, the libraries log nothing: what a user has to know, a line of this program says."""
    loggers = [logging.getLogger(name) for name in ("distributed", "dask_jobqueue", "tornado", "asyncio")]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _local(workers: int) -> Any:
    """A scheduler in this process, with worker processes on this machine, reached through the loopback address alone."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers,
        threads_per_worker=share(workers),
        host=LOOPBACK,
        dashboard_address=f"{LOOPBACK}:0",
        memory_limit=0,  # a run may need more than an equal share; what the machine lacks, the system says
        silence_logs=logging.CRITICAL + 1,
    )


def batch(kind: str) -> Any:
    """A scheduler in this process whose workers are jobs of a batch system, by dask's own configuration.

    Args:
        kind: One of `BATCH`.

    Returns:
        The cluster of dask_jobqueue, without jobs yet.

    Raises:
        Incomplete: The configuration lacks what a job needs.
    """
    made = getattr(_library("dask_jobqueue"), BATCH[kind])
    try:
        return made(**_encrypted())
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise Incomplete(
            f"--cluster {kind}: {reason(error)}; dask reads jobqueue.{kind} from ~/.config/dask/jobqueue.yaml, and"
            " docs/cluster.md shows one"
        ) from error


def _encrypted() -> dict[str, Any]:
    """Arguments by which a scheduler that is started here talks TLS, where dask's configuration asks for encryption."""
    import dask
    from distributed.security import Security

    if not dask.config.get("distributed.comm.require-encryption", None):
        return {}
    return {"protocol": "tls://", "security": Security()}


def warning(scheduler: Scheduler) -> str:
    """The line on a scheduler that others can reach without TLS; "" for none."""
    if scheduler.kind != "tcp":
        return ""
    host = urlsplit(scheduler.said).hostname or ""
    with suppress(ValueError):
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return ""
    return (
        f"{scheduler.said} is not encrypted, and whoever reaches it can run code as you; use tls:// where others do"
        " (docs/cluster.md)"
    )


def own_modules() -> Sequence[str]:
    """Folders of this process's modules that a worker may have to look into for a method or a reader of the user's."""
    return [os.path.abspath(folder) for folder in sys.path if os.path.isdir(folder or ".")]
