"""The meter in loops of diffusers with Accelerate, of Lightning and of torchcfm, with their own models and schedules."""

import logging
import warnings

import pytest
import torch
from torch import nn

from phasescope import ConditionMeter, EverySteps

SIDE, PAIRS = 16, 24
pytestmark = pytest.mark.slow  # their libraries take long to import


@pytest.fixture
def data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.rand(PAIRS, 2, generator=generator)
    images = (
        labels.sum(1).view(-1, 1, 1, 1) - 1 + 0.1 * torch.randn(PAIRS, 1, SIDE, SIDE, generator=generator)
    )
    return images, labels


class OfLabel(nn.Module):
    """A small network that answers with a plane of its label, plus a share of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.label = nn.Linear(2, 1)
        self.own = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x_t, t, labels):
        return self.own(x_t) + self.label(labels)[:, :, None, None]


def test_a_loop_of_diffusers_with_accelerate(data):
    diffusers, accelerate = pytest.importorskip("diffusers"), pytest.importorskip("accelerate")
    images, labels = data
    unet = diffusers.UNet2DConditionModel(
        sample_size=SIDE,
        in_channels=1,
        out_channels=1,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=8,
        attention_head_dim=4,
        norm_num_groups=4,
    )
    scheduler = diffusers.DDPMScheduler()
    prompts = labels.repeat(1, 4)[:, None].expand(PAIRS, 3, 8).contiguous()
    accelerator = accelerate.Accelerator(cpu=True)
    unet, optimiser = accelerator.prepare(unet, torch.optim.AdamW(unet.parameters(), 1e-3))
    meter = ConditionMeter(images, prompts, alphas_cumprod=scheduler.alphas_cumprod, draws=8, bands=2)
    metered = EverySteps(meter, every=2)

    for step in range(3):
        metered(lambda x_t, t, c: accelerator.unwrap_model(unet)(x_t, t, c).sample, step)
        assert unet.training
        noise = torch.randn_like(images)
        t = torch.randint(0, 1000, (PAIRS,))
        answer = unet(scheduler.add_noise(images, noise, t), t, prompts).sample
        accelerator.backward((answer - noise).square().mean())
        optimiser.step()
        optimiser.zero_grad()

    assert [reading.step for reading in meter.readings] == [0, 2]
    assert all(band.advantage.value != 0 for band in meter.readings[-1].bands)


def test_a_controlnet_s_condition_is_a_dict(data):
    diffusers = pytest.importorskip("diffusers")
    images, _ = data
    shape = {
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "cross_attention_dim": 8,
        "attention_head_dim": 4,
        "norm_num_groups": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    }
    unet = diffusers.UNet2DConditionModel(
        sample_size=SIDE,
        in_channels=1,
        out_channels=1,
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **shape,
    )
    control = diffusers.ControlNetModel(
        in_channels=1, conditioning_channels=1, conditioning_embedding_out_channels=(4, 8), **shape
    )
    conditions = {
        "prompt": torch.zeros(PAIRS, 3, 8),
        "outline": images.repeat_interleave(2, 2).repeat_interleave(2, 3),
    }

    def model(x_t, t, c):
        down, mid = control(x_t, t, c["prompt"], controlnet_cond=c["outline"], return_dict=False)
        return unet(
            x_t, t, c["prompt"], down_block_additional_residuals=down, mid_block_additional_residual=mid
        ).sample

    scheduler = diffusers.DDPMScheduler()
    meter = ConditionMeter(
        images, conditions, shuffle="outline", alphas_cumprod=scheduler.alphas_cumprod, draws=8, bands=2
    )
    before = meter.read(model, 0)
    assert all(band.advantage.value == 0 for band in before.bands)  # its convolutions begin at zero

    for convolution in (*control.controlnet_down_blocks, control.controlnet_cond_embedding.conv_out):
        nn.init.normal_(convolution.weight)
    assert all(band.advantage.value != 0 for band in meter.read(model, 1).bands)


def test_a_lightning_module(data, tmp_path):
    pl = pytest.importorskip("lightning.pytorch")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    images, labels = data

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = OfLabel()

        def training_step(self, batch, _number):
            x_0, c = batch
            t = torch.rand(len(x_0), 1, 1, 1)
            noise = torch.randn_like(x_0)
            answer = self.network((1 - t) * x_0 + t * noise, t, c)
            return (answer - (noise - x_0)).square().mean()

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 1e-2)

    meter = ConditionMeter(images, labels, target="flow", draws=16, bands=2)
    metered = EverySteps(meter, every=3)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, labels), batch_size=8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = pl.Trainer(
            max_epochs=3,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
            callbacks=[metered.lightning(lambda module: module.network)],
        )
        trainer.fit(Module(), loader)
    assert [reading.step for reading in meter.readings] == [1, 3, 6, 9]


def test_a_flow_of_torchcfm(data):
    cfm = pytest.importorskip("torchcfm.conditional_flow_matching")
    images, labels = data
    torch.manual_seed(0)
    network = OfLabel()
    matcher = cfm.ConditionalFlowMatcher(sigma=0.0)
    optimiser = torch.optim.Adam(network.parameters(), 2e-2)
    meter = ConditionMeter(images, labels, target="flow_to_data", draws=64, bands=4)
    first = meter.read(network, 0)
    for _ in range(150):
        t, x_t, velocity = matcher.sample_location_and_conditional_flow(torch.randn_like(images), images)
        loss = (network(x_t, t, labels) - velocity).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    last = meter.read(network, 150)

    noisy = last.bands_of()[0]
    assert noisy.advantage.low > 0
    assert noisy.advantage.value > first.bands_of()[0].advantage.value
    assert noisy.loss.value < first.bands_of()[0].loss.value
