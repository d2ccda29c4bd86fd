import numpy as np
import pytest

from helpers.clouds import battery_names
from phasescope import Factor, Factors
from phasescope.measures import battery, clifford_torus, two_nn

SIDE, PERIOD = 12, 12.0
AROUND = Factors.named(("x", "y"), [PERIOD, PERIOD], ("x", "y"))
AXES = {"dci_disentanglement", "dci_completeness", "dci_informativeness", "mig", "sap"}
NAMES = battery_names()
OF_LATTICE = {"additivity", "factorization"}
OF_DRAWS = {"label_variance", "label_participation_ratio", "sheet_trustworthiness", "label_trustworthiness"}


def lattice() -> np.ndarray:
    return np.stack(np.meshgrid(*[np.arange(SIDE, dtype=float)] * 2), axis=-1).reshape(-1, 2)


def scattered(n: int, K: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, PERIOD, (n, K))


def torus(labels: np.ndarray) -> np.ndarray:
    """A Clifford torus with a little noise: no two neighbours tie."""
    ideal = clifford_torus(labels, AROUND)
    return ideal + 0.01 * np.random.default_rng(1).normal(size=ideal.shape)


def test_all_measures_of_a_torus_on_a_lattice_with_draws():
    labels = lattice()
    latents = torus(labels)
    draws = np.stack([latents, torus(labels)])
    found = battery(latents, labels, AROUND, draws=draws)
    assert set(found) == NAMES
    assert found["probe_r2"].low > 0.9
    assert found["factorization"].low > 0.8
    assert found["participation_ratio"].value == pytest.approx(4, abs=0.2)
    assert found["label_variance"].value == pytest.approx(1, abs=0.02)


def test_what_labels_do_not_suit_is_left_out_and_said():
    labels = scattered(120)
    found = battery(torus(labels), labels, AROUND)
    assert set(found.left_out) == OF_DRAWS | OF_LATTICE
    assert set(found) == NAMES - set(found.left_out)
    assert "must be on a lattice" in found.left_out["factorization"]
    assert "several noise draws" in found.left_out["label_variance"]

    one = scattered(120, 1)
    found = battery(np.hstack([one, one**2]), one)
    assert {*AXES, *OF_LATTICE} <= set(found.left_out)
    assert "must have at least 2 factors" in found.left_out["mig"]
    assert found["probe_r2"].value > 0.9


KINDS = {"open": {}, "periodic": {"periodic": True}, "categorical": {"categorical": True}}


def lattice_with(kind: str, values: int, K: int) -> tuple[np.ndarray, np.ndarray, Factors]:
    """A code that is a sum over K factors, the last one of that kind, labels at every combination of their values."""
    axes = np.meshgrid(*[np.arange(float(values))] * K, indexing="ij")
    labels = np.stack(axes, axis=-1).reshape(-1, K)
    labels = np.tile(labels, (-(-24 // len(labels)), 1))
    factors = Factors(
        Factor(f"f{k}", 0.0, float(values), **(KINDS[kind] if k == K - 1 else {})) for k in range(K)
    )
    rng = np.random.default_rng(values + 10 * K)
    codes = [rng.normal(size=(values, 8))[labels[:, k].astype(int)] for k in range(K)]
    return sum(codes) + 0.05 * rng.normal(size=(len(labels), 8)), labels, factors


@pytest.mark.some(16)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("K", [1, 2, 3, 4])
@pytest.mark.parametrize("values", [2, 3, 4, 5])
def test_on_a_lattice_of_few_values_what_can_be_measured_is_and_the_rest_is_said(kind, K, values):
    latents, labels, factors = lattice_with(kind, values, K)
    draws = np.stack([latents, latents + 0.05])
    found = battery(latents, labels, factors, draws=draws)
    assert set(found).isdisjoint(found.left_out)
    assert {*found, *found.left_out} == NAMES
    assert {"probe_r2", "trustworthiness", "label_variance"} <= set(found)
    assert all(reason and "\n" not in reason for reason in found.left_out.values())
    if K >= 2 and len(labels) >= 80:
        assert set(found) >= AXES
    if K == 2 and values == 5 and kind != "categorical":
        assert set(found) >= OF_LATTICE
    if kind == "categorical":
        assert all("categorical) must have an order" in found.left_out[name] for name in OF_LATTICE)


def test_two_values_of_a_factor_are_no_lattice():
    latents, labels, factors = lattice_with("open", 2, 3)
    with pytest.raises(ValueError, match="must be on a lattice: combinations of few values, 3 at least"):
        battery(latents[:8], labels[:8], factors, chosen=["additivity"])


def shuffled_names(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The last factor's values under other names."""
    renamed = labels.copy()
    renamed[:, -1] = rng.permutation(50)[labels[:, -1].astype(int)]
    return renamed


def test_names_of_categories_change_nothing():
    latents, labels, factors = lattice_with("categorical", 5, 3)
    chosen = ("probe_r2", "trustworthiness", "mig", "sap")
    first = battery(latents, labels, factors, chosen=chosen)
    again = battery(latents, shuffled_names(labels, np.random.default_rng(0)), factors, chosen=chosen)
    for name in chosen:
        assert again[name].value == pytest.approx(first[name].value, abs=1e-6), name


def test_a_category_is_read_from_a_code_that_names_it_and_from_no_other():
    rng = np.random.default_rng(3)
    labels = np.stack([rng.integers(0, 3, 400), rng.uniform(0, 1, 400)], axis=1).astype(float)
    factors = Factors.named(("shape", "size"), categorical=("shape",))
    corners = np.eye(3)[labels[:, 0].astype(int)]
    told = battery(np.column_stack([corners, labels[:, 1]]), labels, factors)
    assert told["probe_r2"].value > 0.999
    chance = battery(np.column_stack([rng.normal(size=(400, 3)), labels[:, 1]]), labels, factors)["probe_r2"]
    assert chance.detail["shape"] < 0.45  # of three classes
    line = battery(labels, labels, factors, chosen=["probe_r2"])["probe_r2"]
    assert line.detail["size"] > 0.999
    assert line.detail["shape"] < 0.9  # the middle one of three values along a line is in no half of it


def test_a_measure_without_value_is_left_out_unless_it_is_asked_for():
    labels = lattice()
    with pytest.raises(ValueError, match="`latents`"):
        two_nn(labels)
    assert "two_nn" not in battery(labels, labels)
    with pytest.raises(ValueError, match="`latents`"):
        battery(labels, labels, chosen=["two_nn"])


def test_bad_input_chosen_is_named_with_what_there_is():
    labels = scattered(100)
    with pytest.raises(ValueError, match=r"`measure` \(=beauty\) must be one of probe_r2, "):
        battery(labels, labels, chosen=["probe_r2", "beauty"])
    with pytest.raises(ValueError, match=r"`draws` \(=None\) must be given"):
        battery(labels, labels, chosen=["probe_r2", "label_variance"])
    with pytest.raises(ValueError, match="not finite"):
        battery(np.where(labels > 5, np.nan, labels), labels)
