"""Train small systems and write the course of their use of the label: python -m benchmarks.forecast_systems [FILE]

The forecast of use (`phasescope.measures.use_forecast`) is calibrated on these courses (`python -m benchmarks.forecast`). A
system learns to generate a bump at a place on a torus of 8 x 8 pixels, in a plain loop that a `ConditionMeter` reads. Its
number says what it is: perceptron or U-Net, objective, schedule, width, depth, where the label enters and with which initial
scale, rate, batch, width of the bump, share of wrong labels, averaged weights or not. None is a preset, and no study has
their seeds. A perceptron takes about 2 s of one core, a U-Net about 20. `FILE` has a line a system, and those that it has
are not trained again.
"""

from __future__ import annotations

import copy
import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from phasescope import ConditionMeter
from phasescope.core.arithmetic import one_thread
from phasescope.runs.config import load_config

FILE = Path(__file__).with_suffix(".jsonl")
PERCEPTRONS, UNETS = 72, 24
SEED = 30_000
STEPS = 1600
LEVEL, AFTER = 0.5, 3
"""use, and readings above it in a row, after which a system is trained no further"""
SIDE, LEVELS = 8, 1000
PLACES = torch.cartesian_prod(*[torch.arange(0, SIDE, 0.5)] * 2)
"""(256, 2) px; every other one is trained on"""
IS_TRAINED = (2 * PLACES.sum(1)) % 2 == 0


@dataclass(frozen=True)
class System:
    """What is trained, and how."""

    number: int
    network: str
    """perceptron; or unet, whose depth, label_scale and enters are its own"""
    target: str
    schedule: str
    width: int
    depth: int
    enters: str
    """input: beside the noisy image; layers: as a shift of each hidden layer"""
    label_scale: float
    """initial scale of the weights on the label, over the usual one"""
    rate: float
    decay: str
    batch: int
    sigma_px: float
    wrong: float
    """share of training images with another's label"""
    ema: float

    @classmethod
    def of(cls, number: int) -> System:
        """Return the system of a number."""
        rng = np.random.default_rng((SEED, number))

        def any_of(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        target = any_of("epsilon", "epsilon", "sample", "v", "flow")
        return cls(
            number=number,
            network="perceptron" if number < PERCEPTRONS else "unet",
            target=target,
            schedule="flow" if target == "flow" else any_of("linear", "cosine"),
            width=any_of(64, 96, 160),
            depth=any_of(1, 2, 3),
            enters=any_of("input", "layers"),
            label_scale=any_of(1.0, 0.3, 0.03),
            rate=any_of(0.001, 0.002, 0.004, 0.008),
            decay=any_of("constant", "constant", "cosine"),
            batch=any_of(8, 16, 32, 64),
            sigma_px=any_of(0.8, 1.0, 1.4),
            wrong=any_of(0.0, 0.0, 0.15, 0.3),
            ema=any_of(0.0, 0.98),
        )


class Denoiser(nn.Module):
    """A perceptron with a skip from input to output, given the noisy image, its noise level and the label."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self.enters, pixels, features = system.enters, SIDE**2, 8
        self.first = nn.Linear(pixels + features, system.width)
        self.layers = nn.ModuleList(nn.Linear(system.width, system.width) for _ in range(system.depth))
        self.last = nn.Linear(system.width, pixels)
        self.skip = nn.Linear(features, 1)

        turns = 1 if self.enters == "input" else 1 + system.depth
        self.label = nn.ModuleList(nn.Linear(12, system.width, bias=False) for _ in range(turns))
        for parameter in self.label.parameters():
            parameter.data *= system.label_scale

    def forward(self, x_t: Tensor, t: Tensor, places: Tensor) -> Tensor:
        x, level, label = x_t.flatten(1), waves(t[:, None], 4), waves(places * (2 * math.pi / SIDE), 3)
        h = torch.relu(self.first(torch.cat((x, level), 1)) + self.label[0](label))
        for number, layer in enumerate(self.layers, 1):
            shift = self.label[number](label) if self.enters == "layers" else 0.0
            h = h + torch.relu(layer(h) + shift)
        return (self.last(h) + self.skip(level) * x).view_as(x_t)


class SmallUNet(nn.Module):
    """A U-Net of phasescope on the same images."""

    def __init__(self, system: System) -> None:
        super().__init__()
        width = system.width // 8
        settings = (
            f"world.canvas={SIDE}",
            "network.kind=unet",
            f"network.widths=[{width}, {width}]",
            "network.groups=4",
            "network.input_skip=true",
            "network.embedding={width: 16, modulation: scale_shift}",
        )
        config = load_config(overrides=settings)
        self.network = config.network.build(config.world.shape, config.world.factors.visible)

    def forward(self, x_t: Tensor, t: Tensor, places: Tensor) -> Tensor:
        return self.network(x_t, t * (LEVELS / math.pi), places)


def waves(values: Tensor, octaves: int) -> Tensor:
    """Return sines and cosines of 1, 2, 3 ... times some angles, (n, k) to (n, 2 k octaves)."""
    angles = values[..., None] * torch.arange(1, octaves + 1)
    return torch.cat((angles.sin(), angles.cos()), -1).flatten(1)


def render(places: Tensor, sigma_px: float) -> Tensor:
    """Return the image of a bump at each place (n, 2) on the torus, (n, 1, SIDE, SIDE) in [-1, 1]."""
    away = (torch.arange(SIDE) - places[:, :, None] + SIDE / 2) % SIDE - SIDE / 2
    r2 = away[:, 0, None, :].square() + away[:, 1, :, None].square()
    return (1 - 2 * torch.exp(-r2 / (2 * sigma_px**2))).unsqueeze(1)


class Process:
    """The noising of a system, what its network predicts, and the exact answers."""

    def __init__(self, system: System) -> None:
        self.target = system.target
        self.images = render(PLACES, system.sigma_px)
        self.render = lambda places: render(places, system.sigma_px)

        t = torch.arange(LEVELS, dtype=torch.float64)
        if system.schedule == "linear":
            self.alphas_cumprod = torch.cumprod(
                1 - torch.linspace(1e-4, 0.02, LEVELS, dtype=torch.float64), 0
            )
        else:
            self.alphas_cumprod = (
                torch.cos((t / LEVELS + 0.008) / 1.008 * math.pi / 2).square().clamp(1e-5, 1 - 1e-5)
            )

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n times as the network is given them, in [0, 1] or 0 ... LEVELS-1."""
        t = torch.rand(n, generator=generator)
        return t if self.target == "flow" else (t * LEVELS).long()

    def scales(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha and sigma of times (n,), each (n, 1, 1, 1)."""
        if self.target == "flow":
            alpha, sigma = 1 - t.double(), t.double()
        else:
            alpha, sigma = self.alphas_cumprod[t].sqrt(), (1 - self.alphas_cumprod[t]).sqrt()
        return alpha.view(-1, 1, 1, 1), sigma.view(-1, 1, 1, 1)

    def answer(self, x_0: Tensor, noise: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Return what the network should predict."""
        if self.target == "epsilon":
            return noise
        if self.target == "sample":
            return x_0
        return noise - x_0 if self.target == "flow" else alpha * noise - sigma * x_0

    def given(self, x_0: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """Return the answer that an estimate of the image means."""
        alpha, sigma = self.scales(t)
        return self.answer(x_0, (x_t - alpha * x_0) / sigma, alpha, sigma)

    def exact(self, x_t: Tensor, t: Tensor, places: Tensor) -> Tensor:
        """Return the exact answer for a label."""
        return self.given(self.render(places).double(), x_t, t)

    def blind(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Return the exact answer without a label: of the posterior mean over all places."""
        alpha, sigma = (scale.flatten(1) for scale in self.scales(t))
        flat = self.images.double().flatten(1)
        fit = alpha * (x_t.flatten(1) @ flat.T) - alpha.square() * flat.square().sum(1) / 2
        mean = (fit / sigma.square()).softmax(1) @ flat
        return self.given(mean.view_as(x_t), x_t, t)


def reading_steps() -> list[int]:
    """Return the steps of readings: every 20, then 40 and 80, so that no course has few of them."""
    return [*range(0, 600, 20), *range(600, 1200, 40), *range(1200, STEPS + 1, 80)]


@one_thread()
def course(system: System) -> dict[str, Any]:
    """Return the readings of a system's use of its label in the deciding band, up to where it has passed the level."""
    process = Process(system)
    with torch.random.fork_rng():
        torch.manual_seed(SEED + system.number)
        network = Denoiser(system) if system.network == "perceptron" else SmallUNet(system)
    average = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(SEED + system.number)

    meter = ConditionMeter(
        process.images[~IS_TRAINED],
        PLACES[~IS_TRAINED],
        target=system.target,
        draws=32,
        exact=process.exact,
        blind=process.blind,
        alphas_cumprod=None if system.target == "flow" else process.alphas_cumprod,
    )
    optimiser = torch.optim.AdamW(network.parameters(), system.rate, fused=True)
    images, places = process.images[IS_TRAINED], PLACES[IS_TRAINED]
    wrong, steps = round(system.wrong * system.batch), set(reading_steps())

    for step in range(STEPS + 1):
        if step in steps:
            meter.read(lambda x_t, t, c: average(x_t, as_time(t), c), step)
            if has_passed(meter):
                break

        rate = system.rate * (
            0.5 + 0.5 * math.cos(math.pi * step / STEPS) if system.decay == "cosine" else 1.0
        )
        optimiser.param_groups[0]["lr"] = rate
        rows = torch.randint(len(images), (system.batch,), generator=generator)
        t = process.draw(system.batch, generator)
        noise = torch.randn((system.batch, 1, SIDE, SIDE), generator=generator)
        alpha, sigma = (scale.float() for scale in process.scales(t))

        labels = places[rows]
        labels[:wrong] = labels.roll(1, 0)[:wrong]
        x_0 = images[rows]
        answer = network(alpha * x_0 + sigma * noise, as_time(t), labels)
        loss = (answer - process.answer(x_0, noise, alpha, sigma)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for averaged, own in zip(average.parameters(), network.parameters(), strict=True):
                averaged.lerp_(own, 1 - system.ema)

    use = [band.use for _, band in use_course(meter)]
    return {
        **asdict(system),
        "step": meter.steps,
        "use": [round(mean.value, 5) for mean in use],
        "use_se": [round(mean.se, 5) for mean in use],
    }


def as_time(t: Tensor) -> Tensor:
    """Return times as an angle that the network encodes."""
    return t * (math.pi if t.is_floating_point() else math.pi / LEVELS)


def use_course(meter: ConditionMeter) -> list[tuple[Any, Any]]:
    """Return each reading of a meter with its deciding band."""
    deciding = meter.deciding
    return [
        (reading, band)
        for reading in meter.readings
        for band in reading.bands_of()
        if deciding is not None and band.low == deciding.low
    ]


def has_passed(meter: ConditionMeter) -> bool:
    """Return whether the last readings' use is above the level."""
    last = [band.use.value for _, band in use_course(meter)][-AFTER:]
    return len(last) == AFTER and min(last) > LEVEL


def main(path: Path) -> None:
    """Train the systems that the file lacks, and write a line for each."""
    known = {json.loads(line)["number"] for line in path.read_text().splitlines()} if path.exists() else set()
    for number in range(PERCEPTRONS + UNETS):
        if number in known:
            continue
        line = course(System.of(number))
        with open(path, "a") as file:
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
        print(f"system {number}: use {line['use'][-1]:.2f} at step {line['step'][-1]:,}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FILE)
