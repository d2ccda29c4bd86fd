import numpy as np
import pytest
import torch

from phasescope import Factors, RunConfig
from phasescope.runs.probing import image_baselines
from phasescope.runs.probing.behaviour import behaviour
from phasescope.runs.probing.image_baselines import excess, nearest_values
from phasescope.studies import nearest_labels
from phasescope.worlds import GaussianBump


def brute_force(training: np.ndarray, labels: np.ndarray, period: float) -> np.ndarray:
    found = []
    for label in labels:
        away = np.abs(training - label)
        away = np.minimum(away, period - away)
        found.append(training[np.argmin((away**2).sum(1))])
    return np.array(found)


def test_the_nearest_label_is_that_of_a_search_and_comes_round():
    rng = np.random.default_rng(0)
    training, labels = rng.uniform(0, 8, (60, 2)), rng.uniform(0, 8, (200, 2))
    torus = Factors.named(["x", "y"], [8.0, 8.0], periodic=["x", "y"])
    np.testing.assert_array_equal(nearest_labels(training, labels, torus), brute_force(training, labels, 8.0))
    open_ = Factors.named(["x", "y"], [8.0, 8.0])
    np.testing.assert_array_equal(nearest_labels(training, labels, open_), brute_force(training, labels, 1e9))


def test_what_is_nearest_is_told_in_shares_of_each_range():
    factors = Factors.named(["x", "y"], [8.0, 80.0])
    training = np.array([[2.0, 0.0], [0.0, 10.0]])
    assert nearest_labels(training, np.array([[0.0, 0.0]]), factors).tolist() == [[0.0, 10.0]]


def test_the_factorized_copier_takes_each_factor_by_itself():
    training = np.array([[0.0, 0.0], [4.0, 6.0]])
    factors = Factors.named(["x", "y"], [8.0, 8.0])
    labels = np.array([[3.9, 0.5], [0.2, 5.0]])
    np.testing.assert_array_equal(nearest_values(training, labels, factors), [[4.0, 0.0], [0.0, 6.0]])
    assert nearest_labels(training, labels, factors).tolist() in ([[0, 0], [4, 6]], [[4, 6], [4, 6]])


N = 16
scored = image_baselines.baseline_accuracies


def accuracies(world, n: int, baseline: str, reading: str = "accuracy") -> dict[str, float]:
    labels = {name: split(n, np.random.default_rng(0)) for name, split in world.splits().items()}
    told = scored(world, labels)[baseline][reading]
    return {split: of["joint"] for split, of in told.items()}


def assert_within_binomial(found: float, expected: float, n: int) -> None:
    assert abs(found - expected) <= 3.5 * np.sqrt(max(expected * (1 - expected), 1 / n) / n)


@pytest.mark.some(1)
@pytest.mark.parametrize(("share", "kind"), [(0.1, "gaussian_bump"), (0.3, "stripes")])
def test_a_random_subset_is_copied_as_often_as_the_closed_form_says(share: float, kind: str):
    """Of a torus of N x N labels lambda N^2: 1 - (1 - lambda)^9, one of the nine within 1 px is trained on."""
    subset = {"kind": "subset", "share": share}
    found = []
    for shuffle in range(6):
        design = {"hold_out": {**subset, "shuffle": shuffle}}
        fields = {"kind": kind, "canvas": N, "boundary": "periodic", "design": design}
        world = RunConfig.from_tree({"world": fields}).world
        trained = len(world.training_labels())
        every = np.concatenate([world.training_labels(), world.design.held(world.factors)["left_out"]])
        right = scored(world, {"grid": every})["nearest_neighbour"]["accuracy_darkest"]["grid"]["joint"]
        found.append(right)
        # those that are trained on are right; of the others eight neighbours, drawn without replacement
        lost = np.prod([(N * N - 1 - trained - i) / (N * N - 1 - i) for i in range(8)])
        expected = trained / N**2 + (1 - trained / N**2) * (1 - lost)
    assert expected == pytest.approx(1 - (1 - share) ** 9, abs=0.03)
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / np.sqrt(6) + 0.02)


@pytest.mark.some(2)
@pytest.mark.parametrize(("W", "expected"), [(2, 1.0), (4, 0.5), (8, 0.25)])
@pytest.mark.parametrize("baseline", ["nearest_neighbour", "per_factor_nearest_neighbour"])
def test_a_lesion_is_copied_at_its_edges_alone(W: int, expected: float, baseline: str):
    """min(1, 2 / W) of places in a lesion of width W whose edges are trained on."""
    lesion = {"kind": "lesion", "axis": "x", "width": W}
    world = GaussianBump.from_tree({"design": {"dx": 0.25, "hold_out": lesion}})
    x = 16 + W * (np.random.default_rng(0).random(200) - 0.5)
    labels = np.stack([x, np.full(200, 9.0)], axis=1).astype(np.float32)
    right = scored(world, {"lesion": labels})[baseline]["accuracy"]["lesion"]["joint"]
    assert_within_binomial(right, expected, 200)


def test_of_a_sparse_grid_a_factorized_copier_knows_each_factor_as_often_as_the_closed_form_says():
    """[1 - (1 - 3 / N)^n]^2: of n random labels one has a value within 1 px of the one that is asked for."""
    n, found = 5, []
    for shuffle in range(8):
        design = {"hold_out": {"kind": "subset", "count": n, "shuffle": shuffle}}
        world = GaussianBump.from_tree({"boundary": "periodic", "canvas": N, "design": design})
        every = world.design.held(world.factors)["left_out"]
        told = scored(world, {"grid": every})["per_factor_nearest_neighbour"]["accuracy_darkest"]["grid"]
        found.append(told["joint"])
    assert np.mean(found) == pytest.approx((1 - (1 - 3 / N) ** n) ** 2, abs=0.1)


def test_whoever_paints_perfectly_exceeds_every_copier_by_all():
    design = {"hold_out": {"kind": "square", "x": [10, 18], "y": [12, 20]}}
    world = GaussianBump.from_tree({"design": design})
    labels = {name: split(32, np.random.default_rng(0)) for name, split in world.splits().items()}
    reader = world.reader()
    every = np.concatenate(list(labels.values()))
    perfect = behaviour(
        reader, reader.read(world.render(torch.from_numpy(every)).numpy()), labels, world.factors
    )
    of_baselines = scored(world, labels)
    found = excess(perfect, of_baselines)["excess"]
    assert set(found) == {"nearest_neighbour", "per_factor_nearest_neighbour", "kernel"}
    assert found["nearest_neighbour"]["accuracy"]["square"] == 1
    assert found["nearest_neighbour"]["accuracy"]["grid"] is None  # there is nothing that it gets wrong
    nearest = excess(of_baselines["nearest_neighbour"], of_baselines)["excess"]["nearest_neighbour"]
    own = nearest["accuracy"]["square"]
    assert own == 0


def test_a_smoother_is_that_of_its_definition():
    """Nadaraya and Watson's mean with Gaussian weights, of the bandwidth that foretells each training image best from the
    others; no image is beyond the nearest 64."""
    rng = np.random.default_rng(0)
    world = GaussianBump.from_tree({"canvas": N, "sigma_px": 2.0})
    training, labels = (rng.uniform(1, N, (n, 2)).astype(np.float32) for n in (40, 20))

    def images(of: np.ndarray) -> np.ndarray:
        return world.render(torch.from_numpy(of)).numpy().reshape(len(of), -1)

    def foretold(away: np.ndarray, width: float) -> np.ndarray:
        weights = np.exp(-((away / width) ** 2) / 2)
        return weights @ images(training) / weights.sum(axis=1, keepdims=True)

    between = np.linalg.norm((training[:, None] - training) / world.factors.span, axis=2) + np.diag(
        [np.inf] * 40
    )
    scale = np.median(between.min(axis=1))
    errors = {
        width: ((foretold(between, width * scale) - images(training)) ** 2).sum()
        for width in image_baselines.BANDWIDTHS
    }
    best = min(errors, key=errors.get)
    assert image_baselines.BANDWIDTHS[0] < best < image_baselines.BANDWIDTHS[-1], "so that a choice is made"
    asked = np.linalg.norm((labels[:, None] - training) / world.factors.span, axis=2)
    found = image_baselines.BASELINES["kernel"](world, training, labels).reshape(20, -1)
    np.testing.assert_allclose(found, foretold(asked, best * scale), atol=1e-4)


def test_a_world_without_a_reader_has_no_shares():
    class Unread(GaussianBump):
        def reader(self):
            return None

    assert scored(Unread(canvas=8), {"grid": np.ones((4, 2), dtype=np.float32)}) == {}
    assert excess({}, {}) == {}
