"""This machine's processor: its name, the memory and threads of this process, and numbers too small for fast arithmetic."""

import os
import platform
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables of the environment that a library of linear algebra takes its number of threads from when it is loaded."""


def cpu_name() -> str:
    """Name of the processor and number of cores, as far as the operating system knows them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {os.cpu_count()} cores" if names else "unknown"


def peak_memory_mib() -> int:
    """Peak resident memory of this process, in MiB.

    On Linux from /proc, because getrusage also counts the memory that the parent held when it started this process.

    Returns:
        The peak since the process started.
    """
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


def set_variables(environment: Mapping[str, str]) -> None:
    """Set variables of the environment of this process, such as the GPUs that a worker sees, before a library reads them."""
    os.environ |= environment


def limit_threads(threads: int) -> None:
    """Limit the threads of PyTorch, and of each library of linear algebra, loaded now or later, in this process.

    SciPy's OpenBLAS is loaded by the first method that needs it; on two cores it would have two threads in each of two
    workers, and a run of LP-CLIP at 16 shots would take ten times as long.

    Args:
        threads: Number of threads of each library.
    """
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    threadpool_limits(threads)
    os.environ |= dict.fromkeys(POOLS, str(threads))


def flushes_denormals() -> bool:
    """Whether this thread's processor takes numbers below the smallest normal one for 0."""
    import torch

    return bool(torch.tensor(1e-310, dtype=torch.float64).mul(1.0) == 0)


@contextmanager
def flushing_denormals() -> Iterator[None]:
    """Within the context, this thread and those that it starts take denormal numbers (below 1.2e-38) for 0.

    Affinities to keys far from an image, and the gradients of such keys, fall into this range. Some processors compute with
    it a hundred times as slowly: on an Intel Sapphire Rapids of two cores Table 4 took 453 s, and 313 s with zeros.

    Yields:
        Nothing.
    """
    import torch

    before = flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
