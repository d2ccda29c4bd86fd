import numpy as np
import pytest
from scipy.stats import f_oneway

from phasescope.measures import label_variance


def latents_of(rng, signal, noise, draws=4, n=200, features=20):
    return signal * rng.normal(size=(n, features)) + noise * rng.normal(size=(draws, n, features))


@pytest.mark.parametrize(("signal", "noise", "share"), [(0, 1, 0.0), (1, 0, 1.0), (1, 1, 0.5), (1, 3, 0.1)])
@pytest.mark.parametrize("draws", [2, 5])
def test_known_shares(signal, noise, share, draws):
    score = label_variance(latents_of(np.random.default_rng(0), signal, noise, draws))
    assert score.value == pytest.approx(share, abs=0.02)
    deviation = (
        np.sqrt(2 / (200 * 20) * draws / (draws - 1)) / draws
    )  # of the share of noise alone: F's over draws
    assert abs(score.baselines["permuted"]) < 3 * deviation
    if share:
        assert score.low > score.baselines["permuted"]


def test_of_one_feature_it_is_the_f_statistic_of_a_one_way_anova():
    rng = np.random.default_rng(1)
    latents = latents_of(rng, 1, 1, draws=3, n=25, features=1)
    F = f_oneway(*latents[:, :, 0].T).statistic
    assert label_variance(latents).value == pytest.approx((F - 1) / (F - 1 + 3))


def test_without_labels_it_is_zero_on_average_and_at_the_level_of_its_null():
    rng = np.random.default_rng(2)
    scores = [label_variance(latents_of(rng, 0, 1, draws=3, n=40, features=30), seed=i) for i in range(100)]
    values = np.array([score.value for score in scores])
    assert abs(values.mean()) < 3 * values.std() / 10
    assert (values < 0).any()
    # The level is about the second highest of 20 draws, which 2 in 21 exceed: three deviations above that.
    assert sum(score.value > score.baselines["permuted"] for score in scores) <= 100 * 2 / 21 + 3 * 2.9


def test_labels_permuted_in_each_draw_have_no_share():
    rng = np.random.default_rng(4)
    latents = latents_of(rng, 1, 0.1)
    shuffled = np.stack([rng.permutation(draw) for draw in latents])
    assert label_variance(shuffled).value == pytest.approx(0, abs=0.02)


def test_the_interval_covers_the_true_share():
    rng = np.random.default_rng(5)
    scores = [label_variance(latents_of(rng, 1, 1.5, n=100, features=5), seed=i) for i in range(100)]
    truth = 1 / (1 + 1.5**2)
    assert sum(score.low <= truth <= score.high for score in scores) >= 87
