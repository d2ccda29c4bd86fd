"""What the readings of the study `resolution` say of simulated sheets whose answer is known."""

import numpy as np
import pytest

from phasescope.measures import trustworthiness
from studies.resolution.readings import FEW, NEIGHBOURS, bending, path_order
from studies.resolution.study import ORDERED

SIDE, FEATURES, SHARE = 32, 256, 0.98
ALL = SIDE**2


def cloud(kind: str, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return latents (n, features) and labels (n, 2): `n` places of the grid, on a sheet of some kind, with noise.

    `parts N` cuts the square of labels into N x N parts that are permuted. `bent` repeats nearly every 24 px.
    """
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(SIDE)] * 2), axis=-1).reshape(-1, 2)
    labels = grid[rng.permutation(ALL)[:n]]
    places = labels
    if kind.startswith("parts"):
        cuts = int(kind.split()[1])
        side = SIDE // cuts
        other = rng.permutation(cuts**2)[(labels // side) @ [cuts, 1]]
        places = np.stack([other // cuts, other % cuts], axis=1) * side + labels % side
    if kind == "bent":
        angles = 2 * np.pi * places[:, :, None] / np.array([24, 64])
        waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=1) * np.array([1, 0.45])
        code = waves.reshape(n, -1)
    else:
        code = rng.normal(size=(n, 8)) if kind == "noise" else places / 10
    sheet = (code - code.mean(axis=0)) @ rng.normal(size=(code.shape[1], FEATURES))
    noise = rng.normal(size=sheet.shape) * np.sqrt((1 - SHARE) / SHARE * sheet.var(axis=0).mean())
    return sheet + noise, labels + 1.0


@pytest.mark.some(3)
@pytest.mark.parametrize(
    ("kind", "ordered", "bends"),
    [
        ("noise", False, False),
        ("parts 8", False, False),
        ("parts 4", False, False),
        ("parts 2", False, None),
        ("flat", True, False),
        ("bent", True, True),
    ],
)
def test_paths_along_all_labels_tell_a_bent_sheet_from_a_disordered_one(kind, ordered, bends):
    latents, labels = cloud(kind, ALL)
    assert (path_order(latents, labels) > ORDERED) == ordered
    if bends is not None:
        assert (bending(latents, labels) < 0.9) == bends


def test_few_labels_cannot_tell_a_bent_sheet_from_a_disordered_one():
    bent, parts = (
        trustworthiness(*cloud(kind, FEW), NEIGHBOURS, resamples=20).value for kind in ("bent", "parts 4")
    )
    assert abs(bent - parts) < 0.1
    assert bent < 0.91  # below the threshold of the sheet's phase C
    assert trustworthiness(*cloud("bent", ALL), NEIGHBOURS, resamples=20).value > 0.99
    assert path_order(*cloud("bent", FEW)) < ORDERED


@pytest.mark.slow
def test_a_path_order_is_lost_with_permuted_labels_and_kept_with_more_features():
    latents, labels = cloud("bent", ALL)
    assert abs(path_order(latents, np.random.default_rng(1).permutation(labels))) < 0.1
    assert path_order(np.tile(latents, 2), labels) == pytest.approx(path_order(latents, labels), abs=0.01)
