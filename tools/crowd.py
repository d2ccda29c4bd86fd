"""A crowd of runs of which some are bad, in ten ways: what reads all runs reads the others, in the time it takes without.

    python -m tools.crowd [--runs 2000] [--bad 100] [--rounds 3]

Prints, for each reader, how many sound and how many broken runs it found, its seconds with and without the bad ones (median
of the rounds, one after the other), and the ratio of the two.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from phasescope.errors import UserError
from phasescope.runs.config import RunConfig, over_defaults
from phasescope.runs.execution import train
from phasescope.store import Run
from phasescope.studies.core import Cell, Study
from phasescope.studies.core.recording import rows_of
from phasescope.views.explorer.library import Library

FIELDS = {
    "name": "crowd",
    "world": {"canvas": 8},
    "family": {"schedule": {"steps": 50}, "sampler": {"kind": "ddim", "steps": 2}},
    "network": {"widths": [8, 8], "groups": 4, "embedding": {"width": 8}},
    "training": {"steps": 8, "batch": 16, "warmup": 2, "threads": 1, "device": "cpu"},
    "probing": {
        "snapshots": {"dense_until": 0, "every": 8},
        "taps": ["mid"],
        "timesteps": [40],
        "images": {"grid": 16, "off_grid": 16},
        "latent_labels": 64,
        "share_labels": 16,
        "share_draws": 2,
        "bands": 2,
        "band_images": 4,
        "representation": {"tap": "mid", "timestep": 40},
        "p1": None,
    },
}


SEEDS = 2000
"""the most runs of a crowd"""


def config_of(seed: int) -> RunConfig:
    return over_defaults(FIELDS, {"seed": seed})


def write(name: str, text: str | bytes) -> Callable[[Path], None]:
    content = text.encode() if isinstance(text, str) else text

    def put(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return put


def append(name: str, text: str) -> Callable[[Path], None]:
    def add(folder: Path) -> None:
        with open(folder / name, "a") as file:
            file.write(text)

    return add


def pipe(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return make


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(lines) + "\n"


WAYS: dict[str, Callable[[Path], None]] = {
    "status.json of 200,000 brackets": write("status.json", "[" * 200_000),
    "status.json is a pipe": pipe("status.json"),
    "status.json has text for a number": write("status.json", '{"state": "done", "step": "eight"}'),
    "status.json is empty": write("status.json", ""),
    "a line of metrics.jsonl has no images_seen": append("metrics.jsonl", '{"step": 99}\n'),
    "a line of metrics.jsonl is garbage": append("metrics.jsonl", "\x00garbage\n"),
    "a line of metrics.jsonl holds NaN": append(
        "metrics.jsonl", '{"step": 99, "images_seen": 9, "loss": NaN}\n'
    ),
    "config.yaml is an alias bomb": write("config.yaml", bomb()),
    "config.yaml is no YAML": write("config.yaml", "seed: ["),
    "config.yaml is empty": write("config.yaml", ""),
}


def make(runs: Path, count: int, bad: int) -> None:
    """`count` runs, the first `bad` of them bad; the last of these has a name that is no text."""
    whole = train(config_of(0), runs)
    template = runs.with_name("template")
    whole.path.rename(template)
    text = (template / "config.yaml").read_text()
    for number in range(count):
        config = config_of(number)
        folder = runs / config.folder
        shutil.copytree(template, folder, copy_function=os.link)
        (folder / "config.yaml").unlink()
        (folder / "config.yaml").write_text(text.replace("seed: 0", f"seed: {number}"))
        if number < bad:
            for name in ("status.json", "metrics.jsonl"):
                content = (folder / name).read_bytes()
                (folder / name).unlink()
                (folder / name).write_bytes(content)
            list(WAYS.values())[number % len(WAYS)](folder)
    if bad:
        os.rename(os.fsencode(runs / config_of(bad - 1).folder), os.fsencode(runs) + b"/bad-\xff")


def command(*words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "phasescope", *words], capture_output=True, text=True, check=True
    ).stdout


def by_ls(runs: Path) -> tuple[int, int]:
    states = [row["state"] for row in json.loads(command("ls", "--json", "--runs", str(runs)))]
    return states.count("done"), states.count("broken")


def by_where(runs: Path) -> tuple[int, int]:
    for leftover in runs.glob("index.sqlite*"):
        leftover.unlink()
    rows = json.loads(command("ls", "--json", "--runs", str(runs), "--where", "training.batch = 16"))
    return sum(row["state"] == "done" for row in rows), sum(row["state"] == "broken" for row in rows)


def by_explorer(runs: Path) -> tuple[int, int]:
    library = Library(runs)
    library.refresh()
    states = [row["state"] for row in library.rows()["rows"]]
    return states.count("done"), states.count("broken")


def by_study(runs: Path) -> tuple[int, int]:
    """A study of all runs that could be there: of how many it has rows to record, and how many are there and left out."""
    study = Study("crowd", "Are all of them read?", "small", (Cell("all", FIELDS),), seeds=1)
    recorded = left_out = 0
    for seed in range(SEEDS):
        config = config_of(seed)
        run = Run(runs / config.folder)
        if not run.path.exists():
            continue
        try:
            rows_of(study, run, config, ("all",))
        except UserError:
            left_out += 1
        else:
            recorded += 1
    return recorded, left_out


READERS = {"ls": by_ls, "ls --where": by_where, "explore": by_explorer, "study": by_study}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=SEEDS)
    parser.add_argument("--bad", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        crowds = {"with": Path(folder) / "with" / "runs", "without": Path(folder) / "without" / "runs"}
        make(crowds["with"], asked.runs, asked.bad)
        make(crowds["without"], asked.runs - asked.bad, 0)
        for name, read in READERS.items():
            spent: dict[str, list[float]] = {which: [] for which in crowds}
            sound = broken = 0
            for _ in range(asked.rounds):
                for which, runs in crowds.items():
                    began = time.perf_counter()
                    found = read(runs)
                    spent[which].append(time.perf_counter() - began)
                    if which == "with":
                        sound, broken = found
            a, b = median(spent["with"]), median(spent["without"])
            print(
                f"{name}: {sound} sound, {broken} broken; {a:.2f} s with the bad ones, {b:.2f} s without: {a / b:.2f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
