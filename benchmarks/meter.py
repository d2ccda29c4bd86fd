"""Print what share of training's CPU time the condition meter takes: python -m benchmarks.meter [--write] [SYSTEM ...]

Systems are the presets fast, lean and p1 with `probing.meter.every=usual`, and `diffusers`, a UNet2DConditionModel of 1.6 M
parameters in a plain loop that reads a `ConditionMeter` every 500 steps. Steps of training and readings take turns in one
thread, and a line has the medians of their CPU times. All four take a few minutes. Run it on a machine that does nothing
else: others' work makes caches cold. `--write` puts the lines into docs/condition_meter.md, for all systems alone.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from phasescope import ConditionMeter
from phasescope.core.arithmetic import one_thread
from phasescope.core.errors import UserError
from phasescope.models.training.loop import fresh_learner, learn
from phasescope.runs.config import load_config
from phasescope.runs.probing.meter import meter_of
from phasescope.runs.training.provenance import cpu_model

PRESETS = ("fast", "lean", "p1")
DIFFUSERS = "diffusers"
ROUNDS, STEPS = 5, 4
"""turns, and steps of training in each before a reading"""
PAGE = Path(__file__).parents[1] / "docs" / "condition_meter.md"
BEGIN, END = "<!-- python -m benchmarks.meter --write -->", "<!-- end of what it writes -->"


@dataclass(frozen=True)
class Measured:
    """A training with readings, ready to be timed."""

    name: str
    every: int
    """steps between readings"""
    step: Callable[[], object]
    reading: Callable[[], object]


def of_preset(preset: str) -> Measured:
    """Return the training of a preset, with the meter as often as is usual."""
    config = load_config(overrides=[f"preset={preset}", "probing.meter.every=usual"])
    world, training = config.world, config.training
    learner = fresh_learner(config.network, world.shape, world.factors.visible, training, config.seed)
    steps = learn(learner, config.family.build(), world, config.seed)
    meter = meter_of(config)
    return Measured(
        name=preset,
        every=config.meter_every,
        step=lambda: next(steps),
        reading=lambda: meter.read(learner.average, 0),
    )


def of_diffusers(draws: int) -> Measured:
    """Return the training of a U-Net of diffusers on noise, batches of 16 images of 16 px, and a reading every 500 steps."""
    try:
        diffusers: Any = import_module("diffusers")
    except ImportError:
        raise UserError(
            f"`SYSTEM` (={DIFFUSERS}) must have the package diffusers: it is not installed"
        ) from None

    unet = diffusers.UNet2DConditionModel(
        sample_size=16,
        in_channels=1,
        out_channels=1,
        block_out_channels=(48, 80),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=8,
        norm_num_groups=8,
    )
    scheduler = diffusers.DDPMScheduler()
    optimiser = torch.optim.AdamW(unet.parameters(), 1e-4)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(256, 1, 16, 16, generator=generator)
    prompts = torch.randn(256, 4, 32, generator=generator)
    meter = ConditionMeter(images, prompts, alphas_cumprod=scheduler.alphas_cumprod, draws=draws)

    def step() -> None:
        rows = torch.randint(256, (16,), generator=generator)
        noise = torch.randn((16, 1, 16, 16), generator=generator)
        t = torch.randint(1000, (16,), generator=generator)
        answer = unet(scheduler.add_noise(images[rows], noise, t), t, prompts[rows]).sample
        optimiser.zero_grad()
        (answer - noise).square().mean().backward()
        optimiser.step()

    def reading() -> None:
        meter.read(lambda x_t, t, c: unet(x_t, t, c).sample, len(meter.readings))

    parameters = sum(parameter.numel() for parameter in unet.parameters()) / 1e6
    return Measured(
        name=f"diffusers' U-Net, {parameters:.1f} M, draws={draws}",
        every=500,
        step=step,
        reading=reading,
    )


@one_thread()
def seconds(measured: Measured) -> tuple[float, float]:
    """Return the median CPU seconds of a step of training and of a reading, which take turns."""
    # What is made once, at the first step and the first reading, is not counted.
    measured.step()
    measured.reading()
    steps, readings = [], []
    for _ in range(ROUNDS):
        steps += [cpu_s(measured.step) for _ in range(STEPS)]
        readings.append(cpu_s(measured.reading))
    return statistics.median(steps), statistics.median(readings)


def cpu_s(function: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    began = time.process_time()
    function()
    return time.process_time() - began


def systems(names: Sequence[str]) -> Iterator[Measured]:
    """Yield the systems of some names, all by default; UserError for an unknown name."""
    known = (*PRESETS, DIFFUSERS)
    for name in names:
        if name not in known:
            raise UserError(f"`SYSTEM` (={name}) must be one of {', '.join(known)}")
    for name in names or known:
        if name in PRESETS:
            yield of_preset(name)
        else:
            yield from (of_diffusers(draws) for draws in (256, 64))


def line(measured: Measured) -> str:
    """Return what a system's readings cost, in a line."""
    step_s, reading_s = seconds(measured)
    share = reading_s / (measured.every * step_s)
    return (
        f"{measured.name}: a reading every {measured.every} steps; a step {1000 * step_s:.1f} ms, a reading "
        f"{1000 * reading_s:.0f} ms; {100 * share:.2f} % of training"
    )


def write(lines: Sequence[str]) -> None:
    """Put lines into the page of the meter, in the place of the last ones."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    block = "\n".join(lines)
    PAGE.write_text(f"{before}{BEGIN}\n\n```\n{block}\n```\n\n{END}{after}")


def main(arguments: Sequence[str]) -> None:
    """Print a line for each system."""
    names = [argument for argument in arguments if argument != "--write"]
    if names and "--write" in arguments:
        raise UserError(f"`--write` must come alone, not with {names[0]}: the page has all systems")
    lines = [f"{cpu_model()}, one thread"]
    print(lines[0], flush=True)
    for measured in systems(names):
        lines.append(line(measured))
        print(lines[-1], flush=True)
    if "--write" in arguments:
        write(lines)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"benchmarks.meter: {error}")
