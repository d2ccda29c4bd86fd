"""Nats that can be computed by hand, of networks made of exact optima."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.answers import ANALYSIS, BEST, COMPARISON, EPS, answering
from phasescope.models.families.diffusion.exact.nats import (
    Answer,
    Nats,
    importance_levels,
    with_control_variate,
)

MOST = {"label": math.log(256), "x": math.log(16), "y": math.log(16)}


def mixed(m: float) -> Answer:
    """f = (1 - m) E[x_0 | x_t, told] + m g, which with any g gains V (1 - m^2) where the optimum gains V."""
    return answering(lambda x_t, *rest: (1 - m) * BEST.x_0(x_t, *rest) + m * torch.tanh(x_t))


@pytest.mark.slow
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
    levels, uncertain = COMPARISON.noisy.levels, COMPARISON.errors["posterior mean"]
    known, task = ANALYSIS.reference_denoisers, ANALYSIS.task
    of_seeds = [Nats.from_references(known, task, levels, uncertain, seed) for seed in seeds]
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
    high = with_control_variate(gained, chance, np.array([1e4, 1.0]))
    assert high[0] == pytest.approx(5, abs=0.01)
    assert with_control_variate(gained, -chance, np.array([1e4, 1.0])) == pytest.approx(gained.mean(-1)), (
        "never added"
    )


def test_levels_lie_where_labels_tell():
    """Half of them as the information is: more of them than if all were spread evenly."""
    levels, snr = COMPARISON.noisy.levels, EPS.schedule.log_snr.exp().numpy()
    uncertain = COMPARISON.errors["posterior mean"]
    found = importance_levels(snr, levels, uncertain)
    assert len(found) == len(levels)
    assert (np.diff(found) > 0).all()
    gained = np.cumsum(np.interp(np.arange(len(snr)), levels, uncertain) * np.abs(np.gradient(snr)))
    inside = (gained > 0.1 * gained[-1]) & (gained < 0.9 * gained[-1])
    assert inside[found].mean() > 1.5 * inside.mean()


@pytest.mark.slow
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
