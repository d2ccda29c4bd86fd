"""Known answers of the study of normalizing flows: the likelihood of a flow, the exact ones, and how samples are read."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from phasescope import UserError, load_config, worlds
from studies.flows.kinds import Couplings, NoisyLikelihood
from studies.flows.study import HIGH, LOW, NATS

WORLD = worlds.GaussianBump(boundary="periodic")
LABELS = torch.from_numpy(WORLD.training_labels())
MEANS = (WORLD.render(LABELS).flatten(1) - 1).double()
"""x_0 - 1 of all training images"""


def random_flow(side: int = 32) -> Couplings:
    torch.manual_seed(0)
    network = Couplings((1, side, side), range(2))
    for body in network.bodies:
        torch.nn.init.normal_(body[-2].weight, std=0.05)
    return network.double()


def log_mixture(y: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
    """Return ln p(y) + pixels ln(2 pi) / 2 of an even mixture of N(mean, I)."""
    return torch.logsumexp(-(torch.cdist(y, means) ** 2) / 2, dim=1) - math.log(len(means))


@pytest.mark.parametrize("noise", [LOW, HIGH])
def test_an_untrained_flow_has_the_likelihood_of_noise_about_a_blank_image(noise):
    family, x_0 = NoisyLikelihood(noise=noise), WORLD.render(LABELS[::16])
    (n,) = family.draw(x_0, torch.Generator().manual_seed(0))
    normal = torch.distributions.Normal(1, noise)
    nats = normal.log_prob(1 + noise * n) - normal.log_prob(x_0 + noise * n)
    loss = family.loss_at(Couplings((1, 32, 32), range(2)), x_0, LABELS[::16], n)
    torch.testing.assert_close(loss, nats.flatten(1).sum(1), rtol=1e-4, atol=1e-2)


@pytest.mark.some(1)
@pytest.mark.parametrize("labels", [LABELS[:3].double(), torch.full((3, 2), math.nan).double()])
def test_a_flow_is_inverted_and_its_log_determinant_is_the_jacobians(labels):
    flow = random_flow(8).flow(labels)
    y = torch.randn(3, 64, generator=torch.Generator().manual_seed(0)).double()
    z, log_det = flow.call_and_ladj(y)
    torch.testing.assert_close(flow.inv(z), y)
    jacobian = torch.autograd.functional.jacobian(flow, y).diagonal(dim1=0, dim2=2).movedim(-1, 0)
    torch.testing.assert_close(log_det, torch.linalg.slogdet(jacobian).logabsdet)
    assert log_det.abs().min() > 0.1


def test_every_pixel_is_moved_by_some_coupling_and_kept_by_another():
    kept = Couplings((1, 32, 32), range(2)).kept
    assert kept.any(0).all()
    assert not kept.all(0).any()


@pytest.mark.parametrize(("noise", "r_ml"), [(LOW, 0.08), (HIGH, 1.18)])
def test_the_exact_nats_are_as_stated_and_those_of_the_label_at_little_noise(noise, r_ml):
    covariance = torch.cov(MEANS.T, correction=0)
    gaussian = torch.log1p(torch.linalg.eigvalsh(covariance).clamp(min=0) / noise**2).sum() / 2
    n = torch.randn(4, *MEANS.shape, generator=torch.Generator().manual_seed(0)).double()

    def exact(s: float) -> float:
        return float(
            np.mean([(-(of**2).sum(1) / 2 - log_mixture(MEANS / s + of, MEANS / s)).mean() for of in n])
        )

    assert (float(gaussian), exact(noise)) == pytest.approx(NATS[noise], abs=0.1)
    assert NATS[noise][1] / (NATS[noise][0] - NATS[noise][1]) == pytest.approx(r_ml, abs=0.01)
    assert exact(0.01) == pytest.approx(math.log(1024), abs=1e-3)


def pairs() -> torch.Tensor:
    """Return images less 1 of two bumps, 12 px or more apart."""
    return MEANS[:512] + MEANS.view(32, 32, -1).roll((16, 12), (0, 1)).flatten(0, 1)[:512]


@pytest.mark.parametrize("noise", [LOW, HIGH])
@pytest.mark.parametrize("outcome", ["none", "multiple", "misplaced", "correct"])
def test_denoised_samples_of_exact_flows_are_read_as_what_they_are(outcome, noise):
    """Of a blank image; of two bumps anywhere; of one, anywhere or at the label. Misplaced: by more than a pixel."""
    means = {"none": torch.zeros_like(MEANS), "multiple": pairs()}.get(outcome, MEANS) / noise
    shown = torch.arange(0, len(means), len(means) // 128)
    asked = LABELS[shown if outcome == "correct" else (shown + 16 * 32 + 16) % 1024]

    def call_and_ladj(y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros_like(y), log_mixture(y, means)

    flow = SimpleNamespace(inv=lambda z: means[shown] + z, call_and_ladj=call_and_ladj)
    network = SimpleNamespace(flow=lambda labels: flow)
    with torch.inference_mode():
        images = NoisyLikelihood(noise=noise).sample(
            network, asked, (1, 32, 32), torch.Generator().manual_seed(0)
        )
    reader = WORLD.reader()
    assert (reader.outcome(reader.read(images.numpy()), asked.numpy()) == outcome).mean() > 0.95


@pytest.mark.parametrize("noise", ["0", "-0.1", "inf", "some"])
def test_bad_input_noise_must_be_above_0(noise):
    with pytest.raises(UserError, match=r"family\.noise.*" + noise):
        load_config(None, ["family.kind=studies/flows/kinds.py:NoisyLikelihood", f"family.noise={noise}"])
