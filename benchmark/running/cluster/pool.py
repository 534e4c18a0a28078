"""Workers of a scheduler that do one item of work after another, as the worker processes of this machine do.

The client gives each worker one item at a time, and the next when it has the answer. A worker that is killed therefore costs
the item in its hand and nothing else, attempts are counted exactly, and a worker that starts late is asked what it has before
it is given anything. Of items that take some milliseconds a worker is given as many as fit into a fifth of a second.
"""

import pickle
import secrets
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import ClusterError, Incomplete, in_words, reason
from benchmark.core.files import written_whole
from benchmark.core.streams import say
from benchmark.records import merging
from benchmark.records.store import Store
from benchmark.running.cluster import on_worker, schedulers, session
from benchmark.running.cluster.inspection import Inputs, differences
from benchmark.running.cluster.schedulers import Scheduler
from benchmark.running.cluster.session import Session
from benchmark.running.workers import RETRIES, Done

if TYPE_CHECKING:
    from distributed import Client, Future

LOOK = 1.0
"""Seconds between two looks at which workers are there."""
ANSWER = 60.0
"""Seconds within which a worker that has finished an item has to hand over its result."""
SHORT = 0.2
"""Seconds for which a worker is given several items at once, where items are shorter than the way there and back."""
MOST = 50
"""Largest number of items that a worker is given at once."""
RESULTS, CACHE = "results", "cache"
GOES_ON = "what was measured stays, the same command goes on from there"


@dataclass
class Worker:
    """A worker of the scheduler.

    Attributes:
        address: Address at which the scheduler reaches it.
        threads: Number of its threads.
        started: Future of its start.
        environment: Variables that are set in it.
        found: What it has (`session.look`); empty until it is known.
        refused: Why it is given nothing, in a few words; "" where it is given work.
    """

    address: str
    threads: int
    started: "Future"
    environment: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""

    @property
    def usable(self) -> bool:
        """Whether it may be given work."""
        return bool(self.found) and not self.refused

    @property
    def name(self) -> str:
        """Address and machine."""
        host = self.found.get("place", {}).get("host")
        return f"worker {self.address}" + (f" on {host}" if host else "")

    @property
    def refusal(self) -> str:
        """The line on a worker that is given nothing."""
        return f"{self.name} refused: {self.refused}"


@dataclass(frozen=True)
class Given:
    """An item of work, and the ids of the workers that were given it and did not answer, the last one now."""

    item: Any
    tried: tuple[str, ...] = ()


@dataclass
class Hand:
    """What a worker has in its hand: one item, or several short ones.

    Attributes:
        items: The items.
        future: Future of the answers to the first of them, at least one.
        started: When they were given out, in seconds of the monotonic clock.
    """

    items: Sequence[Given]
    future: "Future"
    started: float = field(default_factory=time.monotonic)

    @property
    def passed(self) -> float:
        """Seconds since they were given out."""
        return time.monotonic() - self.started


class Pool:
    """Workers of a scheduler that can be used for one kind of work after another, within a `with` block.

    Attributes:
        jobs: Largest number of workers.
        given: First arguments of every call, which a worker receives once, when it starts.
        debug: Whether an exception in the work is raised instead of reported in one line.
        encoding: Largest number of workers that encode images at a time; None for all.
        peaks: Worker -> peak memory in MiB.
        workers: Id of a worker -> the worker, of all that are there.
        client: Connection to the scheduler, within the block.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        jobs: int,
        *given: Any,
        here: Mapping[str, Any],
        inputs: Inputs = Inputs(),  # noqa: B008  (immutable)
        folders: Mapping[str, Path] | None = None,
        debug: bool = False,
        environments: Sequence[Mapping[str, str]] = (),
        encoding: int | None = None,
        strict: bool = True,
    ) -> None:
        """Prepare a pool, without connecting.

        Args:
            scheduler: Where the workers are.
            jobs: Largest number of workers.
            given: First arguments of every call.
            here: What this process has (`inspection.inspected`), which workers are held against.
            inputs: Data, weights and methods that workers are asked about.
            folders: `RESULTS` and `CACHE` -> the folder of the client; a worker is asked whether it sees them.
            debug: Whether an exception in the work is raised.
            environments: Variables for the first worker, the second, ..., in turn.
            encoding: Largest number of workers that encode images at a time.
            strict: Whether a worker that is refused at the beginning is an error; one that starts later is named in a line.
        """
        self.scheduler = scheduler
        self.jobs = jobs
        self.given = given
        self.here = here
        self.inputs = inputs
        self.folders = folders or {}
        self.debug = debug
        self.environments = environments
        self.encoding = encoding
        self.strict = strict
        self.name = secrets.token_hex(8)
        self.peaks: dict[int | str, int] = {}
        self.workers: dict[str, Worker] = {}
        self._looked = 0.0
        self._seen = time.monotonic()
        self._begun = False
        self._stack = ExitStack()
        self.client: Client

    def __enter__(self) -> "Pool":
        """Connect, and return the pool when it has its first worker and every worker that is there has answered.

        Returns:
            The pool. ClusterError where the scheduler cannot be reached or one of its workers is not as this process is,
            Incomplete where there is no worker.
        """
        try:
            self.client = self._stack.enter_context(schedulers.opened(self.scheduler, self.jobs))
            say(f"scheduler {self.client.scheduler.address}, dashboard {self.client.dashboard_link}", err=True)
            if said := schedulers.warning(self.scheduler):
                say(said, err=True)
            self._await_workers()
            if self.strict:
                self._check()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _check(self) -> None:
        """Raise ClusterError where a worker is not as this process is, with a line on stderr for each but the last."""
        *others, last = [one.refusal for one in self.workers.values() if one.refused] or [""]
        for line in others:
            say(line, err=True)
        if last:
            raise ClusterError(f"{last}; nothing was given out")
        self._begun = True

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Leave the workers: those of a scheduler that is there stay, the others are ended."""
        with suppress(Exception):  # the scheduler may have gone
            ends = [
                self._call(one.address, on_worker.end) for one in self.workers.values() if kind is None and one.usable
            ]
            for one in ends:
                one.result(timeout=ANSWER)
        self._stack.close()

    @property
    def sees_cache(self) -> bool:
        """Whether all workers read and write the cache folder of this machine."""
        return all(CACHE in one.found["sees"] for one in self.workers.values() if one.usable)

    def each(
        self, work: Callable[..., Any], items: Sequence[Any], jobs: int | None = None
    ) -> Generator[Done, None, None]:
        """Call `work` on every item and yield results as they finish.

        Args:
            work: Function of `given` and an item, importable from a module.
            items: Items of work.
            jobs: Number of workers to use; by default all.

        Yields:
            Finished items; ClusterError when the scheduler has gone.
        """
        jobs = min(jobs or self.jobs, self.jobs)
        queue = deque(Given(item) for item in items)
        busy: dict[str, Hand] = {}
        ended: SimpleQueue[tuple[str, Future]] = SimpleQueue()
        pace = float("inf")
        try:
            while queue or busy:
                self._check_connected()
                self._look()
                lost = [one for name in list(busy.keys() - self.workers.keys()) for one in busy.pop(name).items]
                usable = [name for name, one in self.workers.items() if one.usable]
                for name in [name for name in usable if name not in busy][: max(0, jobs - len(busy))]:
                    most = min(int(SHORT / pace), len(queue) // (2 * len(usable)), MOST)
                    if taken := _taken(name, queue, {*usable}, most):
                        busy[name] = self._given_out(taken, name, work, ended)
                for name, future in _all(ended, LOOK):
                    if name not in busy or busy[name].future is not future:
                        continue  # of a worker that had gone meanwhile
                    hand = busy.pop(name)
                    found = self._finished(name, future, work, hand)
                    if found:
                        pace = max(1e-6, hand.passed / len(found))
                        queue.extendleft(Given(one.item) for one in reversed(hand.items[len(found) :]))
                        yield from found
                    else:
                        lost += hand.items
                for one in lost:
                    if len(one.tried) <= RETRIES:
                        queue.append(one)
                    else:
                        times = f"each of {len(one.tried)} times"
                        yield Done(
                            one.item, f"its worker was killed {times} (out of memory?); try fewer workers a machine"
                        )
        finally:
            with suppress(Exception):  # the scheduler may have gone
                self.client.cancel([hand.future for hand in busy.values()])

    def _given_out(self, taken: Sequence["Given"], name: str, work: Callable[..., Any], ended: SimpleQueue) -> "Hand":
        worker = self.workers[name]
        sends = RESULTS in self.folders and RESULTS not in worker.found["sees"]
        call = partial(session.answers, work, [one.item for one in taken], self.debug, sends, SHORT)
        future = self._call(worker.address, on_worker.call, pickle.dumps(call))
        future.add_done_callback(lambda done: ended.put((name, done)))
        return Hand([Given(one.item, (*one.tried, name)) for one in taken], future)

    def _finished(self, name: str, future: "Future", work: Callable[..., Any], hand: "Hand") -> list[Done]:
        """The finished items; none where their worker was killed, or does not hand over the results."""
        try:
            answers = pickle.loads(future.result(timeout=ANSWER))
            for _, files in answers:
                if files:
                    _keep(files, work)
        except (on_worker.Killed, TimeoutError):
            return []
        except Exception as error:
            self._check_connected()
            if future.cancelled():
                return []
            if self.debug:
                raise
            return [Done(one.item, in_words(error)) for one in hand.items]
        found = [done for done, _ in answers]
        self.peaks[name] = found[-1].peak_mib
        return found

    def _check_connected(self) -> None:
        if self.client.status != "running":
            raise ClusterError(f"the scheduler {self.scheduler.said} has gone; {GOES_ON}")

    def _await_workers(self) -> None:
        """Wait until there is a worker, and until all that are there have answered."""
        self._look()
        if not self.workers and self.scheduler.remote:
            say("no worker there yet, waiting; Ctrl-C ends", err=True)
        while True:
            self._check_connected()
            self._look()
            if self.workers and all(one.found or one.refused for one in self.workers.values()):
                wanted = self.jobs if self.scheduler.kind == "local" else 1
                if len(self.workers) >= wanted:
                    return
            time.sleep(0.05)

    def _look(self) -> None:
        """Ask which workers are there, at most once in `LOOK` seconds: forget those that have gone, start new ones."""
        now = time.monotonic()
        for one in self.workers.values():
            if not (one.found or one.refused) and one.started.done():
                self._judge(one)
        if now - self._looked < LOOK:
            return
        self._looked = now
        there = self.client.scheduler_info(n_workers=-1)["workers"]
        self._check_connected()
        present = {f"{told['id']} {address}": (address, told) for address, told in there.items()}
        self.workers = {name: one for name, one in self.workers.items() if name in present}
        for name, (address, told) in present.items():
            used = sum(not one.refused for one in self.workers.values())
            if name not in self.workers and used < self.jobs and told.get("status") == "running":
                self.workers[name] = self._start(address, told["nthreads"])
        if any(not one.refused for one in self.workers.values()):
            self._seen = now
        if now - self._seen > self.scheduler.patience:
            seconds = f"{self.scheduler.patience:.0f} s"
            raise Incomplete(f"the scheduler {self.scheduler.said} has had no usable worker for {seconds}; {GOES_ON}")

    def _start(self, address: str, threads: int) -> Worker:
        used = [one.environment for one in self.workers.values()]
        environment = min(self.environments, key=used.count, default={})
        said = Session(
            self.name, self.given, self.inputs, self._tokens(), schedulers.own_modules(), environment, threads
        )
        begin, look = (pickle.dumps(partial(one, said)) for one in (session.begin, session.look))
        future = self._call(address, on_worker.start, begin, look)
        return Worker(address, threads, future, environment)

    def _call(self, address: str, function: Callable[..., Any], *arguments: bytes) -> "Future":
        """Call a function of the session's name and pickled arguments in a worker, which alone may answer."""
        return self.client.submit(function, self.name, *arguments, workers=[address], pure=False)

    def _tokens(self) -> dict[str, tuple[Path, bytes]]:
        """Name of a folder -> a file there, with its content, by which a worker tells that it sees the folder."""
        found = {}
        for name, folder in self.folders.items():
            path, content = folder / f".shared.{self.name}.tmp", self.name.encode()
            if not path.exists():
                with written_whole(name, path, f"--{name}") as file:
                    file.write(content)
                self._stack.callback(partial(path.unlink, missing_ok=True))
            found[name] = (path, content)
        return found

    def _judge(self, worker: Worker) -> None:
        """Take what a worker says of itself, and refuse one that is not as this process is."""
        try:
            said, process = worker.started.result(timeout=ANSWER)
            worker.found = {**pickle.loads(said), "process": process}
        except Exception as error:
            self._check_connected()
            worker.refused = f"it cannot be asked ({reason(error)}); install the same amu-bench there"
        else:
            worker.refused = "; ".join(differences(self.here, worker.found))
        if worker.refused and self._begun:
            say(worker.refusal, err=True)


def _taken(name: str, queue: deque[Given], usable: set[str], most: int) -> list[Given]:
    """Take what a worker is given next.

    Args:
        name: Id of the worker.
        queue: Items, of which some are removed.
        usable: Ids of all workers.
        most: Largest number of items.

    Returns:
        The first item that the worker has not tried, or that all have, with the next ones if they are all new; or none.
    """
    for place, one in enumerate(queue):
        if name not in one.tried or usable <= {*one.tried}:
            del queue[place]
            found = [one]
            while not one.tried and len(found) < most and queue and not queue[0].tried:
                found.append(queue.popleft())
            return found
    return []


def _all(ended: SimpleQueue, seconds: float) -> list[Any]:
    """What is in a queue, after waiting for the first."""
    with suppress(Empty):
        found = [ended.get(timeout=seconds)]
        while True:
            try:
                found.append(ended.get_nowait())
            except Empty:
                return found
    return []


def _keep(files: Mapping[str, bytes], work: Callable[..., Any]) -> None:
    """Write what a worker sent back into the store of the work, as a record that is read and held against itself."""
    (store,) = (value for value in work.keywords.values() if isinstance(value, Store))  # type: ignore[attr-defined]
    with TemporaryDirectory(prefix="amu-bench-") as place:
        for name, content in files.items():
            path = Path(place) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        merging.replace(store, Store(Path(place)))
