"""A ControlNet in a bottle: known answers before its training, what its training leaves alone, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from examples.controlnet_kinds import Controlled, outline
from helpers.tiny_run import assert_same_record
from helpers.training_runs import TINY, leave_after, run_config
from phasescope import ConditionMeter, Run, RunConfig, UserError
from phasescope.runs.trained.load import load_network
from phasescope.runs.training.execution import execute
from phasescope.worlds import GaussianBump

KIND = "examples.controlnet_kinds:ControlNet"
WITHOUT_NETWORK = {name: fields for name, fields in TINY.items() if name != "network"}


def trained(config: RunConfig, runs: Path) -> Run:
    for _ in execute(config, runs):
        pass
    return Run(runs / config.folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def frozen(runs) -> Run:
    """A run without labels."""
    return trained(run_config(TINY, {"name": "frozen", "training": {"label_dropout": 1}}), runs)


def weights_of(run: Run) -> str:
    return str(run.snapshots[-1].path / "weights.safetensors")


def controlled(frozen: Run, scale: float = 0.0, **fields) -> RunConfig:
    network = {"kind": KIND, "file": weights_of(frozen), "scale": scale}
    return run_config(WITHOUT_NETWORK, {"network": network, "name": "controlled", **fields})


def built(config: RunConfig) -> Controlled:
    torch.manual_seed(0)
    return config.network.build(config.world.shape, config.world.factors)


def inputs(n: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x_t = torch.randn(n, 1, 8, 8, generator=generator)
    return x_t, torch.randint(0, 50, (n,), generator=generator), 8 * torch.rand(n, 2, generator=generator)


def test_at_first_it_answers_bitwise_as_the_frozen_network_whatever_the_label(frozen):
    network, alone = built(controlled(frozen)), load_network(frozen, frozen.snapshots[-1]).network
    x_t, t, labels = inputs()
    with torch.no_grad():
        expected = alone(x_t, t, torch.full_like(labels, torch.nan))
        assert torch.equal(network(x_t, t, labels), expected)
        assert torch.equal(network(x_t, t, torch.full_like(labels, torch.nan)), expected)
        assert not torch.equal(built(controlled(frozen, scale=0.1))(x_t, t, labels), expected)


def test_at_first_its_condition_advantage_is_exactly_zero(frozen):
    config = controlled(frozen)
    labels = torch.from_numpy(config.world.training_labels()[:24])
    alphas_cumprod = config.family.build().schedule.alpha ** 2
    for scale, is_zero in ((0.0, True), (0.1, False)):
        meter = ConditionMeter(
            config.world.render(labels), labels, alphas_cumprod=alphas_cumprod, draws=16, bands=3
        )
        bands = meter.read(built(controlled(frozen, scale)), 0).bands
        assert {band.advantage.value == 0 for band in bands} == {is_zero}


def test_the_gradient_reaches_the_joining_convolutions_first(frozen):
    network = built(controlled(frozen))
    x_t, t, labels = inputs()
    network(x_t, t, labels).square().sum().backward()
    reached = {name for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached == {f"joins.{k}.{part}" for k in range(len(network.joins)) for part in ("weight", "bias")}

    with torch.no_grad():
        for parameter in network.joins.parameters():
            parameter.sub_(0.01 * parameter.grad)
    network.zero_grad()
    network(x_t, t, labels).square().sum().backward()
    then = {name for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}
    # The outline's own last convolution is zero, so that those before it have to wait.
    assert {"hint.4.weight", "control.enter.weight"} <= then
    assert "hint.2.weight" not in then


def test_the_initial_scale_multiplies_the_same_draws(frozen):
    small, large = (built(controlled(frozen, scale)) for scale in (0.25, 0.5))
    for name, tensor in small.state_dict().items():
        is_joining = name.startswith(("joins", "hint.4"))
        assert torch.equal((2 if is_joining else 1) * tensor, large.state_dict()[name]), name


@pytest.mark.slow
def test_training_leaves_the_frozen_weights_bitwise_and_is_resumed_bitwise(frozen, runs, tmp_path):
    config = controlled(frozen, scale=0.1)
    run = trained(config, runs)
    before, after = frozen.snapshots[-1].weights(), run.snapshots[-1].weights()
    for name, array in before.items():
        np.testing.assert_array_equal(after[f"frozen.{name}"], array)
    assert not np.array_equal(after["joins.0.weight"], run.snapshots[0].weights()["joins.0.weight"])

    leave_after(12, config, tmp_path)
    assert_same_record(trained(config, tmp_path), run)


def test_its_outline_lies_around_the_object_moves_with_it_and_is_blank_without_a_label():
    world = GaussianBump(canvas=16, sigma_px=2.0)
    labels = torch.tensor([[6.0, 9.0], [8.0, 6.0], [torch.nan, torch.nan]])
    images = outline(world, labels)
    assert images[0, 0, 8, 5] < 0.2  # at its centre the bump is flat
    assert images[0, 0, 8, 7] > 0.8  # a standard deviation away it is steepest
    torch.testing.assert_close(images[1, 0, 2:-3, 3:], images[0, 0, 5:, 1:-2], atol=0.01, rtol=0)
    assert not images[2].any()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"network": {"file": "nowhere/snapshots/000001/weights.safetensors"}}, "that is there"),
        ({"world": {"canvas": 16}}, "must be of images of (1, 16, 16), and is of (1, 8, 8)"),
        (
            {"world": {"boundary": "periodic"}},
            "factors x 0 to 8 (periodic), y 0 to 8 (periodic), and has x 0 to 8",
        ),
        ({"network": {"scale": -1}}, "scale"),
    ],
    ids=["missing", "size", "world", "scale"],
)
def test_a_run_that_cannot_be_frozen_is_refused_in_one_line(frozen, fields, reason):
    with pytest.raises(UserError) as refused:
        run_config(controlled(frozen).tree(), fields)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_run_with_labels_and_one_of_another_network_are_refused(runs):
    labelled = trained(run_config(TINY, {"name": "labelled", "training": {"steps": 10}}), runs)
    with pytest.raises(UserError, match=r"must be of a run without labels: .*label_dropout=1"):
        controlled(labelled)
