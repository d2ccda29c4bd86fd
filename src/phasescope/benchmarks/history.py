"""The record table: what a training step and a snapshot of preset `small` took at each of a list of commits.

The list is `history.yaml` in the folder of results, oldest first:

    - commit: 5cba68c
      what: one line of what it changed

Each commit's source is unpacked (`git archive`) and timed by its own code, in a process of its own (`history_driver`), in
today's environment. All are built and warmed up first; then they take turns, round after round, one at a time. A snapshot
is a second one, of a fresh network, with the preset's own plan. What was cut short goes on with the round that was under
way, unless list, machine, versions or commit changed.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from phasescope.benchmarks.records import Record, Records, say
from phasescope.benchmarks.timing import THREAD_COUNTS, summary
from phasescope.errors import UserError

DRIVER = Path(__file__).with_name("history_driver.py")
TABLE = "commits"
"""the section that sums up the rounds"""


@dataclass(frozen=True)
class Settings:
    """What is timed, and how often.

    Attributes:
        rounds: turns of each commit.
        steps: training steps a turn, at each number of threads.
        warmup: training steps before the first turn.
        threads: CPU threads of the steps; a snapshot is taken with the first.
        words: the run, as on the command line.
    """

    rounds: int = 5
    steps: int = 20
    warmup: int = 10
    threads: Sequence[int] = (2, 1)
    words: Sequence[str] = ("preset=small",)


def measure(
    out: Path, settings: Settings | None = None, repository: Path | None = None
) -> dict[str, list[Record]]:
    """Time the commits of `out`/history.yaml, and write `out`/history.json as it comes; its records, by section.

    Args:
        repository: where the commits are; None: that of this source.

    Raises:
        UserError: there is no such list, no repository, or no such commit.
    """
    settings = settings or Settings()
    repository = repository or _own_repository()
    listed = [
        {**entry, "commit": resolved(repository, entry["commit"])}
        for entry in read_list(out / "history.yaml")
    ]
    records = Records(out / "history.json", {**asdict(settings), "commits": listed})
    rounds = [f"round {turn + 1}" for turn in range(settings.rounds)]
    if {*rounds, TABLE} <= records.sections.keys():
        return records.sections
    with tempfile.TemporaryDirectory(prefix="phasescope-history-") as folder, ExitStack() as stack:
        drivers = []
        for row, entry in enumerate(listed):
            tree = Path(folder) / str(row)
            unpack(repository, entry["commit"], tree)
            say(f"history, {entry['commit']}: {entry['what']}")
            drivers.append(stack.enter_context(Driver(entry["commit"], tree, settings)))
        for turn, name in enumerate(rounds, 1):
            records.section(name, lambda: [driver.turn() for driver in drivers])
            done = [records.sections[earlier] for earlier in rounds[:turn]]
            records.put(TABLE, table(listed, done))
    return records.sections


def read_list(path: Path) -> list[dict[str, str]]:
    """The commits of a history file, oldest first: `commit`, `what`.

    Raises:
        UserError: the file is not there, or no such list.
    """
    rule = "must be a list of `commit:` and `what:`, oldest first"
    try:
        entries = yaml.safe_load(path.read_text())
        listed = [{"commit": str(entry["commit"]), "what": str(entry["what"])} for entry in entries]
    except OSError as error:
        raise UserError(f"`{path}` {rule}: {error.strerror}") from None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(f"`{path}` {rule}: {' '.join(str(error).split())}") from None
    if not listed:
        raise UserError(f"`{path}` {rule}: it is empty")
    return listed


def resolved(repository: Path, commit: str) -> str:
    """The short hash, 12 digits, of a commit.

    Raises:
        UserError: there is no such commit.
    """
    words = ("rev-parse", "--verify", "--quiet", "--short=12", f"{commit}^{{commit}}")
    found = _git(repository, *words)
    if found is None:
        raise UserError(f"`commit` (={commit}) must be one of {repository}")
    return found.decode().strip()


def unpack(repository: Path, commit: str, tree: Path) -> None:
    """Write the source of `commit` to the folder `tree`."""
    archive = _git(repository, "archive", commit, "src")
    if archive is None:
        raise UserError(f"`commit` (={commit}) must have a folder src")
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(tree, filter="data")


class Driver:
    """The process that times one commit, seen from outside; to be used as a context, which ends it."""

    def __init__(self, commit: str, tree: Path, settings: Settings):
        self.commit, self.settings = commit, settings
        self.missing: str | None = None
        threads = str(max(settings.threads))
        own = {"PYTHONPATH": str(tree / "src"), **dict.fromkeys(THREAD_COUNTS, threads)}
        self._log = tree / "stderr"
        with open(self._log, "w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(DRIVER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **own},
            )
        about = {"source": str(tree / "src"), "folder": str(tree / "run")}
        found = self._ask(**about, words=list(settings.words), warmup=settings.warmup)
        self.facts: Record = found.get("facts", {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def turn(self) -> Record:
        """One round's record: milliseconds a step by threads, seconds of a snapshot."""
        steps, (most, *_) = self.settings.steps, self.settings.threads
        step_ms = {
            str(threads): 1e3 * self._ask(threads=threads, steps=steps).get("seconds", 0.0) / steps
            for threads in self.settings.threads
        }
        snapshot_s = self._ask(threads=most, snapshot=True).get("seconds")
        record = {"commit": self.commit, "missing": self.missing, **self.facts}
        if self.missing is not None:
            say(f"  {self.commit}: missing, {self.missing}")
            return record
        told = ", ".join(f"{ms:.1f} ms a step, threads: {threads}" for threads, ms in step_ms.items())
        say(f"  {self.commit}: {told}; {snapshot_s:.2f} s a snapshot")
        return {**record, "step_ms": step_ms, "snapshot_s": snapshot_s}

    def _ask(self, **request: Any) -> Record:
        if self.missing is not None:
            return {}
        assert self._process.stdin
        assert self._process.stdout
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"missing": self._why_it_ended()}
        self.missing = answer.get("missing")
        return answer

    def _why_it_ended(self) -> str:
        code = self._process.wait()
        last = (self._log.read_text(errors="replace").strip().splitlines() or [""])[-1]
        return f"the process ended with code {code}: {last}".removesuffix(": ")


def table(listed: Sequence[dict[str, str]], rounds: Sequence[Sequence[Record]]) -> list[Record]:
    """A record for each commit: medians and ranges over the rounds, and ratios to the first commit, round by round."""
    return [
        {**entry, **_summed([turns[row] for turns in rounds], [turns[0] for turns in rounds])}
        for row, entry in enumerate(listed)
    ]


def _summed(turns: Sequence[Record], firsts: Sequence[Record]) -> Record:
    facts = {key: turns[-1].get(key) for key in ("missing", "parameters", "batch", "loss")}
    if any(turn["missing"] is not None for turn in turns):
        return facts
    found: Record = {
        **facts,
        "step_ms": {
            threads: summary([turn["step_ms"][threads] for turn in turns]) for threads in turns[0]["step_ms"]
        },
        "snapshot_s": summary([turn["snapshot_s"] for turn in turns]),
    }
    if all(first["missing"] is None for first in firsts):
        pairs = list(zip(firsts, turns, strict=True))
        found["step_ratio"] = {
            threads: summary([first["step_ms"][threads] / turn["step_ms"][threads] for first, turn in pairs])
            for threads in found["step_ms"]
        }
        found["snapshot_ratio"] = summary([first["snapshot_s"] / turn["snapshot_s"] for first, turn in pairs])
    return found


def _own_repository() -> Path:
    found = _git(Path(__file__).parent, "rev-parse", "--show-toplevel")
    if found is None or _git(Path(__file__).parent, "ls-files", "--error-unmatch", "../__init__.py") is None:
        raise UserError("`PART` (=history) must be measured in phasescope's repository: it unpacks commits")
    return Path(found.decode().strip())


def _git(repository: Path, *words: str) -> bytes | None:
    """What git prints; None where it fails."""
    try:
        return subprocess.run(["git", "-C", str(repository), *words], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
