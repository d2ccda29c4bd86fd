import os

import numpy as np
import pytest

from phasescope import Site, UserError
from phasescope.views.facts.clouds import align, principal_components
from phasescope.views.facts.record import Record
from phasescope.views.web.packets import places_in, stored_cloud


@pytest.fixture(scope="module")
def latents() -> np.ndarray:
    rng = np.random.default_rng(0)
    spread = rng.standard_normal((90, 3)) * (5, 3, 2)
    mixed = spread @ np.linalg.qr(rng.standard_normal((40, 3)))[0].T
    return (mixed + 0.1 * rng.standard_normal((90, 40)) + 7).astype(np.float32)


@pytest.fixture(scope="module")
def points(latents) -> np.ndarray:
    labels = np.random.default_rng(1).uniform(0, 32, (90, 2))
    return align([principal_components(latents)[0]], labels)[-1]


def test_latents_of_the_cloud_lie_where_the_cloud_has_them(latents, points):
    np.testing.assert_allclose(places_in(points, latents, latents), points, atol=2e-4)


def test_the_map_is_affine(latents, points):
    a, b = latents[:5], latents[5:10]
    middle = places_in(points, latents, 0.3 * a + 0.7 * b)
    ends = [places_in(points, latents, one) for one in (a, b)]
    np.testing.assert_allclose(middle, 0.3 * ends[0] + 0.7 * ends[1], atol=1e-4)


def test_what_is_orthogonal_to_the_components_does_not_move(latents, points):
    centred = latents - latents.mean(axis=0)
    directions = np.linalg.svd(centred.astype(float), full_matrices=False)[2]
    moved = places_in(points, latents, latents[:4] + 9 * directions[10])
    np.testing.assert_allclose(moved, points[:4], atol=2e-3)


def test_distances_are_those_of_the_cloud(latents, points):
    """One scale for old and new points: a latent half way from the mean lies half way from the origin."""
    mean = latents.mean(axis=0)
    half = places_in(points, latents, mean + (latents - mean) / 2)
    np.testing.assert_allclose(half, points / 2, atol=2e-4)


def test_latents_without_any_variance_lie_at_the_origin():
    same = np.ones((6, 4), np.float32)
    assert not places_in(np.zeros((6, 3), np.float32), same, same[:2]).any()


def test_a_cloud_is_read_once_and_again_when_a_snapshot_changed(run):
    record = Record(run)
    first = stored_cloud(record, Site("mid", 600), "pca")
    assert first.points.shape == (20, 300, 3)
    assert stored_cloud(Record(run), Site("mid", 600), "pca") is first
    os.utime(record.snapshots[-1].path)
    assert stored_cloud(Record(run), Site("mid", 600), "pca") is not first


def test_umap_is_there_where_the_run_took_it(run):
    record = Record(run)
    found = stored_cloud(record, Site("down3", 600), "umap")
    assert found.shares is None
    assert 0 not in found.steps
    for place, projection in (
        (Site("mid", 600), "umap"),
        (Site("up1", 600), "pca"),
        (Site("mid", 600), "tsne"),
    ):
        with pytest.raises(UserError):
            stored_cloud(record, place, projection)
