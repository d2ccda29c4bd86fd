"""What a run will cost is counted in images of its own training, of which a few steps are timed."""

import pytest

from helpers.tiny import config_of
from phasescope import RunConfig, train
from phasescope.runs.config import forked_tree
from phasescope.runs.engines import cost
from phasescope.runs.engines.cost import images_in_all


def estimate_of(*configs) -> list[float | None]:
    estimates = cost.costs(configs, lambda done, total: None)
    return [estimates[config.digest()] for config in configs]


SAMPLERS = [
    ({"kind": "ddpm"}, 50),
    ({"kind": "ddim", "steps": 7}, 7),
    ({"kind": "dpm_solver", "steps": 5}, 5),
    ({"kind": "euler", "steps": 12}, 12),
    ({"kind": "heun", "steps": 12}, 23),  # two in each step but the last
]


@pytest.mark.parametrize(("sampler", "passes"), SAMPLERS, ids=lambda given: str(given))
def test_sampling_is_counted_in_passes_of_the_network(sampler, passes, monkeypatch):
    monkeypatch.setattr(cost, "timed", lambda config: 0.01)
    is_flow = sampler["kind"] in ("euler", "heun")
    straight = {"schedule": {"kind": "flow", "steps": 50}, "predict": "velocity"}
    curved = {"schedule": {"kind": "linear", "steps": 50}}
    schedule = {**(straight if is_flow else curved), "sampler": sampler}
    (few,), (many,) = (
        estimate_of(config_of(family=schedule, probing={"images": {"grid": images}})) for images in (16, 116)
    )
    probing = config_of(family=schedule).probing
    steps = config_of().training.steps
    snapshots = sum(probing.snapshots.due(step, steps) for step in range(steps + 1))
    assert many - few == pytest.approx(0.01 * snapshots * 100 * passes / 3)


def test_a_run_costs_its_training_and_its_snapshots(monkeypatch):
    monkeypatch.setattr(cost, "timed", lambda config: 0.01)
    fields = {
        "training": {"steps": 100, "batch": 8, "warmup": 5},
        "probing": {"snapshots": {"dense_until": 0, "every": 50}, "images": {"grid": 16, "off_grid": 32}},
        "family": {"sampler": {"kind": "ddim", "steps": 6}},
    }
    config = config_of(**fields)
    snapshots, sampled = 3, (16 + 32) * 6 / 3
    expected = 0.01 * (100 * 8 + snapshots * (cost.REST + sampled))
    assert estimate_of(config) == [pytest.approx(expected)]
    many = config_of(**{**fields, "probing": {**fields["probing"], "latent_labels": 3000}})
    assert estimate_of(many)[0] > expected + 0.01 * snapshots * (3000 / 3 - cost.REST)


@pytest.mark.parametrize(("at", "copied"), [(800, 9), (801, 9), (0, 0)])
@pytest.mark.parametrize("meter", [0, 50])
def test_a_fork_costs_its_own_steps_and_snapshots(at, copied, meter):
    parent = config_of(
        training={"steps": 2000, "batch": 8},
        probing={"snapshots": {"dense_until": 0, "every": 100}, "meter": {"every": meter}},
    )
    child = RunConfig.from_tree(forked_tree(parent, at))
    a_snapshot = images_in_all(parent) - images_in_all(shortened(parent, 1900)) - 100 * 8 - metered(parent, 2)
    assert a_snapshot > 0
    expected = at * 8 + copied * a_snapshot + metered(parent, at // 50 + 1 if at else 0)
    assert images_in_all(parent) - images_in_all(child) == pytest.approx(expected)


def shortened(config: RunConfig, steps: int) -> RunConfig:
    return config.model_copy(update={"training": config.training.model_copy(update={"steps": steps})})


def metered(config: RunConfig, readings: int) -> float:
    return readings * config.meter_evaluations / 3 if config.reads_meter else 0.0


def test_runs_that_train_alike_are_timed_once(monkeypatch):
    asked = []
    monkeypatch.setattr(cost, "timed", lambda config: asked.append(config) or 0.01)
    alike = ({"seed": 1}, {"training": {"steps": 50}}, {"world": {"canvas": 8, "sigma_px": 2.0}})
    estimate_of(*(config_of(**changes) for changes in alike))
    assert len(asked) == 1
    estimate_of(config_of(), config_of(training={"batch": 32}))
    assert len(asked) == 3


def test_a_device_that_is_not_here_has_no_estimate():
    assert estimate_of(config_of(training={"device": "cuda:63"})) == [None]


def test_the_estimate_is_near_what_a_run_takes(tmp_path, monkeypatch):
    """In CPU time, which load lengthens by less than the bound, of a run that mostly trains."""
    monkeypatch.setattr(cost, "LEAST_S", 0.3)
    config = config_of(
        training={"steps": 100, "batch": 32, "warmup": 5, "threads": 1, "device": "cpu"},
        probing={"observe": [], "snapshots": {"dense_until": 0, "every": 100}, "images": {"grid": 16}},
    )
    (estimate,) = estimate_of(config)
    taken = train(config, tmp_path).status["cpu_s"]
    assert taken / 3 < estimate < 3 * taken
