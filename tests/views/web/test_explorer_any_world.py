"""The explorer on runs of any world: painted where the kinds are ours, and never imported where they are not."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from helpers.explored import explorer, page_of
from helpers.packets import unpacked
from helpers.runs_of_any_world import FOUR, ONE, OUTCOMES, write_made_run
from phasescope import Run, RunConfig, Site, UserError
from phasescope.runs.store import hold
from phasescope.runs.trained.change import Change
from phasescope.runs.trained.session import SampleRequest, SnapshotSampler
from phasescope.runs.training.description import describe
from phasescope.views.web.samples import sample_packet


@pytest.mark.parametrize("reads", [False, True])
@pytest.mark.parametrize("factors", [ONE, FOUR])
def test_the_page_of_a_run_says_what_its_world_says(tmp_path, factors, reads):
    page = page_of(write_made_run(tmp_path / "made", factors=factors, reads=reads))
    assert [factor["name"] for factor in page["factors"]] == list(factors.names)
    assert page["factors"][0]["words"] == f"{factors[0].name}, {factors[0].unit}"
    assert page["outcomes"] == (OUTCOMES if reads else [])
    assert page["splits"] == ["seen", "held_out"]
    assert page["names"]["splits"] == {"seen": "seen labels", "held_out": "held out labels"}
    (own,) = (panel for panel in page["panels"] if panel["key"] == "straightness_of_rows")
    assert (own["title"], own["site"], own["lines"][0]["y"][-1]) == ("Straightness of rows", "code", 1.0)
    assert page["latents"] == [{"site": "code", "words": "code", "projections": ["pca"]}]
    row = page["row"]
    assert row["state"] == "done"
    assert row["success"] == pytest.approx(1.0) if reads else row["success"] is None


def test_images_in_colour_readings_and_clouds_travel_as_they_are(tmp_path):
    run = write_made_run(tmp_path / "runs" / "made-00000000", reads=True)
    with explorer(tmp_path / "runs") as client:
        at = f"/api/runs/{run.name}"
        header, arrays = unpacked(client.get(f"{at}/samples?step=100").content)
        _, cloud = unpacked(client.get(f"{at}/cloud?site=code&projection=pca").content)
    stored = run.snapshots[1].samples()
    assert arrays["images"].shape == (20, 6, 10, 3)
    shown = np.moveaxis(arrays["images"] / 127.5 - 1, -1, 1)
    np.testing.assert_allclose(shown, stored["images"], atol=0.005)
    np.testing.assert_array_equal(arrays["read"], stored["labels"])
    assert not arrays["errors"].any()
    assert header["split"] == stored["split"].tolist()
    assert cloud["labels"].shape == (60, 4)


def test_a_source_of_somebodys_own_is_never_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mark = tmp_path / "imported"
    (tmp_path / "made.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    run = write_made_run(tmp_path / "runs" / "made-00000000")
    with explorer(tmp_path / "runs") as client:
        at = f"/api/runs/{run.name}"
        page = client.get(at).json()
        error = page["sampling"]["error"]
        for what in ("generate?label=1,2,1,0.5&step=100", "points?site=code&projection=pca&step=100"):
            answer = client.get(f"{at}/{what}")
            assert answer.status_code == 400
            assert answer.json()["error"] == error
    assert page["row"]["state"] == "done"
    assert "made.py:Things" in error
    assert "phasescope explore --trust" in error
    assert len(error.splitlines()) == 1
    assert not mark.exists()
    assert "made" not in sys.modules


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Images of four factors, one of them a name, in three channels."""
    rng = np.random.default_rng(0)
    axes = np.meshgrid([0, 1, 2], [0, 1], [0, 1, 2], [0, 5], indexing="ij")
    labels = np.stack(axes, axis=-1).reshape(-1, 4).astype(np.float32)
    path = tmp_path_factory.mktemp("data") / "data.npz"
    np.savez(path, images=rng.integers(0, 256, (len(labels), 16, 16, 3), np.uint8), labels=labels)
    return path


@pytest.fixture(scope="module")
def of_arrays(data, tmp_path_factory) -> Run:
    """A run of that data set with random weights."""
    import torch

    described = RunConfig.from_tree(
        {
            "name": "arrays",
            "world": {"kind": "arrays", "file": str(data), "names": ["a", "b", "kind", "d"], "categorical": ["kind"]},
            "network": {"kind": "unet", "widths": [8, 8], "groups": 4, "embedding": {"width": 8}},
            "probing": {"layers": ["mid"], "t": [50]},
        }
    )  # fmt: skip
    torch.manual_seed(0)
    network = described.network.build(described.world.shape, described.world.factors)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    with hold(tmp_path_factory.mktemp("runs") / described.folder, described.tree()) as folder:
        folder.write_json(
            "about.json", describe(described, described.plan_of(described.network.layer_names, ("mid",)))
        )
        with folder.new_snapshot(0) as snapshot:
            (snapshot / "weights.safetensors").write_bytes(safetensors.numpy.save(weights))
        folder.write_status({"state": "done", "step": 0, "steps": 0})
    return Run(folder.path)


def answer(sampler: SnapshotSampler, run: Run, request: SampleRequest):
    return unpacked(sample_packet(sampler.sample(run, 0, request)))


def test_four_factors_are_sampled_in_colour_without_a_reader(of_arrays):
    sampler = SnapshotSampler()
    header, arrays = answer(sampler, of_arrays, SampleRequest((1.0, 0.5, 2.0, 3.0), "ddim", 4))
    assert arrays["image"].shape == (16, 16, 3)
    assert arrays["noisy"].shape == (len(header["strip"]), 16, 16, 3)
    np.testing.assert_array_equal(arrays["noisy"][-1], arrays["image"])
    assert header["outcome"] in ("malformed", "other label", "correct")  # by the nearest training image
    other = answer(sampler, of_arrays, SampleRequest((1.0, 0.5, 0.0, 3.0), "ddim", 4))[1]
    np.testing.assert_array_equal(other["noisy"][0], arrays["noisy"][0])
    usual = answer(sampler, of_arrays, SampleRequest((1.0, 0.5, 2.0, 3.0)))[1]
    assert usual["image"].shape == (16, 16, 3)


def test_four_factors_are_patched_without_a_reader(of_arrays):
    sampler, wish = SnapshotSampler(), SampleRequest((1.0, 0.5, 2.0, 3.0), "ddim", 4)
    for change in (
        Change("mid", "patch", (0.0, 0.5, 1.0, 3.0)),
        Change("mid", "steer", (0.5, 0.0, 0.0, 1.0)),
    ):
        header, arrays = answer(sampler, of_arrays, replace(wish, change=change))
        assert header["went"] == {}
        assert arrays["image"].shape == (16, 16, 3)
    with pytest.raises(UserError, match="an order"):
        sampler.sample(of_arrays, 0, replace(wish, change=Change("mid", "steer", (0.0, 0.0, -1.0, 0.0))))


def test_latents_are_of_labels_that_the_data_set_has(of_arrays):
    sampler, place = SnapshotSampler(), Site("mid", 50)
    labels = np.array([[0, 1, 2, 5], [2, 0, 0, 0]], np.float32)
    assert sampler.latents(of_arrays, 0, labels, place).shape[0] == 2
    with pytest.raises(UserError):
        sampler.latents(of_arrays, 0, labels + 0.25 * (labels == 0), place)
    with pytest.raises(UserError, match="a,b,kind,d"):
        sampler.latents(of_arrays, 0, labels[:, :2], place)
