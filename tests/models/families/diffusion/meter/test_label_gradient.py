"""The label gradient on models whose force towards the condition is known exactly."""

import numpy as np
import pytest
import torch
from torch import nn

from phasescope import ConditionMeter, UserError
from phasescope.models.families.diffusion.meter.label_gradient import groups_of, length_over_variance

PAIRS, WIDTH = 200, 3
LOG_SNR = {"log_snr": lambda t: 4 - 8 * t}


def signs() -> tuple[torch.Tensor, torch.Tensor]:
    """Return images (n, 1, 1, WIDTH) that are their conditions, (n, 1) of -1 and 1, in each value."""
    conditions = torch.tensor([-1.0, 1.0]).repeat(PAIRS // 2)[:, None]
    return exact(None, None, conditions), conditions


def levels(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    log_snr = LOG_SNR["log_snr"](t.double())[:, None, None, None]
    return torch.sigmoid(log_snr).sqrt(), torch.sigmoid(-log_snr).sqrt()


def blind(x_t, t):
    """Return E[x_0 | x_t] of both images, equally likely."""
    alpha, sigma = levels(t)
    return torch.tanh((alpha * x_t.double() / sigma.square()).sum(3, keepdim=True)).expand(-1, 1, 1, WIDTH)


def exact(_x_t, _t, c):
    return c[:, :, None, None].expand(-1, 1, 1, WIDTH).contiguous()


class Linear(nn.Module):
    """f = w c + b: the derivative by w depends on the condition, that by b does not."""

    def __init__(self, uses: float = 1.0):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.zeros(WIDTH)), nn.Parameter(torch.zeros(WIDTH))
        self.uses = uses

    def forward(self, x_t, t, c):
        return self.uses * c[:, :, None, None] * self.w + self.b + 0 * x_t


def meter(**keywords) -> ConditionMeter:
    images, conditions = signs()
    usual = {"target": "sample", **LOG_SNR, "draws": 2000, "bands": 4, "exact": exact, "blind": blind}
    return ConditionMeter(images, conditions, **usual | {"label_gradient": True} | keywords)


def test_the_force_of_a_linear_model_is_the_covariance_of_condition_and_what_the_image_leaves_open():
    """By w it is E[c (E[y | x_t] - y)], below 0 as c and y have one sign; by b it is 0; both have their variance."""
    gauge, model = meter(), Linear()
    reading = gauge.read(model, 0)
    for number, band in enumerate(reading.bands):
        drawn = gauge._reader._draw(gauge._pairs[0], number, low=band.low, high=band.high)
        force = blind(drawn.x_t, drawn.levels.time) - drawn.target
        force = force.flatten(1)
        gradient = torch.cat([drawn.own.double() * force, force], dim=1).numpy()
        expected = np.square(gradient.mean(0)).sum() / gradient.var(0, ddof=1).sum()
        assert band.label_gradient.value == pytest.approx(expected, abs=3 * band.label_gradient.se + 0.003)

    # The noisier the image, the more is left to the condition.
    noisiest, clearest = reading.bands[0].label_gradient, reading.bands[-1].label_gradient
    assert noisiest.low > clearest.high


def test_a_model_whose_derivative_ignores_the_condition_has_no_force():
    for band in meter().read(Linear(uses=0.0), 0).bands:
        assert abs(band.label_gradient.value) < 4 * band.label_gradient.se + 1e-9
        assert abs(band.label_gradient.value) < 0.01


def test_conditions_that_do_not_belong_to_their_images_have_no_force():
    images, conditions = signs()
    mixed = conditions[torch.randperm(PAIRS, generator=torch.Generator().manual_seed(3))]
    gauge = ConditionMeter(
        images, mixed, target="sample", **LOG_SNR, draws=2000, exact=exact, blind=blind, label_gradient=True
    )
    right = meter(bands=8).read(Linear(), 0).bands[0].label_gradient
    assert gauge.read(Linear(), 0).bands[0].label_gradient.value < 0.1 * right.value


def test_noise_alone_makes_no_length_on_average():
    """The squared length of a mean of noise is not 0; the product of groups of other draws is, on average."""
    rng = np.random.default_rng(0)
    values = []
    for _ in range(400):
        means = rng.normal(size=(8, 50)) / np.sqrt(20)
        values.append(length_over_variance(means @ means.T, images=20))
    assert abs(np.mean(values)) < 4 * np.std(values) / 20


def test_the_ratio_is_that_of_one_image_however_many_are_in_a_group():
    rng = np.random.default_rng(1)
    mean = np.full(50, 0.3)
    known = mean @ mean / 50
    for images in (4, 64):
        values = [
            length_over_variance(means @ means.T, images)
            for means in (mean + rng.normal(size=(8, 50)) / np.sqrt(images) for _ in range(200))
        ]
        assert np.mean(values) == pytest.approx(known, rel=0.1)


def test_groups_share_no_pair():
    rng = np.random.default_rng(2)
    pair = rng.integers(30, size=100)
    groups = groups_of(pair)
    assert sorted(np.concatenate(groups)) == list(range(100))
    assert all(not set(pair[a]) & set(pair[b]) for k, a in enumerate(groups) for b in groups[k + 1 :])


def test_a_reading_changes_no_gradient_no_flag_and_no_other_number():
    model = Linear()
    model.w.grad, model.b.requires_grad = torch.ones(WIDTH), False
    first, second = (meter(draws=64).read(model, 0) for _ in range(2))
    plain = meter(draws=64, label_gradient=False).read(model, 0)
    assert model.w.grad.tolist() == [1.0] * WIDTH
    assert (model.w.requires_grad, model.b.requires_grad, model.b.grad) == (True, False, None)
    assert first.bands == second.bands
    assert [band.loss for band in first.bands] == [band.loss for band in plain.bands]
    assert all(band.label_gradient is None for band in plain.bands)


def test_an_average_of_weights_is_read_by_all_of_its_parameters():
    trained, average = Linear(), Linear().requires_grad_(False)
    of_both = [meter(draws=64).read(model, 0).bands[0].label_gradient for model in (trained, average)]
    assert of_both[0] == of_both[1]
    assert not any(parameter.requires_grad for parameter in average.parameters())


def test_batches_change_nothing_but_rounding():
    whole, parts = (meter(draws=64, batch=batch).read(Linear(), 0).bands for batch in (64, 3))
    for a, b in zip(whole, parts, strict=True):
        assert a.label_gradient.value == pytest.approx(b.label_gradient.value, rel=1e-5)


def test_its_cost_is_counted():
    assert meter(draws=64).evaluations == 4 * 64 * (2 + 3)
    assert meter(draws=64).read(Linear(), 0).evaluations == 4 * 64 * (2 + 3)
    assert meter(draws=64, label_gradient=False).evaluations == 4 * 64 * 2


def test_a_saved_meter_reads_it_again(tmp_path):
    gauge = meter(draws=64)
    gauge.read(Linear(), 0)
    gauge.save(tmp_path / "meter.safetensors")
    again = ConditionMeter.load(tmp_path / "meter.safetensors", exact=exact, blind=blind)
    assert again.readings == gauge.readings
    assert again.read(Linear(), 1).bands[0].label_gradient == gauge.readings[0].bands[0].label_gradient
    with pytest.raises(UserError, match="`blind` must be given again"):
        ConditionMeter.load(tmp_path / "meter.safetensors", exact=exact)


def no_gradient(model):
    def call(x_t, t, c):
        with torch.no_grad():
            return model(x_t, t, c)

    return call


def test_what_has_no_derivative_is_refused():
    with pytest.raises(UserError, match=r"derivative by the parameters .* without torch.no_grad"):
        meter(draws=64).read(no_gradient(Linear()), 0)
    with pytest.raises(UserError, match="needs a model with parameters"):
        meter(draws=64).read(exact, 0)
    with pytest.raises(UserError, match="`label_gradient` must come with `blind`"):
        meter(blind=None)


def test_few_pairs_have_none():
    images, conditions = (of_all[:2] for of_all in signs())
    gauge = ConditionMeter(
        images, conditions, target="sample", **LOG_SNR, draws=8, exact=exact, blind=blind, label_gradient=True
    )
    assert gauge.read(Linear(), 0).bands[0].label_gradient is None
