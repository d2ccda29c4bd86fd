"""A command watched from outside: what it had spent, from its start, at each line that it appended to a file."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLL_S = 0.02
"""seconds between two looks: the resolution of the times"""
PATIENCE_S = 10.0
"""how long a process that is asked to end may take"""
THREAD_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""what keeps a process from the threads that it would take by itself"""
ERROR_CHARACTERS = 2000


@dataclass(frozen=True)
class Watched:
    """A command that has ended."""

    code: int
    """exit code; -n where signal n ended it"""
    error: str
    """end of what it wrote to stderr"""
    wall_s: float
    """from just before its start to its end"""
    cpu_s: float
    """user and system time, its waited-for children's too"""
    lines: list[dict[str, Any]]
    """of the file: each JSON object, its `wall_s` and `cpu_s` set to what was spent when it was seen"""


def watch(command: Sequence[str], file: Path, threads: int | None = None) -> Watched:
    """Run `command` to its end, looking for lines that it appends to `file`.

    CPU seconds at a line are None where there is no /proc. A signal that interrupts this, SIGTERM included, ends the command
    as well.

    Args:
        threads: of its numerical libraries; None leaves them the choice.

    Raises:
        KeyboardInterrupt: this process was told to end.
    """
    environment = {name: value for name, value in os.environ.items() if name not in THREAD_COUNTS}
    if threads is not None:
        environment |= dict.fromkeys(THREAD_COUNTS, str(threads))
    lines, tail = [], _Tail(file)
    with tempfile.TemporaryFile() as errors, _termination_interrupts():
        cpu_before_s = _cpu_of_children_s()
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=environment)
        try:
            while process.poll() is None:
                if objects := tail.grown():
                    spent = {"wall_s": time.perf_counter() - began, "cpu_s": cpu_of_s(process.pid)}
                    lines += [{**line, **spent} for line in objects]
                time.sleep(POLL_S)
        finally:
            _end(process)
        spent = {"wall_s": time.perf_counter() - began, "cpu_s": _cpu_of_children_s() - cpu_before_s}
        lines += [{**line, **spent} for line in tail.grown()]
        errors.seek(0)
        error = errors.read().decode(errors="replace").strip()[-ERROR_CHARACTERS:]
    return Watched(process.returncode, error, **spent, lines=lines)


class _Tail:
    """What is appended to a file of JSON lines, which need not be there yet."""

    def __init__(self, file: Path):
        self.file, self.offset, self.torn = file, 0, b""

    def grown(self) -> list[dict[str, Any]]:
        """The objects whose lines were completed since the last look."""
        try:
            if self.file.stat().st_size <= self.offset:
                return []
            with open(self.file, "rb") as file:
                file.seek(self.offset)
                data = file.read()
        except FileNotFoundError:
            return []
        self.offset += len(data)
        *whole, self.torn = (self.torn + data).split(b"\n")
        return [json.loads(line) for line in whole]


def cpu_of_s(pid: int) -> float | None:
    """User and system seconds of a process and of its children that ended; None where /proc does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _cpu_of_children_s() -> float:
    """Of all children of this process that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _termination_interrupts() -> Iterator[None]:
    """Within the block SIGTERM raises KeyboardInterrupt, as SIGINT does: a process that is watched is not left behind."""
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
