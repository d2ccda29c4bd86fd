"""Each library's own training runs step by step; a run with snapshots is composed of its measured parts."""

from __future__ import annotations

import numpy as np
import pytest

from phasescope.benchmarks import trainers, trainings
from phasescope.benchmarks.timing import Contender, Timing
from phasescope.benchmarks.trainers import SNAPSHOTS, TRAINERS
from phasescope.run import load_config

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own

CANVAS, BATCH = 16, 16


@pytest.mark.parametrize(
    "name", [name for name, trainer in TRAINERS.items() if trainer.build and not trainer.small]
)
def test_a_training_runs_on_over_the_end_of_an_epoch(name, tmp_path, monkeypatch):
    """256 images are 16 batches of 16."""
    if name != "phasescope":
        pytest.importorskip(name.replace("-", "_"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    built = getattr(trainings, TRAINERS[name].build)(device="cpu", **trainers._arguments(name, BATCH, CANVAS))
    built.advance(2)
    built.advance(16)
    assert built.facts["batch"] == BATCH
    assert built.facts["parameters"] > 1e6


def test_png_files_hold_the_training_set(tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    files = sorted(trainings.png_folder(CANVAS).glob("*.png"))
    images, labels = trainings.training_set(CANVAS)
    assert len(files) == len(images) == len(labels) == CANVAS**2
    read = np.asarray(Image.open(files[37]), dtype=np.float32) / 127.5 - 1
    np.testing.assert_allclose(read, images[37, 0].numpy(), atol=1 / 127)


def test_phasescopes_training_takes_a_snapshot_only_where_it_is_told_to():
    plans = {
        name: load_config(words=trainers._arguments(name, 64, 32)["words"]).probing.snapshots
        for name, trainer in TRAINERS.items()
        if trainer.build == "phasescope_train"
    }
    for name, plan in plans.items():
        due = [plan.due(step, last=10**9) for step in (1, 50, 500, 3000)]
        assert due == [name == SNAPSHOTS] * 4


def test_a_run_with_snapshots_is_composed_of_its_parts():
    steps = Timing(Contender("steps", ""), {"batch": 64}, (0.03, 0.03, 0.09), 1.0, 1.0)
    snapshots = Timing(
        Contender("snapshots", ""), {"batch": 64, "first_look_s": 5.0}, (1.03, 1.03, 1.03), 1.0, 1.0
    )
    record = trainers._composed(steps, snapshots)
    config = load_config(words=["preset=small"])
    last = config.training.steps
    taken = len([step for step in range(1, last + 1) if config.probing.snapshots.due(step, last)])
    assert record["snapshots"] == taken
    whole_s = 0.03 * last + 1.0 * taken + 5.0
    assert record["images_per_s"]["median"] == pytest.approx(64 * last / whole_s)
    assert record["observing_share"] == pytest.approx((taken + 5.0) / whole_s)


def test_a_library_without_a_trainer_is_told():
    found = trainers.measure(["azula", "torchcfm"], 1, 1, BATCH, CANVAS, 1, "cpu")
    assert [record["missing"] for record in found] == ["the library ships no trainer"] * 2
