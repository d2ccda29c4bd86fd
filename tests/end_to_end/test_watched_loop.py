"""Somebody else's training loop, watched: that of diffusers' own examples (noise scheduler, U-Net, cosine rates, EMA)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import phasescope
from phasescope.runs.watching import Watcher
from phasescope.worlds import ArrayWorld, GaussianBump

BUMPS = GaussianBump(canvas=16)
LABELS = BUMPS.training_labels()
COLOURED = ArrayWorld.from_arrays(
    BUMPS.render(torch.from_numpy(LABELS)).expand(-1, 3, -1, -1).contiguous().numpy(), LABELS, ["x", "y"]
)
"""images of three channels at hand, as an example has them, read by the nearest one"""
EPOCHS, BATCH = 2, 32
PLAN = {
    "t": [100, 600],
    "latent_labels": 64,
    "share_labels": 16,
    "share_draws": 2,
    "images": {"trained": 16},
    "p1": None,
}


class Unlabelled(torch.nn.Module):
    """A library's network as `network(x_t, t, labels)`."""

    def __init__(self, unet: torch.nn.Module):
        super().__init__()
        self.unet = unet

    def forward(self, x_t: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.unet(x_t, t).sample


def train(folder: Path) -> Watcher:
    """The loop of `train_unconditional.py`, two lines of which are ours."""
    from diffusers import DDPMScheduler, UNet2DModel
    from diffusers.optimization import get_scheduler
    from diffusers.training_utils import EMAModel

    torch.manual_seed(0)
    model = UNet2DModel(
        sample_size=16, in_channels=3, out_channels=3, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"), add_attention=False,
    )  # fmt: skip
    ema_model = EMAModel(model.parameters(), decay=0.99)
    noise_scheduler = DDPMScheduler(num_train_timesteps=1000)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    data = torch.utils.data.TensorDataset(COLOURED.render(torch.from_numpy(LABELS)))
    train_dataloader = torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True)
    lr_scheduler = get_scheduler(
        "cosine", optimizer, num_warmup_steps=2, num_training_steps=EPOCHS * len(train_dataloader)
    )
    network = Unlabelled(model)
    watcher = phasescope.watch(COLOURED, taps=["unet.mid_block"], folder=folder, **PLAN)
    global_step = 0
    for _ in range(EPOCHS):
        watcher.record(network, global_step)
        model.train()
        for (clean_images,) in train_dataloader:
            noise = torch.randn(clean_images.shape)
            timesteps = torch.randint(
                0, noise_scheduler.config.num_train_timesteps, (len(clean_images),)
            ).long()
            noisy_images = noise_scheduler.add_noise(clean_images, noise, timesteps)
            loss = F.mse_loss(model(noisy_images, timesteps).sample, noise)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            lr_scheduler.step()
            optimizer.zero_grad()
            ema_model.step(model.parameters())
            global_step += 1
    watcher.record(network, global_step)
    return watcher


@pytest.mark.slow
def test_diffusers_training_example_is_watched(tmp_path: Path, cli):
    pytest.importorskip("diffusers")
    run = train(tmp_path / "runs" / "unconditional").run
    per_epoch = len(LABELS)
    assert [entry["images_seen"] for entry in run.metrics] == [0, per_epoch, 2 * per_epoch]
    assert set(run.metrics[-1]["phase"]) == {"behaviour", "sheet", "representation"}
    assert set(run.metrics[-1]["order"]["unet.mid_block.600"]["nulls"]) == {"permuted", "untrained", "pixels"}
    folders = ("--runs", tmp_path / "runs")
    assert json.loads(cli("show", "unconditional", "--json", *folders).out)["status"]["state"] == "done"
    scores = json.loads(
        cli("measure", "unconditional", "--only", "order,label_share", "--json", *folders).out
    )
    assert set(scores["order"]) == {"unet.mid_block.100", "unet.mid_block.600"}
    assert cli("report", "unconditional", *folders).code == 0
    told = cli("sample", "unconditional", "--out", tmp_path / "some.png", *folders)
    assert told.code == 2
    assert "lives in a loop of its owner's" in told.err
