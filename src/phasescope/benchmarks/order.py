"""Time to order: what each contender takes, from the start of its process, until its images and its latents are right.

Contenders run one at a time, each seed in a fresh process with all threads of the machine: phasescope's own command
``phasescope train preset=NAME``, its presets' seeds interleaved, watched from outside; among them the recipe of diffusers
is calibrated, seed by seed. Then the recipe's seeds train, timed by the calibrated pace, whatever else the machine does
(`recipe_plan`). All are read by the same reader and held to the same `criterion`.

`order.json` grows by a record a seed. A seed that is there is not run again unless its configuration changed; a run that
failed stays there, as failing. A run of phasescope that was cut short begins anew, the recipe goes on where it was. The
folders of phasescope's runs are left where they were made.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from phasescope.benchmarks.criterion import (
    CRITERION,
    QUANTITIES,
    Costs,
    condense,
    passes,
    ratio,
    reached,
    reached_phase_c,
    summary,
    told,
)
from phasescope.benchmarks.watching import POLL_S, Watched, watch
from phasescope.errors import UserError
from phasescope.run import RunConfig, load_words
from phasescope.store.files import to_json, write_aside
from phasescope.store.folder import Run, now
from phasescope.store.provenance import provenance

GOALS = {"time_to_order": reached, "time_to_phase_c": reached_phase_c}

Record = dict[str, Any]


class Contender(Protocol):
    """Who races: a name, and seeds, the run of each described by a digest."""

    @property
    def name(self) -> str: ...

    @property
    def seeds(self) -> Sequence[int]: ...

    def digest(self, seed: int) -> str: ...

    def run(self, seed: int, work: Path, threads: int | None) -> Record | None:
        """The record of a run within the folder `work`: at least `completed`, `error`, `spent` and `snapshots`.

        None where it takes a further turn, after all others' next one.
        """
        ...


@dataclass(frozen=True)
class Trained:
    """phasescope's command ``train`` with `words`, timed from outside."""

    name: str
    words: tuple[str, ...]
    seeds: Sequence[int]

    def config(self, seed: int) -> RunConfig:
        return load_words([*self.words, f"seed={seed}"])

    def digest(self, seed: int) -> str:
        return self.config(seed).digest()

    def run(self, seed: int, work: Path, threads: int | None) -> Record:
        config = self.config(seed)
        words = ["train", *self.words, f"seed={seed}"]
        folder = work / config.folder
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, "-m", "phasescope.cli", *words, "--runs", str(work)]
        watched = watch(command, folder / "metrics.jsonl", threads)
        status, own = Run(folder).status, Run(folder).metrics
        place = config.probing.representation
        snapshots = [condense(line, place.tap, place.timestep) for line in watched.lines]
        return {
            **_ending(watched, status["state"]),
            "command": " ".join(["phasescope", *words]),
            **_kept(status, "parameters", "threads", "device"),
            "process": {"wall_s": watched.wall_s, "cpu_s": watched.cpu_s},
            "observing_share": own[-1]["observing_s"] / own[-1]["wall_s"] if own else None,
            "spent": {
                "wall_s": watched.wall_s,
                "cpu_s": watched.cpu_s,
                "images_seen": snapshots[-1]["images_seen"] if snapshots else 0,
            },
            "snapshots": snapshots,
        }


@dataclass(frozen=True)
class Recipe:
    """The recipe of diffusers, on a network as large as that of the preset `like`.

    A seed that is stopped early, at `stop_at_s` of its own clock, counts as more than that; its folder stays, to go on from.
    """

    seeds: Sequence[int]
    like: str = "fast"
    budget_s: float = 1800.0
    stop_at_s: float = math.inf
    words: tuple[str, ...] = ()
    name: str = "recipe"

    def digest(self, seed: int) -> str:
        return self._config(seed).digest()

    def run(self, seed: int, work: Path, threads: int | None) -> Record | None:
        """First the calibration, at the next turn the training."""
        config = self._config(seed)
        folder = work / f"{self.name}-{seed}-{config.digest()}"
        planned = Run(folder).metrics
        flags = ["--seed", seed, "--budget-s", self.budget_s, "--params", config.parameters]
        if math.isfinite(self.stop_at_s):
            flags += ["--stop-at-s", self.stop_at_s]
        words = ["-m", "phasescope.benchmarks.recipe", *map(str, flags), *self.words]
        command = [sys.executable, *words, "--out", str(folder), *(() if planned else ("--plan",))]
        watched = watch(command, folder / "metrics.jsonl", threads)
        if not planned and _ending(watched, "done")["completed"]:
            return None
        run, place = Run(folder), config.probing.representation
        status = run.status
        snapshots = [condense(line, place.tap, place.timestep) for line in run.metrics]
        early = status["state"] == "stopped" and bool(snapshots) and snapshots[-1]["wall_s"] >= self.stop_at_s
        record = {
            **_ending(watched, "done" if early else status["state"]),
            "stopped_early": early,
            "command": " ".join(["python", *words]),
            **_kept(status, "parameters", "device", "plan", "diffusers"),
            "training_threads": status.get("threads"),
            "spent": {key: snapshots[-1][key] if snapshots else 0 for key in QUANTITIES},
            "snapshots": snapshots,
        }
        if record["completed"] and not early:
            shutil.rmtree(folder)
        return record

    def _config(self, seed: int) -> Any:
        from phasescope.benchmarks.recipe import recipe_config

        return recipe_config(seed, self.budget_s, _parameters(self.like), self.words)


@cache
def _parameters(preset: str) -> int:
    from phasescope.benchmarks.recipe import preset_parameters

    return preset_parameters(preset)


def _ending(watched: Watched, state: str) -> Record:
    """Whether the run came to its end, and why not.

    Raises:
        UserError: it was refused before it began.
    """
    if watched.code == 2:
        raise UserError(f"a run was refused: {watched.error}")
    if watched.code:
        return {"completed": False, "error": f"exit code {watched.code}: {watched.error}"}
    completed = state == "done"
    return {"completed": completed, "error": None if completed else f"it ended as {state}"}


def _kept(status: Record, *keys: str) -> Record:
    return {key: status.get(key) for key in keys}


FAST = Trained("fast", ("preset=fast",), range(10))
SMALL = Trained("small", ("preset=small",), range(5))
RECIPE = Recipe(range(3))


def measure(
    out: Path,
    work: Path = Path("runs/speed"),
    contenders: Sequence[Contender] = (FAST, SMALL, RECIPE),
    threads: int | None = None,
) -> None:
    """Run what is not in ``out/order.json`` yet, and add it there, seed by seed, with what all seeds say together.

    Args:
        out: folder of `order.json`.
        work: folder of runs that are under way.
        contenders: their seeds are interleaved.
        threads: of each run; None leaves it the choice.

    Raises:
        UserError: a run is refused, or the file cannot be read.
    """
    file = out / "order.json"
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    by_name = {contender.name: contender for contender in contenders}
    records = [
        record for record in _records_in(file) if _is_current(record, by_name.get(record["contender"]))
    ]
    known = {(record["contender"], record["seed"]) for record in records}
    waiting = [(one, seed) for one, seed in turns(contenders) if (one.name, seed) not in known]
    while waiting:
        further = []
        for contender, seed in waiting:
            started = now()
            found = contender.run(seed, work, threads)
            if found is None:
                further.append((contender, seed))
                continue
            record = {
                "contender": contender.name,
                "seed": seed,
                "digest": contender.digest(seed),
                "started": started,
                **found,
                **provenance(),
            }
            records.append(judged(record))
            whole = {"criterion": asdict(CRITERION), "poll_s": POLL_S, "summary": summarise(records)}
            write_aside(file, to_json({**whole, "records": records}, indent=1) + "\n")
            print(told_of(record), file=sys.stderr, flush=True)
        waiting = further


def _records_in(file: Path) -> list[Record]:
    try:
        return json.loads(file.read_text())["records"]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"`{file}` must be this benchmark's: {error!r}: move it away to begin anew") from None


def _is_current(record: Record, contender: Contender | None) -> bool:
    """Whether a record is of its contender's present configuration, or its contender does not race now."""
    return contender is None or record["digest"] == contender.digest(record["seed"])


def turns(contenders: Sequence[Contender]) -> Iterator[tuple[Contender, int]]:
    """All contenders' seeds, interleaved."""
    for seeds in zip_longest(*(one.seeds for one in contenders)):
        yield from ((one, seed) for one, seed in zip(contenders, seeds, strict=True) if seed is not None)


def judged(record: Record) -> Record:
    """`record` with each snapshot's verdict, and the cost at each goal: None where the run did not come there for good."""
    for snapshot in record["snapshots"]:
        snapshot["passes"] = passes(snapshot)
    for goal, cost in GOALS.items():
        record[goal] = cost(record["snapshots"]) if record["completed"] else None
    return record


def summarise(records: Sequence[Record]) -> dict[str, Any]:
    """What the seeds of each contender say together, and the ratio of the recipe's time to order to each other's."""
    by_name: dict[str, list[Record]] = {}
    for record in records:
        by_name.setdefault(record["contender"], []).append(record)
    costs = {
        (name, goal): {quantity: Costs.of(of_name, goal, quantity) for quantity in QUANTITIES}
        for name, of_name in by_name.items()
        for goal in GOALS
    }
    contenders = {}
    for name, of_name in by_name.items():
        shares = [record["observing_share"] for record in of_name if record.get("observing_share")]
        walls = [record["process"]["wall_s"] for record in of_name if "process" in record]
        contenders[name] = {
            "n": len(of_name),
            "failing": sum(record["time_to_order"] is None for record in of_name),
            "crashed": sum(not record["completed"] for record in of_name),
            **{
                goal: {q: found and summary(found) for q, found in costs[name, goal].items()}
                for goal in GOALS
            },
            "observing_share": _spread(shares),
            "process_wall_s": _spread(walls),
        }
    ratios = {
        f"{RECIPE.name} / {name}": {
            quantity: ratio(slow, fast)
            for quantity in QUANTITIES
            if (slow := costs[RECIPE.name, "time_to_order"][quantity])
            and (fast := costs[name, "time_to_order"][quantity])
        }
        for name in by_name
        if RECIPE.name in by_name and name != RECIPE.name
    }
    return {"contenders": contenders, "ratios": ratios}


def _spread(values: Sequence[float]) -> dict[str, Any] | None:
    return (
        {"n": len(values), "median": median(values), "range": [min(values), max(values)]} if values else None
    )


def told_of(record: Record) -> str:
    """One line for a record."""
    who = f"{record['contender']}, seed {record['seed']}"
    if not record["completed"]:
        return f"{who}: failing, {record['error']}"
    cost = record["time_to_order"]
    spent = {quantity: (cost or record["spent"])[quantity] for quantity in QUANTITIES}
    texts = [
        told({"median": value, "exact": True}, QUANTITIES[quantity], digits=4)
        for quantity, value in spent.items()
        if value is not None
    ]
    return f"{who}: {'in order after' if cost else 'not in order within'} {', '.join(texts)}"
