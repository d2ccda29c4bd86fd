import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import OneHotEncoder

from helpers.clouds import embed
from phasescope import Factors
from phasescope.measures import additivity, clifford_torus, random_latents, torus_3d

M = 10
PERIODIC = {"factors": Factors.named(("x", "y"), [float(M), float(M)], ("x", "y"))}


def grid(m=M, keep=1.0, seed=0):
    labels = np.stack(np.meshgrid(*[np.arange(float(m))] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    return labels[np.random.default_rng(seed).random(len(labels)) < keep]


def scattered(n=300, seed=0):
    return np.random.default_rng(seed).uniform(0, M, (n, 2))


def adjusted(plain, m=M):
    return 1 - (1 - plain) * (m**2 - 1) / (m - 1) ** 2


@pytest.mark.parametrize("keep", [1.0, 0.6])
def test_codes_that_are_sums_have_additive_r2_one(keep):
    labels = grid(keep=keep)
    for code in (
        clifford_torus(labels, **PERIODIC),
        labels,
        labels.sum(axis=1, keepdims=True),
        np.exp(labels[:, :1] / 5),
    ):
        score = additivity(embed(code, 12), labels)
        assert score.value == pytest.approx(1)
        assert score.detail["interaction"] == pytest.approx(0, abs=1e-9)
        assert score.low <= score.value <= score.high


def test_a_3d_torus_has_what_its_equation_gives():
    # R e_u and r sin v add up, of variance R^2 + r^2 / 2; r cos v e_u, of variance r^2 / 2, does not.
    score = additivity(torus_3d(grid(), **PERIODIC), grid(), **PERIODIC)
    plain = (2**2 + 1 / 2) / (2**2 + 1)
    assert score.detail["plain"] == pytest.approx(plain)
    assert score.value == score.detail["torus_3d"] == pytest.approx(adjusted(plain))
    assert score.detail["clifford"] == pytest.approx(1)


def test_an_outer_product_code_has_what_its_factors_means_leave():
    # z = f(x) g(y): with means f0, g0 and variances F, G the sums' variance is F g0^2 + G f0^2, that of all F G more.
    rng = np.random.default_rng(1)
    f, g = rng.normal(1.0, 1.0, M), rng.normal(-0.5, 1.0, M)
    x, y = grid().astype(int).T
    F, G, sums = f.var(), g.var(), f.var() * g.mean() ** 2 + g.var() * f.mean() ** 2
    score = additivity((f[x] * g[y])[:, None], grid())
    assert score.detail["plain"] == pytest.approx(sums / (sums + F * G))
    assert score.value == pytest.approx(adjusted(sums / (sums + F * G)))
    circles = additivity(
        np.outer(np.ones(100), [1.0])
        * np.cos(2 * np.pi * x / M)[:, None]
        * np.sin(2 * np.pi * y / M)[:, None],
        grid(),
    )
    assert circles.detail["plain"] == pytest.approx(0, abs=1e-12)


def test_factors_shares_are_those_of_their_variance_and_add_up():
    x, y = 2 * np.pi * grid().T / M
    code = np.stack([3 * np.cos(x), 3 * np.sin(x), np.cos(y), np.sin(y)], axis=1)
    detail = additivity(code, grid()).detail
    total = 99 / 100 * 10 / 9
    assert (detail["label1"] / total, detail["label2"] / total) == pytest.approx((0.9, 0.1))


@pytest.mark.parametrize("keep", [1.0, 0.6])
def test_plain_r2_is_sklearns_regression_on_the_values_of_each_factor(keep):
    rng = np.random.default_rng(2)
    labels = grid(keep=keep)
    z = rng.normal(size=(len(labels), 7)) + torus_3d(labels, **PERIODIC) @ rng.normal(size=(3, 7))
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(labels)
    residual = z - LinearRegression().fit(one_hot, z).predict(one_hot)
    expected = 1 - (residual**2).sum() / ((z - z.mean(axis=0)) ** 2).sum()
    assert additivity(z, labels).detail["plain"] == pytest.approx(expected)


def test_noise_has_none_on_average_and_seldom_exceeds_its_null():
    scores = [additivity(random_latents(100, 4, seed), grid(), seed=seed) for seed in range(60)]
    values = np.array([score.value for score in scores])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(60)
    assert np.mean([score.detail["plain"] for score in scores]) == pytest.approx(18 / 99, abs=0.02)
    # The level is about the second highest of 20 draws, which 2 in 21 exceed.
    assert sum(score.value > score.baselines["permuted"] for score in scores) <= 60 * 2 / 21 + 3 * 2.3


@pytest.mark.some(2)
@pytest.mark.parametrize(
    ("noise", "draws", "keep"), [(0.1, 1, 1.0), (0.7, 1, 0.8), (0.1, 3, 1.0), (1.0, 3, 1.0)]
)
def test_the_interval_covers_the_additive_r2_in_90_to_98_percent_of_200_cases(noise, draws, keep):
    labels = grid(8, keep)
    factors = {"factors": Factors.named(("x", "y"), [8.0, 8.0], ("x", "y"))}
    code = embed(torus_3d(labels, **factors), 8)
    code /= np.sqrt(code.var(axis=0).sum())
    n = len(code)
    whole = n / (n - 1) + noise**2 * (draws == 1)
    part = (1 - additivity(code, labels, permutations=1).value) * n / (n - 1) + noise**2 * (draws == 1)
    rng = np.random.default_rng(3)
    held, values = 0, []
    for case in range(200):
        z = code + noise * rng.normal(size=(draws, *code.shape)) / np.sqrt(8)
        score = additivity(z if draws > 1 else z[0], labels, **factors, permutations=1, seed=case)
        held += score.low <= 1 - part / whole <= score.high
        values.append(score.value)
    assert 180 <= held <= 196
    assert np.mean(values) == pytest.approx(1 - part / whole, abs=0.3 * np.std(values))


def test_where_draws_show_no_label_additivity_is_unknown():
    score = additivity(np.random.default_rng(4).normal(size=(3, 100, 30)), grid())
    assert np.isnan(score.value)
    assert (score.low, score.high) == (-np.inf, np.inf)


def test_three_factors_add_up_too():
    labels = np.stack(np.meshgrid(*[np.arange(4.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    assert additivity(clifford_torus(labels), labels).value == pytest.approx(1)
    signs = np.array([-1.0, 1, 1, -1])
    product = (signs[labels.astype(int)].prod(axis=1))[:, None]
    assert additivity(product, labels).detail["plain"] == pytest.approx(0, abs=1e-12)
