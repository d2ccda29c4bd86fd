"""Known answers: each exact optimum is closest to its own reference, and nats that can be computed by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from phasescope.models.families import DiffusionConfig, Examples, Task
from phasescope.models.families.diffusion import closest_reference
from phasescope.models.families.diffusion.closest_reference import ALIKE, Comparison, Nats, steadied, telling
from phasescope.models.families.diffusion.forecast import information
from phasescope.models.families.diffusion.optimum import PartialOptimum
from phasescope.models.families.diffusion.references import References
from phasescope.worlds import GaussianBump

WORLD = GaussianBump(canvas=16, boundary="periodic")
EPS = DiffusionConfig().build()
TASK = Task.from_world(WORLD, shift_px=4)
REFERENCES = References.from_task(EPS, TASK)
COMPARISON = Comparison.from_task(EPS, TASK, seed=0)
BEST = PartialOptimum.of_grid(EPS, WORLD.render, WORLD.training_labels())
assert BEST is not None
MOST = {"label": math.log(256), "x": math.log(16), "y": math.log(16)}
Answer = Callable[[Tensor, Tensor, Tensor], Tensor]


def answering(x_0: Callable[..., Tensor]) -> Answer:
    """A network's answer from an optimum's."""

    def answer(x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        alpha, sigma = (scale[t].view(-1, 1, 1, 1) for scale in (EPS.schedule.alpha, EPS.schedule.sigma))
        return x_0(x_t, alpha, sigma, labels)

    return answer


@pytest.mark.parametrize("reference", REFERENCES.denoisers, ids=lambda reference: reference.name)
def test_an_exact_optimum_is_closest_to_itself(reference):
    """Or, where its answer is another's that knows less, on that one."""

    def x_0(x_t, alpha, sigma, labels):
        hidden = labels.clone()
        hidden[:, list(reference.hidden)] = torch.nan
        return reference.optimum.x_0(x_t, alpha, sigma, hidden)

    own = COMPARISON.names.index(reference.name)
    for level, found in enumerate(COMPARISON.closest(answering(x_0))):
        if COMPARISON.distinct[own, level]:
            assert found["reference"] == reference.name, found
            assert found["r2"] == pytest.approx(1, abs=1e-3)  # the patch-local optimum is float32
        else:
            other = COMPARISON.names.index(found["reference"])
            assert other < own
            assert found["r2"] > 1 - ALIKE
    assert COMPARISON.distinct[own].any() or reference.name == "posterior mean"


def test_every_rung_can_be_told_apart_somewhere():
    assert COMPARISON.distinct[COMPARISON.names.index("posterior mean")].any()
    assert COMPARISON.distinct[0].all(), "nothing knows less than the mean image"


def test_error_is_that_of_the_images():
    mean_image = REFERENCES.denoisers[0].optimum
    told = COMPARISON.closest(answering(mean_image.x_0))
    assert np.mean([one["error"] for one in told]) == pytest.approx(1, rel=0.05)
    perfect = COMPARISON.closest(answering(BEST.x_0))
    assert max(one["error"] for one in perfect) == pytest.approx(0, abs=1e-6)


def mixed(m: float) -> Answer:
    """f = (1 - m) E[x_0 | x_t, told] + m g, which with any g gains V (1 - m^2) where the optimum gains V."""
    return answering(lambda x_t, *rest: (1 - m) * BEST.x_0(x_t, *rest) + m * torch.tanh(x_t))


@settings(max_examples=6, deadline=None)
@given(share=st.floats(0, 1))
def test_nats_of_a_network_that_has_learnt_in_part(share):
    """(1 - m^2) of what there is to learn, within little more than the interval's width.

    Other signs, or a control variate that takes away more than chance, fail. A factor in the integral does not, since the
    exact optimum's is divided by: `test_the_integral_of_a_gaussian_channel` fails then.
    """
    m = 1 - share
    found = COMPARISON.nats.learned(mixed(m), ["label", "x", "y"], 0)
    for name, most in MOST.items():
        value, low, high = (found[name][key] for key in ("value", "low", "high"))
        assert low - 1e-9 <= value <= high + 1e-9
        assert high - low < 0.25 * most
        assert value == pytest.approx((1 - m**2) * most, abs=0.8 * (high - low) + 1e-9), name


@pytest.mark.slow
def test_intervals_of_nats_hold_the_truth_as_often_as_they_say():
    """Over seeds: 95 % intervals, no wider than the values' spread asks for, about values that are right on average."""
    seeds, shares = range(24), (0.3, 0.7)
    levels, uncertain = COMPARISON.drawn.levels, COMPARISON.errors["posterior mean"]
    of_seeds = [Nats.from_references(EPS, TASK, REFERENCES, levels, uncertain, seed) for seed in seeds]
    for m in shares:
        found = [nats.learned(mixed(m), tuple(MOST)) for nats in of_seeds]
        for name, most in MOST.items():
            value, low, high = (np.array([one[name][k] for one in found]) for k in ("value", "low", "high"))
            truth = (1 - m**2) * most
            assert value.mean() == pytest.approx(truth, rel=0.015), (m, name)
            assert ((low <= truth) & (truth <= high)).mean() > 0.87, (m, name)
            assert (high - low).mean() < 1.6 * (2 * 1.96) * value.std(ddof=1), (m, name)


def test_as_much_chance_is_taken_away_as_weighs_in_the_integral():
    """At a level of large SNR all of it is the network's, at one of small SNR none of a far larger one."""
    rng = np.random.default_rng(0)
    chance = rng.normal(size=(2, 24)) * np.array([[1.0], [100.0]])
    gained = np.stack([5 + chance[0], 3 + rng.normal(size=24)])
    high = steadied(gained, chance, np.array([1e4, 1.0]))
    assert high[0] == pytest.approx(5, abs=0.01)
    assert steadied(gained, -chance, np.array([1e4, 1.0])) == pytest.approx(gained.mean(-1)), "never added"


def test_levels_lie_where_labels_tell():
    """Half of them as the information is: more of them than if all were spread evenly."""
    levels, snr = COMPARISON.drawn.levels, EPS.schedule.log_snr.exp().numpy()
    uncertain = COMPARISON.errors["posterior mean"]
    found = telling(snr, levels, uncertain)
    assert len(found) == len(levels)
    assert (np.diff(found) > 0).all()
    gained = np.cumsum(np.interp(np.arange(len(snr)), levels, uncertain) * np.abs(np.gradient(snr)))
    inside = (gained > 0.1 * gained[-1]) & (gained < 0.9 * gained[-1])
    assert inside[found].mean() > 1.5 * inside.mean()


def test_nats_of_a_network_that_hears_one_factor():
    def hears_x(x_t, alpha, sigma, labels):
        told = labels.clone()
        told[:, 1] = torch.nan
        return BEST.x_0(x_t, alpha, sigma, told)

    found = COMPARISON.nats.learned(answering(hears_x), ["label", "x", "y"], 0)
    assert found["x"]["value"] == pytest.approx(math.log(16), rel=1e-6)
    assert found["y"]["value"] == pytest.approx(0, abs=1e-9)
    assert found["label"]["low"] < math.log(16) < found["label"]["high"]
    assert found["label"]["value"] == pytest.approx(math.log(16), rel=0.25)


def test_the_integral_of_a_gaussian_channel():
    """x_0 ~ N(0, v) has MMSE v / (1 + v SNR): 1/2 ln(1 + v SNR) nats up to the largest SNR (Guo et al. 2005).

    And a constant error's, most of which may lie below the lowest SNR: dropping that fails, as does any factor.
    """
    v = np.array([0.5, 4.0])[:, None]
    for lowest in (1e-4, 0.02):
        snr = np.geomspace(100, lowest, 2000)
        found = information(snr, v / (1 + v * snr))
        assert found == pytest.approx(0.5 * np.log1p(v[:, 0] * 100), rel=1e-3)
    flat = information(np.geomspace(100, 40, 2000), np.full(2000, 3.0))
    assert flat == pytest.approx(0.5 * 3 * 100, rel=1e-3), "40 % of it below the lowest SNR"


def examine(withheld: str, world: GaussianBump = WORLD) -> dict:
    task = Task.from_world(world, withheld=withheld)
    labels = task.training[:8].reshape(2, 4, -1)
    examples = Examples(task, world.shape, labels, 0, torch.device("cpu"))
    family = DiffusionConfig().build()
    known = family.references(examples)
    again = DiffusionConfig().build()  # after a resumption: the references are read, the denoisers answer
    network = lambda x_t, t, labels: torch.zeros_like(x_t)  # noqa: E731
    found = family.examine(network, examples, known)
    recorded = again.examine(network, examples, known)
    assert recorded.keys() == found.keys()
    for name in {"denoising", "closest_reference"} & found.keys():
        assert [pytest.approx(one) for one in found[name]] == recorded[name]
    for name, nats in found.get("nats", {}).items():
        assert recorded["nats"][name] == pytest.approx(nats)
    return {**found, "known": known["reference_denoisers"]}


@pytest.mark.parametrize(
    ("withheld", "names"), [("never", None), ("label", {"label"}), ("factors", {"label", "x", "y"})]
)
def test_nats_are_told_of_what_was_left_out(withheld, names):
    found = examine(withheld)
    assert len(found["closest_reference"]) == 12
    if names is None:
        assert "nats" not in found
    else:
        assert set(found["nats"]) == names
        assert all(one["value"] == pytest.approx(0, abs=1e-9) for one in found["nats"].values())


def test_some_training_images_alone_leave_factors_untold():
    world = GaussianBump(canvas=16, design={"kind": "grid", "keep": 100})
    found = examine("factors", world)
    assert set(found["known"]["left_out"]) == {"x known", "y known"}
    assert found["known"]["nats"]["label"] == pytest.approx(math.log(100))
    known = {"mean image", "Wiener", "label", "posterior mean", "patch-local optimum, 7 px"}
    assert {level["reference"] for level in found["closest_reference"]} <= known


def test_a_world_without_references_is_still_examined():
    wide = GaussianBump(canvas=65, design={"kind": "grid", "dx": 8.0, "dy": 8.0})
    known, compared = closest_reference.summary_of(EPS, Task.from_world(wide), 0)
    assert compared is None
    assert "at most 4096" in known["left_out"]["closest_reference"]
    assert "closest_reference" not in examine("never", wide)


def test_a_run_without_recorded_references_resumes_without():
    task = Task.from_world(WORLD)
    examples = Examples(task, WORLD.shape, task.training[:8].reshape(2, 4, -1), 0, torch.device("cpu"))
    found = EPS.examine(lambda x_t, t, labels: x_t, examples, {"unconditional": [1.0, 1.0]})
    assert set(found) == {"denoising"}
