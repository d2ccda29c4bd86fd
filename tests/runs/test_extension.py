"""More steps of a run that is named: with constant rates bitwise the weights of all at once; with others it is refused."""

from __future__ import annotations

import json

import pytest
from tiny import config_of, contents, results, stop_after

from phasescope.cli import main
from phasescope.core.errors import UserError
from phasescope.runs.execution import Start, execute, train
from phasescope.runs.store import Run, hold


def longer(steps=20, **training):
    return config_of(training={"steps": steps, **training})


def start_of(config, runs, extend=None):
    """The first event, and the run at its end."""
    events = list(execute(config, runs, extend=extend))
    assert isinstance(events[0], Start)
    return events[0], Run(runs / config.folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train(longer(), tmp_path_factory.mktemp("whole"))


def test_ten_steps_and_ten_more_are_twenty_at_once(whole, tmp_path):
    short = train(longer(10), tmp_path)
    before = contents(short.path)
    start, run = start_of(longer(), tmp_path, short)
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


def test_a_run_is_named_by_its_folder_or_hash_and_may_lie_elsewhere(whole, tmp_path):
    short = train(longer(10), tmp_path / "others")
    for number, extend in enumerate((short.path, str(short.path), short)):
        run = train(longer(), tmp_path / f"runs{number}", extend=extend)
        assert results(run) == results(whole)
    stopped = stop_after(7, longer(15), tmp_path)
    assert train(longer(), tmp_path, extend=stopped.identity).status["step"] == 20


def test_no_run_is_extended_that_is_not_named(tmp_path):
    train(longer(10), tmp_path)
    start, _ = start_of(longer(), tmp_path)
    assert (start.step, start.origin) == (0, None)


def test_the_same_command_resumes_what_it_began(whole, tmp_path):
    short = train(longer(10), tmp_path)
    events = execute(longer(), tmp_path, extend=short)
    for event in events:
        if event.step == 13:
            events.close()
            break
    start, run = start_of(longer(), tmp_path, short)
    assert (start.step, start.origin) == (13, None)
    assert results(run) == results(whole)


OTHERWISE = {
    "falling rates": (
        {"decay": "cosine"}, {"decay": "cosine"},
        r"`training.steps` \(=20\) must leave the learning rates .*training.steps=10.*decay=cosine .* of step \d would be",
    ),
    "another batch": ({"batch": 8}, {}, r"`training.batch` \(=16\) must be what `.*` has, 8: a run is extended in"),
    "a longer warm-up": ({"warmup": 6}, {}, r"`training.warmup` \(=\d\) must be what"),
    "fewer steps": ({"steps": 30}, {}, r"`training.steps` \(=20\) must be greater than 30, the step"),
}  # fmt: skip


@pytest.mark.some(2)
@pytest.mark.parametrize(("former", "now", "told"), OTHERWISE.values(), ids=list(OTHERWISE))
def test_what_learnt_otherwise_is_refused_by_its_field_and_both_values(former, now, told, tmp_path):
    short = train(config_of(training={"steps": 10, **former}), tmp_path)
    with pytest.raises(UserError, match=told) as caught:
        train(longer(**now), tmp_path, extend=short)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / longer(**now).folder).exists()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"seed": 1}, r"`seed` \(=0\) must be what `.*` has, 1"),
        ({"probing": {"bands": 3}}, r"`probing.bands` \(=\d+\) must be what `.*` has, 3"),
    ],
)
def test_another_seed_and_another_plan_are_refused(fields, told, tmp_path):
    short = train(config_of(training={"steps": 10}, **fields), tmp_path)
    with pytest.raises(UserError, match=told):
        train(longer(), tmp_path, extend=short)


def test_what_learnt_by_other_sources_is_refused(tmp_path):
    short = train(longer(10), tmp_path)
    (short.path / "sources.json").write_text('{"my_networks.py:Net": "0123456789abcdef"}')
    with pytest.raises(
        UserError, match=r"`my_networks.py:Net` \(SHA-256 absent\) must be what .*, 0123456789ab:"
    ):
        train(longer(), tmp_path, extend=short)


def test_within_their_warm_up_falling_rates_are_the_same(tmp_path):
    short = stop_after(4, longer(10, decay="cosine"), tmp_path)
    start, _ = start_of(longer(decay="cosine"), tmp_path, short)
    assert (start.step, start.origin) == (4, short.name)


def test_a_run_that_is_being_written_is_refused(tmp_path):
    short = train(longer(10), tmp_path)
    with (
        hold(short.path, short.config),
        pytest.raises(UserError, match="is being written by another process"),
    ):
        train(longer(), tmp_path, extend=short)
    status = json.loads((short.path / "status.json").read_text())
    (short.path / "status.json").write_text(json.dumps({**status, "state": "failed"}))
    with pytest.raises(
        UserError, match=r"`--extend` \(=.*\) must be a run that is done or was stopped, and is failed"
    ):
        train(longer(), tmp_path, extend=short)
    assert not (tmp_path / longer().folder / "config.yaml").exists()


def test_a_corrupt_or_missing_checkpoint_is_reported(tmp_path):
    short = train(longer(10), tmp_path)
    checkpoint = short.path / "checkpoint" / "state.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-3])
    with pytest.raises(UserError, match="must be a whole checkpoint, and is corrupt"):
        train(longer(), tmp_path, extend=short)
    checkpoint.unlink()
    with pytest.raises(UserError, match=r"must have a checkpoint"):
        train(longer(), tmp_path, extend=short)
    assert not (tmp_path / longer().folder / "config.yaml").exists()


def test_a_copy_that_was_killed_half_way_is_made_anew(whole, tmp_path, monkeypatch):
    import shutil

    short = train(longer(10), tmp_path)
    copytree = shutil.copytree

    def killed(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copytree", killed)
    with pytest.raises(KeyboardInterrupt):
        train(longer(), tmp_path, extend=short)
    monkeypatch.setattr(shutil, "copytree", copytree)
    assert not (tmp_path / longer().folder).exists()
    start, run = start_of(longer(), tmp_path, short)
    assert start.step == 10
    assert results(run) == results(whole)


def test_the_command_refuses_in_one_line_and_exits_with_2(tmp_path, capsys):
    short = train(longer(10), tmp_path)
    words = ["seed=5", "training.steps=20", "training.warmup=3", "--runs", str(tmp_path)]
    assert main(["train", *words, "--extend", short.name]) == 2
    told = capsys.readouterr().err
    assert told.startswith("phasescope: `")
    assert f"must be what `{short.name}` has" in told
    assert told.count("\n") == 1
    assert main(["train", *words, "--extend", short.name, "--anew"]) == 2
    assert "must be left out with --anew" in capsys.readouterr().err
    assert main(["train", *words, "--extend", "nothing"]) == 2
    assert "`RUN` (=nothing) must name a run" in capsys.readouterr().err
