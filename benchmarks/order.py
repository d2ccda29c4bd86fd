"""Time to order: what each contender takes, from the start of its process, until its images and its latents are right.

Contenders run one at a time, each seed in a fresh process with all threads of the machine, seeds interleaved: phasescope's
own command ``phasescope train preset=NAME``, and the recipe of diffusers (`recipe`). All are read by the same reader and
held to the same `criterion`.

A run tells its own clock at each snapshot. To that of phasescope's is added what its process took beside it, start and end:
no time is left out. The recipe is charged as `recipe` says.

`order.json` grows by a record a seed. A seed that is there is not run again: move the file away to begin anew. A run that
failed stays there, as failing; one that was cut short begins anew.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from benchmarks.criterion import QUANTITIES, condense, passes, reached, reached_phase_c
from benchmarks.records import ROOT, Record, environment, machine, read_list, say, write_list
from benchmarks.timing import THREAD_COUNTS
from phasescope.core.errors import UserError
from phasescope.runs.config import RunConfig, load_arguments
from phasescope.runs.config.probing_config import SiteConfig
from phasescope.runs.store.folder import RunFolder, now
from phasescope.runs.store.sites import Site

GOALS = {"time_to_order": reached, "time_to_phase_c": reached_phase_c}
ERROR_CHARACTERS = 2000


@dataclass(frozen=True)
class Contender:
    """Who races.

    Attributes:
        command: of a seed, from a folder for runs: the words after ``python -m``, and the run's folder.
        site: where order is read.
        own_clock: whether the run's clock is all that it is charged for.
    """

    name: str
    seeds: Sequence[int]
    command: Callable[[int, Path], tuple[list[str], Path]]
    site: Site
    own_clock: bool = False

    def run(self, seed: int, work: Path, threads: int | None = None) -> Record:
        """The record of a run within the folder `work`.

        Raises:
            UserError: it was refused before it began.
        """
        words, folder = self.command(seed, work)
        shutil.rmtree(folder, ignore_errors=True)
        process = spent_by([sys.executable, "-m", *words], threads)
        if process["code"] == 2:
            raise UserError(f"a run was refused: {process['error']}")
        status, lines = RunFolder(folder).status, RunFolder(folder).metrics
        completed = process["code"] == 0 and status["state"] == "done"
        beside = dict.fromkeys(("wall_s", "cpu_s"), 0.0)
        if lines and not self.own_clock:
            beside = {clock: max(0.0, process[clock] - lines[-1][clock]) for clock in beside}
        lines = [{**line, **{clock: line[clock] + more for clock, more in beside.items()}} for line in lines]
        return {
            "completed": completed,
            "error": None
            if completed
            else f"exit code {process['code']}, {status['state']}: {process['error']}",
            "command": told_command(words, work),
            **{key: status.get(key) for key in ("parameters", "threads", "device", "plan")},
            "process": {clock: process[clock] for clock in beside},
            "observing_share": lines[-1]["observing_s"] / lines[-1]["wall_s"]
            if lines and "observing_s" in lines[-1]
            else None,
            "spent": {key: lines[-1][key] if lines else process.get(key, 0) for key in QUANTITIES},
            "snapshots": [condense(line, self.site) for line in lines],
        }


def told_command(words: Sequence[str], work: Path) -> str:
    """As a user types it, with the folder for runs left open."""
    command = " ".join(["python -m", *words]).replace("python -m phasescope", "phasescope")
    return command.replace(f" {work}", " RUNS")


def trained(name: str, words: Sequence[str], seeds: Sequence[int]) -> Contender:
    """phasescope's command ``train`` with `words`."""

    def command(seed: int, work: Path) -> tuple[list[str], Path]:
        own = [*words, f"seed={seed}"]
        return ["phasescope", "train", *own, "--runs", str(work)], work / load_arguments(own).folder

    return Contender(name, seeds, command, _place(load_arguments([*words])))


def recipe(seeds: Sequence[int], like: str = "fast", words: Sequence[str] = ()) -> Contender:
    """The recipe of diffusers, on a network as large as that of the preset `like`."""

    def command(seed: int, work: Path) -> tuple[list[str], Path]:
        folder = work / f"recipe-{seed}"
        size = ["--params", str(_parameters(like))]
        return ["benchmarks.recipe", "--out", str(folder), *size, *words, f"seed={seed}"], folder

    return Contender("recipe", seeds, command, _place(load_arguments(["preset=small"])), own_clock=True)


def _place(config: RunConfig) -> Site:
    """Where the representation's phase is read."""
    plan = config.plan_of(config.network.layer_names, config.network.usual_layers)
    assert isinstance(plan.representation, SiteConfig)
    return plan.representation.site


@cache
def _parameters(preset: str) -> int:
    import torch

    from benchmarks.peers import parameters_of

    config = load_arguments([f"preset={preset}"])
    with torch.device("meta"):
        return parameters_of(config.network.build(config.world.shape, config.world.factors))


def spent_by(command: Sequence[str], threads: int | None) -> Record:
    """Run a command to its end: `code`, `error` (the end of what it wrote there), `wall_s`, `cpu_s` with its children's.

    Args:
        threads: of its numerical libraries; None leaves them the choice.
    """
    own = environment()
    for name in THREAD_COUNTS:
        own.pop(name, None)
    if threads is not None:
        own |= dict.fromkeys(THREAD_COUNTS, str(threads))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=own, cwd=ROOT)
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "code": ended.returncode,
        "error": ended.stderr.decode(errors="replace").strip()[-ERROR_CHARACTERS:],
        "wall_s": wall_s,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }


def contenders(long: bool = False) -> list[Contender]:
    """Return those that race, with few seeds or, for a `long` race, with more."""
    return [
        trained("fast", ("preset=fast",), range(10 if long else 4)),
        trained("small", ("preset=small",), range(5 if long else 1)),
        recipe(range(3 if long else 1), words=() if long else ("--budget-s", "900")),
    ]


def measure(
    out: Path,
    work: Path = ROOT / "runs" / "speed",
    racing: Sequence[Contender] | None = None,
    threads: int | None = None,
    long: bool = False,
) -> None:
    """Run what is not in ``out/order.json`` yet, and add it there, seed by seed.

    Args:
        work: folder of runs.
        racing: contenders, whose seeds are interleaved; None: `contenders(long)`.
        threads: of each run; None leaves it the choice.

    Raises:
        UserError: a run is refused, or the file cannot be read.
    """
    file, work = out / "order.json", work.resolve()
    records = read_list(file)
    known = {(record["contender"], record["seed"]) for record in records}
    for contender, seed in turns(contenders(long) if racing is None else racing):
        if (contender.name, seed) in known:
            continue
        head = {"contender": contender.name, "seed": seed, "started": now()}
        record = judged({**head, **contender.run(seed, work, threads), **machine()})
        records.append(record)
        write_list(file, records)
        say(told_of(record))


def turns(racing: Sequence[Contender]) -> Iterator[tuple[Contender, int]]:
    """All contenders' seeds, interleaved."""
    for seeds in zip_longest(*(one.seeds for one in racing)):
        yield from ((one, seed) for one, seed in zip(racing, seeds, strict=True) if seed is not None)


def judged(record: Record) -> Record:
    """`record` with each snapshot's verdict, and the cost at each goal: None where the run did not come there for good."""
    snapshots = [{**snapshot, "passes": passes(snapshot)} for snapshot in record["snapshots"]]
    costs = {goal: cost(snapshots) if record["completed"] else None for goal, cost in GOALS.items()}
    return {**record, "snapshots": snapshots, **costs}


def told_of(record: Record) -> str:
    """One line for a record."""
    who = f"{record['contender']}, seed {record['seed']}"
    if not record["completed"]:
        return f"{who}: failing, {record['error']}"
    cost: dict[str, Any] | None = record["time_to_order"]
    spent = ", ".join(f"{(cost or record['spent'])[key]:,.4g} {unit}" for key, unit in QUANTITIES.items())
    return f"{who}: {'in order after' if cost else 'not in order within'} {spent}"
