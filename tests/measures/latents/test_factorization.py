from functools import partial

import numpy as np
import pytest
from scipy.stats import ortho_group

from helpers.clouds import embed
from phasescope import Factors
from phasescope.measures import clifford_torus, factorization, random_latents, torus_3d
from phasescope.measures.latents.factorization import estimate, gradients, shares
from phasescope.measures.latents.variance_components import check_code, fieller_interval, without_excess

M = 10
PERIODIC = {"factors": Factors.named(("x", "y"), [float(M), float(M)], ("x", "y"))}
OPEN = {"factors": Factors.named(("x", "y"), [float(M), float(M)])}


def grid(m=M, keep=1.0, seed=0):
    labels = np.stack(np.meshgrid(*[np.arange(float(m))] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    return labels[np.random.default_rng(seed).random(len(labels)) < keep]


def unit(latents):
    return (latents - latents.mean(axis=0)) / np.sqrt(latents.var(axis=0).sum())


def mixture(labels, share, factors, features=20):
    """Between the tori: index 0 at share 0, 1 at 1; each of variance 1."""
    torus, clifford = unit(torus_3d(labels, **factors)), unit(clifford_torus(labels, **factors))
    return embed(np.hstack([np.sqrt(1 - share) * torus, np.sqrt(share) * clifford]), features)


def circle(angle):
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.mark.parametrize("factors", [PERIODIC, OPEN])
@pytest.mark.parametrize("keep", [1.0, 0.7])
def test_the_index_is_zero_at_the_3d_torus_and_one_at_the_clifford_torus(factors, keep):
    labels = grid(keep=keep)
    assert factorization(torus_3d(labels, **factors), labels, **factors).value == pytest.approx(0, abs=1e-9)
    clifford = factorization(embed(clifford_torus(labels, **factors), 30), labels, **factors)
    assert clifford.value == pytest.approx(1, abs=1e-9)
    assert clifford.low == pytest.approx(1, abs=1e-6)
    assert clifford.baselines["torus_3d"] == 0
    assert clifford.baselines["clifford"] == pytest.approx(1, abs=1e-9)
    assert clifford.baselines["permuted"] < 0


def test_f_of_the_3d_torus_is_what_its_equation_gives():
    # Mean squares over all pairs of values, of (R + r cos v) e_u and r sin v, by hand: the covariances of R e_u and of
    # r sin v have traces R^2 and r^2 / 2, r cos v e_u has r^2 / 2; sums over m values divide by m - 1.
    R, r, m = 2.0, 1.0, M
    one = m / (m - 1)
    gamma = r**2 / 2 * one**2
    a, b = R**2 * one - gamma / m, r**2 / 2 * one - gamma / m
    overlap = 2 * (R**2 / 2 * one - gamma / 2 / m) * (-gamma / 2 / m)
    score = factorization(torus_3d(grid(), **PERIODIC), grid(), **PERIODIC)
    assert score.detail["F"] == pytest.approx((a * b - overlap) / ((a + gamma) * (b + gamma)))
    assert score.detail["parallelism x"] == pytest.approx(a / (a + gamma))
    assert score.detail["overlap"] == pytest.approx(overlap / (a * b))


def test_f_is_a_mean_over_moves_as_its_definition_says():
    rng = np.random.default_rng(0)
    labels, z = grid(4), rng.normal(size=(16, 3))
    detail = factorization(z, labels).detail
    z = z.reshape(4, 4, 3)
    moves = z[:, None] - z[None]
    alone, length = [], []
    for x1 in range(4):
        for x2 in range(4):
            if x1 != x2:
                d = moves[x1, x2]
                alone += [d[y] @ d[w] for y in range(4) for w in range(4) if y != w]
                length += [d[y] @ d[y] for y in range(4)]
    assert detail["parallelism label1"] == pytest.approx(np.mean(alone) / np.mean(length))


def test_codes_that_couple_factors_in_other_ways_lie_below_the_3d_torus():
    labels = grid()
    u, v = (2 * np.pi * labels / M).T
    line = labels.sum(axis=1, keepdims=True) @ np.ones((1, 3))
    product = np.einsum("ni,nj->nij", circle(u), circle(v)).reshape(-1, 4)
    for code in (line, product, circle(u)):
        score = factorization(code, labels, **PERIODIC)
        assert score.detail["F"] == pytest.approx(0, abs=0.01)
        assert score.value == pytest.approx(
            -score.detail["F of torus_3d"] / (1 - score.detail["F of torus_3d"]), abs=0.02
        )
    same_plane = factorization(circle(u) + circle(v), labels, **PERIODIC)
    assert same_plane.detail["F"] == pytest.approx(0.5)
    assert same_plane.detail["overlap"] == pytest.approx(0.5)


@pytest.mark.parametrize("draws", [1, 2])
def test_a_code_of_one_factor_is_at_the_bottom_of_the_scale_and_known_to_be(draws):
    code = circle(2 * np.pi * grid()[:, 0] / M)
    score = factorization(code if draws == 1 else np.stack([code] * draws), grid(), **PERIODIC)
    assert score.detail["F"] == 0
    assert score.detail["parallelism x"] == pytest.approx(1)
    assert np.isnan([score.detail["parallelism y"], score.detail["overlap"]]).all()
    assert score.low == score.value == score.high


def test_a_sheet_is_factorized():
    assert factorization(grid() / 10, grid()).value == pytest.approx(1)


def test_any_two_curves_in_orthogonal_subspaces_are_factorized_however_rough_or_unlike_in_size():
    rng = np.random.default_rng(17)
    x, y = grid().astype(int).T
    code = np.hstack([rng.normal(size=(M, 3))[x], 100 * rng.normal(size=(M, 4))[y]])
    assert factorization(code @ ortho_group.rvs(7, random_state=1), grid()).value == pytest.approx(1)


@pytest.mark.parametrize("features", [5, 500])
def test_random_latents_are_not_factorized_however_orthogonal(features):
    labels = grid()
    score = factorization(random_latents(len(labels), features), labels, **PERIODIC)
    assert score.detail["F"] == pytest.approx(0, abs=0.02)
    assert score.value == pytest.approx(score.baselines["random"], abs=0.05)


def test_permuted_labels_have_no_factorization():
    labels = grid()
    shuffled = np.random.default_rng(1).permutation(clifford_torus(labels, **PERIODIC))
    score = factorization(shuffled, labels, **PERIODIC)
    assert score.detail["F"] == pytest.approx(0, abs=0.05)
    # The level is that of 95 % of 20 draws about F = 0.
    assert abs(score.value - score.baselines["permuted"]) < 0.1


def test_index_rises_from_torus_to_torus():
    values = [
        factorization(mixture(grid(), s, PERIODIC), grid(), **PERIODIC).value for s in np.linspace(0, 1, 6)
    ]
    assert (np.diff(values) > 0).all()
    assert values[0] == pytest.approx(0, abs=1e-9)


SCENARIOS = [
    (PERIODIC, 0.0, 0.1, 1, 1.0),
    (PERIODIC, 0.5, 0.5, 1, 1.0),
    (OPEN, 0.5, 0.1, 3, 1.0),
    (OPEN, 0.0, 1.0, 1, 1.0),
    (PERIODIC, 0.5, 1.0, 3, 1.0),
    (OPEN, 1.0, 0.5, 2, 0.8),
]
"""Factors, share of the Clifford torus, the noise's standard deviation to the code's 1, draws, share of labels kept."""


@pytest.mark.slow
@pytest.mark.parametrize(("factors", "share", "noise", "draws", "keep"), SCENARIOS)
def test_the_interval_covers_f_in_90_to_98_percent_of_200_cases(factors, share, noise, draws, keep):
    labels = grid(8, keep)
    known = factors["factors"]
    around = [name for name, periodic in zip(known.names, known.periodic, strict=True) if periodic]
    factors = {"factors": Factors.named(known.names, [8.0, 8.0], around)}
    code = mixture(labels, share, factors, 8)
    effects = check_code(code, labels, **factors).effects
    # Noise adds its variance to that of moves, and nothing to what holds at every value; draws take it off.
    truth = shares(effects, code @ code.T, -(noise**2) if draws == 1 else 0.0).F
    rng = np.random.default_rng(4)
    held, values = 0, []
    for case in range(200):
        noisy = code + noise * rng.normal(size=(draws, *code.shape)) / np.sqrt(8)
        found, low, high = estimate(check_code(noisy[0] if draws == 1 else noisy, labels, **factors), case)
        held += low <= truth <= high
        values.append(found.F)
    assert 180 <= held <= 196
    assert np.mean(values) == pytest.approx(truth, abs=0.3 * np.std(values))


@pytest.mark.some(1)
@pytest.mark.parametrize(("share", "draws"), [(0.0, 3), (1.0, 3)])
def test_the_interval_covers_f_where_noise_differs_from_label_to_label(share, draws):
    labels = grid(8)
    factors = {"factors": Factors.named(("x", "y"), [8.0, 8.0], ("x", "y"))}
    code = mixture(labels, share, factors, 20)
    truth = shares(check_code(code, labels, **factors).effects, code @ code.T).F
    size = np.sqrt(0.05 * (1 + 0.8 * np.cos(2 * np.pi * labels[:, :1] / 8)) / 20)
    rng = np.random.default_rng(18)
    held = 0
    for case in range(200):
        noisy = code + size * rng.normal(size=(draws, *code.shape))
        _, low, high = estimate(check_code(noisy, labels, **factors), case)
        held += low <= truth <= high
    assert 180 <= held <= 196


def test_the_index_and_its_interval_are_f_and_its_interval_on_the_scale_of_the_tori():
    labels = grid(8)
    code = mixture(labels, 0.3, PERIODIC, 8) + 0.1 * np.random.default_rng(16).normal(size=(64, 8))
    score = factorization(code, labels, **PERIODIC)
    found, low, high = estimate(check_code(code, labels, **PERIODIC))
    torus = score.detail["F of torus_3d"]
    index = (np.array([found.F, low, high]) - torus) / (1 - torus)
    assert [score.value, score.low, score.high] == pytest.approx(index.tolist())


@pytest.mark.slow
def test_several_draws_give_the_index_without_noise_and_one_counts_noise_as_coupling():
    rng = np.random.default_rng(5)
    code = mixture(grid(16), 0.5, {"factors": Factors.named(("x", "y"), [16.0, 16.0], ("x", "y"))})
    factors = {"factors": Factors.named(("x", "y"), [16.0, 16.0], ("x", "y"))}
    noisy = code + 0.7 * rng.normal(size=(4, *code.shape)) / np.sqrt(20)
    clean = factorization(code, grid(16), **factors).value
    of_draws = factorization(noisy, grid(16), **factors)
    assert of_draws.low < clean < of_draws.high
    assert of_draws.high - of_draws.low < 0.2
    assert factorization(noisy[0], grid(16), **factors).high < clean - 0.3


def test_where_draws_show_no_label_the_index_is_unknown():
    noise = np.random.default_rng(6).normal(size=(3, 100, 30))
    score = factorization(noise, grid(), **PERIODIC)
    assert np.isnan(score.value)
    assert (score.low, score.high) == (-np.inf, np.inf)


def test_the_gradient_is_that_of_finite_differences():
    rng = np.random.default_rng(7)
    labels = grid(6, keep=0.8)
    z = rng.normal(size=(len(labels), 5))
    effects = check_code(z, labels).effects
    direction, h = rng.normal(size=z.shape), 1e-6

    def of(y):
        found = shares(effects, y @ y.T, 0.1)
        return np.array([found.part, found.total])

    expected = (of(z + h * direction) - of(z - h * direction)) / (2 * h)
    got = [(g * direction).sum() for g in gradients(effects, 0.1, z)]
    assert got == pytest.approx(expected.tolist(), rel=1e-6)


def test_shares_are_traces_of_the_components_matrices():
    rng = np.random.default_rng(8)
    labels = grid(6, keep=0.8)
    z = rng.normal(size=(len(labels), 5))
    effects = check_code(z, labels).effects
    A, B, gamma = (z.T @ q for q in (effects.main(0, z), effects.main(1, z), effects.interaction(z)))
    found = shares(effects, z @ z.T)
    assert (found.a, found.b) == pytest.approx((np.trace(A), np.trace(B)))
    assert found.ab == pytest.approx(np.trace(A @ B))
    assert found.x == pytest.approx(np.trace(A + gamma))


def test_noise_that_neighbours_do_not_share_is_estimated_without_the_code():
    rng = np.random.default_rng(9)
    labels = grid(16)
    smooth = mixture(labels, 0.0, {"factors": Factors.named(("x", "y"), [16.0, 16.0], ("x", "y"))})
    noise = 0.2 * rng.normal(size=smooth.shape) / np.sqrt(20)
    code = check_code(smooth + noise, labels, Factors.named(("x", "y"), [16.0, 16.0], ("x", "y")))
    total = ((smooth + noise - (smooth + noise).mean(axis=0)) ** 2).sum() / 255
    assert (code.noise**2).sum() / 256 * total == pytest.approx(0.04, rel=0.1)


def test_variances_second_order_part_is_counted_once():
    # Of |z|^2, noise of variance 1 in n numbers with no mean: the variance is 2 n, the squared gradient's mean 4 n.
    once, excess = np.diag([4.0, 1.0]), np.diag([2.0, 3.0])
    np.testing.assert_allclose(without_excess(once, excess), np.diag([2.0, 0.5]))
    np.testing.assert_allclose(without_excess(np.zeros((2, 2)), np.zeros((2, 2))), 0)


def test_fiellers_interval_covers_a_ratio_and_is_everything_where_the_denominator_may_be_zero():
    rng = np.random.default_rng(10)
    covariance = np.array([[0.04, 0.01], [0.01, 0.09]])
    drawn = rng.multivariate_normal([1.0, 1.5], covariance, size=1000)
    intervals = [fieller_interval(part, whole, covariance, 1e9) for part, whole in drawn]
    held = sum(low <= 1 / 1.5 <= high for low, high in intervals)
    assert abs(held - 950) < 3 * np.sqrt(1000 * 0.05 * 0.95)
    assert fieller_interval(1.0, 0.1, covariance, 1e9) == (-np.inf, np.inf)


LABELS = grid(5)
LATENTS = np.random.default_rng(12).normal(size=(25, 3))
CUBE = np.stack(np.meshgrid(*[np.arange(3.0)] * 3), axis=-1).reshape(-1, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            partial(factorization, LATENTS, LABELS, factors=Factors.named(("a", "b"), categorical=("b",))),
            r"`factors` \(b is categorical\) must have an order: noise",
        ),
        (
            partial(factorization, LATENTS[:16], np.kron(np.eye(2), np.ones((2, 1))).repeat(4, axis=0)),
            "`labels` .* repeated",
        ),
        (
            partial(factorization, np.random.default_rng(14).normal(size=(27, 3)), CUBE),
            "`labels` .*K=3.* 2 factors",
        ),
    ],
)
def test_bad_input_of_settings(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bad_input_of_a_lattice_in_pieces():
    corners = np.concatenate([grid(3), grid(3) + 10])
    with pytest.raises(ValueError, match=r"`labels` .*pieces"):
        factorization(np.random.default_rng(15).normal(size=(18, 3)), corners)
