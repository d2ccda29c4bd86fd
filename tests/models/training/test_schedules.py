"""Learning-rate schedules of torch, by reference: the rates that torch itself gives, also for a run that is resumed."""

import pytest
import torch

from helpers.tiny_training import config_of, single
from helpers.training_runs import TINY, leave_after, run_config
from phasescope import Run, UserError, train
from phasescope.cli import main

PLACE = "torch.optim.lr_scheduler:"
ONE_CYCLE = {"kind": f"{PLACE}OneCycleLR", "max_lr": 0.01, "total_steps": 6, "cycle_momentum": False}


def rates_of_torch(name: str, steps: int, lr: float, **arguments) -> list[float]:
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=lr)
    scheduler, rates = getattr(torch.optim.lr_scheduler, name)(optimiser, **arguments), []
    for step in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if step < steps - 1:
            scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("OneCycleLR", {"max_lr": 0.01, "total_steps": 6, "cycle_momentum": False}),
        ("StepLR", {"step_size": 2, "gamma": 0.5}),
        ("CosineAnnealingWarmRestarts", {"T_0": 3}),
        ("MultiStepLR", {"milestones": [1, 4]}),
    ],
)
def test_rates_are_those_of_torch_whatever_the_warm_up_and_the_decay(name, arguments):
    config = config_of(schedule={"kind": PLACE + name, **arguments}, warmup=3, decay="cosine")
    lr = config.optimiser.lr
    rates = [lr * config.lr_factor(step) for step in range(6)]
    assert rates == pytest.approx(rates_of_torch(name, 6, lr, **arguments), rel=1e-12)
    learner, _ = single(0, schedule={"kind": PLACE + name, **arguments})
    assert learner.last_step()["learning_rate"] == pytest.approx(rates[-1])


def config_of_run(**training):
    plan = {"snapshots": {"every": 3}, "observe": []}
    return run_config(TINY, {"training": {"steps": 6, "batch": 5, "warmup": 0, **training}, "probing": plan})


@pytest.mark.slow
def test_a_run_that_is_stopped_and_resumed_ends_with_bitwise_the_same_weights(tmp_path):
    config = config_of_run(schedule=ONE_CYCLE)
    whole = train(config, tmp_path / "whole")
    leave_after(4, config, tmp_path / "stopped")
    train(config, tmp_path / "stopped")
    resumed = Run(tmp_path / "stopped" / whole.name)
    for name, weights in resumed.load_network().state_dict().items():
        assert torch.equal(weights, whole.load_network().state_dict()[name])
    rates = [line["learning_rate"] for line in whole.metrics]
    assert rates == [line["learning_rate"] for line in resumed.metrics]
    assert "schedule" not in config_of_run().identity().get("training", {})
    assert config.identity()["training"]["schedule"] == ONE_CYCLE


@pytest.mark.parametrize(
    ("schedule", "rule"),
    [
        ({"kind": f"{PLACE}NoSuch"}, "must name something in `torch.optim.lr_scheduler`: it has no `NoSuch`"),
        (
            {"kind": "torch.optim:SGD"},
            "must derive from ScheduleConfig or torch.optim.lr_scheduler:LRScheduler",
        ),
        ({"kind": f"{PLACE}StepLR"}, r"step_size.* must be given: torch.optim.lr_scheduler:StepLR needs it"),
        (
            {"kind": f"{PLACE}StepLR", "step": 3},
            r"`schedule.step` \(=3\) is not an argument of torch.optim.lr_scheduler:StepLR",
        ),
    ],
)
def test_a_reference_that_names_no_schedule_is_refused_as_the_configuration_is_read(schedule, rule):
    with pytest.raises(UserError, match=rule):
        config_of(schedule=schedule)


@pytest.mark.parametrize(
    ("schedule", "rule"),
    [
        (
            {**ONE_CYCLE, "cycle_momentum": True},
            r"`training.schedule.cycle_momentum` \(=True\) must be false",
        ),
        (
            {**ONE_CYCLE, "total_steps": 4},
            r"must step 6 times, as `training.steps` says: ValueError: Tried to step 5",
        ),
        (
            {"kind": f"{PLACE}ReduceLROnPlateau"},
            "must step 6 times, as `training.steps` says: TypeError: .*metrics",
        ),
        ({"kind": f"{PLACE}StepLR", "step_size": 0}, "must step 6 times, .*ZeroDivisionError"),
    ],
)
def test_a_schedule_that_cannot_be_followed_to_the_end_is_refused_before_the_first_step(schedule, rule):
    with pytest.raises(UserError, match=rule):
        config_of(schedule=schedule).lr_factor(0)


def test_at_the_command_line_it_is_one_line_and_exit_code_2(tmp_path, capsys):
    words = ["train", "preset=fast", f"training.schedule.kind={PLACE}OneCycle", "--runs", str(tmp_path)]
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "phasescope: `training.schedule.kind` (=torch.optim.lr_scheduler:OneCycle) must be found"
    )
    assert list(tmp_path.iterdir()) == []
