"""Name of this machine's processor, and peak memory of this process."""

import os
import platform
import resource
import sys
from contextlib import suppress
from pathlib import Path


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
