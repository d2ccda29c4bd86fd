"""The peer of the race to order: diffusers' recipe of unconditional training, carried over to the world of bumps.

    python -m phasescope.benchmarks.recipe --seed 0 --out DIR --budget-s 1800 [--plan]

Training is `recipe_training`'s. Labels, images, sampler, reader and order are phasescope's, as in its preset `small`: the
averaged weights are painted and read, and order is measured at the output of the middle block, with the same nulls.

Generous to the recipe: images are rendered where a DataLoader would read files; AdamW is fused; precision and memory layout
are those that a calibration finds quickest; freed memory is kept, as in phasescope's own runs; its clock counts the start
of its process and training alone, neither calibration nor snapshots nor checkpoints. The calibration also says how many
steps the budget holds, which the cosine spans; the clock counts steps at its pace (`recipe_plan`). So with ``--plan`` the
calibration is made on a quiet machine, and the training may follow at any time.
Its times are known to the snapshot, a minute apart by default: at most that much too long.

``--stop-at-s`` ends the training early, at the first snapshot from that time on: the seed then counts as more than that,
and the same command without it goes on.

A checkpoint at each snapshot resumes to bitwise the same weights: a kill costs the steps since then, which are redone.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import Field, model_validator

from phasescope.benchmarks.criterion import condense, passes
from phasescope.benchmarks.recipe_plan import Plan, calibrate
from phasescope.benchmarks.recipe_training import (
    LabelInput,
    Mode,
    RecipeTraining,
    Widths,
    nearest_widths,
    parameters_of,
)
from phasescope.config import Config, parse_overrides, set_overrides
from phasescope.errors import RunFailed, UserError
from phasescope.families.diffusion.config import DiffusionConfig, LinearScheduleConfig
from phasescope.probing.config import ProbingConfig
from phasescope.run import load_config
from phasescope.store.folder import RunWriter, hold
from phasescope.store.provenance import provenance
from phasescope.training.loop import resolve_device
from phasescope.training.memory import keep_freed_memory
from phasescope.worlds.gaussian_bump import GaussianBumpConfig

SMALL = load_config(words=["preset=small"])


class RecipeConfig(Config):
    """All that determines a run of the recipe but the machine's speed, which its plan keeps."""

    seed: int = Field(0, ge=0)
    """what all randomness derives from"""
    parameters: int = Field(ge=1)
    """parameters of the network to be matched, within 5 %"""
    budget_s: float = Field(1800.0, gt=0)
    """time, by the recipe's own clock, after which it is given up, s"""
    snapshot_every_s: float = Field(60.0, gt=0)
    """training time between snapshots, s"""
    calibration_s: float = Field(20.0, ge=0)
    """least time spent on finding the quickest mode, s"""
    enough: int = Field(3, ge=1)
    """snapshots in a row that end the run where they pass the criterion"""
    labels: LabelInput = "scaled"
    """what the label's network is given: factors scaled to [-1, 1], or their positional encodings"""
    world: GaussianBumpConfig = SMALL.world
    """images and labels"""
    family: DiffusionConfig = SMALL.family
    """how the averaged weights paint"""
    probing: ProbingConfig = SMALL.probing.model_copy(
        update={
            "taps": (SMALL.probing.representation.tap,),
            "timesteps": (SMALL.probing.representation.timestep,),
            "p1": None,
        }
    )
    """what is recorded: of the representation, the place alone where its phase is read"""

    @model_validator(mode="after")
    def _paints_what_it_learns(self) -> Self:
        if self.family.predict != "eps" or self.family.schedule != LinearScheduleConfig():
            raise ValueError(
                "`family` must predict eps on the linear schedule's defaults: the recipe trains that"
            )
        return self

    def training(self, widths: Widths, mode: Mode, steps: int, device: torch.device) -> RecipeTraining:
        """A fresh training whose cosine spans `steps`."""
        return RecipeTraining(widths, self.labels, self.world, mode, steps, self.seed, device)


def run(
    config: RecipeConfig, folder: Path, plan_only: bool = False, stop_at_s: float = math.inf
) -> dict[str, Any]:
    """Train in `folder` until enough snapshots in a row pass, or the budget is spent; or go on where that stopped.

    Args:
        plan_only: only calibrate, where that is not done yet, and take the first snapshot.
        stop_at_s: time, by the recipe's own clock, from which on a snapshot is the last for now.

    Returns:
        The folder's status. `metrics.jsonl` has a line a snapshot, whose `wall_s` and `cpu_s` are by the recipe's clock.

    Raises:
        UserError: the folder cannot be used, or no network is as large as asked for.
        RunFailed: the loss is not finite any more.
    """
    device = resolve_device("auto")
    if device.type == "cpu":
        keep_freed_memory()
    with hold(folder, config.tree()) as held:
        if held.status["state"] == "done":
            return held.status
        found = held.read_checkpoint()
        plan = Plan.of(found[1]["plan"]) if found else _calibrated(config, device)
        trained = config.training(plan.widths, plan.mode, plan.steps, device)
        if found:
            tensors, state = found
            trained.load({name: torch.from_numpy(array) for name, array in tensors.items()}, state["step"])
        held.forget_after(trained.step if found else -1)
        running = _Running(config, held, trained, plan)
        return running.begun() if plan_only else running.to_the_end(stop_at_s)


def _calibrated(config: RecipeConfig, device: torch.device) -> Plan:
    try:
        widths = nearest_widths(config.parameters, config.world.canvas, config.labels)
    except ValueError as error:
        raise UserError(str(error)) from None

    def training(mode: Mode) -> RecipeTraining:
        return config.training(widths, mode, sys.maxsize, device)

    return calibrate(training, config.calibration_s, config.budget_s, config.snapshot_every_s)


class _Running:
    """One process's work on one run of the recipe."""

    def __init__(self, config: RecipeConfig, folder: RunWriter, trained: RecipeTraining, plan: Plan):
        from phasescope.probing.assessment import Observer

        self.config, self.folder, self.trained, self.plan = config, folder, trained, plan
        network, device = trained.network, trained.device
        self.observer = Observer(
            config.probing,
            config.world,
            config.family.build(),
            config.seed,
            device,
            encode=lambda labels: network.encoded(labels.to(device)).cpu(),
            folder=folder,
        )

    def begun(self) -> dict[str, Any]:
        if not self.folder.metrics:
            self._snapshot(loss=None)
        return self._write_status("stopped")

    def to_the_end(self, stop_at_s: float = math.inf) -> dict[str, Any]:
        self.begun()
        while not (ended := self.trained.step == self.plan.steps or self._in_order()):
            if self.plan.spent(self.trained.step)["wall_s"] >= stop_at_s:
                break
            self._snapshot(self._train_to_next_snapshot())
        return self._write_status("done" if ended else "stopped")

    def _in_order(self) -> bool:
        """Whether the last snapshots, enough of them, pass."""
        place, enough = self.config.probing.representation, self.config.enough
        last = [condense(line, place.tap, place.timestep) for line in self.folder.metrics[-enough:]]
        return len(last) == enough and all(map(passes, last))

    def _train_to_next_snapshot(self) -> float:
        """The mean loss of the steps until then."""
        trained, every = self.trained, self.plan.snapshot_steps
        until = min((trained.step // every + 1) * every, self.plan.steps)
        loss = statistics.fmean(trained.learn() for _ in range(until - trained.step))
        if not math.isfinite(loss):
            raise RunFailed(f"`loss` (={loss}) must be finite, and is not by step {trained.step}")
        return loss

    def _snapshot(self, loss: float | None) -> None:
        """Record, append the metrics, write a checkpoint; in this order."""
        trained = self.trained
        metrics = self.observer.record(trained.averaged(), trained.step)
        self.folder.append_metrics({**self._progress(), "loss": loss, **metrics})
        tensors = {name: tensor.detach().cpu().numpy() for name, tensor in trained.tensors().items()}
        self.folder.write_checkpoint(tensors, {"step": trained.step, "plan": asdict(self.plan)})
        self._write_status("running")
        accuracy = metrics["outcomes"]["grid"]["correct"]
        print(
            f"step {trained.step}, {self.plan.spent(trained.step)['wall_s']:.0f} s: "
            f"loss {loss or math.nan:.4f}, accuracy {accuracy:.1%}",
            file=sys.stderr,
        )

    def _progress(self) -> dict[str, Any]:
        step = self.trained.step
        return {"step": step, "images_seen": self.trained.images_seen, **self.plan.spent(step)}

    def _write_status(self, state: str) -> dict[str, Any]:
        status = {
            "state": state,
            **self._progress(),
            "parameters": parameters_of(self.trained.network),
            "plan": asdict(self.plan),
            **provenance(),
            "diffusers": metadata.version("diffusers"),
            "threads": torch.get_num_threads(),
            "device": str(self.trained.device),
        }
        self.folder.write_status(status)
        return status


def preset_parameters(name: str) -> int:
    """Parameters of a preset's network."""
    config = load_config(words=[f"preset={name}"])
    with torch.device("meta"):
        return parameters_of(config.network.build(config.world.channels, len(config.world.factors)))


def recipe_config(seed: int, budget_s: float, parameters: int, words: Sequence[str] = ()) -> RecipeConfig:
    """The configuration of a run, with `key=value` words for further fields.

    Raises:
        UserError: names the field or the word, its value and the rule.
    """
    tree = RecipeConfig(parameters=1).tree() | {
        "seed": seed,
        "budget_s": budget_s,
        "parameters": parameters,
    }
    return RecipeConfig.of(set_overrides(tree, parse_overrides(words)))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0 done, 1 the run failed, 2 the user's input."""
    parser = argparse.ArgumentParser(
        prog="python -m phasescope.benchmarks.recipe", description="diffusers' recipe on the world of bumps"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--budget-s", type=float, default=1800.0)
    parser.add_argument("--params", type=int, help="parameters to match; without it those of preset fast")
    parser.add_argument("words", nargs="*", metavar="key=value", help="further fields, as in labels=encoded")
    parser.add_argument("--plan", action="store_true", help="only calibrate, on a quiet machine")
    parser.add_argument("--stop-at-s", type=float, default=math.inf, help="end early, by the recipe's clock")
    given = parser.parse_args(argv)
    try:
        parameters = given.params or preset_parameters("fast")
        config = recipe_config(given.seed, given.budget_s, parameters, given.words)
        run(config, given.out, given.plan, given.stop_at_s)
    except (UserError, RunFailed) as error:
        print(f"recipe: {error}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
