"""Whole trainings, as users run them: each library's own way, its data loading and its averaging included.

All learn the same images in batches of one size (`trainings` tells how); networks are those of `peers`, and phasescope's has
as many parameters. Precision is each one's default, float32. azula and torchcfm ship no trainer.

A run with snapshots takes longer. Its rate is composed of what is measured: of a step, of a snapshot, and of the first look
at the untrained network, each as often as the run has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phasescope.benchmarks.records import Record, say
from phasescope.benchmarks.timing import Contender, Timing, images_per_s, interleave, summary

MODULE = "phasescope.benchmarks.trainings:"
WITHOUT_SNAPSHOTS = (
    "probing.snapshots.dense_until=0",
    "probing.snapshots.every=1000000000",
    "probing.grid_labels=16",
    "probing.off_grid_labels=16",
    "probing.latent_labels=64",
    "probing.share_labels=16",
    "probing.p1=null",
)
"""none but the first, before any step, which is then small and not timed"""
EVERY_STEP = ("probing.snapshots.dense_every=1", "probing.snapshots.dense_until=1000000000")


@dataclass(frozen=True)
class Trainer:
    """A way to train.

    Attributes:
        build: the name of what builds it, in `trainings`; None where the library ships no trainer.
        labels: whether it is told them.
        small: whether it is the preset `small` that is trained, not a network as large as the peers'.
    """

    build: str | None
    labels: bool = True
    small: bool = False


TRAINERS: dict[str, Trainer] = {
    "diffusers": Trainer("diffusers_script"),
    "smalldiffusion": Trainer("smalldiffusion_loop"),
    "denoising-diffusion-pytorch": Trainer("denoising_diffusion_trainer", labels=False),
    "azula": Trainer(None),
    "torchcfm": Trainer(None),
    "phasescope": Trainer("phasescope_train"),
    "phasescope, preset small": Trainer("phasescope_train", small=True),
    "phasescope, preset small, a snapshot each step": Trainer("phasescope_train", small=True),
}
SNAPSHOTS = "phasescope, preset small, a snapshot each step"


def measure(
    names: Sequence[str], rounds: int, steps: int, batch: int, canvas: int, threads: int, device: str
) -> list[Record]:
    """Time the trainers `names` in turns of `steps` steps; one record each, and one of the composed run."""
    place = {"threads": threads, "device": device}
    contenders = {
        name: Contender(name, f"{MODULE}{TRAINERS[name].build}", _arguments(name, batch, canvas), **place)
        for name in names
        if TRAINERS[name].build and name != SNAPSHOTS
    }
    timings = dict(
        zip(contenders, interleave(list(contenders.values()), rounds, steps, turn_s=0.0), strict=True)
    )
    if SNAPSHOTS in names:
        build = f"{MODULE}{TRAINERS[SNAPSHOTS].build}"
        contender = Contender(SNAPSHOTS, build, _arguments(SNAPSHOTS, batch, canvas), **place)
        (timings[SNAPSHOTS],) = interleave([contender], rounds, turn_s=0.0)
    records = [_told(name, timings.get(name)) for name in names]
    if {"phasescope, preset small", SNAPSHOTS} <= set(names):
        records.append(_composed(timings["phasescope, preset small"], timings[SNAPSHOTS]))
    return records


def _arguments(name: str, batch: int, canvas: int) -> dict[str, Any]:
    if TRAINERS[name].build != "phasescope_train":
        return {"batch": batch, "canvas": canvas}
    from phasescope.benchmarks.steps import EQUAL_PARAMETERS

    common = [f"training.batch={batch}", f"world.canvas={canvas}"]
    if name == SNAPSHOTS:
        return {"words": ["preset=small", *common, *EVERY_STEP]}
    if TRAINERS[name].small:
        return {"words": ["preset=small", *common, *WITHOUT_SNAPSHOTS]}
    shape = [f"network.{field}={value}" for field, value in EQUAL_PARAMETERS.items()]
    return {"words": [*common, *shape, "probing.taps=[mid]", *WITHOUT_SNAPSHOTS]}


def _told(name: str, timing: Timing | None) -> Record:
    record: Record = {"name": name, "kind": "trainer", "labels": TRAINERS[name].labels}
    if timing is None or timing.missing is not None:
        record["missing"] = timing.missing if timing else "the library ships no trainer"
        say(f"  {name}: missing, {record['missing']}")
        return record
    record |= {"missing": None, "threads": timing.contender.threads, "device": timing.contender.device}
    record |= {**timing.facts, "peak_mb": timing.peak_mb, "images_per_s": summary(images_per_s(timing))}
    say(f"  {name}: {record['images_per_s']['median']:.1f} images/s")
    return record


def _composed(steps: Timing, snapshots: Timing) -> Record:
    """The whole run of preset `small` with its own plan of snapshots, from medians of its parts."""
    name = "phasescope, preset small, its own snapshots"
    missing = steps.missing or snapshots.missing
    if missing is not None:
        return {"name": name, "kind": "composed", "labels": True, "missing": missing}
    from phasescope.run import load_config

    config = load_config(words=["preset=small"])
    last, plan = config.training.steps, config.probing.snapshots
    taken = sum(plan.due(step, last) for step in range(1, last + 1))
    step_s = summary(steps.step_s)["median"]
    snapshot_s = summary(snapshots.step_s)["median"] - step_s
    first_s = snapshots.facts["first_look_s"]
    whole_s = last * step_s + taken * snapshot_s + first_s
    images = last * steps.facts["batch"]
    say(f"  {name}: {images / whole_s:.1f} images/s, {1 - last * step_s / whole_s:.0%} of the time observing")
    return {
        "name": name,
        "kind": "composed",
        "labels": True,
        "missing": None,
        "threads": steps.contender.threads,
        "device": steps.contender.device,
        "steps": last,
        "step_s": step_s,
        "snapshots": taken,
        "snapshot_s": snapshot_s,
        "first_look_s": first_s,
        "observing_share": 1 - last * step_s / whole_s,
        "images_per_s": {"median": images / whole_s, "n": len(steps.step_s)},
    }
