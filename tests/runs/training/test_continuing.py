"""More steps of a run that is named: with constant rates bitwise the weights of all at once; with others it is refused."""

import pytest

from helpers.tiny import config_of, contents, results
from helpers.training_runs import leave_after, stop_after
from phasescope import UserError, train
from phasescope.cli import main
from phasescope.runs.training.execution import execute
from phasescope.studies import merge


def longer(steps=20, **training):
    return config_of(training={"steps": steps, **training})


def test_ten_steps_and_ten_more_are_twenty_at_once(golden, short, tmp_path):
    before = contents(short.path)
    start, *_ = execute(longer(), tmp_path, extend=short)
    assert start.step == 10
    assert contents(short.path) == before
    run = train(longer(), tmp_path, extend=short)
    assert results(run) == results(golden)
    for mine, its in zip(run.snapshots, golden.snapshots, strict=True):
        for name, weights in mine.weights().items():
            assert weights.tobytes() == its.weights()[name].tobytes(), name
    assert run.config["training"]["steps"] == 20


def test_only_a_run_that_is_named_is_extended(golden, short, tmp_path):
    assert next(iter(execute(longer(12), tmp_path))).step == 0
    leave_after(13, longer(), tmp_path, extend=short)
    start, *_ = execute(longer(), tmp_path, extend=short)
    assert start.step == 13
    assert results(train(longer(), tmp_path)) == results(golden)


OTHERWISE = {
    "falling rates": (
        {"decay": "cosine"}, {"decay": "cosine"}, r"`training.steps` \(=20\) must leave the learning rates of .* to step 10",
    ),
    "another batch": ({"batch": 8}, {}, r"`training.batch` \(=16\) must be what `.*` has, 8: a run is extended in"),
    "fewer steps": ({"steps": 30}, {}, r"`training.steps` \(=20\) must be above the 30 of"),
}  # fmt: skip


@pytest.mark.some(1)
@pytest.mark.parametrize(("former", "now", "message"), OTHERWISE.values(), ids=list(OTHERWISE))
def test_what_learned_otherwise_is_refused_by_its_field_and_both_values(former, now, message, tmp_path):
    short = train(config_of(training={"steps": 10, **former}), tmp_path)
    with pytest.raises(UserError, match=message):
        train(longer(**now), tmp_path, extend=short)
    assert not (tmp_path / longer(**now).folder).exists()


NETWORK = """
from torch import nn


class Scaled(nn.Module):
    def __init__(self, channels, scale=1.0):
        super().__init__()
        self.scale = scale
        self.body = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x_t, t, labels):
        return self.scale * self.body(x_t)
"""
SGD = {"kind": "torch.optim:SGD", "lr": 0.01}
# field -> what the shorter run and the longer one set of it
ARGUMENTS = {
    "network.scale": (
        {"network": {"kind": "nets.py:Scaled"}},
        {"network": {"kind": "nets.py:Scaled", "scale": 30.0}},
    ),
    "training.optimiser.maximize": (
        {"training": {"optimiser": SGD}},
        {"training": {"optimiser": SGD | {"maximize": True}}},
    ),
}


@pytest.mark.some(1)
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("field", ARGUMENTS)
def test_an_argument_that_one_of_both_leaves_at_its_default_is_a_difference(
    field, swapped, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETWORK)
    plan = {"probing": {"layers": "usual"}}
    former, now = (config_of(**merge(plan, fields)) for fields in ARGUMENTS[field][:: -1 if swapped else 1])
    short = train(stepped(former, 2), tmp_path / "runs")
    with pytest.raises(UserError, match=rf"`{field}` \(=.*\) must be what `{short.name}` has, "):
        train(stepped(now, 4), tmp_path / "runs", extend=short)

    extended = train(stepped(former, 4), tmp_path / "runs", extend=short).snapshots[-1].weights()
    at_once = train(stepped(former, 4), tmp_path / "at_once").snapshots[-1].weights()
    assert all(weights.tobytes() == at_once[name].tobytes() for name, weights in extended.items())


def test_an_argument_that_is_given_at_its_default_is_no_difference(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETWORK)
    given, left_out = (
        config_of(network={"kind": "nets.py:Scaled", **scale}, probing={"layers": "usual"})
        for scale in ({"scale": 1.0}, {})
    )
    short = train(stepped(left_out, 2), tmp_path / "runs")
    assert train(stepped(given, 4), tmp_path / "runs", extend=short).status["state"] == "done"


def stepped(config, steps):
    training = {"steps": steps, "warmup": 1}
    return type(config).from_tree(merge(config.tree(), {"training": training}))


def test_other_sources_and_a_missing_checkpoint_are_refused(short, tmp_path):
    (short.path / "sources.json").write_text('{"my_networks.py:Net": "0123456789abcdef"}')
    with pytest.raises(UserError, match=r"`my_networks.py:Net` \(=None\) must be what .*, 0123456789ab"):
        train(longer(), tmp_path, extend=short)
    (short.path / "sources.json").unlink()
    (short.path / "checkpoint" / "state.safetensors").unlink()
    with pytest.raises(UserError, match=r"must have a checkpoint"):
        train(longer(), tmp_path, extend=short)


def test_rates_that_differ_at_the_first_step_alone_are_refused(short, tmp_path, monkeypatch):
    monkeypatch.setattr(type(longer().training), "lr_factor", lambda self, i: self.steps if i == 0 else 1)
    with pytest.raises(UserError, match=r"that of step 0 would be 20 of `lr`, and was 10"):
        train(longer(), tmp_path, extend=short)


def test_within_their_warm_up_falling_rates_are_the_same(tmp_path):
    short = stop_after(4, longer(10, decay="cosine"), tmp_path)
    assert next(iter(execute(longer(decay="cosine"), tmp_path, extend=short))).step == 4


def test_the_command_refuses_in_one_line_and_exits_with_2(short, tmp_path, capsys):
    words = ["seed=5", "training.steps=20", "training.warmup=3", "--runs", str(tmp_path)]
    for more, message in (
        (["--extend", short.name], f"must be what `{short.name}` has"),
        (["--extend", short.name, "--restart"], "must be left out with --restart"),
        (["--extend", "nothing"], "(=nothing) must name a run"),
    ):
        assert main(["train", *words, *more]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1


def test_what_is_no_run_is_not_extended(tmp_path):
    with pytest.raises(UserError, match=r"`extend` \(='short'\) must be a run"):
        train(longer(), tmp_path, extend="short")
    assert not list(tmp_path.iterdir())
