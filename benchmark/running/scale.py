"""The time of a command on other numbers of workers, by list scheduling: each takes the next piece when it has done one.

Features come first, and runs when all features are there, as in `bench run`. A worker is a process on the cores of a
processor, or one GPU with the cores that decode for it. Times are those of the plan (`benchmark.running.forecast`): measured
here, of the reference run, or stated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace

from benchmark.core.durations import clock
from benchmark.features.costs import gigabytes

DECODING = 0.004
"""CPU seconds of a photograph of 500 x 375 from its file to 224 x 224 pixels (python -m performance.decode_speed)."""


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Time until all pieces are done that workers take in this order.

    Args:
        seconds: Seconds of each piece on one worker.
        workers: Number of workers.

    Returns:
        Seconds; 0 without pieces.
    """
    free = [0.0] * min(workers, len(seconds) or 1)
    heapify(free)
    for took in seconds:
        heapreplace(free, free[0] + took)
    return max(free)


@dataclass(frozen=True)
class Scale:
    """What a command is made of.

    Attributes:
        shards: Seconds of each shard of features on one worker.
        runs: Seconds of each run on one worker, in the order in which they begin.
        start: Seconds until workers work, and of drawing at the end.
        photographs: Number of images that are decoded from files, where each view counts as one.
        written: Bytes of features that are written; 0 if unknown.
        read: Bytes of features that runs read, each by itself; 0 if unknown.
        untimed: Number of runs that nobody timed, which count as nothing.
        gpu: Whether a worker is a GPU.
        threads: Cores of a worker on a processor.
    """

    shards: Sequence[float]
    runs: Sequence[float]
    start: float = 0.0
    photographs: int = 0
    written: int = 0
    read: int = 0
    untimed: int = 0
    gpu: bool = False
    threads: int = 1

    @property
    def busy(self) -> float:
        """Seconds of all workers together."""
        return sum(self.shards) + sum(self.runs)

    def seconds(self, workers: int) -> float:
        """Seconds of the command on so many workers."""
        return self.start + makespan(self.shards, workers) + makespan(self.runs, workers)

    def efficiency(self, workers: int) -> float:
        """Share of the workers' time in which they work, 0 to 1."""
        return self.busy / (workers * self.seconds(workers)) if self.busy else 1.0

    def lines(self, workers: Sequence[int]) -> list[str]:
        """The work and the time on some numbers of workers, for printing, a line each."""
        hours = self.busy / 3600
        cpu = hours + self.photographs * DECODING / 3600 if self.gpu else hours * self.threads
        parts = [f"{hours:.2f} GPU-hours"] if self.gpu else []
        parts += [f"{cpu:.2f} CPU-hours"]
        parts += [f"{gigabytes(self.written)} of features to write"] if self.written else []
        parts += [f"{gigabytes(self.read)} to read"] if self.read else []
        if self.untimed:
            parts += [f"{self.untimed:,} runs that nobody timed not counted"]
        longest = max([*self.shards, *self.runs], default=0.0)
        return [
            f"work: {', '.join(parts)}; the longest piece takes {clock(longest)}",
            *(
                f"{count:>5,} {'worker ' if count == 1 else 'workers'}  {clock(self.seconds(count)):>12}, "
                f"{self.efficiency(count):4.0%} busy"
                for count in workers
            ),
        ]
