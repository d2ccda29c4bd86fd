"""The peer of the race to order: diffusers' recipe of unconditional training, carried over to the world of bumps.

    python -m benchmarks.recipe --out DIR --params 233381 [--budget-s 1800] seed=0 [key=value ...]

Of `examples/unconditional_image_generation/train_unconditional.py` and the tutorial `basic_training` (diffusers 0.42) are
the optimiser, the cosine with warm-up, the batch, the clipping, the averaged weights, the noise and the loss

    |network(x_t, t, label) - eps|^2 / pixels,    x_t = alpha_t x_0 + sigma_t eps,

all by diffusers' own classes. The network is its UNet2DModel, with the tutorial's two layers a block, at the multipliers
(1, 2, 2) and as large as asked for; it hears the label as a class embedding. Labels, images, sampler, reader and order are
phasescope's, as in its preset `small`: the averaged weights are painted and read, and order is measured at the output of the
middle block, with the same nulls.

Generous to the recipe: images are rendered where a DataLoader would read files; AdamW is fused; precision and memory layout
are those that a calibration finds quickest; freed memory is kept, as in phasescope's own runs. Its clock counts the start of
its process and the steps that it took, at the calibrated pace: neither calibration nor snapshots, nor what the machine does
beside it. Times are known to the snapshot, a minute apart: at most that much too long.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.criterion import condense, passes
from benchmarks.peers import Widths, diffusers_plain, nearest_widths, parameters_of
from benchmarks.records import say
from phasescope.core.errors import RunFailed, UserError
from phasescope.core.randomness import derive, torch_generator
from phasescope.models.families import Task
from phasescope.models.families.diffusion.config import LinearScheduleConfig
from phasescope.models.training.data import LabelStream
from phasescope.models.training.loop import resolve_device
from phasescope.models.training.processor import keep_freed_memory
from phasescope.runs.config import ProbingConfig, RunConfig, SiteConfig, load_arguments
from phasescope.runs.store import RunWriter, hold

LEARNING_RATE, BETAS, WEIGHT_DECAY, EPSILON = 1e-4, (0.95, 0.999), 1e-6, 1e-8
WARMUP_STEPS, BATCH, CLIP, NOISE_LEVELS = 500, 16, 1.0, 1000
EMA = {"decay": 0.9999, "use_ema_warmup": True, "inv_gamma": 1.0, "power": 0.75}
LEAST_ROUNDS = 4
"""steps of each mode while calibrating, of which the first warms up"""


WORDS = ("preset=small", "probing.layers=[mid]", "probing.t=[600]", "probing.p1=null")
"""the world, how the averaged weights paint, and what is recorded: of the representation, where its phase is read"""
SNAPSHOT_EVERY_S = 60.0
"""training time between snapshots, s"""
ENOUGH = 3
"""snapshots in a row that end the run where they pass the criterion"""


@dataclass(frozen=True)
class Mode:
    """How a training computes: arithmetic of the forward and backward pass, and layout of memory."""

    precision: Literal["float32", "bfloat16"]
    layout: Literal["contiguous", "channels_last"]

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.layout == "channels_last" else torch.contiguous_format


MODES = tuple(
    Mode(precision, layout)
    for precision in ("float32", "bfloat16")
    for layout in ("contiguous", "channels_last")
)


class RecipeTraining:
    """A training and its step.

    Args:
        widths: the network's.
        world: has `canvas`, `training_labels() -> (M, 2)` and `render(labels) -> (B, 1, N, N)`.
        mode: how it computes.
        steps: gradient steps that the cosine spans.
        seed: weights, batches and noise derive from (seed, purpose, step).
    """

    def __init__(self, widths: Widths, world, mode: Mode, steps: int, seed: int, device: torch.device):
        from diffusers import DDPMScheduler
        from diffusers.optimization import get_cosine_schedule_with_warmup
        from diffusers.training_utils import EMAModel

        self.world, self.mode, self.seed, self.device, self.step = world, mode, seed, device, 0
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive(seed, "weights"))
            self.network = diffusers_plain(world.canvas, widths)
        self.network.to(device).to(memory_format=mode.memory_format)  # pyrefly: ignore
        self.noising: Any = DDPMScheduler(num_train_timesteps=NOISE_LEVELS)
        self.stream = LabelStream(torch.from_numpy(world.training_labels()).to(device), BATCH, seed)
        self.parameters = list(self.network.parameters())
        self.optimiser = torch.optim.AdamW(
            self.parameters, LEARNING_RATE, BETAS, EPSILON, WEIGHT_DECAY, fused=True
        )
        self.schedule = get_cosine_schedule_with_warmup(self.optimiser, WARMUP_STEPS, steps)
        self.ema = EMAModel(self.parameters, **EMA, foreach=True)

    def learn(self) -> float:
        """Take one step; the loss."""
        labels = self.stream.at(self.step)
        x_0 = self.world.render(labels)
        generator = torch_generator(self.seed, "noise", self.step, str(self.device))
        noise = torch.randn(x_0.shape, generator=generator, device=self.device)
        t = torch.randint(NOISE_LEVELS, (BATCH,), generator=generator, device=self.device)
        x_t = self.noising.add_noise(x_0, noise, t).contiguous(memory_format=self.mode.memory_format)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mode.precision == "bfloat16"):
            loss = F.mse_loss(self.network(x_t, t, labels).float(), noise)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad()
        self.ema.step(self.parameters)
        self.step += 1
        return loss.item()

    def averaged(self) -> nn.Module:
        """A copy of the network with the averaged weights."""
        average = copy.deepcopy(self.network)
        self.ema.copy_to(average.parameters())
        return average


@dataclass(frozen=True)
class Plan:
    """What a calibration found, and what follows from it: the recipe's clock."""

    mode: Mode
    """the quickest"""
    step_s: dict[str, float]
    """median wall seconds of a step, by mode"""
    pace: dict[str, float]
    """wall and CPU seconds of a step in the quickest mode"""
    start: dict[str, float]
    """wall and CPU seconds from the process's start to its first step"""
    steps: int
    """gradient steps that the budget holds: the cosine spans them"""
    snapshot_steps: int
    """gradient steps between snapshots"""

    def spent(self, step: int) -> dict[str, float]:
        """Wall and CPU seconds by the recipe's clock after `step` steps."""
        return {clock: self.start[clock] + step * pace for clock, pace in self.pace.items()}


def calibrate(training: Callable[[Mode], RecipeTraining], budget_s: float, calibration_s: float) -> Plan:
    """Take steps in each mode in turn, on trainings that are then thrown away, and plan by the quickest one's median."""
    start = {"wall_s": process_age_s(), "cpu_s": time.process_time()}
    rivals = {mode: training(mode) for mode in MODES}
    times: dict[Mode, list[tuple[float, float]]] = {mode: [] for mode in MODES}
    until = time.perf_counter() + calibration_s
    while len(times[MODES[-1]]) < LEAST_ROUNDS or time.perf_counter() < until:
        for mode, rival in rivals.items():
            wall, cpu = time.perf_counter(), time.process_time()
            rival.learn()
            times[mode].append((time.perf_counter() - wall, time.process_time() - cpu))
    step_s = {mode: statistics.median(wall for wall, _ in of_mode[1:]) for mode, of_mode in times.items()}
    quickest = min(MODES, key=lambda mode: step_s[mode])
    return Plan(
        mode=quickest,
        step_s={f"{mode.precision}, {mode.layout}": seconds for mode, seconds in step_s.items()},
        pace={
            "wall_s": step_s[quickest],
            "cpu_s": statistics.median(cpu for _, cpu in times[quickest][1:]),
        },
        start=start,
        steps=max(1, math.ceil((budget_s - start["wall_s"]) / step_s[quickest])),
        snapshot_steps=math.ceil(SNAPSHOT_EVERY_S / step_s[quickest]),
    )


def process_age_s() -> float:
    """Seconds since this process began, to a clock tick; without /proc its CPU seconds, which are hardly fewer."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.process_time()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")


def run(config: RunConfig, folder: Path, parameters: int, budget_s: float, calibration_s: float) -> None:
    """Train in `folder` until enough snapshots in a row pass, or the budget is spent.

    `metrics.jsonl` has a line a snapshot, whose `wall_s` and `cpu_s` are by the recipe's clock; `status.json` the plan.

    Args:
        config: its world, family, probing and seed count.
        parameters: of the network, to be matched within 5 %.
        budget_s: time, by the recipe's own clock, after which it is given up.
        calibration_s: least time spent on finding the quickest mode.

    Raises:
        UserError: the folder cannot be used, the family paints by other equations, or no network is as large as asked for.
        RunFailed: the loss is not finite any more.
    """
    if config.family.predict != "eps" or config.family.schedule != LinearScheduleConfig():
        raise UserError("`family` must predict eps on the linear schedule's defaults: the recipe trains that")
    device = resolve_device("auto")
    if device.type == "cpu":
        keep_freed_memory()
    try:
        widths = nearest_widths(parameters, config.world.canvas)
    except ValueError as error:
        raise UserError(str(error)) from None

    def training(mode: Mode, steps: int = sys.maxsize) -> RecipeTraining:
        return RecipeTraining(widths, config.world, mode, steps, config.seed, device)

    with hold(folder, config.tree()) as held:
        plan = calibrate(training, budget_s, calibration_s)
        _train(config, held, plan, training(plan.mode, plan.steps))


def _train(config: RunConfig, held: RunWriter, plan: Plan, trained: RecipeTraining) -> None:
    from phasescope.runs.probing.observer import Observer

    task = Task.from_world(config.world)
    observer = Observer(
        plan=plan_of(config),
        world=config.world,
        family=config.family.build(),
        seed=config.seed,
        device=trained.device,
        task=task,
        analysis=config.family.analysis(task, config.seed),
        encode=trained.network.scaled,
        folder=held,
    )
    facts = {"parameters": parameters_of(trained.network), "plan": asdict(plan)}
    facts |= {"threads": torch.get_num_threads(), "device": str(trained.device)}

    def snapshot() -> bool:
        """Take one; whether it was the last."""
        step = trained.step
        progress = {"step": step, "images_seen": step * BATCH, **plan.spent(step)}
        found = observer.record(trained.averaged(), step)
        held.append_metrics({**progress, **found})
        say(f"step {step}, {progress['wall_s']:.0f} s: accuracy {found['outcomes']['grid']['correct']:.1%}")
        done = step == plan.steps or in_order(config, held.metrics)
        held.write_status({"state": "done" if done else "running", **progress, **facts})
        return done

    while not snapshot():
        until = min(trained.step + plan.snapshot_steps, plan.steps)
        loss = statistics.fmean(trained.learn() for _ in range(until - trained.step))
        if not math.isfinite(loss):
            raise RunFailed(f"`loss` (={loss}) must be finite, and is not by step {trained.step}")


def plan_of(config: RunConfig) -> ProbingConfig:
    """What is observed, with all that is usual said."""
    return config.plan_of(config.network.layer_names, config.network.usual_layers)


def in_order(config: RunConfig, lines: Sequence[dict[str, Any]]) -> bool:
    """Whether the last snapshots, enough of them, pass."""
    representation = plan_of(config).representation
    assert isinstance(representation, SiteConfig)
    last = [condense(line, representation.site) for line in lines[-ENOUGH:]]
    return len(last) == ENOUGH and all(map(passes, last))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0 done, 1 the run failed, 2 the user's input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipe")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--params", type=int, required=True, help="parameters of the network to match")
    parser.add_argument("--budget-s", type=float, default=1800.0, help="seconds after which it is given up")
    parser.add_argument(
        "--calibration-s", type=float, default=20.0, help="least seconds to find the quickest mode"
    )
    parser.add_argument("words", nargs="*", metavar="key=value", help="of the run, as in seed=1")
    given = parser.parse_intermixed_args(argv)
    try:
        config = load_arguments([*WORDS, *given.words])
        run(config, given.out, given.params, given.budget_s, given.calibration_s)
    except (UserError, RunFailed) as error:
        say(f"recipe: {error}")
        return 2 if isinstance(error, UserError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
