import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasescope import Site
from phasescope.views.facts.clouds import align, cloud_of, principal_components, sites_of
from phasescope.views.facts.record import Record


def distances(points):
    return np.linalg.norm(points[:, None] - points, axis=-1)


@pytest.mark.parametrize("shape", [(80, 20), (40, 300), (150, 400), (300, 120)])
def test_components_equal_those_of_the_singular_value_decomposition(shape):
    latents = np.random.default_rng(0).standard_normal(shape) * np.linspace(3, 0.1, shape[1])
    scores, share = principal_components(latents)
    centred = latents - latents.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(scores), np.abs(u[:, :3] * s[:3]), atol=2e-3 * s[0])
    assert share == pytest.approx((s[:3] ** 2).sum() / (s**2).sum(), rel=1e-4)


def test_constant_and_one_dimensional_latents_have_components():
    assert principal_components(np.ones((10, 5)))[1] == 0
    scores, share = principal_components(np.arange(10.0)[:, None])
    assert share == pytest.approx(1)
    assert not scores[:, 1:].any()


@given(st.integers(0, 1000))
def test_alignment_undoes_any_rotation_or_reflection(seed):
    rng = np.random.default_rng(seed)
    cloud, labels = rng.standard_normal((50, 3)), rng.uniform(0, 32, (50, 2))
    orthogonal = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    first, last = align([cloud @ orthogonal, cloud], labels)
    np.testing.assert_allclose(first, last, atol=1e-4)


def test_alignment_keeps_shapes_and_brings_neighbours_together():
    rng = np.random.default_rng(2)
    labels = rng.uniform(0, 32, (60, 2))
    shape = np.concatenate([labels - labels.mean(axis=0), rng.standard_normal((60, 1))], axis=1)
    turned = [(step + 1) * shape @ np.linalg.qr(rng.standard_normal((3, 3)))[0] + step for step in range(4)]
    aligned = align(turned, labels)
    for before, after in zip(turned, aligned, strict=True):
        ratio = distances(after)[0, 1:] / distances(before)[0, 1:]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)
        assert (after**2).sum(axis=1).mean() == pytest.approx(1, rel=1e-4)
    np.testing.assert_allclose(aligned - aligned[-1], 0, atol=1e-4)
    assert np.corrcoef(aligned[-1, :, 0], labels[:, 0])[0, 1] > 0.99
    assert np.corrcoef(aligned[-1, :, 1], labels[:, 1])[0, 1] > 0.99


def test_clouds_stand_where_latents_are_stored(run):
    record = Record(run)
    assert sites_of(record)[:2] == [Site("mid", 600), Site("down3", 600)]
    steps = [snapshot.step for snapshot in record.snapshots]
    assert cloud_of(record, Site("mid", 600), "pca", record.snapshots).steps == steps
    assert cloud_of(record, Site("down3", 600), "umap", record.snapshots).steps == steps[1:]
    assert cloud_of(record, Site("down3", 50), "umap", record.snapshots) is None
