"""Leases on files that several processes could make, on one machine or on several, so that each file is made once.

A lease is a small file beside the one that is to be made. It is created with O_CREAT | O_EXCL, which succeeds for one process
alone, also on network file systems. It names host and process, and a thread writes a new number into it every few seconds.
A lease whose process has died, or whose number does not change while another process watches it, is taken over by the next
lease, which has a number behind its name. No lock of the system, no clock of another host and no listing of a folder is
relied on.

A lease saves work, and no result depends on it: a process that was thought dead and goes on writes the same file once more.
Who is granted a lease has to look once more whether the file is there.
"""

import errno
import json
import os
import platform
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from benchmark.core import regular
from benchmark.core.files import ABANDONED, parsed, writing

BEAT = 2.0
"""Seconds between two numbers that the holder of a lease writes into it."""

SILENT = 60.0
"""Seconds of watching without a new number after which a lease is taken over whose process cannot be asked for. A busy file
server answers after seconds, and a client of NFS may remember a file for a minute."""

PAUSE = 1.0
"""Seconds between two looks at what other processes have leased."""

SUFFIX = ".lease"


@dataclass(frozen=True)
class Taken:
    """The holder of a lease, such as "process 4242 on node7", for a process that has come too late."""

    holder: str


@dataclass(frozen=True)
class Granted:
    """The answer to a process that leases files.

    Attributes:
        files: Those that it has to make.
        taken: The holder of one of the others; None if all were granted.
    """

    files: Sequence[Path]
    taken: Taken | None


@contextmanager
def leased(files: Iterable[Path], how: str, what: str = "cache") -> Iterator[Granted]:
    """Lease files that are to be made; the leases are given back when the context ends.

    Args:
        files: The files; their folders are created.
        how: Option that chooses another folder, for the error.
        what: Name of the folder, for the error.

    Yields:
        Which of the files were granted. A folder that cannot be written is Refused.
    """
    found: dict[Path, Path | Taken] = {}
    try:
        for file in files:
            with writing(what, file.parent, how):
                file.parent.mkdir(parents=True, exist_ok=True)
                found[file] = _lease(file)
        held = [file for file, lease in found.items() if isinstance(lease, Path)]
        taken = (lease for lease in found.values() if isinstance(lease, Taken))
        with _beating([lease for lease in found.values() if isinstance(lease, Path)]):
            yield Granted(held, next(taken, None))
    finally:
        for file, lease in found.items():
            if isinstance(lease, Path):
                _give_back(file, lease)


def tidy(folder: Path) -> None:
    """Remove leases in a folder whose processes on this machine have died, and those that nobody wrote for an hour."""
    for lease in folder.glob(f".*{SUFFIX}*"):
        file = folder / lease.name[1:].rpartition(SUFFIX)[0]
        with suppress(OSError):
            if _dead(_read(lease) or b"") or time.time() - lease.stat().st_mtime > ABANDONED:
                _give_back(file, lease)


def _place(file: Path, number: int) -> Path:
    """Path of a lease on a file; a lease with a number above 0 has taken over the one before."""
    return file.with_name(f".{file.name}{SUFFIX}{number or ''}")


def _lease(file: Path) -> Path | Taken:
    """The lease that this process now holds on a file, or the holder of the last one."""
    for number in count():
        lease = _place(file, number)
        if _created(lease):
            if number and _read(_place(file, number - 1)) is None:  # given back meanwhile, as are all before it
                lease.unlink(missing_ok=True)
                return _lease(file)
            return lease
        content = _read(lease)
        if content is None:
            return _lease(file)
        if not _silent(lease, content):
            return Taken(_holder(content))
    raise AssertionError("numbers do not end")


def _created(lease: Path) -> bool:
    """Create a lease; False if there is one."""
    try:
        descriptor = os.open(lease, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    with open(descriptor, "wb") as file:
        file.write(_content(secrets.token_hex(8), 0))
    return True


def _content(token: str, beat: int) -> bytes:
    """Content of a lease of this process, of the same length for every beat."""
    said = {"host": _host(), "process": os.getpid(), "token": token, "beat": f"{beat:012d}"}
    return json.dumps(said).encode()


@lru_cache(maxsize=1)
def _host() -> Sequence[str]:
    """Name of the host, and what tells apart its starts and the containers on it, whose process ids are their own."""
    found = [platform.node() or "an unnamed host"]
    with suppress(OSError):
        found.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        found.append(os.readlink("/proc/self/ns/pid"))
    return found


def _read(lease: Path) -> bytes | None:
    """Content of a lease; None if there is none. It is opened anew because NFS then asks the server."""
    try:
        return regular.read_bytes(lease)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ESTALE):
            return None
        raise


def _said(content: bytes) -> dict[str, Any]:
    """Fields of a lease; none while it is being written."""
    try:
        found = parsed(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _holder(content: bytes) -> str:
    said = _said(content)
    host = said.get("host") or ["an unknown host"]
    return f"process {said.get('process', '?')} on {host[0]}"


def _dead(content: bytes) -> bool:
    """Whether a lease is of a process on this host that is no more."""
    said = _said(content)
    process = said.get("process")
    if said.get("host") != _host() or not isinstance(process, int) or not 0 < process < 2**31:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # of another user
        return False
    return False


_watched: dict[Path, tuple[bytes, float, float]] = {}
"""Lease -> its content, when this process last looked at it, and the seconds of watching without a change."""


def _silent(lease: Path, content: bytes) -> bool:
    """Whether the holder of a lease is dead, or has not written for `SILENT` seconds of watching."""
    now = time.monotonic()
    before, looked, silence = _watched.get(lease, (content, now, 0.0))
    silence = silence + min(now - looked, BEAT) if before == content else 0.0  # who sleeps watches nothing
    _watched[lease] = (content, now, silence)
    return silence > SILENT or _dead(content)


@contextmanager
def _beating(leases: Sequence[Path]) -> Iterator[None]:
    """Within the context, a thread writes a new number into each lease every `BEAT` seconds."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(leases, ended), name="leases", daemon=True)
    if leases:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if leases:
            thread.join()


def _beat(leases: Sequence[Path], ended: threading.Event) -> None:
    token = secrets.token_hex(8)
    for beat in count(1):
        if ended.wait(BEAT):
            return
        for lease in leases:
            with suppress(OSError), lease.open("r+b") as file:  # one that was removed is not made again
                file.write(_content(token, beat))


def _give_back(file: Path, lease: Path) -> None:
    """Remove a lease, and those before it that it has taken over, unless another has taken it over."""
    number = int(lease.name.rpartition(SUFFIX)[2] or 0)
    with suppress(OSError):
        if _place(file, number + 1).exists():
            return
        for before in range(number + 1):
            _place(file, before).unlink(missing_ok=True)
            _watched.pop(_place(file, before), None)
