"""Somebody else's network and training loop, probed and measured: diffusers' U-Net on the world of bumps."""

import pytest
import torch

import phasescope
from phasescope.core.factors import Factors
from phasescope.core.places import Place
from phasescope.models.families.diffusion.config import DiffusionConfig
from phasescope.worlds.bump.world import GaussianBump

STEPS, BATCH = 200, 32
WORLD = GaussianBump.of({"canvas": 16})
TAPS = ["unet.down_blocks.1", "unet.mid_block"]


class Labelled(torch.nn.Module):
    """A library's network as `network(x_t, t, labels)`: labels through its class embedding."""

    def __init__(self, unet: torch.nn.Module):
        super().__init__()
        self.unet = unet

    def forward(self, x_t: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.unet(x_t, t, None, class_labels=(labels / 8 - 1).nan_to_num()).sample


def network() -> Labelled:
    from diffusers import UNet2DConditionModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unet = UNet2DConditionModel(
            sample_size=16,
            in_channels=1,
            out_channels=1,
            block_out_channels=(16, 32),
            layers_per_block=1,
            norm_num_groups=4,
            down_block_types=("DownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "UpBlock2D"),
            mid_block_type="UNetMidBlock2D",
            class_embed_type="projection",
            projection_class_embeddings_input_dim=2,
        )
        return Labelled(unet)


def train_as_its_user_would(learner: torch.nn.Module) -> list[float]:
    """Noise, predict, descend."""
    family = DiffusionConfig().build()
    labels = torch.from_numpy(WORLD.training_labels())
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.AdamW(learner.parameters(), lr=2e-3)
    losses = []
    for _ in range(STEPS):
        some = labels[torch.randint(len(labels), (BATCH,), generator=generator)]
        loss = family.loss(learner, WORLD.render(some), some, generator).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.slow
def test_diffusers_u_net_is_trained_probed_and_measured_as_it_is():
    pytest.importorskip("diffusers")
    trained = network()
    losses = train_as_its_user_would(trained)
    assert sum(losses[-50:]) < 0.3 * sum(losses[:50])

    probed = phasescope.probe(trained, WORLD, TAPS, [100, 600], labels=128, untrained=network())
    table = probed.table()
    places = {str(Place(tap, t)) for tap in TAPS for t in (100, 600)}
    for name, by_place in table.items():
        assert set(by_place) == places
        for score in by_place.values():
            assert {"pixels", "untrained"} <= set(score.nulls), name
            assert score.value != score.nulls["untrained"] or score.value == 0, name  # 0: no factor is read
    order = table["order"]["unet.mid_block.600"]
    own = phasescope.measures.order(
        probed.latents["unet.mid_block", 600], probed.labels, Factors.named(("x", "y"), [16.0, 16.0])
    )
    assert (order.value, order.low, order.high) == (own.value, own.low, own.high)
