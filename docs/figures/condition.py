"""The condition meter on a run's stored snapshots, beside the share of samples that follow their label.

python -m docs.figures.condition OUT.png RUN      from the repository's root; OUT.txt says which run, and the steps that the
page quotes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure

import phasescope
from phasescope.core.randomness import numpy_generator
from phasescope.models.families.diffusion.exact.optimum import ConditionalOptimum, UnconditionalOptimum
from phasescope.models.families.diffusion.meter.drawing import BLUE, draw_map
from phasescope.runs.trained.catalogue import open_run
from phasescope.runs.trained.load import config_of, load_network
from phasescope.runs.trained.run import Run
from phasescope.views.facts.palette import INK
from phasescope.views.style import RC

PAIRS, DRAWS, BANDS = 200, 96, 8


def read(run: Run) -> phasescope.ConditionMeter:
    """Return a meter of pairs that the run was not trained on, with a reading of every stored snapshot."""
    config = config_of(run)
    world, family, task = config.world, config.family.build(), config.task()
    exact = ConditionalOptimum(family, task.render)
    blind = UnconditionalOptimum(family, task.render, torch.from_numpy(task.training))
    labels = torch.from_numpy(
        world.splits()["off_grid"](PAIRS, numpy_generator(config.seed, "condition figure"))
    )
    meter = phasescope.ConditionMeter(
        world.render(labels),
        labels,
        alphas_cumprod=family.schedule.alpha**2,
        draws=DRAWS,
        bands=BANDS,
        seed=config.seed,
        exact=lambda x_t, t, c: exact(x_t, t, c),
        blind=lambda x_t, t: blind(x_t, t),
    )
    for snapshot in run.snapshots:
        meter.read(load_network(run, snapshot).network, snapshot.step)
    return meter


def condition_figure(meter: phasescope.ConditionMeter, steps: list[int], correct: list[float]) -> Figure:
    """Return the map of use, and the advantage of the band that shows it first beside the share of correct samples."""
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(9.2, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
        draw_map(left, meter.readings, None)
        left.set_title("Where in the noise the label is used")

        number = first_seen(meter)[0]
        bands = [reading.bands_of()[number] for reading in meter.readings]
        top = max(band.advantage.high for band in bands)
        right.plot(
            meter.steps,
            [band.advantage.value / top for band in bands],
            color=BLUE,
            label="advantage of the own label",
        )
        right.fill_between(
            meter.steps,
            [band.advantage.low / top for band in bands],
            [band.advantage.high / top for band in bands],
            color=BLUE,
            alpha=0.2,
            lw=0,
        )
        right.plot(steps, correct, color=INK, label="samples at their label")
        right.set_ylim(-0.03, 1.03)
        right.set_xlabel("step")
        right.set_ylabel("share (advantage: of its most)")
        right.set_title(f"log SNR {bands[0].low:.1f} to {bands[0].high:.1f}, and samples")
        right.legend(frameon=False, loc="lower right")
    return figure


def first_seen(meter: phasescope.ConditionMeter) -> tuple[int, int]:
    """Return the band whose advantage is first above three standard errors for good, and the step."""
    seen = []
    for number in range(len(meter.readings[0].bands_of())):
        advantages = [reading.bands_of()[number].advantage for reading in meter.readings]
        below = [index for index, mean in enumerate(advantages) if not mean.value > 3 * mean.se > 0]
        if not below or below[-1] + 1 < len(advantages):
            seen.append((meter.steps[below[-1] + 1 if below else 0], number))
    step, number = min(seen)
    return number, step


def main(arguments: list[str]) -> int:
    """Write the figure of a run, and what it shows as a line of text."""
    out, run = Path(arguments[0]), open_run(arguments[1])
    meter = read(run)
    lines = [line for line in run.metrics if "outcomes" in line]
    steps = [line["step"] for line in lines]
    correct = [line["outcomes"]["grid"]["correct"] for line in lines]
    condition_figure(meter, steps, correct).savefig(out, dpi=110)

    wrong = np.flatnonzero(np.array(correct) <= 0.5)
    half = steps[wrong[-1] + 1] if len(wrong) and wrong[-1] + 1 < len(steps) else None
    number, step = first_seen(meter)
    band = meter.readings[0].bands_of()[number]
    out.with_suffix(".txt").write_text(
        f"{run.config['name']}, seed {run.config['seed']}: the advantage is above its noise for good from step {step:,} on, "
        f"first at log SNR {band.low:.1f} to {band.high:.1f}; half of the samples are correct for good from step "
        f"{f'{half:,}' if half else 'none'} on.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
