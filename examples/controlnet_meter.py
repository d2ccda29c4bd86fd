"""When does a ControlNet begin to follow its condition? diffusers' own networks, with the condition meter in their loop.

    python controlnet_meter.py --out controlnet

Images are filled circles, conditions are their outlines; this script draws both, and downloads nothing. A small U-Net with
random weights learns the circles without a condition and is frozen. A ControlNet, which begins as a copy of its encoder and
joins it through convolutions that begin at zero, then learns to follow the outline.

Every `--every` steps the meter reads how much the outline is used, and the script counts samples whose circle lies where the
outline is (intersection over union above 0.5). OUT/controlnet.png shows both, OUT/controlnet.csv has the numbers, and
OUT/controlnet.txt a sentence. Stop it with Ctrl-C, or kill it: the same command resumes from the last reading. It needs
diffusers (`pip install diffusers`).
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

import phasescope

BATCH = 16
UNET_LR, CONTROL_LR = 1e-3, 2e-5
PAIRS, SAMPLES, SAMPLING_STEPS = 128, 64, 20
FOLLOWS = 0.5
"""intersection over union from which a sample counts as one that follows its outline"""


@dataclass(frozen=True)
class Settings:
    """What determines a result; a checkpoint is resumed under the same ones alone."""

    steps: int
    unet_steps: int
    every: int
    size: int
    seed: int


# Circles and their outlines


def draw_circles(n: int, generator: torch.Generator) -> Tensor:
    """Return x, y and radius of random circles, (n, 3), in shares of the image's side."""
    shares = torch.rand(n, 3, generator=generator)
    radius = 0.12 + 0.13 * shares[:, 2:]
    return torch.cat((radius + (1 - 2 * radius) * shares[:, :2], radius), dim=1)


def distance_to_edge(circles: Tensor, side: int) -> Tensor:
    """Return each pixel's distance to the circle's line, px, negative inside, (n, 1, side, side)."""
    x, y, radius = (side * circles[:, column, None, None] for column in range(3))
    at = torch.arange(side) + 0.5
    return (((at - x) ** 2 + (at[:, None] - y) ** 2).sqrt() - radius)[:, None]


def filled(circles: Tensor, size: int) -> Tensor:
    """Return images in [-1, 1]: white circles on black, with soft edges, (n, 1, size, size)."""
    return -distance_to_edge(circles, size).clamp(-1, 1)


def outlines(circles: Tensor, size: int) -> Tensor:
    """Return conditions in [0, 1], (n, 1, 2 size, 2 size): as in diffusers they are larger than what is denoised."""
    return (1 - (distance_to_edge(circles, 2 * size).abs() - 0.5).clamp(0, 1)).contiguous()


def share_that_follows(samples: Tensor, circles: Tensor) -> float:
    """Return the share of samples whose bright region overlaps the circle of their outline."""
    bright, wanted = samples > 0, filled(circles, samples.shape[-1]) > 0
    both, either = (bright & wanted).flatten(1).sum(1), (bright | wanted).flatten(1).sum(1)
    return float((both / either > FOLLOWS).float().mean())


# The networks


def build_unet(size: int) -> nn.Module:
    """Return a U-Net of 0.7 M parameters. Attention is left to the middle block, and the prompt is always empty."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=size,
        in_channels=1,
        out_channels=1,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        cross_attention_dim=8,
        attention_head_dim=8,
        norm_num_groups=8,
    )


def build_control(unet: nn.Module) -> nn.Module:
    """Return a ControlNet of 0.4 M parameters: a copy of the encoder, with convolutions that are zero."""
    from diffusers import ControlNetModel

    return ControlNetModel.from_unet(
        unet, conditioning_channels=1, conditioning_embedding_out_channels=(16, 32)
    )


class Controlled(nn.Module):
    """A U-Net with its ControlNet, or by itself, ``(x_t, t, outline)``."""

    def __init__(self, unet: nn.Module, control: nn.Module | None) -> None:
        super().__init__()
        self.unet, self.control = unet, control

    def forward(self, x_t: Tensor, t: Tensor, outline: Tensor) -> Tensor:
        prompt = x_t.new_zeros(len(x_t), 1, 8)
        if self.control is None:
            return self.unet(x_t, t, prompt).sample

        down, middle = self.control(x_t, t, prompt, controlnet_cond=outline, return_dict=False)
        return self.unet(
            x_t,
            t,
            prompt,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample


# Training, with random numbers that are derived from seed and step, so that a resumed training is the same


def generator_of(seed: int, purpose: int, step: int) -> torch.Generator:
    """Return the random numbers of one step."""
    state = np.random.SeedSequence((seed, purpose, step)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> 1))


class Training:
    """A model in training, which is stopped and resumed.

    Args:
        model: called as ``model(x_t, t, outline)``.
        trained: the module of it that is trained.
        decays: whether the learning rate falls to zero over `settings.unet_steps`.
        purpose: number of this training's random stream.
    """

    def __init__(
        self,
        model: nn.Module,
        trained: nn.Module,
        settings: Settings,
        *,
        lr: float,
        decays: bool,
        purpose: int,
    ) -> None:
        from diffusers import DDPMScheduler

        self.model, self.trained, self.settings = model, trained, settings
        self.lr, self.decays, self.purpose = lr, decays, purpose
        self.optimiser = torch.optim.AdamW(trained.parameters(), lr)
        self.scheduler = DDPMScheduler()
        self.device = next(model.parameters()).device
        self.step = 0
        self.rows: list[dict[str, float]] = []

    def resume(self, path: Path) -> None:
        """Take up the state in a file, if it is there; UserError if it is damaged or of other settings."""
        if not path.exists():
            return
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            saved = state["settings"]
        except Exception as error:
            raise phasescope.UserError(
                f"`{path}` cannot be read ({type(error).__name__}): remove it to begin again"
            ) from None

        for name, value in asdict(self.settings).items():
            # More steps of the ControlNet continue what is there.
            if name != "steps" and saved[name] != value:
                raise phasescope.UserError(
                    f"--{name.replace('_', '-')} (={value}) must be {saved[name]}, as in `{path}`: give another --out"
                )
        self.trained.load_state_dict(state["weights"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.rows = state["step"], state["rows"]

    def save(self, path: Path) -> None:
        """Write the state aside and rename it, so that a kill leaves the former or the new."""
        state = {
            "settings": asdict(self.settings),
            "weights": self.trained.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "rows": self.rows,
        }
        aside = path.with_suffix(".part")
        torch.save(state, aside)
        os.replace(aside, path)

    def take_step(self) -> float:
        """Take one gradient step on fresh circles, and return its loss."""
        generator = generator_of(self.settings.seed, self.purpose, self.step)
        circles = draw_circles(BATCH, generator)
        x_0 = filled(circles, self.settings.size)
        noise = torch.randn(x_0.shape, generator=generator)
        t = torch.randint(len(self.scheduler.alphas_cumprod), (BATCH,), generator=generator)
        x_t = self.scheduler.add_noise(x_0, noise, t)

        if self.decays:
            self.optimiser.param_groups[0]["lr"] = self.lr * (1 - self.step / self.settings.unet_steps)
        outline = outlines(circles, self.settings.size).to(self.device)
        answer = self.model(x_t.to(self.device), t.to(self.device), outline)
        loss = (answer - noise.to(self.device)).square().mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    def run(self, steps: int, path: Path, after: Callable[[list[float]], str]) -> None:
        """Train up to `steps`; every so many steps call `after` with the losses since, print what it returns, and save."""
        begin, first, losses = time.perf_counter(), self.step, []
        while self.step < steps:
            losses.append(self.take_step())
            if self.step % self.settings.every and self.step < steps:
                continue

            line = after(losses)
            self.save(path)
            losses = []
            left = (time.perf_counter() - begin) / (self.step - first) * (steps - self.step)
            print(f"{path.stem} {self.step:,}/{steps:,}  {line}  {left / 60:.1f} min left", flush=True)


def sample(model: nn.Module, circles: Tensor, settings: Settings, device: str) -> Tensor:
    """Return samples of the outlines of `circles`, from noise that is the same at each call."""
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler()
    scheduler.set_timesteps(SAMPLING_STEPS)
    side = settings.size
    x_t = torch.randn(len(circles), 1, side, side, generator=generator_of(settings.seed, 3, 0)).to(device)
    outline = outlines(circles, side).to(device)
    with torch.no_grad():
        for t in scheduler.timesteps:
            x_t = scheduler.step(model(x_t, t.to(device).expand(len(x_t)), outline), t, x_t).prev_sample
    return x_t


# The experiment


def training_of_unet(settings: Settings, device: str) -> Training:
    """Return the training of a U-Net without condition."""
    torch.manual_seed(settings.seed)
    model = Controlled(build_unet(settings.size), None).to(device)
    return Training(model, model.unet, settings, lr=UNET_LR, decays=True, purpose=1)


def training_of_control(unet: nn.Module, settings: Settings, device: str) -> Training:
    """Return the training of a ControlNet beside a U-Net, which is frozen."""
    torch.manual_seed(settings.seed)
    model = Controlled(unet.requires_grad_(False), build_control(unet)).to(device)
    return Training(model, model.control, settings, lr=CONTROL_LR, decays=False, purpose=2)


def train_unet(settings: Settings, out: Path, device: str) -> nn.Module:
    """Return the U-Net, trained to draw circles anywhere."""
    training = training_of_unet(settings, device)
    training.resume(out / "unet.pt")
    training.run(settings.unet_steps, out / "unet.pt", lambda losses: f"loss {np.mean(losses):.4f}")
    return training.trained


def train_control(
    unet: nn.Module, settings: Settings, out: Path, device: str
) -> tuple[phasescope.ConditionMeter, pd.DataFrame]:
    """Train the ControlNet with the meter in its loop; return the meter, and a row a reading."""
    training = training_of_control(unet, settings, device)
    training.resume(out / "control.pt")
    model = training.model
    held_out = draw_circles(PAIRS, generator_of(settings.seed, 4, 0))
    scored = held_out[:SAMPLES]
    meter = meter_of(held_out, training, out / "meter.safetensors")

    def after(losses: list[float]) -> str:
        begin = time.perf_counter()
        reading = meter.read(model, training.step)
        meter.save(out / "meter.safetensors")
        samples = sample(model, scored, settings, device).cpu()
        follows = share_that_follows(samples, scored)
        wall_s = time.perf_counter() - begin
        loss = float(np.mean(losses)) if losses else float("nan")  # before the first step there is none
        training.rows.append({"step": training.step, "loss": loss, "follows": follows, "wall_s": wall_s})
        best = max(reading.bands_of(), key=lambda band: band.advantage.low)
        return (
            f"loss {loss:.4f}  advantage {best.advantage} at log SNR {best.low:.1f} to {best.high:.1f}  "
            f"{follows:.0%} follow  ({wall_s:.0f} s for this reading)"
        )

    if training.step == 0:
        print(f"control 0  {after([])}", flush=True)
    training.run(settings.steps, out / "control.pt", after)
    return meter, pd.DataFrame(training.rows)


def meter_of(circles: Tensor, training: Training, path: Path) -> phasescope.ConditionMeter:
    """Return the meter of held-out pairs, with the readings up to the training's checkpoint."""
    if path.exists():
        meter = phasescope.ConditionMeter.load(path)
        # The reading before the first step is made again: its row is saved with the first checkpoint.
        meter.rewind(training.step)
        if training.step == 0:
            meter.readings.clear()
        return meter

    size = training.settings.size
    return phasescope.ConditionMeter(
        filled(circles, size),
        outlines(circles, size),
        alphas_cumprod=training.scheduler.alphas_cumprod,
        draws=32,
        bands=8,
        seed=training.settings.seed,
    )


def table_of(meter: phasescope.ConditionMeter, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a reading: the loss, the share that follows, and the advantage in the deciding band, if there is one."""
    if meter.deciding is None:
        return rows
    frame = meter.frame()
    deciding = frame[np.isclose(frame["low"], meter.deciding.low)]
    columns = ["step", "low", "high", "advantage", "advantage_se", "advantage_low", "advantage_high"]
    renamed = deciding[columns].rename(columns={"low": "band_low", "high": "band_high"})
    return rows.merge(renamed, on="step")


def sentence_of(table: pd.DataFrame) -> str:
    """Return when the advantage left its noise, and when half of the samples followed, each for good."""
    if "advantage" not in table:
        return "No band's advantage is above its noise yet: train longer (--steps)."
    step = table["step"]
    seen = first_for_good(step, table["advantage"] > (3 * table["advantage_se"]).clip(lower=1e-12))
    half = first_for_good(step, table["follows"] >= 0.5)
    last = table.iloc[-1]
    return (
        f"At log SNR {last.band_low:.1f} to {last.band_high:.1f}, where it was first seen, the advantage is above three "
        f"standard errors for good from step {seen} on; half of the samples follow their outline for good from step {half} "
        f"on; {table['follows'][0]:.0%} did at step {step[0]}, and {last.follows:.0%} at step {last.step:,.0f}."
    )


def first_for_good(steps: pd.Series, holds: pd.Series) -> str:
    """Return the first step from which a condition holds up to the end; none if there is no such step."""
    missed = np.flatnonzero(~holds)
    first = missed[-1] + 1 if len(missed) else 0
    return f"{steps[first]:,}" if first < len(steps) else "none"


def draw(meter: phasescope.ConditionMeter, table: pd.DataFrame, path: Path) -> None:
    """Write the meter's own figure, with the loss and the share that follows beside the advantage."""
    figure = meter.plot()
    figure.set_size_inches(10.5, 3.8)
    right = figure.axes[1]
    if "advantage" not in table:
        figure.savefig(path, dpi=110)
        return

    # It grows by orders of magnitude before any sample follows, which a linear axis would not show.
    right.set_yscale("log", nonpositive="clip")
    positive = table["advantage"][table["advantage"] > 0]
    if len(positive):
        right.set_ylim(positive.min() / 2, 2 * positive.max())

    beside = right.twinx()
    beside.plot(table["step"], table["follows"], color="black", label="samples that follow")
    beside.plot(
        table["step"], table["loss"] / table["loss"].max(), "--", color="0.5", label="loss, of its most"
    )
    beside.set_ylim(-0.03, 1.03)
    beside.set_ylabel("share")

    handles, _ = right.get_legend_handles_labels()
    more_handles, more_labels = beside.get_legend_handles_labels()
    right.get_legend().remove()
    beside.legend(
        [*handles, *more_handles], ["advantage (left axis)", *more_labels], frameon=False, loc="lower right"
    )
    figure.savefig(path, dpi=110)


def cost_of(settings: Settings, device: str) -> str:
    """Return what the training costs on this machine, from a step of each network."""
    unet = training_of_unet(settings, device)
    control = training_of_control(copy.deepcopy(unet.trained), settings, device)
    seconds = []
    for training in (unet, control):
        training.take_step()  # the first allocates
        begin = time.perf_counter()
        training.take_step()
        seconds.append(time.perf_counter() - begin)

    minutes = (settings.unet_steps * seconds[0] + settings.steps * seconds[1]) / 60
    return (
        f"{settings.unet_steps:,} steps of the U-Net ({seconds[0]:.2f} s each) and {settings.steps:,} of the ControlNet "
        f"({seconds[1]:.2f} s): about {minutes:.0f} minutes, and {settings.steps // settings.every + 1} readings"
    )


def arguments_of(given: list[str] | None) -> tuple[Settings, Path, str]:
    """Return the settings, the folder and the device of a command line; UserError if they are invalid."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--steps", type=int, default=2500, help="of the ControlNet (2500)")
    parser.add_argument("--unet-steps", type=int, default=2000, help="of the U-Net before (2000)")
    parser.add_argument("--every", type=int, default=100, help="steps between readings (100)")
    parser.add_argument("--size", type=int, default=16, help="side of the images, px, even (16)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=Path("controlnet"), help="folder of results (controlnet)")
    arguments = parser.parse_args(given)

    for name, least in (("steps", 1), ("unet_steps", 1), ("every", 1), ("size", 8), ("seed", 0)):
        value = getattr(arguments, name)
        if value < least:
            raise phasescope.UserError(f"--{name.replace('_', '-')} (={value}) must be at least {least}")
    if arguments.size % 2:
        raise phasescope.UserError(f"--size (={arguments.size}) must be even: the U-Net halves it")
    try:
        torch.empty(0, device=arguments.device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise phasescope.UserError(f"--device (={arguments.device}) cannot be used: {reason}") from None
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise phasescope.UserError(f"--out (={arguments.out}) must be a folder: {error.strerror}") from None

    settings = Settings(
        steps=arguments.steps,
        unet_steps=arguments.unet_steps,
        every=arguments.every,
        size=arguments.size,
        seed=arguments.seed,
    )
    return settings, arguments.out, arguments.device


def main(given: list[str] | None = None) -> int:
    """Train, read, and write figure and table; return the exit code."""
    try:
        settings, out, device = arguments_of(given)
        if importlib.util.find_spec("diffusers") is None:
            raise phasescope.UserError("diffusers must be installed: pip install diffusers")

        print(cost_of(settings, device), flush=True)
        unet = train_unet(settings, out, device)
        meter, rows = train_control(unet, settings, out, device)
    except phasescope.UserError as error:
        print(f"controlnet_meter.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped: the same command resumes from the last reading", file=sys.stderr)
        return 130

    table = table_of(meter, rows)
    table.to_csv(out / "controlnet.csv", index=False)
    draw(meter, table, out / "controlnet.png")
    (out / "controlnet.txt").write_text(sentence_of(table) + "\n")
    print(sentence_of(table))
    print(f"wrote {out / 'controlnet.png'} and {out / 'controlnet.csv'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
