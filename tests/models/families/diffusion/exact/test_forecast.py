"""What is foretold, against closed forms and what must hold of any data."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from phasescope.models.families import DiffusionConfig, Task
from phasescope.models.families.diffusion.exact.forecast import _time_of
from phasescope.models.families.diffusion.exact.optimum import UnconditionalOptimum
from phasescope.models.families.diffusion.parametrization import error_ratio, prediction_of
from phasescope.worlds import GaussianBump

TORUS = GaussianBump(canvas=16, boundary="periodic")


def task(world: GaussianBump = TORUS, **told) -> Task:
    return Task(world.render, world.training_labels(), world.factors, world.periodic, **told)


def of(predict: str = "eps", world: GaussianBump = TORUS, schedule: str = "linear", **told):
    return DiffusionConfig(predict=predict, schedule=schedule).analysis(task(world, **told)).forecast()


@pytest.fixture(scope="module")
def eps():
    return of(shift_px=8)


def test_information_is_that_of_the_label(eps):
    """1/2 int MMSE dSNR = ln M (Guo et al. 2005): a factor 2, a sum for a mean, or a wrong SNR fail."""
    assert eps["ln_m"] == pytest.approx(math.log(256))
    assert eps["nats"] == pytest.approx(eps["ln_m"], rel=0.02)
    cosine = of(schedule="cosine")
    assert cosine["nats"] == pytest.approx(cosine["ln_m"], rel=0.05)


def test_who_knows_more_errs_less(eps):
    mmse = {name: np.array(errors) for name, errors in eps["mmse"].items() if name != "t"}
    order = ("label", "x known", "posterior mean", "patch-local optimum, 7 px")
    for one, other in pairwise(order):
        assert (mmse[one] <= mmse[other] + 0.15).all(), (one, other)
        assert mmse[one].sum() < mmse[other].sum()
    assert (mmse["posterior mean"] <= mmse["Wiener"] + 0.15).all()
    assert (mmse["Wiener"] <= mmse["mean image"] + 1e-9).all()
    assert mmse["label up to shifts by 8 px"].sum() < mmse["x known"].sum()
    for name in ("x known", "posterior mean", "Wiener"):
        assert (np.diff(mmse[name]) >= 0).all(), name


def test_told_factors_of_a_symmetric_world_tell_as_much(eps):
    x, y = (np.array(eps["mmse"][f"{name} known"]) for name in "xy")
    assert x.sum() == pytest.approx(y.sum(), rel=0.05)


@pytest.mark.slow  # three forecasts
def test_r_prime_is_the_weighted_ratio(eps):
    """By the loss itself: each rung's weighted squared error of the prediction, summed over t."""
    for predict, found in (("eps", eps), ("v", of("v")), ("x", of("x"))):
        diffusion = DiffusionConfig(predict=predict).build()
        snr = diffusion.schedule.log_snr.exp().numpy()
        weight = {"eps": snr, "v": snr + 1, "x": np.ones_like(snr)}[predict]
        t, mmse = found["mmse"]["t"], found["mmse"]
        uncertain, wiener = (np.interp(np.arange(1000), t, mmse[n]) for n in ("posterior mean", "Wiener"))
        expected = (weight * uncertain).sum() / (weight * (wiener - uncertain)).sum()
        assert found["r_prime"] == pytest.approx(expected, rel=0.05)
    assert of("x")["r_prime"] > 5 * of("v")["r_prime"] > 10 * eps["r_prime"]


@pytest.mark.parametrize("predict", ["eps", "x", "v"])
def test_an_error_of_the_image_costs_what_the_ratio_says(predict):
    schedule = DiffusionConfig().build().schedule
    generator = torch.Generator().manual_seed(0)
    x_0, off, noise = (torch.randn(1, 1, 4, 4, generator=generator, dtype=torch.float64) for _ in range(3))
    for t in (3, 400, 990):
        a, s = schedule.alpha[t].view(1, 1, 1, 1), schedule.sigma[t].view(1, 1, 1, 1)
        x_t = a * x_0 + s * noise
        right = prediction_of(predict, x_0, noise, a, s)
        wrong = prediction_of(predict, x_0 + off, (x_t - a * (x_0 + off)) / s, a, s)
        ratio = error_ratio(predict, schedule.log_snr.exp())[t]
        assert ((wrong - right).square().sum() / off.square().sum()).item() == pytest.approx(ratio.item())


@pytest.mark.slow
def test_places_are_decided_where_the_posterior_condenses(eps):
    variance = eps["mmse"]["mean image"][0]
    at = np.interp(eps["t_condensation"], eps["mmse"]["t"], eps["mmse"]["posterior mean"])
    assert 0.1 < at / variance < 0.9
    energy = 4 * math.pi  # c^2 pi s^2 with c = 2, s = 1
    assert eps["snr_condensation"] == pytest.approx(2 * math.log(256) / energy, rel=1e-3)
    widest = 4 * (2 * math.pi) ** 2 * math.exp(-((2 * math.pi / 16) ** 2)) / 16**2
    assert eps["snr_instability"] == pytest.approx(1 / widest, rel=1e-3)
    assert eps["t_instability"] < eps["t_condensation"]
    wide = of(world=GaussianBump(canvas=16, sigma_px=4.0, boundary="periodic"))
    assert wide["t_instability"] > wide["t_condensation"], "wide bumps: the other order"


@pytest.mark.slow
@given(t=st.integers(0, 998), between=st.floats(0, 1))
def test_a_level_is_met_where_the_signal_falls_to_it(t, between):
    log_snr = DiffusionConfig().build().schedule.log_snr.numpy()
    level = math.exp((1 - between) * log_snr[t] + between * log_snr[t + 1])
    assert _time_of(np.exp(log_snr), level) == pytest.approx(t + between, abs=1e-6)


@pytest.mark.slow
def test_a_symmetry_caps_accuracy_and_phases(eps):
    assert eps["cap"] == pytest.approx(0.25)
    assert eps["phases"] == "A, B: nothing tells the place beyond a shift"
    assert of()["cap"] == 1
    assert of()["phases"] == "A, B, C"
    assert of("x")["phases"] == "A, C"


def test_what_cannot_be_had_is_left_out_with_its_reason():
    some = GaussianBump(canvas=16, design={"kind": "grid", "keep": 100})
    found = of(world=some)
    assert set(found["left_out"]) == {"x known", "y known"}
    assert "lacks combinations" in found["left_out"]["x known"]
    assert found["ln_m"] == pytest.approx(math.log(100))


def test_an_optimum_that_would_weigh_too_many_images_is_left_out(monkeypatch):
    monkeypatch.setattr("phasescope.models.families.diffusion.exact.references.MOST_PATCH_LOCAL_WORK", 1e6)
    assert of()["left_out"] == {"patch-local optimum, 7 px": "it would weigh 256 images for each pixel"}


@pytest.mark.parametrize(
    ("world", "told", "message"),
    [
        (GaussianBump(canvas=128), {}, r"`world.shape` \(=\(1, 128, 128\)\) must have at most 4096 numbers"),
        (TORUS, {"patch_px": 17}, r"`patch` \(=17\) must be odd, from 1 to the canvas' side \(=16 px\)"),
        (
            GaussianBump(canvas=16, design={"kind": "grid", "keep": 1}),
            {},
            r"`design` \(of 1 images\) must have at least two",
        ),
    ],
)
def test_bad_input_is_told(world, told, message):
    with pytest.raises(ValueError, match=message):
        of(world=world, **told)


def test_it_is_the_same_again(eps):
    assert of(shift_px=8) == eps


def test_the_optimum_of_all_images_is_the_rung(eps):
    """The curve at one level, by squared errors of other draws."""
    diffusion = DiffusionConfig().build()
    labels = torch.from_numpy(TORUS.training_labels())
    level = eps["mmse"]["t"][16]
    generator = torch.Generator().manual_seed(5)
    some = labels[torch.randint(len(labels), (2000,), generator=generator)]
    x_0 = TORUS.render(some)
    t = torch.full((2000,), level)
    noise = torch.randn(x_0.shape, generator=generator)
    answer = diffusion.x_0_of(
        UnconditionalOptimum(diffusion, TORUS.render, labels), diffusion.noisy(x_0, t, noise), t, some
    )
    error = (answer - x_0).square().flatten(1).sum(1).mean().item()
    assert np.interp(level, eps["mmse"]["t"], eps["mmse"]["posterior mean"]) == pytest.approx(error, abs=1.0)


def test_a_world_whose_images_are_alike_is_told():
    alike = Task(lambda labels: torch.ones(len(labels), 1, 8, 8), TORUS.training_labels(), TORUS.factors)
    with pytest.raises(ValueError, match="`world` must show different images of different labels"):
        DiffusionConfig().analysis(alike).forecast()
