"""A run is observed again by another plan: what comes out is what it would have recorded, and nothing is trained."""

import shutil

import numpy as np
import pytest

from helpers.kept_runs import kept_run
from helpers.tiny import config_of, contents, results
from phasescope import Run, UserError, observe, train
from phasescope.cli import main
from phasescope.models.training import loop

WORDS = ["probing.layers=[up1, down1]", "t=[5, 40]", "probing.bands=3", "latent_labels=80"]
OTHER = {"layers": ["up1", "down1"], "t": [5, 40], "bands": 3, "latent_labels": 80}


@pytest.fixture(scope="module")
def trained(golden, tmp_path_factory):
    """(the run, one that was trained with the other plan)."""
    return golden, kept_run(config_of(probing=OTHER), tmp_path_factory.mktemp("others"))


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "learn", lambda *_: pytest.fail("trained"))
    shutil.copytree(trained[0].path, tmp_path / trained[0].name)
    return Run(tmp_path / trained[0].name)


def test_both_plans_are_observed_of_one_run(trained):
    run, other = trained
    assert run.name == other.name
    assert (
        run.snapshots[-1].weights()["leave.weight"].tobytes()
        == other.snapshots[-1].weights()["leave.weight"].tobytes()
    )
    assert results(run) != results(other)


@pytest.mark.slow
@pytest.mark.usefixtures("untouched_random_streams")
def test_it_is_what_a_run_with_that_plan_records(run, trained):
    before, told = contents(run.path), []
    found = observe(run, WORDS, lambda *counts: told.append(counts))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert results(found) == results(trained[1])
    assert [line["wall_s"] for line in found.metrics] == [line["wall_s"] for line in run.metrics]
    assert found.references == trained[1].references
    assert found.about == trained[1].about
    for mine, its in zip(found.snapshots, trained[1].snapshots, strict=True):
        assert mine.sites == its.sites
        for place in mine.sites:
            assert mine.latents(*place).tobytes() == its.latents(*place).tobytes()
        assert mine.samples()["images"].tobytes() == its.samples()["images"].tobytes()
        np.testing.assert_equal(mine.readings(), its.readings())
    assert found.status["state"] == "done"
    assert found.status["summary"] == trained[1].status["summary"]
    after = contents(run.path)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("observations/") for name in after.keys() - before.keys())
    assert [one.name for one in run.observations] == [found.name]


def test_it_is_shown_measured_and_reported_as_a_run_is(run, capsys):
    found = observe(run, WORDS)
    for words in (["show", str(found.path)], ["measure", str(found.path), "--only", "probe_r2"]):
        assert main(words) == 0, words
    assert "up1" in capsys.readouterr().out


def test_the_runs_own_plan_is_the_run(run):
    before = contents(run.path)
    assert observe(run).path == run.path
    assert observe(run, ["layers=[mid]", "bands=2"]).path == run.path
    assert contents(run.path) == before


@pytest.mark.slow
def test_what_is_observed_already_stays_and_what_was_killed_half_way_goes_on(run, trained):
    def killed(done, of):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        observe(run, WORDS, killed)
    (half,) = run.observations
    assert [line["step"] for line in half.metrics] == [0, 10]
    assert half.status["state"] != "done"
    first = half.snapshots[0].path
    stood = [path.stat().st_mtime_ns for path in sorted(first.iterdir())]
    found = observe(run, WORDS)
    assert found.path == half.path
    assert [path.stat().st_mtime_ns for path in sorted(first.iterdir())] == stood
    assert results(found) == results(trained[1])
    before = contents(found.path)
    assert (
        contents(observe(run, WORDS).path).items()
        >= {k: v for k, v in before.items() if k != "status.json"}.items()
    )


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("layers=[up9]", r"`probing.layers` \(=up9\) must be in the network"),
        ("t=[50]", r"`probing.t` \(=50\) must be a noise level from 0 to 49"),
        ("tapz=[mid]", r"`probing.tapz` \(=\['mid'\]\) is not a field"),
        ("training.steps=3", r"`training.steps` \(=3\) must be a key of `probing`"),
        ("probing=3", r"`probing` \(=3\) must be a key of `probing`"),
        ("layers", r"`layers` must have the form key=value"),
        ("images.rim=16", r"`probing.images.rim` \(=16\) must be of a split of the world: grid, off_grid"),
        ("measures=[none.py:radius]", r"`none.py:radius` must be a file: there is none in"),
    ],
)
def test_a_word_that_is_none_of_the_plan_is_told_and_nothing_is_left(word, message, run, capsys):
    with pytest.raises(UserError, match=message):
        observe(run, [word])
    assert main(["observe", str(run.path), word]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert run.observations == []


def test_a_run_without_weights_is_refused(run):
    for snapshot in run.snapshots:
        (snapshot.path / "weights.safetensors").unlink()
    with pytest.raises(UserError, match="must have snapshots with weights"):
        observe(run, WORDS)


def test_a_run_that_would_be_observed_otherwise_is_not_trained_again_but_says_how(run):
    before = contents(run.path)
    with pytest.raises(UserError, match=r"run, observed otherwise: `probing.layers` .*phasescope observe"):
        train(config_of(probing={"layers": ["up1"]}), run.path.parent)
    assert contents(run.path) == before
