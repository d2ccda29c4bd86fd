"""The condition meter on models whose use of the condition is known exactly."""

import functools
import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import phasescope
from phasescope import ConditionMeter, EverySteps, UserError
from phasescope.core.errors import NotFinite
from phasescope.measures.use_forecast import WIDENING
from phasescope.models.families.diffusion.meter.conditions import groups, partners
from phasescope.models.families.diffusion.meter.noising import FLOWS, TARGETS
from phasescope.models.families.diffusion.meter.reading import Band, Mean, Reading

SIDE = 12
ALPHAS_CUMPROD = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)


def render(labels: torch.Tensor) -> torch.Tensor:
    """Return images (n, 1, SIDE, SIDE) of a dark bump on a torus, in [-1, 1]."""
    place = torch.arange(SIDE, dtype=torch.float64)
    away = (place - labels[:, :, None].double() + SIDE / 2) % SIDE - SIDE / 2
    r2 = away[:, 0, None, :].square() + away[:, 1, :, None].square()
    return (1 - 2 * torch.exp(-r2 / 2)).unsqueeze(1)


LABELS = torch.cartesian_prod(*[torch.arange(SIDE, dtype=torch.float32)] * 2)
IMAGES = render(LABELS)


def scales(t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    a = ALPHAS_CUMPROD[t].view(-1, 1, 1, 1)
    return a.sqrt(), (1 - a).sqrt()


def posterior_mean(x_t: torch.Tensor, t: torch.Tensor, known: torch.Tensor | None = None) -> torch.Tensor:
    """Return E[x_0 | x_t], over the images of which each row of `known` (n, M) is true."""
    return mean_under(x_t, *scales(t), known)


def mean_under(
    x_t: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor, known: torch.Tensor | None = None
) -> torch.Tensor:
    """Return E[x_0 | x_t] where x_t = alpha x_0 + sigma n, scales (n, 1, 1, 1)."""
    alpha, sigma = alpha.flatten(1), sigma.flatten(1)
    x, flat = x_t.double().flatten(1), IMAGES.flatten(1)
    log_w = (alpha * (x @ flat.T) - alpha.square() * flat.square().sum(1) / 2) / sigma.square()
    if known is not None:
        log_w = log_w.masked_fill(~known, -torch.inf)
    return (log_w.softmax(1) @ flat).view(x_t.shape)


def noise_of(x_0: torch.Tensor, x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    alpha, sigma = scales(t)
    return (x_t.double() - alpha * x_0) / sigma


def exact(x_t, t, labels):
    return noise_of(render(labels), x_t, t)


def blind(x_t, t, _labels=None):
    return noise_of(posterior_mean(x_t, t), x_t, t)


def knows_x(x_t, t, labels):
    return noise_of(posterior_mean(x_t, t, labels[:, :1] == LABELS[:, 0]), x_t, t)


def meter(**keywords) -> ConditionMeter:
    usual = {"alphas_cumprod": ALPHAS_CUMPROD, "draws": 64, "bands": 6, "exact": exact, "blind": blind}
    return ConditionMeter(IMAGES, LABELS, **usual | keywords)


def test_a_model_that_ignores_its_condition_has_advantage_0_in_each_draw():
    for band in meter().read(blind, 0).bands:
        assert (band.advantage.value, band.advantage.se, band.use.value, band.alignment.value) == (0, 0, 0, 0)


def test_unpaired_draws_would_not_be_exactly_0():
    """The difference of two readings under different noise is not: what is measured is paired."""
    first, second = (meter(seed=seed).read(blind, 0).bands for seed in (0, 1))
    assert all(a.loss.value != b.loss.value for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_use_is_the_share_of_the_exact_contrast(share):
    model = lambda x_t, t, c: share * exact(x_t, t, c) + (1 - share) * blind(x_t, t)  # noqa: E731
    for band in meter().read(model, 0).bands:
        assert band.use.value == pytest.approx(share, abs=1e-4)
        assert band.use.low <= share + 1e-4
        assert band.use.high >= share - 1e-4
        assert band.advantage.low > 0


def test_a_contrast_of_the_wrong_sign_is_not_taken_for_use():
    along = meter().read(exact, 0).bands
    against = meter().read(lambda x_t, t, c: 2 * blind(x_t, t) - exact(x_t, t, c), 0).bands
    for right, wrong in zip(along, against, strict=True):
        assert wrong.use.value == pytest.approx(-1, abs=1e-4)
        assert wrong.alignment.value == pytest.approx(-right.alignment.value)


def test_alignment_of_an_exact_model_of_images_of_one_norm_is_half_of_its_advantage():
    """2 <x - x', x> = |x - x'|^2 if |x| = |x'|, as of images on a torus: in each band, so also in the one that decides."""
    images = meter(target="sample", exact=lambda x_t, t, c: render(c), blind=posterior_mean)
    images.read(lambda x_t, t, c: render(c), 0)
    assert images.deciding is not None
    for band in images.readings[0].bands:
        assert band.alignment.value == pytest.approx(band.advantage.value / 2, rel=1e-3)
        assert band.alignment.low > 0


def test_a_condition_that_is_known_above_a_level_alone_is_used_there_alone():
    t_0 = 250
    above = lambda x_t, t, c: torch.where((t > t_0).view(-1, 1, 1, 1), exact(x_t, t, c), blind(x_t, t))  # noqa: E731
    border = float(torch.log(ALPHAS_CUMPROD[t_0] / (1 - ALPHAS_CUMPROD[t_0])))
    for band in meter().read(above, 0).bands:
        if band.high < border:
            assert band.use.value == pytest.approx(1, abs=1e-4)
        elif band.low > border:
            assert band.use.value == pytest.approx(0, abs=1e-4)
        else:
            assert 0 <= band.use.value <= 1


def test_a_factor_alone_is_told_from_the_other():
    reading = meter(factors={"x": 0, "y": 1}).read(knows_x, 0)
    x, y = reading.bands_of(exchanged="x"), reading.bands_of(exchanged="y")
    assert all(band.advantage.value == 0 for band in y)
    assert all(band.use.value == 0 for band in y)
    # The exact contrast is that of a model that knows both: where the image tells no y, one that knows x alone makes a part.
    assert all(band.advantage.low > 0 for band in x[:4])
    assert all(0.1 < band.use.value <= 1.05 for band in x)


EVEN = torch.sigmoid(torch.linspace(9, -9, 2000, dtype=torch.float64))
"""alphas_cumprod at evenly spaced log SNR"""


def alpha_sigma(target: str, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the scales of image and noise at the times t, (n, 1, 1, 1), by the definitions of the targets."""
    if target in FLOWS:
        sigma = t.double() if target == "flow" else 1 - t.double()
        alpha = 1 - sigma
    else:
        alpha, sigma = EVEN[t].sqrt(), (1 - EVEN[t]).sqrt()
    return alpha.view(-1, 1, 1, 1), sigma.view(-1, 1, 1, 1)


@pytest.mark.some(1)
@pytest.mark.parametrize("target", TARGETS)
def test_nats_of_an_exact_model_are_those_of_the_label(target):
    """The integral over SNR of what the label removes is the mutual information of image and label, ln M, whatever the
    model predicts: errors of the target have to become errors of the noise."""

    def model(x_t, t, labels):
        alpha, sigma = alpha_sigma(target, t)
        unknown = (labels < 0).all(1).view(-1, 1, 1, 1)
        guess = mean_under(x_t, alpha, sigma)
        x_0 = torch.where(unknown, guess, render(labels.clamp(min=0)))
        noise = (x_t.double() - alpha * x_0) / sigma
        answers = {
            "epsilon": noise,
            "sample": x_0,
            "v": alpha * noise - sigma * x_0,
            "flow": noise - x_0,
            "flow_to_data": x_0 - noise,
        }
        return answers[target]

    gauge = ConditionMeter(
        IMAGES,
        LABELS,
        target=target,
        alphas_cumprod=None if target in FLOWS else EVEN,
        no_condition=torch.full((1, 2), -1.0),
        draws=256,
        bands=20,
    )
    assert gauge.read(model, 0).nats == pytest.approx(math.log(len(LABELS)), rel=0.1)


def test_deciding_band_is_where_only_the_condition_tells():
    by_exact = meter()
    by_exact.read(exact, 0)
    band = by_exact.deciding
    assert band.by == "exact answers"
    removable = [b.removable.value for b in by_exact.readings[0].bands]
    assert removable[-1] < 0.01 * max(removable)  # hardly any noise: the image tells its place

    alone = meter(exact=None, blind=None)
    alone.read(blind, 0)
    assert alone.deciding is None
    alone.read(exact, 1)
    assert alone.deciding.by == "first advantage"


def gave_nats(step: int, *nats: float, se: float = 0.1) -> Reading:
    """Return a reading with so many nats by band."""
    none = Mean(0.0, 0.1)
    bands = [
        Band(
            pairs="held_out",
            exchanged="all",
            low=float(low),
            high=low + 1.0,
            draws=8,
            loss=none,
            advantage=none,
            alignment=none,
            over_none=none,
            nats=value,
            nats_se=se,
        )
        for low, value in enumerate(nats)
    ]
    return Reading(step, 0.0, 8, tuple(bands))


def test_a_band_by_no_condition_stays_until_another_is_clearly_above_it():
    gauge = meter(exact=None, blind=None, no_condition=torch.zeros(1, 2), bands=2)
    gauge.edges = np.array([0.0, 1.0, 2.0])
    courses = {
        "nearly equal": [(1.0, 1.1), (1.1, 1.0), (1.0, 1.1), (1.2, 1.0)],
        "clear": [(1.0, 0.2), (1.0, 0.9), (0.9, 1.0), (0.8, 1.6), (0.7, 1.8)],
        "nothing yet": [(0.0, 0.0), (0.1, 0.2)],
    }
    chosen = {}
    for name, course in courses.items():
        gauge.readings = []
        for step, nats in enumerate(course):
            gauge.readings.append(gave_nats(step, *nats))
            chosen.setdefault(name, []).append(gauge.deciding and gauge.deciding.number)
    assert chosen == {
        "nearly equal": [1, 1, 1, 1],
        "clear": [0, 0, 0, 1, 1],
        "nothing yet": [None, None],
    }


@pytest.mark.slow
def test_nats_have_their_standard_error_over_pairs():
    """Of readings with other draws the nats of a band scatter by about what each says."""
    model = lambda x_t, t, c: torch.where((c < 0).all(1).view(-1, 1, 1, 1), blind(x_t, t), exact(x_t, t, c))  # noqa: E731
    settings = {"exact": None, "blind": None, "bands": 3, "no_condition": torch.full((1, 2), -1.0)}
    readings = [meter(seed=seed, **settings).read(model, 0).bands for seed in range(20)]
    for band in range(2):
        scatter = np.std([bands[band].nats for bands in readings], ddof=1)
        assert np.mean([bands[band].nats_se for bands in readings]) == pytest.approx(scatter, rel=0.5)


def test_what_is_memorized_shows_as_trained_against_held_out():
    """A model that knows the conditions of trained pairs alone."""
    even = (LABELS.sum(1) % 2) == 0

    def model(x_t, t, labels):
        known = (labels.sum(1) % 2 == 0).view(-1, 1, 1, 1)
        return torch.where(known, exact(x_t, t, labels), blind(x_t, t))

    held = ConditionMeter(
        IMAGES[~even],
        LABELS[~even],
        trained=(IMAGES[even], LABELS[even]),
        alphas_cumprod=ALPHAS_CUMPROD,
        draws=64,
        bands=4,
    )
    reading = held.read(model, 0)
    assert all(band.advantage.value == 0 for band in reading.bands_of())
    assert all(mean.low > 0 for mean in reading.memorized())


@pytest.mark.parametrize(
    ("target", "schedule"),
    [
        ("epsilon", {"alphas_cumprod": ALPHAS_CUMPROD}),
        ("sample", {"alphas_cumprod": ALPHAS_CUMPROD}),
        ("v", {"alphas_cumprod": ALPHAS_CUMPROD}),
        ("epsilon", {"log_snr": lambda t: 9 - 18 * t}),
        ("v", {"log_snr": lambda t: -9 + 18 * t}),
        ("flow", {}),
        ("flow_to_data", {}),
    ],
)
def test_every_target_and_time_is_exact_for_a_model_that_knows_the_image(target, schedule):
    """A model that is given the image as its condition can compute the target from x_t and its own time."""

    def model(x_t, t, x_0):
        t = t.double().view(-1, 1, 1, 1)
        if target == "flow":
            alpha, sigma = 1 - t, t
        elif target == "flow_to_data":
            alpha, sigma = t, 1 - t
        elif "log_snr" in schedule:
            snr = schedule["log_snr"](t)
            alpha, sigma = torch.sigmoid(snr).sqrt(), torch.sigmoid(-snr).sqrt()
        else:
            alpha, sigma = scales(t.long().flatten())
        noise = (x_t - alpha * x_0) / sigma
        return {
            "epsilon": noise,
            "sample": x_0.double(),
            "v": alpha * noise - sigma * x_0,
            "flow": noise - x_0,
            "flow_to_data": x_0 - noise,
        }[target]

    reading = ConditionMeter(IMAGES, IMAGES, target=target, draws=16, bands=4, **schedule).read(model, 0)
    for band in reading.bands:
        assert band.loss.value < 1e-3 * max(band.advantage.value, 1)
        assert band.advantage.low > 0


class Noisy(nn.Module):
    """A network with dropout and batch statistics, which a reading must not change."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.5))
        self.out = nn.Conv2d(4, 1, 3, padding=1)
        self.of_label = nn.Linear(2, 4)

    def forward(self, x_t, t, labels):
        return self.out(self.body(x_t) + self.of_label(labels)[:, :, None, None])


def trained(reads: bool, frozen: bool = False) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    torch.manual_seed(0)
    network = Noisy()
    network.body.train(not frozen)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    gauge = meter(draws=8, bands=2, exact=None, blind=None)
    for step in range(4):
        if reads:
            gauge.read(lambda x_t, t, c: network(x_t, t, c), step)
            assert network.training
            assert network.body.training != frozen
        noise = torch.randn(16, 1, SIDE, SIDE)
        loss = (network(noise, None, LABELS[:16]) - noise).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.state_dict(), torch.randn(3)


@pytest.mark.some(1)
@pytest.mark.parametrize("frozen", [False, True])
def test_training_with_readings_is_bitwise_training_without(frozen):
    (with_, after), (without, after_without) = trained(True, frozen), trained(False, frozen)
    assert all(torch.equal(with_[name], without[name]) for name in without)
    assert torch.equal(after, after_without)


class Holder:
    """An object that has a network in an object of its own."""

    def __init__(self, network: nn.Module) -> None:
        self.kept = {"networks": [network]}

    def __call__(self, x_t, t, labels):
        return self.kept["networks"][0](x_t, t, labels)


def within_dict(network: nn.Module):
    networks = {"unet": network}
    return lambda x_t, t, c: networks["unet"](x_t, t, c)


def within_function(network: nn.Module):
    def called(x_t, t, c):
        return network(x_t, t, c)

    return lambda x_t, t, c: called(x_t, t, c)


def within_default(network: nn.Module):
    def called(x_t, t, c, unet=network):
        return unet(x_t, t, c)

    return called


def compiled(network: nn.Module):
    return within_dict(torch.compile(network, backend="eager", fullgraph=True))


@pytest.mark.parametrize(
    "wrapped",
    [Holder, within_dict, within_function, within_default, nn.DataParallel, functools.partial, compiled],
)
def test_a_network_is_left_as_it_is_wherever_the_model_has_it_from(wrapped):
    torch.manual_seed(0)
    network = Noisy()
    network.body[2].eval()
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    modes = [module.training for module in network.modules()]

    read = meter(draws=8, bands=2, exact=None, blind=None).read(wrapped(network), 0)
    assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert read.bands == meter(draws=8, bands=2, exact=None, blind=None).read(network, 0).bands


class Counting(Noisy):
    """A network that counts its calls in a buffer, and goes into training by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x_t, t, labels):
        self.calls += 1
        self.train()
        return super().forward(x_t, t, labels)


def test_buffers_that_a_network_writes_in_evaluation_are_put_back():
    network = Counting()
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    meter(draws=8, bands=2, exact=None, blind=None).read(network, 0)
    assert all(torch.equal(state[name], tensor) for name, tensor in network.state_dict().items())


def test_the_same_reading_twice_is_the_same():
    torch.manual_seed(0)
    network, gauge = Noisy(), meter(exact=None, blind=None)
    first, second = gauge.read(network, 0), gauge.read(network, 1)
    assert first.bands == second.bands


def test_conditions_of_every_form_are_exchanged_together():
    images = IMAGES.float()
    tokens = torch.arange(len(images)).view(-1, 1).repeat(1, 3)
    seen = []

    def as_dict(x_t, t, c):
        seen.append(c)
        assert (c["tokens"][:, 0] == c["tokens"][:, 2]).all()
        assert c["tokens"].dtype == torch.int64
        torch.testing.assert_close(c["image"].double(), IMAGES[c["tokens"][:, 0]], atol=1e-6, rtol=0)
        return x_t

    settings = {"target": "flow", "draws": 16, "bands": 2}
    ConditionMeter(images, {"tokens": tokens, "image": images}, **settings).read(as_dict, 0)
    assert len(seen) == 4

    def as_tuple(x_t, t, c):
        assert isinstance(c, tuple)
        return x_t + c[0].mean()

    ConditionMeter(images, (LABELS, tokens), **settings).read(as_tuple, 0)


def test_only_what_is_named_is_exchanged():
    images, labels = IMAGES.float(), LABELS
    kept = []

    def model(x_t, t, c):
        kept.append((c["prompt"].clone(), c["place"].clone()))
        return x_t

    conditions = {"prompt": torch.arange(len(labels)), "place": labels}
    ConditionMeter(images, conditions, target="flow", draws=16, bands=1, shuffle="place").read(model, 0)
    (prompt, place), (other_prompt, other_place) = kept
    assert torch.equal(prompt, other_prompt)
    assert (place != other_place).any(1).all()


def test_a_partner_has_another_condition_and_each_is_as_likely():
    group = np.array([0, 0, 0, 1, 2, 2])
    own = np.repeat(np.arange(6), 4000)
    other = partners(group, own, np.random.default_rng(0))
    assert (group[own] != group[other]).all()
    counts = np.bincount(other[own == 4], minlength=6)
    assert counts[[4, 5]].tolist() == [0, 0]
    np.testing.assert_allclose(counts[:4], 1000, atol=150)
    classes = torch.tensor([[1.0], [1.0], [2.0]])
    assert groups(classes, None).tolist() in ([0, 0, 1], [1, 1, 0])


@pytest.mark.slow  # forty meters
def test_intervals_hold_what_they_promise():
    """Of 95 % intervals of the advantage about 95 % hold the mean over many draws; draws of one pair are one cluster."""
    model = lambda x_t, t, c: 0.5 * (exact(x_t, t, c) + blind(x_t, t))  # noqa: E731
    bands = range(8)
    readings = [
        meter(draws=64, bands=8, seed=seed, exact=None, blind=None).read(model, 0).bands for seed in range(40)
    ]
    truth = [np.mean([reading[band].advantage.value for reading in readings]) for band in bands]
    held = [
        reading[band].advantage.low <= truth[band] <= reading[band].advantage.high
        for reading in readings
        for band in bands
    ]
    assert 0.9 <= np.mean(held) <= 0.99


@pytest.mark.slow
def test_a_meter_is_saved_with_its_readings_and_goes_on(tmp_path):
    first = meter(factors={"x": 0}, no_condition=torch.full((1, 2), 0.0), trained=(IMAGES, LABELS))
    first.read(blind, 0)
    first.save(tmp_path / "meter.safetensors")
    second = ConditionMeter.load(tmp_path / "meter.safetensors", exact=exact, blind=blind)
    assert second.readings == first.readings
    assert second.read(exact, 10).bands == first.read(exact, 10).bands
    assert list(tmp_path.iterdir()) == [tmp_path / "meter.safetensors"]
    pd_first, pd_second = first.frame(), second.frame()
    assert pd_first.equals(pd_second)


@pytest.mark.parametrize("schedule", [{"log_snr": lambda t: 9 - 18 * t}, {"target": "flow"}])
def test_a_continuous_time_is_saved_too(tmp_path, schedule):
    model = lambda x_t, t, c: x_t * t.view(-1, 1, 1, 1) + c.mean()  # noqa: E731
    first = ConditionMeter(IMAGES, LABELS, draws=8, bands=2, **schedule)
    first.save(tmp_path / "m.safetensors")
    assert ConditionMeter.load(tmp_path / "m.safetensors").read(model, 0).bands == first.read(model, 0).bands


def test_a_loop_reads_every_so_many_steps_and_goes_on_where_it_was(tmp_path):
    class Writer:
        def __init__(self):
            self.scalars = []

        def add_scalar(self, name, value, step):
            self.scalars.append((name, step))

    writer, path = Writer(), tmp_path / "m.safetensors"
    metered = EverySteps(meter(draws=8, bands=2), every=10, path=path, writer=writer)
    steps = [step for step in range(25) if metered(blind, step) is not None]
    assert steps == [0, 10, 20]
    assert ("condition/advantage/snr_-10_-0", 20) in writer.scalars
    resumed = EverySteps(ConditionMeter.load(path), every=10)
    assert [step for step in range(15, 45) if resumed(blind, step) is not None] == [30, 40]


@pytest.mark.parametrize(
    ("steps", "every", "due"),
    [
        (range(1, 22), 10, [1, 10, 20]),
        (range(7, 22), 10, [7, 10, 20]),
        (range(96, 4000, 96), 1000, [96, 1056, 2016, 3072]),
        (range(0, 60, 25), 10, [0, 25, 50]),
    ],
    ids=["lightning", "resumed", "images", "coarse"],
)
def test_readings_are_due_at_the_first_call_and_where_a_multiple_was_passed(steps, every, due):
    metered = EverySteps(meter(draws=2, bands=1), every=every)
    assert [step for step in steps if metered(blind, step) is not None] == due


def test_images_are_written_once_and_each_reading_is_kept(tmp_path):
    path = tmp_path / "m.safetensors"
    gauge = meter(draws=4, bands=2)
    metered = EverySteps(gauge, every=10, path=path)
    metered(blind, 0)
    written = path.stat()
    for step in (10, 20):
        metered(blind, step)
        assert ConditionMeter.load(path).readings == gauge.readings
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)

    gauge.rewind(10)
    metered(blind, 25)
    assert ConditionMeter.load(path).steps == [0, 10, 25]

    gauge.save(path)
    assert list(tmp_path.iterdir()) == [path]
    assert ConditionMeter.load(path).steps == [0, 10, 25]


def test_readings_beside_another_meters_file_are_not_taken_for_its_own(tmp_path):
    path, other = tmp_path / "m.safetensors", tmp_path / "other.safetensors"
    metered = EverySteps(meter(draws=4, bands=2), every=10, path=path)
    metered(blind, 0)
    metered(blind, 10)
    meter(draws=4, bands=2).save(other)
    other.replace(path)  # as a process that ends before it removes the readings of the file that it replaces
    assert ConditionMeter.load(path).readings == []


def test_two_meters_on_one_file_are_refused_at_the_second_ones_reading(tmp_path):
    path = tmp_path / "m.safetensors"
    first, second = (EverySteps(meter(draws=4, bands=2, seed=seed), every=1, path=path) for seed in (0, 1))
    first(blind, 0)
    second(blind, 0)
    with pytest.raises(UserError, match="another meter"):
        first(blind, 1)
    second(blind, 1)
    assert ConditionMeter.load(path).readings == second.meter.readings


def test_a_meter_whose_file_was_removed_is_written_again(tmp_path):
    path = tmp_path / "m.safetensors"
    metered = EverySteps(meter(draws=4, bands=2), every=10, path=path)
    metered(blind, 0)
    path.unlink()
    metered(blind, 10)
    assert ConditionMeter.load(path).steps == [0, 10]


def tensor_bytes(value: object) -> int:
    """Return the bytes of all tensors that an object keeps in its attributes and containers."""
    if isinstance(value, torch.Tensor):
        return value.nbytes
    if isinstance(value, dict):
        return sum(tensor_bytes(entry) for entry in value.values())
    if isinstance(value, list | tuple):
        return sum(tensor_bytes(entry) for entry in value)
    return tensor_bytes(vars(value)) if hasattr(value, "__dict__") and not callable(value) else 0


def test_a_reading_keeps_no_images():
    gauge = meter(draws=8, bands=2)
    before = tensor_bytes(gauge)
    assert before > IMAGES.numel() * 4
    gauge.read(exact, 0)
    assert tensor_bytes(gauge) == before


def test_a_writer_that_cannot_write_is_refused_before_the_loop():
    with pytest.raises(UserError, match=r"^`writer` \(=int\) must be a SummaryWriter or a run of wandb$"):
        EverySteps(meter(), every=10, writer=3)


def test_the_figure_has_the_map_and_the_deciding_band(tmp_path):
    gauge = meter()
    gauge.read(blind, 0)
    with pytest.raises(UserError, match="two readings"):
        gauge.plot()
    gauge.read(exact, 100)
    figure = gauge.plot(tmp_path / "meter.png")
    titles = [axes.get_title() for axes in figure.axes]
    assert any("exact answers" in title for title in titles)
    assert (tmp_path / "meter.png").stat().st_size > 5000
    assert figure._repr_png_().startswith(b"\x89PNG")  # a notebook shows it


LINEAR = {"alphas_cumprod": ALPHAS_CUMPROD}
MASKED = np.ma.masked_equal(IMAGES.numpy(), IMAGES.numpy().min())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ConditionMeter(IMAGES[:1], LABELS[:1], **LINEAR), "two images or more"),
        (lambda: ConditionMeter(IMAGES[:0], LABELS[:0], **LINEAR), "two images or more"),
        (lambda: ConditionMeter(IMAGES, LABELS[:5], **LINEAR), "144 rows"),
        (lambda: ConditionMeter(IMAGES, torch.ones_like(LABELS), **LINEAR), "must differ between pairs"),
        (lambda: ConditionMeter(IMAGES, LABELS, factors={"z": 2}, **LINEAR), "a column, from 0 to 1"),
        (lambda: ConditionMeter(IMAGES, {"a": LABELS}, shuffle="b", **LINEAR), "one of the conditions: 'a'"),
        (lambda: ConditionMeter(IMAGES, LABELS, factors={"all": 0}, **LINEAR), "another name"),
        (lambda: ConditionMeter(IMAGES, LABELS), "one schedule"),
        (lambda: ConditionMeter(IMAGES, LABELS, target="noise", **LINEAR), "one of epsilon, sample"),
        (lambda: ConditionMeter(IMAGES, LABELS, target="flow", **LINEAR), "left out"),
        (
            lambda: ConditionMeter(IMAGES, LABELS, target="v_prediction", **LINEAR),
            "`target` \\(=v_prediction\\) must be v: so it is called here",
        ),
        (
            lambda: ConditionMeter(
                IMAGES, LABELS, alphas_cumprod=SimpleNamespace(alphas_cumprod=ALPHAS_CUMPROD)
            ),
            "must be its table: `scheduler.alphas_cumprod`",
        ),
        (lambda: ConditionMeter(IMAGES, LABELS, alphas_cumprod=ALPHAS_CUMPROD.flip(0)), "no betas"),
        (lambda: ConditionMeter(IMAGES, LABELS, alphas_cumprod=ALPHAS_CUMPROD.flip(0)), "fall with t"),
        (lambda: ConditionMeter(IMAGES, LABELS, alphas_cumprod=2 * ALPHAS_CUMPROD), "from 0 to 1"),
        (lambda: ConditionMeter(IMAGES, LABELS, log_snr=lambda t: (t - 0.5) ** 2), "rise, or fall"),
        (lambda: ConditionMeter((IMAGES * 127).byte(), LABELS, **LINEAR), "floating numbers"),
        (lambda: ConditionMeter(IMAGES * torch.nan, LABELS, **LINEAR), "finite"),
        (lambda: ConditionMeter(IMAGES, LABELS * torch.nan, **LINEAR), "finite"),
        (lambda: ConditionMeter(IMAGES, LABELS, draws=1, **LINEAR), "`draws` \\(=1\\)"),
        (lambda: ConditionMeter(IMAGES, LABELS, bands=True, **LINEAR), "`bands` \\(=True\\)"),
        (lambda: ConditionMeter(IMAGES, LABELS, no_condition=torch.zeros(1, 3), **LINEAR), "like a row"),
        (
            lambda: ConditionMeter(IMAGES, LABELS, no_condition=torch.zeros(3), **LINEAR),
            r"`no_condition` \(of shape \(3,\)\) must have 1 row: one that is like those of `conditions`",
        ),
        (
            lambda: ConditionMeter(IMAGES, LABELS, exact=lambda x_t, t: x_t, **LINEAR),
            r"`exact` must take \(x_t, t, condition\): this one takes \(x_t, t\)",
        ),
        (
            lambda: ConditionMeter(IMAGES, LABELS, exact=exact, blind=lambda x_t: x_t, **LINEAR),
            r"`blind` must take \(x_t, t\): this one takes \(x_t\)",
        ),
        (
            lambda: ConditionMeter(IMAGES, LABELS, **LINEAR | {"target": "eps"}),
            "what the model predicts; did you mean epsilon",
        ),
        (lambda: ConditionMeter(IMAGES, LABELS, blind=blind, **LINEAR), "must come with `exact`"),
        (lambda: ConditionMeter(IMAGES, LABELS, trained=IMAGES, **LINEAR), "two things"),
        (lambda: ConditionMeter("images", LABELS, **LINEAR), "tensor or an array"),
        (
            lambda: ConditionMeter(MASKED, LABELS, **LINEAR),
            "`x_0` \\(144 of 20736 masked\\) must have no mask",
        ),
        (
            lambda: ConditionMeter(IMAGES, (MASKED, LABELS), **LINEAR),
            "`conditions\\[0\\]` .*must have no mask",
        ),
        (lambda: ConditionMeter(IMAGES, LABELS, factors=["x"], **LINEAR), "`factors` \\(=list\\) must name"),
        (lambda: ConditionMeter(IMAGES, LABELS, shuffle=0.5, **LINEAR), "`shuffle` \\(=0.5\\) must be a key"),
        (
            lambda: ConditionMeter(IMAGES, LABELS, alphas_cumprod="linear"),
            "`alphas_cumprod` \\(=str\\) must be a tensor",
        ),
        (lambda: ConditionMeter(IMAGES, LABELS, log_snr=3.0), "`log_snr` \\(=3.0\\) must be a function"),
        (lambda: ConditionMeter(IMAGES, LABELS, log_snr=lambda t: "x"), "one number a time"),
    ],
)
def test_invalid_arguments_are_one_line(make, said):
    with pytest.raises(UserError, match=said) as error:
        make()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda x_t, t, c: x_t[:, :, 1:], "shape of x_t"),
        (lambda x_t, t, c: (x_t,), "must answer a tensor"),
        (lambda x_t, t, c: x_t + 1j * x_t, "floating numbers, not torch.complex64"),
        (lambda x_t, t, c: x_t > 0, "floating numbers, not torch.bool"),
        (None, "`model` \\(=NoneType\\) must be a function or a module"),
        (lambda x_t, t, c: torch.full_like(x_t, torch.nan), "at step 7, in the band of log SNR"),
    ],
)
def test_invalid_answers_are_one_line(model, said):
    gauge = meter()
    with pytest.raises((UserError, NotFinite), match=said) as error:
        gauge.read(model, 7)
    assert "\n" not in str(error.value)
    assert gauge.readings == []


def test_readings_go_forward_or_are_forgotten():
    gauge = meter(draws=8, bands=2)
    gauge.read(blind, 10)
    with pytest.raises(UserError, match="rewind"):
        gauge.read(blind, 10)
    gauge.rewind(9)
    assert gauge.read(blind, 10).step == 10
    assert gauge.evaluations == 2 * 8 * 2


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OSError, match="none/meter"):
        meter(draws=8, bands=2).save(tmp_path / "none" / "meter.safetensors")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        meter(draws=8, bands=2).save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    "process",
    [lambda: torch.device("meta"), lambda: torch.autocast("cpu", torch.bfloat16), torch.inference_mode],
)
def test_draws_do_not_depend_on_the_processs_settings(process):
    """The model itself is called as its training calls it, within the settings of the process."""

    def read() -> list[float]:
        gauge = ConditionMeter(IMAGES.numpy(), LABELS.numpy(), draws=8, bands=2, **LINEAR)
        reading = gauge.read(lambda x_t, t, c: x_t * c.mean(), 0)
        return [band.loss.value for band in reading.bands]

    expected = read()
    with process():
        assert read() == expected


def growing(step: float):
    """Return a model whose use is a logistic curve of the step that passes 0.5 at step 1,000."""
    share = 1 / (1 + math.exp(-(step - 1000) / 150))
    return lambda x_t, t, c: share * exact(x_t, t, c) + (1 - share) * blind(x_t, t)


def test_a_meter_forecasts_when_use_passes_a_level():
    gauge = meter(draws=32, bands=4)
    for step in range(300, 801, 100):
        gauge.read(growing(step), step)
    forecast = gauge.forecast()
    assert forecast.low < 1000 < forecast.high
    # Beside the course itself, the middle is that of small systems: somewhat later, or earlier.
    assert forecast.at - 800 == pytest.approx(WIDENING.middle * 200, rel=1e-2)
    assert gauge.forecast(0.8).at - 800 == pytest.approx(
        WIDENING.middle * (200 + 150 * math.log(4)), rel=1e-2
    )


def test_without_exact_answers_a_forecast_asks_for_a_ceiling():
    gauge = meter(exact=None, blind=None, draws=32, bands=4)
    assert gauge.forecast().answer == "no ceiling"
    for step in range(300, 801, 100):
        gauge.read(growing(step), step)
    assert gauge.forecast().answer == "no ceiling"
    assert gauge.forecast().at is None
    assert str(gauge.forecast()).startswith("no forecast: without exact answers give `ceiling`")
    with pytest.raises(UserError, match=r"`level` \(=50\) must be between 0 and 1"):
        gauge.forecast(level=50)
    with pytest.raises(UserError, match=r"`ceiling` \(=0\) must be above 0"):
        gauge.forecast(ceiling=0)
    assert gauge.forecast(ceiling=1e6).answer in ("not yet", "does not grow", "forecast")


def test_the_page_takes_a_ceiling_from_an_earlier_meter(tmp_path, monkeypatch, capsys):
    """Its own snippet: with the advantage of a model that follows, the forecast is about that of exact answers."""
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[5] / "docs" / "condition_meter.md").read_text()
    (snippet,) = re.findall(r"```python\n(earlier = .*?)```", page, flags=re.DOTALL)
    followed = meter(exact=None, blind=None, draws=128, bands=4)
    followed.read(exact, 0)
    followed.save("earlier.safetensors")

    gauges = [meter(draws=128, bands=4), meter(exact=None, blind=None, draws=128, bands=4)]
    for step in range(300, 801, 100):
        for gauge in gauges:
            gauge.read(growing(step), step)
    known, gauge = gauges
    names = {"phasescope": phasescope, "meter": gauge}
    exec(snippet, names)
    ceiling = names["ceiling"].value
    same_band = known.readings[-1].bands_of()[gauge.deciding.number]
    assert gauge.readings[-1].bands_of()[gauge.deciding.number].advantage.value / ceiling == pytest.approx(
        same_band.use.value, abs=0.1
    )
    assert capsys.readouterr().out.startswith(str(gauge.forecast(ceiling=ceiling)))


@pytest.mark.parametrize(
    "model", [lambda x_t, t: x_t, nn.Linear(SIDE, SIDE), SimpleNamespace(act=lambda x: x).act]
)
def test_a_model_that_takes_no_condition_is_told_what_it_must_take(model):
    with pytest.raises(UserError, match=r"`model` must take \(x_t, t, condition\): this one takes \("):
        meter().read(model, 0)


def test_a_model_with_further_arguments_that_have_defaults_is_read():
    meter().read(lambda x_t, t, c, scale=1.0, *more, **others: scale * exact(x_t, t, c), 0)


def test_images_that_are_bytes_in_disguise_are_told_of(caplog):
    """0 to 255 as floating numbers: finite, and hardly what the model is trained on."""
    meter()
    assert not caplog.records
    ConditionMeter(255 * IMAGES, LABELS, **LINEAR)
    assert "`x_0` has values up to 255" in caplog.text


def test_no_condition_may_be_nan_as_networks_of_phasescope_take_it():
    def model(x_t, t, labels):
        unknown = labels.isnan().all(1).view(-1, 1, 1, 1)
        return torch.where(unknown, 0.0, exact(x_t, t, labels.nan_to_num()))

    gauge = meter(no_condition=torch.full((1, 2), torch.nan))
    assert gauge.read(model, 0).nats > 0
