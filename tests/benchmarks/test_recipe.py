"""The recipe of diffusers: its size, its noise, its schedule, when it ends, and that it resumes to the same weights."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import nn

pytest.importorskip("diffusers")

from phasescope.benchmarks import recipe, recipe_plan, recipe_training
from phasescope.benchmarks.recipe import RecipeConfig, preset_parameters, recipe_config
from phasescope.benchmarks.recipe_plan import Plan
from phasescope.benchmarks.recipe_training import (
    BATCH,
    LEARNING_RATE,
    MODES,
    TOLERANCE,
    WARMUP_STEPS,
    LabelledUNet,
    Mode,
    RecipeTraining,
    nearest_widths,
    parameters_of,
)
from phasescope.errors import UserError
from phasescope.presets import PRESETS
from phasescope.probing.capture import activations
from phasescope.store import Run
from phasescope.worlds.gaussian_bump import GaussianBumpConfig

CPU = torch.device("cpu")
WORLD = GaussianBumpConfig(canvas=8)
FLOAT32 = MODES[0]
TINY = (
    "world.canvas=8",
    "family.sampler.steps=4",
    "calibration_s=0",
    *(
        f"probing.{field}={count}"
        for field, count in {
            "grid_labels": 16,
            "off_grid_labels": 16,
            "latent_labels": 64,
            "share_labels": 16,
            "share_draws": 2,
            "bands": 2,
            "band_images": 8,
        }.items()
    ),
)


def tiny(*words: str, budget_s: float = 1000.0) -> RecipeConfig:
    return recipe_config(0, budget_s, 27_000, [*TINY, *words])


def training(mode: Mode = FLOAT32, steps: int = 1000, seed: int = 0) -> RecipeTraining:
    return RecipeTraining((4, 8, 8), "scaled", WORLD, mode, steps, seed, CPU)


@pytest.mark.parametrize("label_input", ["scaled", "encoded"])
@pytest.mark.parametrize("name", [name for name in ("fast", "small") if name in PRESETS])
def test_the_network_is_as_large_as_the_presets_within_five_percent(name, label_input):
    asked = preset_parameters(name)
    widths = nearest_widths(asked, 32, label_input)
    assert abs(parameters_of(LabelledUNet(widths, 32, label_input)) / asked - 1) <= TOLERANCE == 0.05
    assert widths[1] == widths[2]


def test_the_multipliers_are_kept_where_they_fit_the_size():
    with torch.device("meta"):
        asked = parameters_of(LabelledUNet((32, 64, 64), 32))
    assert nearest_widths(asked, 32) == (32, 64, 64)


def test_a_size_that_no_network_has_is_refused(tmp_path):
    with pytest.raises(UserError, match="parameters"):
        recipe.run(recipe_config(0, 1.0, 50, TINY), tmp_path / "run")


def test_the_recipes_noise_is_that_of_the_family_that_paints():
    trained, family = training(), RecipeConfig(parameters=1).family.build()
    x_0, noise = torch.rand(1000, 1, 2, 2), torch.randn(1000, 1, 2, 2)
    t = torch.arange(1000)
    torch.testing.assert_close(
        trained.noising.add_noise(x_0, noise, t), family.noisy(x_0, t, noise), atol=2e-5, rtol=2e-5
    )


@pytest.mark.parametrize("word", ["family.predict=v", "family.schedule.kind=cosine"])
def test_it_paints_what_it_learns_alone(word):
    with pytest.raises(UserError, match="family"):
        tiny(word)


def test_it_is_painted_and_read_as_the_preset_small():
    config, small = RecipeConfig(parameters=1), recipe.SMALL
    assert (config.world, config.family) == (small.world, small.family)
    assert config.probing.representation == small.probing.representation
    assert config.probing.grid_labels == small.probing.grid_labels
    assert config.probing.latent_labels == small.probing.latent_labels


@pytest.mark.parametrize("label_input", ["scaled", "encoded"])
def test_the_network_hears_time_and_label_and_its_middle_can_be_read(label_input):
    network = LabelledUNet((4, 8, 8), 8, label_input)
    x_t, t, labels = torch.randn(2, 1, 8, 8), torch.tensor([100, 100]), torch.tensor([[1.0, 2.0], [5.0, 2.0]])
    output = network(x_t, t, labels)
    assert output.shape == x_t.shape
    assert not torch.equal(output, network(x_t, t, labels.flip(1)))
    assert not torch.equal(output, network(x_t, t + 500, labels))
    assert activations(network, ["mid"], x_t, t, labels)["mid"].shape == (2, 8 * 2 * 2)
    output.square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_labels_are_scaled_to_the_canvas():
    corners = torch.tensor([[0.0, 0.0], [8.0, 4.0]])
    assert LabelledUNet((4, 8, 8), 8).encoded(corners).tolist() == [[-1, -1], [1, 0]]


def test_the_rate_warms_up_and_ends_at_zero():
    trained = training(steps=WARMUP_STEPS + 100)
    rates = [group["lr"] for group in trained.optimiser.param_groups]
    assert rates == [0]
    trained._stand_at(WARMUP_STEPS // 2)
    assert trained.schedule.get_last_lr() == [LEARNING_RATE / 2]
    trained._stand_at(WARMUP_STEPS + 50)
    assert trained.schedule.get_last_lr() == [pytest.approx(LEARNING_RATE / 2)]
    trained._stand_at(WARMUP_STEPS + 100)
    assert trained.schedule.get_last_lr() == [0]


def test_it_learns_and_its_average_follows(monkeypatch):
    monkeypatch.setattr(recipe_training, "WARMUP_STEPS", 0)
    monkeypatch.setattr(recipe_training, "LEARNING_RATE", 1e-2)
    trained = training()
    losses = [trained.learn() for _ in range(80)]
    assert sum(losses[-20:]) < 0.8 * sum(losses[:20])
    assert trained.images_seen == 80 * BATCH
    start, now = (nn.utils.parameters_to_vector(one.parameters) for one in (training(), trained))
    average = nn.utils.parameters_to_vector(trained.averaged().parameters())
    assert 0 < (average - now).norm() < (start - now).norm()


@pytest.mark.usefixtures("untouched_random_streams")
def test_randomness_is_derived():
    one, other, third = training(seed=1), training(seed=1), training(seed=2)
    assert (
        [one.learn() for _ in range(3)]
        == [other.learn() for _ in range(3)]
        != [third.learn() for _ in range(3)]
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_state_is_taken_up_bitwise(mode):
    one, other = training(mode), training(mode)
    for _ in range(3):
        one.learn()
    other.load({name: tensor.clone().contiguous() for name, tensor in one.tensors().items()}, one.step)
    assert [one.learn() for _ in range(3)] == [other.learn() for _ in range(3)]
    states = one.tensors(), other.tensors()
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    assert one.schedule.get_last_lr() == other.schedule.get_last_lr()
    assert one.ema.optimization_step == other.ema.optimization_step == 6


PLAN = Plan(
    (4, 8, 8),
    Mode("float32", "channels_last"),
    {},
    pace={"wall_s": 2.0, "cpu_s": 3.0},
    start={"wall_s": 5.0, "cpu_s": 4.0},
    threads=2,
    steps=10,
    snapshot_steps=3,
)


class Killed(Exception):
    """What ends a process in the tests."""


def record_of(folder: Path) -> tuple[list[dict], dict]:
    """Metrics, and the last checkpoint's arrays as bytes."""
    with recipe.hold(folder, Run(folder).config) as held:
        found = held.read_checkpoint()
        assert found is not None
        metrics = held.metrics
    return metrics, {name: array.tobytes() for name, array in found[0].items()}


def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "calibrate", lambda *_: PLAN)
    config = tiny("enough=100")
    recipe.run(config, tmp_path / "whole")

    learn = RecipeTraining.learn

    def die(trained: RecipeTraining) -> float:
        if trained.step == 5:
            raise Killed
        return learn(trained)

    monkeypatch.setattr(RecipeTraining, "learn", die)
    with pytest.raises(Killed):
        recipe.run(config, tmp_path / "killed")

    def no_calibration(*_: object) -> Plan:
        raise AssertionError("the plan is in the checkpoint")

    monkeypatch.setattr(RecipeTraining, "learn", learn)
    monkeypatch.setattr(recipe, "calibrate", no_calibration)
    status = recipe.run(config, tmp_path / "killed")
    assert record_of(tmp_path / "killed") == record_of(tmp_path / "whole")
    lines = Run(tmp_path / "killed").metrics
    assert [line["step"] for line in lines] == [0, 3, 6, 9, 10]
    assert [line["wall_s"] for line in lines] == [5, 11, 17, 23, 25]
    assert [line["cpu_s"] for line in lines] == [4, 13, 22, 31, 34]
    assert (status["wall_s"], status["cpu_s"]) == (25, 34)
    assert recipe.run(config, tmp_path / "killed")["state"] == "done"


def test_it_ends_when_enough_snapshots_in_a_row_pass(tmp_path, monkeypatch):
    verdicts = {0: True, 1: False, 2: True, 3: True}
    monkeypatch.setattr(recipe, "calibrate", lambda *_: replace(PLAN, snapshot_steps=1))
    monkeypatch.setattr(recipe, "passes", lambda snapshot: verdicts[snapshot["step"]])
    assert recipe.run(tiny("enough=2"), tmp_path / "run")["step"] == 3


def test_stopped_early_it_can_go_on_to_the_same_end(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "calibrate", lambda *_: PLAN)
    early = recipe.run(tiny(), tmp_path / "run", stop_at_s=12.0)
    assert (early["state"], early["wall_s"]) == ("stopped", 17)
    assert recipe.run(tiny(), tmp_path / "run", stop_at_s=17.0)["step"] == early["step"]
    late = recipe.run(tiny(), tmp_path / "run")
    assert (late["state"], late["wall_s"]) == ("done", 25)


def test_planning_calibrates_and_takes_the_first_snapshot_alone(tmp_path, monkeypatch):
    config = tiny("snapshot_every_s=1e6", budget_s=6.0)
    status = recipe.run(config, tmp_path / "run", plan_only=True)
    assert (status["state"], status["step"]) == ("stopped", 0)
    (line,) = Run(tmp_path / "run").metrics
    assert line["wall_s"] == status["plan"]["start"]["wall_s"] > 0
    assert line["order"]["mid"]["600"]["nulls"].keys() == {
        "permuted",
        "untrained",
        "pixels",
        "label_embedding",
    }
    monkeypatch.setattr(recipe, "calibrate", None)
    assert recipe.run(config, tmp_path / "run", plan_only=True)["plan"] == status["plan"]


def test_the_plan_spans_the_budget_in_the_quickest_mode(monkeypatch):
    class Paced:
        """A training whose steps take a known time."""

        def __init__(self, mode: Mode):
            self.network = LabelledUNet((4, 8, 8), 8)
            self.pace_s = 0.002 if mode == Mode("bfloat16", "channels_last") else 0.02

        def learn(self) -> None:
            time.sleep(self.pace_s)

    monkeypatch.setattr(recipe_plan, "process_age_s", lambda: 100.0)
    plan = recipe.calibrate(cast(Any, Paced), calibration_s=0, budget_s=1100.0, snapshot_every_s=10.0)
    assert plan.mode == Mode("bfloat16", "channels_last")
    assert plan.pace["wall_s"] == plan.step_s["bfloat16, channels_last"]
    assert plan.steps == math.ceil(1000 / plan.pace["wall_s"])
    assert plan.spent(plan.steps)["wall_s"] == pytest.approx(1100, rel=1e-4)
    assert plan.steps == pytest.approx(100 * plan.snapshot_steps, rel=0.01)


def test_the_command_tells_the_users_mistakes(tmp_path, capsys):
    arguments = ["--out", str(tmp_path / "run"), "--params", "27000"]
    assert recipe.main([*arguments, "world.canvas=-1"]) == 2
    assert "world.canvas" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
