"""The recipe of diffusers: its size, its noise, its schedule, its clock, and when it ends."""

import math
import time
from importlib.util import find_spec
from typing import Any, cast

import pytest
import torch
from torch import nn

from benchmarks import recipe
from benchmarks.order import contenders
from benchmarks.peers import TOLERANCE, diffusers_plain, nearest_widths, parameters_of
from benchmarks.recipe import (
    BATCH,
    LEARNING_RATE,
    MODES,
    WARMUP_STEPS,
    WORDS,
    Mode,
    Plan,
    RecipeTraining,
    plan_of,
)
from phasescope import Run, load_config
from phasescope.worlds import GaussianBump

pytestmark = pytest.mark.skipif(find_spec("diffusers") is None, reason="diffusers is not installed")
CPU = torch.device("cpu")
WORLD = GaussianBump(canvas=8)
LABELS = {"latent_labels": 64, "variance_labels": 16, "variance_draws": 2}
COUNTS = {"images": {"grid": 16, "off_grid": 16}, **LABELS}
TINY = (
    "world.canvas=16",
    "family.sampler.steps=4",
    "probing.bands=2",
    "probing.band_images=8",
    *(f"probing.{field}={count}" for field, count in COUNTS.items()),
)
PLAN = Plan(
    Mode("float32", "channels_last"),
    {},
    pace={"wall_s": 2.0, "cpu_s": 3.0},
    start={"wall_s": 5.0, "cpu_s": 4.0},
    steps=10,
    snapshot_steps=3,
)


def training(mode: Mode = MODES[0], steps: int = 1000, seed: int = 0) -> RecipeTraining:
    return RecipeTraining((4, 8, 8), WORLD, mode, steps, seed, CPU)


@pytest.mark.some(1)
@pytest.mark.parametrize("preset", ["fast", "small"])
def test_the_network_is_as_large_as_the_presets_within_five_percent(preset):
    config = load_config(overrides=[f"preset={preset}"])
    asked = parameters_of(config.network.build(config.world.shape, config.world.factors))
    widths = nearest_widths(asked, 32)
    assert abs(parameters_of(diffusers_plain(32, widths)) / asked - 1) <= TOLERANCE == 0.05
    assert widths[1] == widths[2]


def test_the_recipes_noise_is_that_of_the_family_that_paints():
    trained, family = training(), load_config(overrides=WORDS).family.build()
    x_0, noise = torch.rand(1000, 1, 2, 2), torch.randn(1000, 1, 2, 2)
    t = torch.arange(1000)
    torch.testing.assert_close(
        trained.noising.add_noise(x_0, noise, t), family.noisy(x_0, t, noise), atol=2e-5, rtol=2e-5
    )


def test_it_is_painted_and_read_as_the_preset_small():
    config, small = load_config(overrides=WORDS), load_config(overrides=["preset=small"])
    assert (config.world, config.family) == (small.world, small.family)
    plan, usual = plan_of(config), plan_of(small)
    place = plan.representation
    assert place == usual.representation
    assert (plan.layers, plan.t) == ((place.layer,), (place.t,))
    splits = small.world.splits()
    assert plan.images_of(splits) == usual.images_of(splits)
    assert [one.name for one in contenders()] == ["fast", "small", "recipe"]


def test_labels_are_scaled_to_the_canvas():
    corners = torch.tensor([[0.0, 0.0], [8.0, 4.0]])
    assert training().network.scaled(corners).tolist() == [[-1, -1], [1, 0]]


@pytest.mark.filterwarnings("ignore")  # a schedule that steps without its optimiser
def test_the_rate_warms_up_and_ends_at_zero():
    trained = training(steps=WARMUP_STEPS + 100)
    rates = []
    for _ in range(WARMUP_STEPS + 101):
        rates += trained.schedule.get_last_lr()
        trained.schedule.step()
    assert rates[0] == 0
    assert rates[WARMUP_STEPS // 2] == pytest.approx(LEARNING_RATE / 2)
    assert rates[WARMUP_STEPS] == max(rates) == pytest.approx(LEARNING_RATE)
    assert rates[WARMUP_STEPS + 50] == pytest.approx(LEARNING_RATE / 2)
    assert rates[WARMUP_STEPS + 100] == pytest.approx(0, abs=1e-12)


@pytest.mark.slow
def test_it_learns_and_its_average_follows(monkeypatch):
    monkeypatch.setattr(recipe, "WARMUP_STEPS", 0)
    monkeypatch.setattr(recipe, "LEARNING_RATE", 1e-2)
    trained = training()
    losses = [trained.learn() for _ in range(80)]
    assert sum(losses[-20:]) < 0.8 * sum(losses[:20])
    start, now = (nn.utils.parameters_to_vector(one.parameters) for one in (training(), trained))
    average = nn.utils.parameters_to_vector(trained.averaged().parameters())
    assert 0 < (average - now).norm() < (start - now).norm()


@pytest.mark.usefixtures("untouched_random_streams")
def test_randomness_is_derived():
    one, other, third = (
        [trained.learn() for _ in range(3)]
        for trained in (training(seed=1), training(seed=1), training(seed=2))
    )
    assert one == other != third


def run_of(tmp_path, monkeypatch, plan: Plan = PLAN, **verdicts: bool) -> Run:
    """Trained by a plan, its snapshots judged by their step."""
    monkeypatch.setattr(recipe, "calibrate", lambda *_: plan)
    if verdicts:
        monkeypatch.setattr(recipe, "passes", lambda snapshot: verdicts[f"step_{snapshot['step']}"])
    assert recipe.main(["--out", str(tmp_path / "run"), "--params", "27000", *TINY]) == 0
    return Run(tmp_path / "run")


@pytest.mark.slow
def test_its_clock_counts_steps_at_the_calibrated_pace(tmp_path, monkeypatch):
    run = run_of(tmp_path, monkeypatch)
    assert [line["step"] for line in run.metrics] == [0, 3, 6, 9, 10]
    assert [line["images_seen"] for line in run.metrics] == [BATCH * step for step in (0, 3, 6, 9, 10)]
    assert [line["wall_s"] for line in run.metrics] == [5, 11, 17, 23, 25]
    assert [line["cpu_s"] for line in run.metrics] == [4, 13, 22, 31, 34]
    assert (run.status["state"], run.status["plan"]["steps"]) == ("done", 10)
    nulls = run.metrics[0]["probe_r2"]["mid.600"]["baselines"]
    assert nulls.keys() == {"permuted", "untrained", "pixels", "label_embedding"}


@pytest.mark.slow
def test_it_ends_when_enough_snapshots_in_a_row_pass(tmp_path, monkeypatch):
    verdicts = {"step_0": True, "step_3": False, "step_6": True, "step_9": True, "step_10": True}
    monkeypatch.setattr(recipe, "ENOUGH", 2)
    assert run_of(tmp_path, monkeypatch, **verdicts).metrics[-1]["step"] == 9


def test_the_plan_spans_the_budget_in_the_quickest_mode(monkeypatch):
    class Paced:
        """A training whose steps take a known time."""

        def __init__(self, mode: Mode):
            self.pace_s = 0.002 if mode == Mode("bfloat16", "channels_last") else 0.05

        def learn(self) -> None:
            time.sleep(self.pace_s)

    monkeypatch.setattr(recipe, "process_age_s", lambda: 100.0)
    plan = recipe.calibrate(cast(Any, Paced), budget_s=1100.0, calibration_s=0)
    assert plan.mode == Mode("bfloat16", "channels_last")
    assert plan.pace["wall_s"] == plan.step_s["bfloat16, channels_last"]
    assert plan.steps == math.ceil(1000 / plan.pace["wall_s"])
    assert plan.spent(plan.steps)["wall_s"] == pytest.approx(1100, rel=1e-3)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--params", "27000", "world.canvas=-1"], "world.canvas"),
        (["--params", "50"], "parameters"),
        (["--params", "27000", "family.predict=v"], "family"),
        (["--params", "27000", "family.schedule.kind=cosine"], "family"),
    ],
)
def test_the_command_tells_the_users_mistakes(tmp_path, capsys, words, named):
    assert recipe.main(["--out", str(tmp_path / "run"), *words]) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
