"""The condition meter in runs: its own lines, which no training notices and no kill duplicates or loses."""

import math

import numpy as np
import pytest
import torch

from helpers.kept_runs import kept_run
from helpers.tiny import config_of, contents, results
from helpers.training_runs import leave_after
from helpers.watched import watcher_of
from phasescope import Run, RunConfig, UserError, observe, train
from phasescope.cli import main
from phasescope.models.families.base import Family, FamilyConfig, SamplingState
from phasescope.runs.engines.cost import images_in_all
from phasescope.runs.probing.meter import meter_of
from phasescope.runs.training.execution import execute
from phasescope.worlds import ImageWorld

EVERY = 5


def metered(every: int | str = EVERY, **fields):
    meter = {"every": every, "draws": 8, "bands": 4} | fields.pop("meter", {})
    return config_of(probing={"meter": meter}, **fields)


def readings(run: Run) -> list[dict]:
    return [{name: value for name, value in line.items() if name != "wall_s"} for line in run.meter_lines]


@pytest.fixture(scope="module")
def with_meter(tmp_path_factory) -> Run:
    return kept_run(metered(), tmp_path_factory.mktemp("metered"))


def test_training_with_readings_is_bitwise_training_without(with_meter, tmp_path):
    without = train(config_of(), tmp_path)
    assert with_meter.name == without.name
    assert results(with_meter) == results(without)
    for mine, other in zip(with_meter.snapshots, without.snapshots, strict=True):
        assert all(
            array.tobytes() == other.weights()[name].tobytes() for name, array in mine.weights().items()
        )
    assert without.meter().empty
    assert not (without.path / "meter.jsonl").exists()


def test_what_only_the_label_can_remove_is_read_alike_in_runs_of_other_seeds(with_meter, tmp_path):
    other = train(metered(seed=7), tmp_path)
    assert other.meter()["removable"].tolist() == with_meter.meter()["removable"].tolist()
    assert other.meter()["loss"].tolist() != with_meter.meter()["loss"].tolist()


def test_a_row_each_reading_and_band_with_intervals(with_meter):
    frame = with_meter.meter()
    assert frame["step"].unique().tolist() == [0, 5, 10, 15, 20]
    assert (frame["images_seen"] == 16 * frame["step"]).all()
    assert (frame.groupby("step").size() == 4).all()
    assert set(frame["pairs"]) == {"held_out"}
    assert (frame["advantage_low"] <= frame["advantage"]).all()
    assert (frame["use_high"] >= frame["use"]).all()
    decides = frame[frame["deciding"]]
    assert len(decides) == 5
    assert decides["low"].nunique() == 1
    # Only the label can remove what lies between the image's own word and pure noise.
    assert decides["removable"].min() > 0


@pytest.mark.slow
def test_lines_after_the_checkpoint_and_a_torn_one_are_read_again_by_a_resumed_run(with_meter, tmp_path):
    run = leave_after(14, metered(), tmp_path / "killed")
    assert [line["step"] for line in run.meter_lines] == [0, 5, 10]
    with open(run.path / "meter.jsonl", "a") as file:  # as a killed process leaves it
        file.write('{"step": 15, "bands": []}\n{"step": 20, "ba')
    train(metered(), tmp_path / "killed")
    assert readings(run) == readings(with_meter)


@pytest.mark.slow
def test_a_run_that_was_killed_before_its_first_snapshot_has_no_line_twice(tmp_path):
    config = metered()
    run = leave_after(0, config, tmp_path)
    events = execute(config, tmp_path)
    next(events)
    next(events)
    events.close()
    (run.path / "metrics.jsonl").write_text("")
    train(config, tmp_path)
    assert [line["step"] for line in run.meter_lines] == [0, 5, 10, 15, 20]


@pytest.mark.slow
def test_stored_snapshots_of_an_old_run_are_read_as_a_run_reads_itself(with_meter, tmp_path):
    old = train(config_of(), tmp_path)
    before = contents(old.path)
    observation = observe(old, ["meter.every=1", "meter.draws=8", "meter.bands=4"])
    assert readings(observation) == [line for line in readings(with_meter) if line["step"] in (0, 10, 20)]
    assert {name: contents(old.path)[name] for name in before} == before


class OneStep(FamilyConfig, Family):
    """Regresses images on their labels."""

    def draw(self, x_0, generator):
        return ()

    def loss_at(self, network, x_0, labels, *drawn):
        return (network(torch.zeros_like(x_0), None, labels) - x_0).square().flatten(1).mean(1)

    def trajectory(self, network, labels, shape, generator):
        x_0 = network(torch.zeros(len(labels), *shape), None, labels)
        yield SamplingState(1, -1, x_0, x_0)

    def inputs(self, x_0, labels, t, noise):
        return torch.zeros_like(x_0), torch.zeros(len(x_0), dtype=torch.long), labels


class Levelled(OneStep):
    """Has noise levels of its own kind."""

    @property
    def noise_levels(self):
        return range(50)


class Known(torch.nn.Module):
    """A network that answers exactly, with the labels in another order where `shift` is not 0, or not at all."""

    def __init__(self, meter, share: float = 1.0) -> None:
        super().__init__()
        self.exact, self.share = meter._reader.exact, share
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x_t, t, labels):
        blind = torch.zeros_like(x_t)
        return self.share * self.exact(x_t, t, labels) + (1 - self.share) * blind


@pytest.mark.parametrize("predict", ["eps", "x", "velocity"])
@pytest.mark.parametrize("schedule", ["linear", "flow"])
@pytest.mark.parametrize("share", [0.25, 1.0, -1.0])
def test_use_is_the_share_of_the_exact_contrast_for_every_schedule_and_prediction(predict, schedule, share):
    sampler = {"kind": "euler", "steps": 4} if schedule == "flow" else {"kind": "ddim", "steps": 4}
    family = {"predict": predict, "schedule": {"kind": schedule, "steps": 50}, "sampler": sampler}
    meter = meter_of(metered(family=family))
    for band in meter.read(Known(meter, share), 0)["bands"]:
        assert band["use"]["value"] == pytest.approx(share, abs=1e-3)


@pytest.mark.slow
def test_each_factor_and_trained_pairs_are_read_if_asked_for(tmp_path):
    run = train(metered(20, meter={"factors": True, "trained": True}), tmp_path)
    frame = run.meter()
    assert set(frame["exchanged"]) == {"all", "x", "y"}
    assert set(frame["pairs"]) == {"held_out", "trained"}


def test_nats_are_read_if_labels_are_dropped(tmp_path):
    frame = train(metered(20, training={"label_dropout": 0.5}), tmp_path).meter()
    assert np.isfinite(frame[["nats", "over_none", "over_none_low"]].to_numpy()).all()


def test_a_network_without_a_condition_is_refused_in_a_line():
    with pytest.raises(UserError, match=r"`probing.meter.every` \(=5\) must be 0: .* given no condition"):
        metered(training={"label_dropout": 1.0})


def test_a_family_without_noise_levels_is_refused_in_a_line():
    with pytest.raises(UserError, match=r"`probing.meter.every` \(=5\) must be 0: `family.kind` .* no noise"):
        metered().with_kinds(family=OneStep)


def test_a_family_of_your_own_that_has_no_exact_theory_is_refused_before_a_folder_is_made(tmp_path):
    with pytest.raises(UserError, match="`family` must be a diffusion or flow matching"):
        train(metered().with_kinds(family=Levelled), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_loop_of_your_own_is_sent_to_the_meter_for_any_loop(tmp_path):
    with pytest.raises(UserError, match=r"`meter.every` \(=5\) must be 0 in your own loop: .*ConditionMeter"):
        watcher_of(tmp_path / "own", batch=8, meter={"every": 5})


def test_the_usual_interval_takes_less_than_two_percent_of_the_passes_and_is_in_the_cost():
    usual = metered("usual", training={"steps": 10_000})
    passes = usual.meter_evaluations / usual.meter_every
    assert 0.014 < passes / (3 * usual.training.batch) < 0.018  # in time a little more
    assert usual.meter_evaluations == 4 * 8 * 2
    without = config_of(training={"steps": 10_000})
    share = images_in_all(usual) / images_in_all(without) - 1
    assert 0 < share < 0.02
    assert metered("usual", training={"label_dropout": 0.1}).meter_evaluations == 4 * 8 * 3


@pytest.mark.slow
def test_the_label_gradient_is_read_where_it_is_asked_for_and_changes_nothing_else(with_meter, tmp_path):
    with_gradient = metered(meter={"label_gradient": True, "draws": 16})
    assert with_gradient.meter_evaluations == 4 * 16 * (2 + 3)
    run = train(with_gradient, tmp_path / "whole")
    assert results(run) == results(with_meter)
    frame = run.meter()
    assert (frame["label_gradient_low"] <= frame["label_gradient"]).all()
    assert "label_gradient" not in with_meter.meter()

    leave_after(12, with_gradient, tmp_path / "stopped")
    assert readings(train(with_gradient, tmp_path / "stopped")) == readings(run)


def test_without_exact_answers_there_is_no_label_gradient(tmp_path):
    images = np.random.default_rng(0).uniform(size=(30, 8, 8))
    world = ImageWorld.from_arrays(images, np.repeat(np.arange(3), 10), ["digit"])
    probing = {"meter": {"every": EVERY, "label_gradient": True}, "images": {"trained": 16}}
    tree = {"world": world.saved(tmp_path / "digits.npz").tree(), "probing": probing}
    with pytest.raises(
        ValueError, match=r"`probing.meter.label_gradient` \(=true\) must be false: with hidden"
    ):
        RunConfig.from_tree(tree)


def test_an_observation_is_no_part_of_the_identity():
    assert metered().digest() == config_of().digest()
    assert math.isclose(metered(0).meter_every, 0)


def test_show_says_what_the_meter_read(with_meter, capsys):
    assert main(["show", str(with_meter.path)]) == 0
    assert "use of the label" in " ".join(capsys.readouterr().out.split())
