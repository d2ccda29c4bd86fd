"""What commands that answer take: --help, claims, ls and the explorer on many runs, and the size and time of a report.

The many runs are hard links to the recorded files of one small run, as many as `Settings.runs`. Each command runs in a
process of its own, in turns with the others; CPU seconds are those of the process and its children, and the first, cold turn
is left out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.request import urlopen

from benchmarks.order import spent_by
from benchmarks.records import ROOT, Record, Sections, environment, say
from benchmarks.timing import summary
from phasescope.core.errors import RunFailed
from phasescope.runs.store import RunFolder
from phasescope.runs.trained.catalogue import open_run

READ = ("config.yaml", "config.json", "status.json", "about.json", "metrics.jsonl", "references.json")


@dataclass(frozen=True)
class Settings:
    """What is timed.

    Attributes:
        rounds: turns of each command after the first.
        runs: in the folder that `ls` and the explorer show.
        words: the run whose files they have.
    """

    rounds: int = 7
    runs: int = 10_000
    words: tuple[str, ...] = ("preset=fast", "training.steps=60")


def measure(out: Path, settings: Settings | None = None) -> dict[str, list[Record]]:
    """Measure, and write `out`/pages.json; its records, by section."""
    settings = settings or Settings()
    records = Sections(out / "pages.json", asdict(settings))
    records.section("commands", lambda: _commands(settings))
    return records.found


def _commands(settings: Settings) -> list[Record]:
    with tempfile.TemporaryDirectory(prefix="phasescope-bench-") as name:
        work = Path(name)
        run = _trained(settings, work / "one")
        many = _copies(run, work / "many", settings.runs)
        report = work / "report.html"
        commands = {
            "phasescope --help": ["--help"],
            "phasescope claims": ["claims"],
            f"phasescope ls, {settings.runs:,} runs": ["ls", "--runs", str(many)],
            "phasescope report": ["report", str(run.path), "--out", str(report)],
        }
        spent: dict[str, list[Record]] = {name: [] for name in commands}
        for turn in range(settings.rounds + 1):
            for name, words in commands.items():
                process = spent_by([sys.executable, "-m", "phasescope", *words], threads=1)
                if process["code"]:
                    raise RunFailed(f"`{name}` ended with code {process['code']}: {process['error']}")
                spent[name] += [process] if turn else []
        found: list[Record] = [
            {
                "name": name,
                "cpu_s": summary([one["cpu_s"] for one in turns]),
                "wall_s": summary([one["wall_s"] for one in turns]),
            }
            for name, turns in spent.items()
        ]
        found[-1]["megabytes"] = report.stat().st_size / 1e6
        opened = [_explored(many) for _ in range(settings.rounds)]
        for at, name in enumerate(("first rows", "all rows")):
            wall_s = summary([one[at] for one in opened])
            found.append({"name": f"explorer, {settings.runs:,} runs: {name}", "wall_s": wall_s})
    for record in found:
        say(f"  {record['name']}: {record['wall_s']['median']:.2f} s")
    return found


def _trained(settings: Settings, runs: Path) -> RunFolder:
    words = ["-m", "phasescope", "train", *settings.words, "--runs", str(runs)]
    process = spent_by([sys.executable, *words], threads=2)
    if process["code"]:
        raise RunFailed(f"`phasescope train` ended with code {process['code']}: {process['error']}")
    (folder,) = (path for path in runs.iterdir() if path.is_dir())
    return open_run(folder)


def _copies(run: RunFolder, folder: Path, count: int) -> Path:
    files = [run.path / name for name in READ if (run.path / name).is_file()]
    for number in range(count):
        copy = folder / f"run-{number:08x}"
        copy.mkdir(parents=True)
        for file in files:
            os.link(file, copy / file.name)
    return folder


def _explored(runs: Path) -> tuple[float, float]:
    """Return the seconds from a page's first question until it has the first rows, and all."""
    with _explorer(runs) as address:
        began, first, version = time.perf_counter(), None, 0
        while True:
            with urlopen(f"{address}api/runs?since={version}") as answer:
                said = json.loads(answer.read())
            first = first or time.perf_counter() - began
            version = said["version"]
            if not said["unread"]:
                return first, time.perf_counter() - began


@contextmanager
def _explorer(runs: Path) -> Iterator[str]:
    command = [sys.executable, "-u", "-m", "phasescope", "explore", "--runs", str(runs), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT)
    try:
        assert process.stdout
        said = re.search(r"http://\S+", process.stdout.readline())
        if said is None:
            raise RunFailed("`phasescope explore` must say its address")
        yield said[0]
    finally:
        process.terminate()
        process.wait()
        assert process.stdout
        process.stdout.close()
