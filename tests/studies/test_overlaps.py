"""Overlaps of images as a graph, and where it percolates: lattices whose thresholds are known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from phasescope.worlds import GaussianBump
from studies.percolate.overlaps import critical_share, overlap_graph


def images_of(labels: np.ndarray, sigma_px: float = 1.0, canvas: int = 24) -> np.ndarray:
    world = GaussianBump(canvas=canvas, sigma_px=sigma_px, boundary="periodic")
    return world.render(torch.from_numpy(labels.astype(np.float32))).numpy()


def lattice(canvas: int = 24, sigma_px: float = 1.0) -> np.ndarray:
    world = GaussianBump(canvas=canvas, sigma_px=sigma_px, boundary="periodic")
    return images_of(world.training_labels(), sigma_px, canvas)


@given(st.floats(0.1, 6), st.floats(0.8, 1.6), st.floats(0.02, 0.95))
def test_bumps_overlap_as_their_distance_says(apart, sigma_px, threshold):
    overlap = math.exp(-(apart**2) / (4 * sigma_px**2))
    if abs(overlap - threshold) < 0.02:
        return
    images = images_of(np.array([[8.3, 9.1], [8.3 + apart, 9.1]]), sigma_px)
    graph = overlap_graph(images, threshold, background=np.ones((1, 24, 24)))
    assert graph.sum() == (2 if overlap > threshold else 0)


@pytest.mark.parametrize(("threshold", "neighbours", "expected"), [(0.7, 4, 0.593), (0.5, 8, 0.407)])
def test_a_lattice_percolates_where_site_percolation_says(threshold, neighbours, expected):
    """Bumps a px apart overlap by 0.78, across the diagonal by 0.61, two apart by 0.37; a finite lattice is early."""
    graph = overlap_graph(lattice(), threshold)
    assert graph.sum() == neighbours * 24**2
    assert critical_share(graph, orders=10).share == pytest.approx(expected, abs=0.08)


def test_what_never_hangs_together_and_what_always_does_say_so():
    islands = overlap_graph(lattice(), 0.9)
    assert not islands.any()
    assert math.isnan(critical_share(islands).share)
    everything = overlap_graph(lattice(), 1e-12)
    assert critical_share(everything) == (pytest.approx(16 / 24**2), True)


def test_an_image_of_nothing_overlaps_with_none():
    images = np.concatenate([images_of(np.array([[3, 3], [3, 3]])), np.ones((2, 1, 24, 24), dtype="f4")])
    graph = overlap_graph(images, 0.5, background=np.ones((1, 24, 24)))
    assert graph.sum() == 2
