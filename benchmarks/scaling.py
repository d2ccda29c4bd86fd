"""Scaling: how the training step of preset `small` goes with batch, canvas, size of the data set and threads; and what two
runs at once give on two cores.

Everything but what is varied is the preset's. Two runs at once are two processes of one thread each, started together: their
throughput counts from then until the later one ends, and is held against the same process alone, round by round.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.records import Record, Sections, say
from benchmarks.timing import Contender, Worker, images_per_s, interleave, summary, timing

PRESET = "preset=small"
TOGETHER = 2


@dataclass(frozen=True)
class Settings:
    """What is varied, where, and how often.

    Attributes:
        rounds: turns of each contender.
        steps: the fewest training steps of a turn.
        turn_s: about the shortest time of a turn, s.
        threads: the most CPU threads; all but the section `threads` use these.
        device: cpu, cuda or cuda:N.
        batches: images a step.
        canvases: sides of the canvas, px.
        increments: of the grid of labels, px: the data set has (canvas / d)^2 images.
    """

    rounds: int = 5
    steps: int = 2
    turn_s: float = 0.7
    threads: int = 2
    device: str = "cpu"
    batches: Sequence[int] = (8, 16, 32, 64, 128, 256, 512)
    canvases: Sequence[int] = (16, 32, 64)
    increments: Sequence[float] = (2.0, 1.0, 0.5, 0.25)

    def contender(self, name: str, *words: str, threads: int | None = None) -> Contender:
        """The preset's training step, changed by `words`."""
        return Contender(
            name,
            "benchmarks.steps:phasescope_step",
            {"words": [PRESET, *words]},
            threads or self.threads,
            self.device,
        )

    def varied(self) -> dict[str, dict[Any, Contender]]:
        """By what is varied, then by its value."""
        return {
            "batch": {n: self.contender(f"batch {n}", f"training.batch={n}") for n in self.batches},
            "canvas": {n: self.contender(f"canvas {n} px", f"world.canvas={n}") for n in self.canvases},
            "increment": {
                d: self.contender(f"d = {d:g} px", f"world.design.dx={d}", f"world.design.dy={d}")
                for d in self.increments
            },
            "threads": {n: self.contender(f"threads: {n}", threads=n) for n in sorted({1, self.threads})},
        }


def measure(out: Path, settings: Settings | None = None) -> dict[str, list[Record]]:
    """Measure, and write `out`/scaling.json as it comes; its records, by section."""
    settings = settings or Settings()
    records = Sections(out / "scaling.json", asdict(settings))
    for varied, contenders in settings.varied().items():
        records.section(
            varied, lambda varied=varied, contenders=contenders: _measured(settings, varied, contenders)
        )
    records.section("two at once", lambda: [_together(settings)])
    return records.found


def _measured(settings: Settings, varied: str, contenders: dict[Any, Contender]) -> list[Record]:
    timings = interleave(list(contenders.values()), settings.rounds, settings.steps, settings.turn_s)
    found = []
    for value, timed in zip(contenders, timings, strict=True):
        record: Record = {
            "name": timed.contender.name,
            "varied": varied,
            "value": value,
            "threads": timed.contender.threads,
            "device": timed.contender.device,
            "missing": timed.missing,
            **timed.facts,
        }
        if timed.missing is None:
            record |= {"images_per_s": summary(images_per_s(timed)), "peak_mb": timed.peak_mb}
            rate = record["images_per_s"]["median"]
            say(f"  {timed.contender.name}: {rate:.0f} images/s, {timed.peak_mb:.0f} MB")
        else:
            say(f"  {timed.contender.name}: missing, {timed.missing}")
        found.append(record)
    return found


def _together(settings: Settings) -> Record:
    """One run alone and two at once, one thread each, in turns."""
    contender = settings.contender("two at once", threads=1)
    alone, both = [], []
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(contender)) for _ in range(TOGETHER)]
        for worker in workers:
            worker.run(1)
        steps = max(settings.steps, *(worker.steps_for(settings.turn_s) for worker in workers))
        for turn in range(settings.rounds):
            alone.append(workers[turn % TOGETHER].run(steps))
            for worker in workers:
                worker.start(steps)
            both.append(max(worker.seconds() for worker in workers))
        facts = workers[0].facts
        ended = [timing(worker, both) for worker in workers]
    missing = next((one.missing for one in ended if one.missing), None)
    record: Record = {
        "name": contender.name,
        "runs": TOGETHER,
        "threads": contender.threads,
        "device": contender.device,
        "missing": missing,
        **facts,
    }
    if missing is None:
        images = steps * facts["batch"]
        ratios = [TOGETHER * one / two for one, two in zip(alone, both, strict=True)]
        record |= {
            "alone_images_per_s": summary([images / seconds for seconds in alone]),
            "together_images_per_s": summary([TOGETHER * images / seconds for seconds in both]),
            "ratio": summary(ratios),
            "peak_mb": sum(one.peak_mb for one in ended),
        }
        say(f"  two at once: {record['ratio']['median']:.2f} times one run's throughput")
    return record
