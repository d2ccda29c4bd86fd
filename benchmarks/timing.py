"""Contenders timed fairly.

Each is built in a process of its own (`worker`), so that one's allocator, thread pools and memory layouts touch no other.
All are built and warmed up first, one after the other; then they take turns, round after round, and only one works at a
time: what the machine does meanwhile falls on all alike.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks.records import environment

THREAD_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
END_S = 10.0
"""time in which a process that has nothing more to do must end, s"""


@dataclass(frozen=True)
class Contender:
    """What is timed: ``build`` = "module:function" answers `worker.Built` when called with `arguments` and `device`."""

    name: str
    build: str
    arguments: dict[str, Any] = field(default_factory=dict)
    threads: int = 1
    device: str = "cpu"


@dataclass(frozen=True)
class Timing:
    """What was measured of a contender.

    Attributes:
        facts: what the contender says of itself.
        step_s: seconds a step, one entry a round.
        built_mb, peak_mb: the most memory held when it was built, and at the end.
        missing: why there is no measurement; None where there is one.
    """

    contender: Contender
    facts: dict[str, Any] = field(default_factory=dict)
    step_s: tuple[float, ...] = ()
    built_mb: float = math.nan
    peak_mb: float = math.nan
    missing: str | None = None


class Worker:
    """The process of a contender, seen from outside; to be used as a context, which ends it.

    `missing` says why it cannot work, as soon as it cannot; what is asked of it after that answers NaN.
    """

    def __init__(self, contender: Contender):
        self.contender = contender
        self.missing: str | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="phasescope-bench-", ignore_cleanup_errors=True)
        self._log = Path(self._folder.name) / "stderr"
        own = {**dict.fromkeys(THREAD_COUNTS, str(contender.threads)), "TMPDIR": self._folder.name}
        with open(self._log, "w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment(**own),
            )
        self._ask(**asdict(contender))
        built = self._answer()
        self.facts: dict[str, Any] = built.get("facts", {})
        self.built_mb: float = built.get("built_mb", math.nan)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
        self._folder.cleanup()

    def start(self, steps: int) -> None:
        """Set it to work; `seconds` waits for the end of that."""
        self._ask(steps=steps)

    def seconds(self) -> float:
        """Wall time of the steps that were started."""
        return self._answer().get("seconds", math.nan)

    def run(self, steps: int) -> float:
        """Wall time of `steps` steps, s."""
        self.start(steps)
        return self.seconds()

    def steps_for(self, turn_s: float) -> int:
        """Steps that take about `turn_s` seconds, at least one; measured on one."""
        second = self.run(1)
        return max(1, round(turn_s / second)) if second > 0 else 1

    def peak_mb(self) -> float:
        """The most memory held; it then works no more."""
        self._ask(end=True)
        return self._answer().get("peak_mb", math.nan)

    def _ask(self, **request: Any) -> None:
        if self.missing is None:
            assert self._process.stdin
            try:
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
            except BrokenPipeError:
                self.missing = self._why_it_ended()

    def _answer(self) -> dict[str, Any]:
        if self.missing is None:
            assert self._process.stdout
            line = self._process.stdout.readline()
            answer = json.loads(line) if line else {"missing": self._why_it_ended()}
            self.missing = answer.get("missing")
            return answer
        return {}

    def _why_it_ended(self) -> str:
        code = self._process.wait()
        last = (self._log.read_text(errors="replace").strip().splitlines() or [""])[-1]
        return f"the process ended with code {code}: {last}".removesuffix(": ")


def interleave(
    contenders: Sequence[Contender], rounds: int = 5, steps: int = 1, turn_s: float = 0.5, warmup: int = 2
) -> list[Timing]:
    """Time the contenders in turns, round after round; their timings, in their order.

    Args:
        rounds: turns of each contender.
        steps: the fewest steps of a turn.
        turn_s: about the shortest time of a turn, s: quick steps are taken more often.
        warmup: steps before the first round; the last one tells how quick they are.
    """
    with ExitStack() as stack:
        workers, turns = [], []
        for contender in contenders:
            worker = stack.enter_context(Worker(contender))
            worker.run(warmup - 1)
            workers.append(worker)
            turns.append(max(steps, worker.steps_for(turn_s)))
        step_s: list[list[float]] = [[] for _ in workers]
        for _ in range(rounds):
            for worker, turn, measured in zip(workers, turns, step_s, strict=True):
                measured.append(worker.run(turn) / turn)
        return [timing(worker, measured) for worker, measured in zip(workers, step_s, strict=True)]


def timing(worker: Worker, step_s: Sequence[float]) -> Timing:
    """What was measured of a worker, which then works no more."""
    peak_mb = worker.peak_mb()
    if worker.missing is not None:
        return Timing(worker.contender, worker.facts, missing=worker.missing)
    return Timing(worker.contender, worker.facts, tuple(step_s), worker.built_mb, peak_mb)


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Median, range and number of `values`."""
    return {
        "median": statistics.median(values),
        "low": min(values),
        "high": max(values),
        "n": len(values),
    }


def images_per_s(timing: Timing) -> list[float]:
    """Images a second, one entry a round, of a contender whose facts tell the `batch`."""
    return [timing.facts["batch"] / seconds for seconds in timing.step_s]
