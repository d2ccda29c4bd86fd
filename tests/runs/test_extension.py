"""More steps of a run that is there: with constant rates bitwise the weights of all at once, with others not taken up."""

from __future__ import annotations

import pytest
from tiny import config_of, contents, results, stop_after

from phasescope.errors import UserError
from phasescope.runs.events import Start
from phasescope.runs.execution import execute, train
from phasescope.store import Run, hold


def longer(steps=20, **training):
    return config_of(training={"steps": steps, **training})


def start_of(config, runs):
    """The first event, and the run at its end."""
    events = list(execute(config, runs))
    assert isinstance(events[0], Start)
    return events[0], Run(runs / config.folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train(longer(), tmp_path_factory.mktemp("whole"))


def test_ten_steps_and_ten_more_are_twenty_at_once(whole, tmp_path):
    short = train(longer(10), tmp_path)
    before = contents(short.path)
    start, run = start_of(longer(), tmp_path)
    assert (start.step, start.origin) == (10, short.name)
    assert contents(short.path) == before
    assert run.name == whole.name
    assert results(run) == results(whole)
    for mine, its in zip(run.snapshots, whole.snapshots, strict=True):
        for name, weights in mine.weights().items():
            assert weights.tobytes() == its.weights()[name].tobytes(), name
    assert run.status["state"] == "done"
    assert run.about == whole.about
    assert run.config["training"]["steps"] == 20


def test_a_run_that_was_stopped_is_gone_on_from_where_it_stopped(whole, tmp_path):
    stopped = stop_after(7, longer(15), tmp_path)
    start, run = start_of(longer(), tmp_path)
    assert (start.step, start.origin) == (7, stopped.name)
    assert results(run) == results(whole)


def test_of_several_the_furthest_is_taken_and_of_its_own_folder_the_run_itself(tmp_path):
    for steps in (5, 10):
        train(longer(steps), tmp_path)
    stop_after(12, longer(), tmp_path)
    start, _ = start_of(longer(), tmp_path)
    assert (start.step, start.origin) == (12, None)
    start, _ = start_of(longer(25), tmp_path)
    assert start.step == 20


OTHERWISE = {
    "falling rates": ({"decay": "cosine"}, {"decay": "cosine"}),
    "another seed": ({}, {}),
    "another batch": ({"batch": 8}, {}),
    "a longer warm-up": ({"warmup": 6}, {}),
    "fewer steps": ({"steps": 30}, {}),
}


@pytest.mark.some(2)
@pytest.mark.parametrize(("former", "now"), OTHERWISE.values(), ids=list(OTHERWISE))
def test_what_learnt_otherwise_is_not_taken_up(former, now, tmp_path, request):
    seed = {"seed": 1} if "another seed" in request.node.name else {}
    train(config_of(training={"steps": 10, **former}, **seed), tmp_path)
    start, _ = start_of(longer(**now), tmp_path)
    assert (start.step, start.origin) == (0, None)


def test_what_learnt_by_other_sources_is_not_taken_up(tmp_path):
    short = train(longer(10), tmp_path)
    (short.path / "sources.json").write_text('{"my_networks.py:Net": "0"}')
    assert start_of(longer(), tmp_path)[0].origin is None


def test_within_their_warm_up_falling_rates_are_the_same(tmp_path):
    short = stop_after(4, longer(10, decay="cosine"), tmp_path)
    start, _ = start_of(longer(decay="cosine"), tmp_path)
    assert (start.step, start.origin) == (4, short.name)


def test_a_run_that_is_being_written_is_not_taken_up(tmp_path):
    short = train(longer(10), tmp_path)
    with (
        hold(short.path, short.config),
        pytest.raises(UserError, match="is being written by another process"),
    ):
        train(longer(), tmp_path)
    assert not (tmp_path / longer().folder / "config.yaml").exists()


def test_a_corrupt_checkpoint_is_told(tmp_path):
    short = train(longer(10), tmp_path)
    checkpoint = short.path / "checkpoint" / "state.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-3])
    with pytest.raises(UserError, match="must be a whole checkpoint, and is corrupt"):
        train(longer(), tmp_path)
    assert not (tmp_path / longer().folder / "config.yaml").exists()


def test_a_copy_that_was_killed_half_way_is_made_anew(whole, tmp_path, monkeypatch):
    import shutil

    train(longer(10), tmp_path)
    copytree = shutil.copytree

    def killed(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copytree", killed)
    with pytest.raises(KeyboardInterrupt):
        train(longer(), tmp_path)
    monkeypatch.setattr(shutil, "copytree", copytree)
    assert not (tmp_path / longer().folder).exists()
    start, run = start_of(longer(), tmp_path)
    assert start.step == 10
    assert results(run) == results(whole)


def test_a_run_that_is_observed_otherwise_is_not_the_same_run(tmp_path):
    train(config_of(training={"steps": 10}, probing={"bands": 3}), tmp_path)
    start, _ = start_of(longer(), tmp_path)
    assert (start.step, start.origin) == (0, None)
