"""A watched loop's snapshots are cheap by default: few labels and features; its network is given back for sampling."""

import logging
from typing import Annotated

import numpy as np
import pytest
import torch
from pydantic import Field, TypeAdapter

from helpers.watched import BATCH, FAMILY, WORLD, Net
from phasescope import UserError, watch
from phasescope.core import errors
from phasescope.models.families.diffusion.config.samplers import AnySampler
from phasescope.runs.probing.work import snapshot_work
from phasescope.runs.training import snapshot_cost
from phasescope.runs.training import watch as watching

SAMPLER = TypeAdapter(Annotated[AnySampler, Field(discriminator="kind")])

LABELS = np.array([[2.0, 3.0], [5.0, 1.0]], np.float32)


def watcher_of_defaults(folder, **plan):
    return watch(WORLD, layers=["enter"], family=FAMILY, folder=folder, batch=BATCH, **plan)


@pytest.mark.slow
def test_features_are_a_part_that_stays_the_same_and_is_that_of_the_layer(tmp_path):
    network = Net()
    watcher = watcher_of_defaults(tmp_path / "run", most_features=32)
    for step in (0, 1):
        watcher.record(network, step)
    run = watcher.run
    first, second = (snapshot.latents("enter", 30) for snapshot in run.snapshots)
    assert first.shape[1] == 32
    np.testing.assert_array_equal(first, second)
    assert run.about["most_features"] == 32

    labels = run.snapshots[0].latent_labels()
    read = run.activations("enter.30", labels, network=network)
    np.testing.assert_allclose(read, first, atol=5e-3)

    whole = watcher_of_defaults(tmp_path / "whole", most_features=None)
    whole.record(network, 0)
    of_all = whole.run.snapshots[0].latents("enter", 30)
    assert of_all.shape[1] > 32
    columns = {column.tobytes() for column in of_all.T}
    assert all(column.tobytes() in columns for column in first.T)


def test_by_default_a_snapshot_reads_few_labels_and_features_and_no_umap(tmp_path):
    watcher = watcher_of_defaults(tmp_path / "run")
    line = watcher.record(Net(), 0)
    assert len(watcher.run.snapshots[0].latent_labels()) == watching.LABELS
    assert watcher.config.probing.most_features == watching.FEATURES
    assert "p1_r2" not in line
    assert len(watcher.config.probing.t) == 2


def test_a_folders_plan_is_kept_when_the_loop_is_started_again(tmp_path):
    watcher_of_defaults(tmp_path / "run", latent_labels=64, variance_labels=32).record(Net(), 0)
    again = watcher_of_defaults(tmp_path / "run")
    assert (again.config.probing.latent_labels, again.config.probing.variance_labels) == (64, 32)


def test_costs_are_kept_and_the_first_that_is_slow_is_said_once_with_what_to_turn(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(watching, "SLOW_S", 0.0)
    errors.log_once.cache_clear()
    watcher = watcher_of_defaults(tmp_path / "run", latent_labels=64, variance_labels=32)
    with caplog.at_level(logging.WARNING):
        for step in (0, 1, 2):
            watcher.record(Net(), step)
    (said,) = [record.message for record in caplog.records if "a snapshot of `run` took" in record.message]
    assert "`latent_labels`" in said
    assert [cost.step for cost in watcher.costs] == [0, 1, 2]
    assert all(cost.seconds > 0 and cost.megabytes > 0 for cost in watcher.costs)


def test_what_a_snapshot_will_take_is_said_before_the_first(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(watching, "SLOW_S", 0.0)
    errors.log_once.cache_clear()
    network = Net().train()
    watcher = watcher_of_defaults(tmp_path / "run", latent_labels=64, variance_labels=32)
    states = torch.random.get_rng_state()
    with caplog.at_level(logging.WARNING):
        watcher.record(network, 0)
        watcher.record(network, 1)
    told = [record.message for record in caplog.records if "a snapshot of `run`" in record.message]
    assert ["will take about" in message for message in told] == [True, False]
    assert "`latent_labels`" in told[0]
    assert network.training
    assert torch.equal(states, torch.random.get_rng_state())


@pytest.mark.parametrize("plan", [{}, {"latent_labels": 64, "variance_labels": 32, "crossed_labels": 16}])
def test_the_images_that_a_network_answers_are_counted_beforehand(tmp_path, plan):
    network, answered = Net(), 0

    def count(_module, given):
        nonlocal answered
        answered += len(given[0])

    watcher = watcher_of_defaults(tmp_path / "run", **plan)
    watcher.record(network, 0)  # the first also computes what untrained networks are compared with
    network.register_forward_pre_hook(count)
    watcher.record(network, 1)
    expected = snapshot_work(watcher.config.plan_of(None, ()), watcher.config.family, watcher.world).images
    assert expected == pytest.approx(answered, rel=0.2)  # further ones belong to the exact theory


def test_evaluations_of_an_image_by_sampler():
    steps = {
        kind: SAMPLER.validate_python({"kind": kind}).evaluations(1000) for kind in ("ddpm", "ddim", "heun")
    }
    assert steps == {"ddpm": 1000, "ddim": 25, "heun": 23}


def test_a_terminal_shows_a_bar_that_goes_away_and_leaves_no_hook(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(snapshot_cost, "SHOWN_AFTER_S", -1.0)
    network = torch.nn.Linear(3, 3)
    with snapshot_cost.snapshot_bar(network, "mine", 8):
        network(torch.zeros(4, 3))
        network(torch.zeros(4, 3))
    assert "snapshot of mine" in capsys.readouterr().err
    assert not network._forward_pre_hooks


def test_a_log_shows_no_bar(monkeypatch, capsys):
    monkeypatch.setattr(snapshot_cost, "SHOWN_AFTER_S", -1.0)
    network = torch.nn.Linear(3, 3)
    with snapshot_cost.snapshot_bar(network, "mine", 8):
        assert not network._forward_pre_hooks
    assert capsys.readouterr().err == ""


def test_a_watched_network_is_given_back_and_stays_as_it_is(tmp_path):
    network = Net().train()
    watcher = watcher_of_defaults(tmp_path / "run", latent_labels=64, variance_labels=32)
    watcher.record(network, 0)
    images = watcher.run.sample(LABELS, n=2, network=network)
    assert images.shape == (4, *WORLD.shape)
    assert network.training
    way = watcher.run.trajectory(LABELS, ["enter"], network=network)
    np.testing.assert_array_equal(way.x_t[-1], watcher.run.sample(LABELS, network=network))
    with pytest.raises(UserError, match=r"`network` \(=watched\) can only be built by your own loop"):
        watcher.run.sample(LABELS)
    with pytest.raises(UserError, match=r"`network` \(=3\) must be a torch.nn.Module"):
        watcher.run.sample(LABELS, network=3)


def test_a_plan_of_too_few_features_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"`probing.most_features` \(=3\) must be greater than or equal to 16"
    ):
        watcher_of_defaults(tmp_path / "run", most_features=3)


@pytest.mark.usefixtures("untouched_random_streams")
def test_drawing_features_moves_no_stream(tmp_path):
    watcher = watcher_of_defaults(tmp_path / "run", latent_labels=64, variance_labels=32, most_features=16)
    network = Net()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    watcher.record(network, 0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
