"""A lease on a run's folder: one process executes it, as long as its heart beats.

    RUN_DIR/lease/<generation>

A lease is a file that its holder alone makes (O_EXCL); the highest generation is in force, all others are void. Its
modification time is the last heartbeat, and 0 once it is given back. Who finds it given back, expired, or left by a process
of this machine that is no more may make the next generation: two who try cannot both succeed, and who comes late with an
older generation sees the higher one and withdraws (fencing by generations: Gray & Cheriton 1989; Kleppmann 2016).

A process that died on this machine is known at once, by the lock that the kernel took from it; one that died elsewhere by
its silence. One of this machine that lives and is silent (stopped, hung) is ended before its run is taken over. Clocks of
machines that share a folder must agree to within a fraction of the time of expiry.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from phasescope.errors import UserError
from phasescope.store.files import read_json
from phasescope.store.folder import is_held, now
from phasescope.store.metrics import is_number

EXPIRES_S = 60.0
"""seconds without a heartbeat after which a lease is void"""
BEATS = 6
"""heartbeats within the time of expiry"""


class Leased(UserError):
    """Another process executes the run."""


class Lease:
    """A lease that this process holds; made by `take`."""

    def __init__(self, path: Path, file: int):
        self.path, self._file = path, file

    def beat(self) -> bool:
        """Tell that the holder lives; False where the lease is lost to a higher generation."""
        if _latest(self.path.parent) != self.path:
            return False
        os.utime(self._file)
        return True

    def give_back(self) -> None:
        os.utime(self._file, (0, 0))
        os.close(self._file)


def take(folder: Path, expires_s: float = EXPIRES_S) -> Lease | None:
    """The lease on a run's folder; None where another process has it.

    Raises:
        OSError: the folder cannot be written.
    """
    home = folder / "lease"
    home.mkdir(exist_ok=True)
    latest = _latest(home)
    if latest is not None:
        if _in_force(latest):
            return None
        _end_silent(latest, folder)
    path = home / f"{int(latest.name) + 1 if latest else 1:08d}"
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
    except FileExistsError:
        return None
    # Locked before it says whose it is: who reads a name may rely on the lock.
    fcntl.flock(file, fcntl.LOCK_EX)
    os.write(file, json.dumps({**_this_process(), "expires_s": expires_s, "since": now()}).encode())
    lease = Lease(path, file)
    if _latest(home) != path:
        lease.give_back()
        return None
    for other in home.iterdir():
        if other.name.isdigit() and int(other.name) < int(path.name):
            with suppress(OSError):
                other.unlink()
    return lease


@contextmanager
def leased(folder: Path, expires_s: float, lost: Callable[[], None]) -> Iterator[None]:
    """Hold the lease on a folder, a thread beating its heart; `lost` is called, in that thread, if another takes it over.

    Raises:
        Leased: another process has it.
    """
    lease = take(folder, expires_s)
    if lease is None:
        raise Leased(f"`{folder}` is being executed by {holder(folder) or 'another process'}")
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(expires_s / BEATS):
            with suppress(OSError):  # a disk that is full, or away for a moment, ends no run
                if not lease.beat():
                    lost()
                    return

    heart = threading.Thread(target=beat, name="heartbeat", daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()
        lease.give_back()


def holder(folder: Path) -> str | None:
    """Who executes the run, be it with a lease or by `phasescope train`; None where nobody does, or a silent process."""
    latest = _latest(folder / "lease")
    if latest is not None and _in_force(latest):
        told = _told(latest)
        return f"{told.get('host', 'another machine')}, process {told.get('pid', '?')}"
    if latest is not None and _living(latest):
        return None
    return "another process" if is_held(folder) else None


def heartbeat(folder: Path) -> float | None:
    """When the holder's heart last beat, by its file's clock, in seconds; None where the lease is given back or was none."""
    latest = _latest(folder / "lease")
    if latest is None:
        return None
    try:
        return latest.stat().st_mtime or None
    except FileNotFoundError:
        return None


def _latest(home: Path) -> Path | None:
    """The file of the highest generation."""
    try:
        names = [name for name in os.listdir(home) if name.isdigit()]
    except FileNotFoundError:
        return None
    return home / max(names, key=int) if names else None


def _in_force(path: Path) -> bool:
    try:
        beat = path.stat().st_mtime
        told = _told(path)
    except FileNotFoundError:
        return True  # superseded a moment ago
    if beat == 0 or time.time() - beat > told.get("expires_s", EXPIRES_S):
        return False
    return told.get("boot") != _boot() or _is_locked(path)


def _living(path: Path) -> dict[str, Any]:
    """What a lease's holder says of itself, where it is a process of this machine that lives; else nothing."""
    with suppress(FileNotFoundError):
        # Read once: a moment later the lease may be superseded, and made anew by one who comes late.
        told = _told(path)
        if told.get("boot") == _boot() and _is_locked(path):
            return told
    return {}


def _end_silent(path: Path, folder: Path) -> None:
    """End the holder of an expired lease, where it is a process of this machine that lives, and that says what it is."""
    told = _living(path)
    if not told:
        return
    with suppress(OSError):
        pid = int(told["pid"])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if "exec" in words and any(Path(word).name == folder.name for word in words):
            os.kill(pid, signal.SIGKILL)


def _told(path: Path) -> dict[str, Any]:
    """What the holder says of itself; nothing yet, a moment after the file was made, and nothing where it is damaged."""
    try:
        told = read_json(path)
    except FileNotFoundError:
        raise
    except (OSError, UserError):
        return {}
    return told if isinstance(told, dict) and is_number(told.get("expires_s", EXPIRES_S)) else {}


def _is_locked(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _this_process() -> dict[str, Any]:
    return {"host": socket.gethostname(), "boot": _boot(), "pid": os.getpid()}


def _boot() -> str:
    """What names this start of this machine: hosts' names may be shared, and are given anew."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"{socket.gethostname()}, {os.getpid()}"
