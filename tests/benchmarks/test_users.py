"""Trainings as users run them, and what snapshots take of a run."""

import pytest

from benchmarks import users
from benchmarks.timing import Contender, Timing
from benchmarks.users import PARTS, WHOLE, Settings, observed_run, phasescope_train

TINY = ("preset=fast", "network.widths=[4,4,4]", "network.groups=2", "probing.latent_labels=64")
TINY += (
    "probing.variance_labels=16",
    "probing.crossed_labels=0",
    "probing.p1=null",
    "family.sampler.steps=2",
)
TINY += ("probing.images.grid=16", "probing.images.off_grid=16")


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setattr(users, "own_folder", lambda: tmp_path)


@pytest.mark.slow
def test_a_training_without_snapshots_takes_steps_alone(tmp_path):
    built = phasescope_train([*TINY, *users.WITHOUT_SNAPSHOTS], "cpu")
    built.advance(3)
    assert built.facts["batch"] == 16
    (run,) = tmp_path.iterdir()
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 1


def test_the_parts_of_a_snapshot_add_up_to_it(tmp_path):
    facts = observed_run([*TINY, *users.EVERY_STEP], 2, "cpu").facts
    names = {*PARTS, "other"} - {WHOLE}
    assert [set(parts) for parts in facts["snapshots"]] == [names, names]
    assert all(0 <= seconds <= facts["first_s"] for parts in facts["snapshots"] for seconds in parts.values())
    assert not hasattr(PARTS["writing"][0]._write, "__wrapped__")  # the timers are gone


def test_each_training_is_held_against_phasescopes_round_by_round():
    contender = Contender("diffusers", "benchmarks.users:diffusers_script")
    theirs = Timing(contender, {"batch": 8, "parameters": 1}, (2.0, 4.0))
    ours = Timing(Contender("phasescope", ""), {"batch": 8, "parameters": 1}, (1.0, 1.0))
    record = users._of_training(theirs, ours)
    assert record["images_per_s"]["median"] == 3.0
    assert record["phasescope_ratio"] == {"median": 3.0, "low": 2.0, "high": 4.0, "n": 2}
    assert "phasescope_ratio" not in users._of_training(ours, ours)


def test_all_but_the_libraries_scripts_have_equal_batch_and_canvas():
    for contender in Settings(batch=8, canvas=16).trainers():
        told = {"batch": contender.arguments.get("batch"), "canvas": contender.arguments.get("canvas")}
        words = contender.arguments.get("words", ())
        assert told == {"batch": 8, "canvas": 16} or {"training.batch=8", "world.canvas=16"} <= set(words)
