"""Print what a snapshot of a watched loop costs: python -m benchmarks.watching [--write] [NETWORK ...]

Three networks that somebody may have in a loop of their own, on 32 x 32 px RGB images: `unet`, a U-Net of 170,000
parameters, `diffusers`, a UNet2DConditionModel, and `dit`, a transformer of diffusers. None is trained: the cost of a
snapshot does not depend on weights. A line has the CPU seconds of a training step and of a snapshot at the defaults of
`watch` (the first, which also reads the references, apart; of the others the median), what a snapshot takes on the disk,
and the process's peak of memory, in one thread. `--write` puts the lines into docs/loops.md, for all networks alone.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import phasescope
from benchmarks.meter import cpu_s
from phasescope import worlds
from phasescope.core.arithmetic import one_thread
from phasescope.core.errors import UserError
from phasescope.runs.config import load_config
from phasescope.runs.training.provenance import cpu_model

CANVAS, BATCH, SNAPSHOTS = 32, 16, 4
PAGE = Path(__file__).parents[1] / "docs" / "loops.md"
BEGIN, END = "<!-- python -m benchmarks.watching --write -->", "<!-- end of what it writes -->"


class Conditioned(nn.Module):
    """A network of diffusers as `network(x_t, t, labels)`, with x and y of the square as its class embedding's input."""

    def __init__(self, network: nn.Module, call: Callable[[nn.Module, Tensor, Tensor, Tensor], Tensor]):
        super().__init__()
        self.network, self.call = network, call

    def forward(self, x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        return self.call(self.network, x_t, t, labels.nan_to_num())


def squares(count: int = 512) -> Any:
    """Return the world of red squares at (x, y) on black."""
    rng = np.random.default_rng(0)
    labels = rng.uniform(6, CANVAS - 6, (count, 2))
    pixels = np.arange(CANVAS)
    inside = [np.abs(pixels[None] - labels[:, [axis]]) <= 4 for axis in range(2)]
    images = np.zeros((count, CANVAS, CANVAS, 3), dtype=np.uint8)
    images[..., 0] = 255 * (inside[1][:, :, None] & inside[0][:, None, :])
    return worlds.ImageWorld.from_arrays(images, labels.astype(np.float32), names=["x", "y"])


def unet(world: Any) -> tuple[nn.Module, str]:
    widths = "network={kind: unet, widths: [16, 24, 32, 32], embedding: {width: 32}}"
    config = load_config(overrides=["preset=small", widths])
    return config.network.build((3, CANVAS, CANVAS), world.factors), "mid"


def diffusers_unet(world: Any) -> tuple[nn.Module, str]:
    network = _of_diffusers(
        "UNet2DConditionModel",
        sample_size=CANVAS,
        in_channels=3,
        out_channels=3,
        block_out_channels=(48, 80),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=2,
        attention_head_dim=8,
        norm_num_groups=8,
    )
    call = lambda net, x, t, labels: net(x, t, labels[:, None] / CANVAS).sample  # noqa: E731
    return Conditioned(network, call), "network.mid_block"


def dit(world: Any) -> tuple[nn.Module, str]:
    network = _of_diffusers(
        "DiTTransformer2DModel",
        sample_size=CANVAS,
        in_channels=3,
        out_channels=3,
        patch_size=4,
        num_layers=4,
        num_attention_heads=4,
        attention_head_dim=32,
        num_embeds_ada_norm=1000,
    )
    call = lambda net, x, t, labels: net(x, t, labels[:, 0].long()).sample  # noqa: E731
    return Conditioned(network, call), "network.transformer_blocks.2"


def _of_diffusers(name: str, **arguments: Any) -> nn.Module:
    try:
        return getattr(import_module("diffusers"), name)(**arguments)
    except ImportError:
        raise UserError("`NETWORK` must be unet, where diffusers is not installed") from None


NETWORKS = {"unet": unet, "diffusers": diffusers_unet, "dit": dit}


@one_thread()
def line(name: str) -> str:
    """Return what a snapshot of a network costs, in a line."""
    world = squares()
    torch.manual_seed(0)
    network, layer = NETWORKS[name](world)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    optimiser = torch.optim.AdamW(network.parameters(), 1e-4)
    labels = torch.from_numpy(world.training_labels()[:BATCH])
    x_t, t = torch.randn(BATCH, 3, CANVAS, CANVAS), torch.arange(BATCH)

    def step() -> None:
        optimiser.zero_grad()
        network(x_t, t, labels).square().mean().backward()
        optimiser.step()

    step_s = statistics.median(cpu_s(step) for _ in range(10))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        watcher = phasescope.watch(world, layers=[layer], batch=BATCH, folder=path)
        taken, sizes = [], [0]
        for number in range(SNAPSHOTS):
            taken.append(cpu_s(lambda number=number: watcher.record(network, number)))
            sizes.append(sum(file.stat().st_size for file in path.rglob("*") if file.is_file()))
        watcher.close()

    snapshot_s, megabytes = statistics.median(taken[1:]), statistics.median(np.diff(sizes)[1:]) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"{name}, {parameters:,} parameters: a step {step_s:.2f} s, a snapshot {snapshot_s:.1f} s "
        f"(the first {taken[0]:.1f} s) and {megabytes:.1f} MB; memory {peak:.1f} GiB"
    )


def write(lines: Sequence[str]) -> None:
    """Put lines into the page of loops, in the place of the last ones."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    block = "\n".join(lines)
    PAGE.write_text(f"{before}{BEGIN}\n\n```\n{block}\n```\n\n{END}{after}")


def main(arguments: Sequence[str]) -> None:
    """Print a line for each network, each measured in a process of its own."""
    names = [argument for argument in arguments if argument != "--write"]
    for name in names:
        if name not in NETWORKS:
            raise UserError(f"`NETWORK` (={name}) must be one of {', '.join(NETWORKS)}")
    if names and "--write" in arguments:
        raise UserError(f"`--write` must come alone, not with {names[0]}: the page has all networks")
    if len(names) == 1:
        print(line(names[0]), flush=True)
        return

    lines = [f"{cpu_model()}, one thread"]
    print(lines[0], flush=True)
    for name in names or NETWORKS:
        alone = [sys.executable, "-m", "benchmarks.watching", name]
        done = subprocess.run(alone, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(done.stderr.strip().splitlines()[-1])
        lines.append(done.stdout.strip())
        print(lines[-1], flush=True)
    if "--write" in arguments:
        write(lines)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"benchmarks.watching: {error}")
