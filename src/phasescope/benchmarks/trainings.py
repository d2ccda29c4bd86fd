"""How each library trains, built as its user would.

    diffusers                    the script of its tutorial on unconditional training: a shuffling DataLoader, DDPMScheduler,
                                 AdamW, cosine learning rate, clipping, EMAModel; without accelerate, which adds to a step
    smalldiffusion               `training_loop`, on a shuffling DataLoader
    denoising-diffusion-pytorch  `Trainer`, on a folder of PNG files; it knows no labels
    phasescope                   `phasescope.train`

Images are rendered once, and lie in memory but where a trainer wants files.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from phasescope.benchmarks.peers import diffusers_plain, smalldiffusion, smalldiffusion_network
from phasescope.benchmarks.steps import ENDLESS, endless, facts_of
from phasescope.benchmarks.worker import Built
from phasescope.execution import Progress, execute
from phasescope.worlds.gaussian_bump import GaussianBumpConfig


def phasescope_train(words: Sequence[str], device: str) -> Built:
    """`phasescope.train`: a run in a folder of its own, each step with what is due after it."""
    config = endless(words, device)
    events = execute(config, own_folder())
    began = time.perf_counter()
    while not isinstance(next(events), Progress):
        pass
    first_look_s = time.perf_counter() - began

    def advance(steps: int) -> None:
        for _ in range(steps):
            next(events)

    network = config.network.build(config.world.channels, len(config.world.factors))
    facts = facts_of(network, config.training.batch, config.world.canvas)
    return Built(advance, {**facts, "first_look_s": first_look_s})


def diffusers_script(batch: int, canvas: int, device: str) -> Built:
    """The loop of diffusers' examples/unconditional_image_generation/train_unconditional.py, with its defaults."""
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
    """smalldiffusion's `training_loop`; accelerate chooses its device."""
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
    """denoising-diffusion-pytorch's `Trainer` with its defaults but the batch, without samples and without FID."""
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
    """The images (M, 1, N, N) in [-1, 1] and labels (M, 2), px, that all learn."""
    world = GaussianBumpConfig(canvas=canvas)
    labels = torch.from_numpy(world.training_labels())
    return world.render(labels), labels


def loader(batch: int, canvas: int, scaled: bool = False) -> DataLoader:
    """A shuffling DataLoader of images and labels, in px or `scaled` to [-1, 1]."""
    images, labels = training_set(canvas)
    pairs = TensorDataset(images, 2 * labels / canvas - 1 if scaled else labels)
    return DataLoader(pairs, batch_size=batch, shuffle=True, drop_last=True)


def epochs(batches: Iterable[Any]) -> Iterator[Any]:
    """Epoch after epoch."""
    while True:
        yield from batches


def png_folder(canvas: int) -> Path:
    """A folder with the training set as PNG files."""
    from PIL import Image

    folder = own_folder()
    images, _ = training_set(canvas)
    for i, image in enumerate(((images[:, 0] + 1) * 127.5).round().to(torch.uint8).numpy()):
        Image.fromarray(image).save(folder / f"{i:05d}.png")
    return folder


def own_folder() -> Path:
    """A fresh folder among this process's temporary files, which whoever started it removes."""
    return Path(tempfile.mkdtemp(prefix="phasescope-bench-"))
