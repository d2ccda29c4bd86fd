"""Codes whose scores are known beforehand: of one factor a dimension, entangled, redundant, noisy, incomplete."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.linalg import helmert
from scipy.stats import entropy, ortho_group

from helpers.clouds import embed
from phasescope import Factors
from phasescope.measures import clifford_torus, code_of, dci, disentanglement, mig, sap

QUICK = {"permutations": 20, "resamples": 20}
PERIODIC = {"factors": Factors.named(("x", "y"), (32.0, 32.0), ("x", "y"))}
AXES = ("dci_disentanglement", "dci_completeness", "mig", "sap")


def uniform(seed, n=1000, K=2):
    return np.random.default_rng(seed).uniform(0, 32, (n, K))


def values(latents, labels, **settings):
    return {name: s.value for name, s in disentanglement(latents, labels, **QUICK, **settings).items()}


def turn(theta):
    return np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])


@pytest.mark.some(1)
@pytest.mark.parametrize("K", [2, 3, 4])
def test_a_code_of_one_factor_a_dimension_has_every_score_at_its_maximum(K):
    labels = uniform(0, K=K)
    for latents in (labels, labels[:, ::-1], labels * np.arange(1, K + 1) * -3 + 1e3):
        found = disentanglement(latents, labels, **QUICK)
        for name, score in found.items():
            assert score.value == pytest.approx(1, abs=2e-3), name
            assert score.low <= score.value <= score.high <= 1
            assert score.baselines["permuted"] < 0.2, name


def test_a_lattice_of_labels_is_no_obstacle():
    labels = np.stack(np.meshgrid(np.arange(32.0), np.arange(32.0)), axis=-1).reshape(-1, 2)
    found = values(np.float32(labels) / np.float32(3), labels)
    assert min(found.values()) > 0.998


def test_a_factor_that_no_dimension_knows_takes_its_share_of_every_mean():
    labels = uniform(1)
    noise = np.random.default_rng(2).normal(size=(1000, 1))
    found = disentanglement(np.hstack([labels[:, :1], noise]), labels, **QUICK)
    assert found["mig"].detail["label1"] == pytest.approx(1, abs=0.02)
    assert found["mig"].detail["label2"] < 0.02
    assert found["sap"].value == pytest.approx(0.5, abs=0.03)
    assert found["dci_completeness"].detail == pytest.approx({"label1": 1.0, "label2": 0.0}, abs=0.01)


@pytest.mark.some(2)
@pytest.mark.parametrize("degrees", [0, 10, 22.5, 35, 45])
def test_a_rotated_code_has_the_analytic_scores(degrees):
    """With x and y of equal variance, dimension 1 reads x with weight cos and y with weight sin, R^2 cos^2 and sin^2."""
    labels, theta = uniform(3, 6000), np.deg2rad(degrees)
    found = values(labels @ turn(theta), labels)
    share = np.array([np.cos(theta), np.sin(theta)]) / (np.cos(theta) + np.sin(theta))
    concentration = 1 - entropy(share, base=2)
    assert found["dci_disentanglement"] == pytest.approx(concentration, abs=0.02)
    assert found["dci_completeness"] == pytest.approx(concentration, abs=0.02)
    assert found["sap"] == pytest.approx(np.cos(2 * theta), abs=0.06)
    assert found["dci_informativeness"] == pytest.approx(1, abs=1e-3)
    if degrees == 45:
        assert found["mig"] < 0.03


def test_redundant_dimensions_cost_completeness_and_gaps_but_no_disentanglement():
    labels = uniform(4)
    found = disentanglement(labels[:, [0, 0, 1]], labels, **QUICK)
    assert found["dci_disentanglement"].value == pytest.approx(1, abs=1e-3)
    assert found["dci_completeness"].detail["label1"] == pytest.approx(1 - np.log(2) / np.log(3), abs=1e-3)
    assert found["dci_completeness"].detail["label2"] == pytest.approx(1, abs=2e-3)
    for gaps in (found["mig"].detail, found["sap"].detail):
        assert gaps["label1"] == pytest.approx(0, abs=1e-9)
        assert gaps["label2"] == pytest.approx(1, abs=2e-3)


def test_dimensions_of_noise_change_no_score():
    labels = uniform(5)
    noise = np.random.default_rng(6).normal(size=(1000, 6))
    found = values(np.hstack([labels, noise]), labels)
    for name, value in found.items():
        assert value == pytest.approx(1, abs=0.02), name


@pytest.mark.slow
def test_noise_scores_nothing_and_seldom_exceeds_its_permuted_null():
    rng = np.random.default_rng(7)
    above = dict.fromkeys((*AXES, "dci_informativeness"), 0)
    for i in range(20):
        labels = rng.uniform(0, 32, (200, 2))
        found = disentanglement(rng.normal(size=(200, 5)), labels, resamples=20, seed=i)
        for name, score in found.items():
            above[name] += score.value > score.baselines["permuted"]
    # 1 of 20 by chance, and more than 5 once in 3,000 times.
    assert max(above.values()) <= 5


def test_axes_of_a_disentangled_code_score_above_random_axes_and_those_of_a_turned_one_do_not():
    labels = uniform(8)
    noise = np.random.default_rng(9).normal(size=(1000, 4))
    latents = np.hstack([labels / 32, noise])
    aligned = disentanglement(latents, labels, **QUICK)
    turned = disentanglement(
        (latents / latents.std(axis=0)) @ ortho_group.rvs(6, random_state=0), labels, **QUICK
    )
    for name in AXES:
        assert aligned[name].value > aligned[name].baselines["rotated"], name
        assert turned[name].value < aligned[name].baselines["rotated"] + 0.1, name
        assert turned[name].baselines["rotated"] == pytest.approx(
            aligned[name].baselines["rotated"], abs=0.25
        ), name


@pytest.mark.some(1)
@pytest.mark.parametrize("periodic", [False, True])
def test_missing_combinations_change_no_score_of_a_code_of_one_factor_a_dimension(periodic):
    labels = uniform(10, 1400)
    kept = labels[~(labels > 16).all(axis=1)]
    factors = PERIODIC if periodic else {}
    found = values(clifford_torus(kept, **PERIODIC) if periodic else kept, kept, **factors)
    for name, value in found.items():
        assert value == pytest.approx(1, abs=5e-3), name
    one_sided = labels[np.abs(labels[:, 0] - labels[:, 1]) < 12]
    assert min(values(one_sided, one_sided).values()) > 0.99


def test_missing_combinations_do_not_make_an_entangled_code_a_disentangled_one():
    labels = uniform(11, 1400)
    kept = labels[~(labels > 16).all(axis=1)]
    found = values(kept @ turn(np.pi / 4), kept)
    assert found["dci_disentanglement"] < 0.1
    assert found["mig"] < 0.3


@pytest.mark.slow
def test_a_circle_in_two_dimensions_counts_as_its_factors_code():
    labels = uniform(15)
    torus = clifford_torus(labels, **PERIODIC)
    for latents in (torus, torus[:, [2, 0, 1, 3]], torus * [-1, 5, 2, 1] + 3):
        found = values(latents, labels, **PERIODIC)
        for name, value in found.items():
            assert value == pytest.approx(1, abs=0.03), name
    # Each dimension of one plane turned by 45 degrees with its counterpart of the other: both factors everywhere alike.
    tangled = values(torus @ np.kron(turn(np.pi / 4), np.eye(2)), labels, **PERIODIC)
    for name in AXES:
        assert tangled[name] < 0.12, name


@pytest.mark.slow
def test_a_circle_that_is_there_twice_leads_by_nothing_and_is_half_complete():
    labels = uniform(16)
    torus = clifford_torus(labels, **PERIODIC)
    found = disentanglement(np.hstack([torus, torus]), labels, **QUICK, **PERIODIC)
    assert found["dci_disentanglement"].value == pytest.approx(1, abs=2e-3)
    # (log 8 - log 4) / (log 8 - log 2)
    assert found["dci_completeness"].value == pytest.approx(0.5, abs=5e-3)
    assert found["mig"].value == pytest.approx(0, abs=1e-6)
    assert found["sap"].value == pytest.approx(0, abs=1e-6)


def test_open_and_periodic_factors_in_one_code():
    labels = uniform(17)
    circle = clifford_torus(labels, **PERIODIC)[:, :2]
    latents = np.hstack([circle, labels[:, 1:]])
    found = values(latents, labels, factors=Factors.named(("x", "y"), (32.0, 32.0), ("x",)))
    for name, value in found.items():
        assert value == pytest.approx(1, abs=0.03), name


@pytest.mark.slow
def test_all_scores_of_a_snapshot_cost_less_than_ten_decompositions_of_it():
    """By processor time, the least of two: the reference is slowed by whatever slows the scores."""
    labels = uniform(20, 1024)
    latents = embed(clifford_torus(labels, **PERIODIC), 1024)
    latents = latents + 0.1 * np.random.default_rng(21).normal(size=latents.shape)

    def least_s(work: Callable[[], Any]) -> float:
        took = []
        for _ in range(2):
            began = time.process_time()
            work()
            took.append(time.process_time() - began)
        return min(took)

    reference = least_s(lambda: np.linalg.svd(latents))
    assert least_s(lambda: disentanglement(latents, labels, **PERIODIC, reduction="ica")) < 10 * reference


def test_the_same_seed_gives_the_same_scores():
    labels = uniform(22, 200)
    latents = labels + np.random.default_rng(23).normal(size=labels.shape) * 9
    code = code_of(latents, labels, seed=4)
    for measure in (dci, mig, sap):
        assert measure(code, **QUICK, seed=4) == measure(code, **QUICK, seed=4)


def shapes_and_sizes(m: int, n: int = 1000) -> tuple[np.ndarray, Factors]:
    """Labels of one of m shapes, whose names have no order, and a size."""
    rng = np.random.default_rng(24)
    labels = np.stack([rng.permutation(m)[rng.integers(0, m, n)], rng.uniform(0, 1, n)], axis=1)
    return labels.astype(float), Factors.named(("shape", "size"), categorical=("shape",))


@pytest.mark.parametrize("m", [2, 3, 5])
def test_a_dimension_that_names_the_category_and_one_that_is_the_other_factor_lead_by_all(m):
    labels, factors = shapes_and_sizes(m)
    found = values(labels, labels, factors=factors)
    for name in ("mig", "sap", "dci_disentanglement"):
        assert found[name] == pytest.approx(1, abs=0.02), name


@pytest.mark.parametrize("m", [2, 3, 5])
def test_a_linear_probe_reads_categories_from_the_corners_of_their_simplex_and_completely(m):
    labels, factors = shapes_and_sizes(m)
    corners = np.eye(m)[labels[:, 0].astype(int)] @ helmert(m).T
    found = values(np.column_stack([corners, labels[:, 1]]), labels, factors=factors)
    for name in ("dci_informativeness", "dci_disentanglement"):
        assert found[name] == pytest.approx(1, abs=0.02), name
    assert found["dci_completeness"] > 0.97
    if m > 2:
        assert found["sap"] < 0.8, "no one dimension has all of it"


def test_the_correlation_ratio_is_that_of_an_analysis_of_variance():
    rng = np.random.default_rng(25)
    labels, factors = shapes_and_sizes(4, 4000)
    z = rng.normal(size=4)[labels[:, 0].astype(int)] + rng.normal(size=4000)
    found = sap(code_of(np.column_stack([z, rng.normal(size=4000)]), labels, factors), 2, 20)
    groups = [z[labels[:, 0] == value] for value in range(4)]
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    assert found.detail["shape"] == pytest.approx(1 - within / ((z - z.mean()) ** 2).sum(), abs=0.05)


def test_more_categories_than_bins_are_told_apart():
    labels, factors = shapes_and_sizes(14, 3000)
    found = mig(code_of(labels, labels, factors), bins=10, permutations=2, resamples=20)
    assert found.detail["size"] == pytest.approx(1, abs=0.03)
    assert 0.5 < found.detail["shape"] < 1, "ten bins of a dimension cannot say fourteen names"
