"""Whole trainings as users run them, each library's own way, and what phasescope's snapshots take of its runs.

    diffusers                    the loop of its examples/unconditional_image_generation/train_unconditional.py: a shuffling
                                 DataLoader, DDPMScheduler, AdamW, cosine rate, clipping, EMAModel; without accelerate
    smalldiffusion               its `training_loop`, on a shuffling DataLoader
    denoising-diffusion-pytorch  its `Trainer`, on a folder of PNG files; it knows no labels
    phasescope                   `phasescope train`, which also averages weights, clips, and writes scalars and checkpoints

All learn the same images, at equal batch and canvas, in float32, with networks of `peers` or, for phasescope, one of as many
parameters. azula and torchcfm ship no trainer.

Snapshots are timed apart: a run of a preset takes its plan's number of them, and what they take of its time is composed of
the medians of a step and of a snapshot, and of the first one, which also reads the references.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.peers import diffusers_plain, smalldiffusion, smalldiffusion_network
from benchmarks.records import Record, Sections, say
from benchmarks.steps import ENDLESS, EQUAL_PARAMETERS, endless, facts_of
from benchmarks.timing import Contender, Timing, Worker, images_per_s, interleave, summary
from benchmarks.worker import Built
from phasescope.runs.config import load_config
from phasescope.runs.probing import probe_set
from phasescope.runs.probing.inputs import Inputs
from phasescope.runs.probing.observer import Observer
from phasescope.runs.probing.probe_set import ProbeSet
from phasescope.runs.training.execution import execute
from phasescope.worlds.bump.world import GaussianBump

WITHOUT_SNAPSHOTS = (
    "probing.snapshots.dense_until=0",
    f"probing.snapshots.every={ENDLESS}",
    "probing.observe=[]",
)
"""none but the first, before any step, which is then small and not timed"""
EVERY_STEP = ("probing.snapshots.dense_every=1", f"probing.snapshots.dense_until={ENDLESS}")
TRAINERS = {
    "diffusers": "diffusers_script",
    "smalldiffusion": "smalldiffusion_loop",
    "denoising-diffusion-pytorch": "denoising_diffusion_trainer",
}
"""the name of what builds a library's own training"""
PRESETS = ("fast", "lean", "p1")
WHOLE = "snapshot"
PARTS: dict[str, tuple[Any, str]] = {
    "samples": (probe_set, "sample_labels"),
    "activations": (Inputs, "latents"),
    "denoising error": (ProbeSet, "_family_metrics"),
    "measures": (Observer, "_representation"),
    "writing": (Observer, "_write"),
    WHOLE: (Observer, "record"),
}
"""what is timed of a snapshot: an owner and the name of its function"""


@dataclass(frozen=True)
class Settings:
    """What is timed, where, and how often.

    Attributes:
        rounds: turns of each contender.
        steps: the fewest training steps of a turn.
        turn_s: about the shortest time of a turn, s.
        threads: CPU threads of each trainer; runs whose snapshots are timed have one.
        device: cpu, cuda or cuda:N.
        batch: images a step.
        canvas: side of the images, px.
        presets: whose snapshots are timed.
        snapshots: of each preset.
    """

    rounds: int = 5
    steps: int = 2
    turn_s: float = 1.0
    threads: int = 2
    device: str = "cpu"
    batch: int = 64
    canvas: int = 32
    presets: Sequence[str] = PRESETS
    snapshots: int = 3

    def trainers(self) -> list[Contender]:
        """Return the trainings of libraries, and phasescope's."""
        shape = [f"network.{field}={value}" for field, value in EQUAL_PARAMETERS.items()]
        words = [
            f"training.batch={self.batch}",
            f"world.canvas={self.canvas}",
            *shape,
            "probing.layers=[mid]",
        ]
        size = {"batch": self.batch, "canvas": self.canvas}
        return [
            *(self.contender(name, build, size) for name, build in TRAINERS.items()),
            self.contender("phasescope", "phasescope_train", {"words": [*words, *WITHOUT_SNAPSHOTS]}),
        ]

    def contender(self, name: str, build: str, arguments: dict[str, Any], threads: int = 0) -> Contender:
        return Contender(name, f"benchmarks.users:{build}", arguments, threads or self.threads, self.device)


def measure(out: Path, settings: Settings | None = None) -> dict[str, list[Record]]:
    """Measure, and write `out`/users.json as it comes; its records, by section."""
    settings = settings or Settings()
    records = Sections(out / "users.json", asdict(settings))
    records.section("trainings", lambda: _trainings(settings))
    for preset in settings.presets:
        records.section(f"snapshots of {preset}", lambda preset=preset: [_snapshots(settings, preset)])
    return records.found


def _trainings(settings: Settings) -> list[Record]:
    timings = interleave(settings.trainers(), settings.rounds, settings.steps, settings.turn_s)
    ours = timings[-1]
    return [_of_training(timing, ours) for timing in timings]


def _of_training(timing: Timing, ours: Timing) -> Record:
    """Return the record of a training; `ours` is phasescope's, of the same rounds."""
    name = timing.contender.name
    record: Record = {
        "name": name,
        "labels": name != "denoising-diffusion-pytorch",
        "threads": timing.contender.threads,
        "device": timing.contender.device,
        "missing": timing.missing,
        **timing.facts,
    }
    if timing.missing is not None:
        say(f"  {name}: missing, {timing.missing}")
        return record
    rates = images_per_s(timing)
    record |= {"images_per_s": summary(rates), "peak_mb": timing.peak_mb}
    if timing is not ours and ours.missing is None:
        ratios = [our / their for our, their in zip(images_per_s(ours), rates, strict=True)]
        record["phasescope_ratio"] = summary(ratios)
    say(f"  {name}: {record['images_per_s']['median']:.1f} images/s")
    return record


def _snapshots(settings: Settings, preset: str) -> Record:
    """Return what snapshots take of a run of the preset, in one thread."""
    words = [f"preset={preset}"]
    training = settings.contender(
        preset, "phasescope_train", {"words": [*words, *WITHOUT_SNAPSHOTS]}, threads=1
    )
    (steps,) = interleave([training], settings.rounds, settings.steps, settings.turn_s)
    observed = {"words": [*words, *EVERY_STEP], "snapshots": settings.snapshots}
    with Worker(settings.contender(preset, "observed_run", observed, threads=1)) as worker:
        facts, missing, peak_mb = worker.facts, steps.missing or worker.missing, worker.peak_mb()
    record: Record = {"name": preset, "threads": 1, "device": settings.device, "missing": missing}
    if missing is not None:
        say(f"  {preset}: missing, {missing}")
        return record

    config = load_config(overrides=words)
    last, plan = config.training.steps, config.probing.snapshots
    taken = sum(plan.due(number, last) for number in range(1, last + 1))
    snapshot_s = summary([sum(parts.values()) for parts in facts["snapshots"]])
    observing_s = facts["first_s"] + taken * snapshot_s["median"]
    training_s = last * summary(steps.step_s)["median"]
    record |= {
        **steps.facts,
        "steps": last,
        "step_s": summary(steps.step_s),
        "snapshots": taken,
        "snapshot_s": snapshot_s,
        "parts_s": {
            name: summary([parts[name] for parts in facts["snapshots"]]) for name in facts["snapshots"][0]
        },
        "first_s": facts["first_s"],
        "observing_share": observing_s / (observing_s + training_s),
        "peak_mb": peak_mb,
    }
    say(
        f"  {preset}: {snapshot_s['median']:.1f} s a snapshot, {record['observing_share']:.0%} of a run's time"
    )
    return record


def phasescope_train(words: Sequence[str], device: str) -> Built:
    """Build `phasescope train`: a run in a folder of its own, each step with what is due after it."""
    config = endless(words, device)
    events = execute(config, own_folder())
    for _ in range(2):  # the start, and the first snapshot
        next(events)

    def advance(steps: int) -> None:
        for _ in range(steps):
            next(events)

    network = config.network.build(config.world.shape, config.world.factors)
    return Built(advance, facts_of(network, config.training.batch, config.world.canvas))


def observed_run(words: Sequence[str], snapshots: int, device: str) -> Built:
    """Take snapshots of a run that takes one at each step; the facts are the time of the first, and of each part of the
    others."""
    spent: dict[str, float] = defaultdict(float)
    with ExitStack() as patches:
        for name, (owner, method) in PARTS.items():
            patches.enter_context(patch.object(owner, method, _timed(getattr(owner, method), name, spent)))
        events = execute(endless(words, device), own_folder())
        next(events)
        began = time.perf_counter()
        next(events)
        first_s = time.perf_counter() - began

        found = []
        for _ in range(snapshots):
            spent.clear()
            next(events)
            others = {name: seconds for name, seconds in spent.items() if name != WHOLE}
            found.append({**others, "other": spent[WHOLE] - sum(others.values())})
        events.close()
    return Built(lambda steps: None, {"first_s": first_s, "snapshots": found})


def _timed(function: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    """Return the function, whose wall time is added to `spent`."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[name] += time.perf_counter() - began

    return call


def diffusers_script(batch: int, canvas: int, device: str) -> Built:
    """Build the training of diffusers' script of unconditional generation, with its defaults."""
    diffusers = import_module("diffusers")
    training_utils = import_module("diffusers.training_utils")
    optimization = import_module("diffusers.optimization")
    network = diffusers_plain(canvas).to(device)
    ema = training_utils.EMAModel(
        network.parameters(), decay=0.9999, use_ema_warmup=True, inv_gamma=1.0, power=0.75
    )
    ema.to(device)
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=1000, beta_schedule="linear")
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6, eps=1e-8
    )
    rates = optimization.get_scheduler(
        "cosine", optimizer=optimiser, num_warmup_steps=500, num_training_steps=100_000
    )

    def step(images: Any, labels: Any) -> None:
        images, labels = images.to(device), labels.to(device)
        noise = torch.randn_like(images)
        t = torch.randint(scheduler.config.num_train_timesteps, (len(images),), device=device)
        loss = F.mse_loss(network(scheduler.add_noise(images, noise, t), t, labels), noise)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        rates.step()
        optimiser.zero_grad()
        ema.step(network.parameters())
        loss.item()

    batches = epochs(loader(batch, canvas))

    def advance(steps: int) -> None:
        for _ in range(steps):
            step(*next(batches))

    return Built(advance, facts_of(network, batch, canvas))


def smalldiffusion_loop(batch: int, canvas: int, device: str) -> Built:
    """Build the training of smalldiffusion's `training_loop`; accelerate chooses its device."""
    library = import_module("smalldiffusion.diffusion")
    loop = library.training_loop(
        loader(batch, canvas, scaled=True),
        smalldiffusion_network(canvas, "Scaled"),
        library.ScheduleDDPM(1000),
        epochs=ENDLESS,
        conditional=True,
    )

    def advance(steps: int) -> None:
        for _ in range(steps):
            next(loop)

    return Built(advance, facts_of(smalldiffusion(canvas), batch, canvas))


def denoising_diffusion_trainer(batch: int, canvas: int, device: str) -> Built:
    """Build the training of denoising-diffusion-pytorch's `Trainer`, with its defaults but the batch, without samples."""
    library = import_module("denoising_diffusion_pytorch")
    network = library.Unet(32, dim_mults=(1, 2, 2), channels=1)
    facts = facts_of(Unlabelled(network), batch, canvas)
    trainer = library.Trainer(
        library.GaussianDiffusion(network, image_size=canvas),
        str(png_folder(canvas)),
        train_batch_size=batch,
        train_num_steps=0,
        save_and_sample_every=ENDLESS,
        calculate_fid=False,
        results_folder=str(own_folder()),
    )

    def advance(steps: int) -> None:
        trainer.train_num_steps = trainer.step + steps
        trainer.train()

    return Built(advance, facts)


class Unlabelled(nn.Module):
    """A network that is told no labels, called as one that is."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        return self.network(x_t, t)


def training_set(canvas: int) -> tuple[Tensor, Tensor]:
    """Return the images (M, 1, N, N) in [-1, 1] and labels (M, 2), px, that all learn."""
    world = GaussianBump(canvas=canvas)
    labels = torch.from_numpy(world.training_labels())
    return world.render(labels), labels


def loader(batch: int, canvas: int, scaled: bool = False) -> DataLoader:
    """Return a shuffling DataLoader of images and labels, in px or `scaled` to [-1, 1]."""
    images, labels = training_set(canvas)
    pairs = TensorDataset(images, 2 * labels / canvas - 1 if scaled else labels)
    return DataLoader(pairs, batch_size=batch, shuffle=True, drop_last=True)


def epochs(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield epoch after epoch."""
    while True:
        yield from batches


def png_folder(canvas: int) -> Path:
    """Return a folder with the training set as PNG files."""
    from PIL import Image

    folder = own_folder()
    images, _ = training_set(canvas)
    for i, image in enumerate(((images[:, 0] + 1) * 127.5).round().to(torch.uint8).numpy()):
        Image.fromarray(image).save(folder / f"{i:05d}.png")
    return folder


def own_folder() -> Path:
    """Return a fresh folder among this process's temporary files, which whoever started it removes."""
    return Path(tempfile.mkdtemp(prefix="phasescope-bench-"))
