"""A fork continues one state: its control is bitwise the parent, and its children differ from it in what is named alone."""

import re
import shutil

import numpy as np
import pytest
import torch
import yaml

import phasescope
from helpers.tiny import config_of, results
from helpers.training_runs import leave_after
from phasescope import RunConfig, RunFailed, UserError, load_config, train
from phasescope.cli import main
from phasescope.core.randomness import Streams
from phasescope.runs.training.continuing import changes_of
from phasescope.runs.training.execution import execute
from phasescope.runs.training.forking import check_equal, departed_at, fork, plan_fork
from phasescope.views.facts.forks import fork_group, paired

STEPS, STATES = 20, [5, 8, 10]
FASTER = {"training": {"optimiser": {"lr": 0.05}}}


def parent_of(tmp_path, **fields):
    training = {"steps": STEPS, "states": STATES, **fields.pop("training", {})}
    return train(config_of(training=training, **fields), tmp_path)


def weights_of(run, step=None):
    return {name: np.array(array) for name, array in run.snapshot(step).weights().items()}


def differing(first, second) -> set[str]:
    return {name for name in first if not np.array_equal(first[name], second[name])}


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    return parent_of(tmp_path_factory.mktemp("parent"))


SYSTEMS = {
    "diffusion": {},
    "flow matching": {
        "family": {"schedule": "flow", "predict": "velocity", "sampler": {"kind": "heun", "steps": 2}}
    },
    "AdamW": {"training": {"optimiser": {"kind": "adamw"}, "decay": "cosine"}},
    "label dropout": {"training": {"label_dropout": 0.3}},
    "bfloat16": {"training": {"precision": "bfloat16"}},
}


@pytest.mark.some(1)
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("at", [0, 5, 10])
def test_the_unchanged_child_is_bitwise_its_parent(system, at, tmp_path):
    run = parent_of(tmp_path, **SYSTEMS[system])
    control, child = fork(run, at, {"seeds": {"noise": 3}})
    assert departed_at(run, control, since=at) is None
    assert results(control) == results(run)
    assert not differing(weights_of(control), weights_of(run))
    assert differing(weights_of(child), weights_of(run))


@pytest.mark.some(1)
@pytest.mark.parametrize("killed_at", [6, 11, 17])
def test_a_control_that_was_killed_is_bitwise_its_parent(parent, killed_at, tmp_path):
    plan = plan_fork(parent, 5, [{}])
    leave_after(killed_at, plan.control, tmp_path, extend=parent)
    control = train(plan.control, tmp_path)
    check_equal(parent, control, since=5)
    assert results(control) == results(parent)


@pytest.mark.slow
def test_a_parent_that_was_resumed_has_the_states_of_one_that_was_not(parent, tmp_path):
    config = config_of(training={"steps": STEPS, "states": STATES})
    leave_after(7, config, tmp_path)
    resumed = train(config, tmp_path)
    assert list(resumed.states) == list(parent.states) == STATES
    control, _ = fork(resumed, 8, FASTER)
    assert results(control) == results(parent)


@pytest.mark.slow
def test_a_control_that_departs_is_refused_and_says_where(parent, tmp_path):
    _control, child = fork(parent, 5, FASTER, runs=tmp_path)
    step = departed_at(parent, child, since=5)
    assert step is not None
    assert step > 5
    with pytest.raises(RunFailed, match=f"departs from it at step {step}: this fork is no evidence"):
        check_equal(parent, child, since=5)


@pytest.mark.slow
def test_a_fork_at_step_0_with_another_seed_is_that_seeds_run(parent, tmp_path):
    _, child = fork(parent, 0, {"seed": 7}, runs=tmp_path)
    other = train(config_of(seed=7, training={"steps": STEPS}), tmp_path)
    assert not differing(weights_of(child), weights_of(other))
    assert results(child) == results(other)


def test_a_child_has_the_records_of_its_parent_until_the_fork(parent, tmp_path):
    _, child = fork(parent, 10, FASTER, runs=tmp_path)
    until = [line for line in results(parent) if line["step"] <= 10]
    assert results(child)[: len(until)] == until
    scalars, own = child.scalars(), parent.scalars()
    assert scalars[scalars.step <= 10].loss.tolist() == own[own.step <= 10].loss.tolist()


@pytest.mark.slow
def test_a_part_that_is_frozen_stays_and_the_rest_learns(parent, tmp_path):
    _, child = fork(parent, 5, {"training": {"freeze": ["mid"]}}, runs=tmp_path)
    begun, end = weights_of_state(parent, 5), weights_of_state(child)
    changed = differing(begun, end)
    assert changed
    assert not [name for name in changed if name.startswith("mid.")]
    assert any(name.startswith("mid.") for name in begun)


def weights_of_state(run, step=None):
    """Return the learning network's weights of a kept state, or at the end."""
    from safetensors.numpy import load_file

    file = run.path / "checkpoint" / "state.safetensors" if step is None else run.states[step]
    prefix = "network."
    return {name.removeprefix(prefix): a for name, a in load_file(file).items() if name.startswith(prefix)}


def test_a_part_that_is_reset_has_fresh_weights_and_the_rest_its_own(parent, tmp_path):
    plan = plan_fork(parent, 5, [{"fork": {"reset": ["mid"]}}])
    (config,) = plan.children
    next(iter(execute(config, tmp_path, extend=parent)))  # begins, and takes no step
    begun, kept = weights_of_state(phasescope.Run(tmp_path / config.folder)), weights_of_state(parent, 5)
    changed = differing(begun, kept)
    assert changed
    assert all(name.startswith("mid.") for name in changed)


@pytest.mark.slow
def test_an_optimiser_of_another_kind_is_taken_if_the_former_is_forgotten(parent, tmp_path):
    sgd = {"training": {"optimiser": {"kind": "sgd"}}}
    with pytest.raises(UserError, match=r"\(=sgd\) must be adamw, unless fork.reset=\[optimiser\]"):
        fork(parent, 5, sgd, runs=tmp_path)
    _, child = fork(parent, 5, {**sgd, "fork": {"reset": ["optimiser"]}}, runs=tmp_path)
    assert child.status["state"] == "done"


def test_images_that_were_seen_are_counted_across_a_change_of_the_batch(parent, tmp_path):
    _, child = fork(parent, 10, {"training": {"batch": 4}}, runs=tmp_path)
    batch = parent.config["training"]["batch"]
    assert child.metrics[-1]["images_seen"] == 10 * batch + (STEPS - 10) * 4


@pytest.mark.slow
def test_children_of_one_change_have_orders_and_noise_of_their_own_and_twins(parent, tmp_path):
    control, *others = fork(parent, 10, FASTER, children=3, runs=tmp_path)
    twins, children = others[:3], others[3:]
    assert len({run.identity for run in others}) == 6
    assert differing(weights_of(children[0]), weights_of(children[1]))

    seeds = {"seeds.data", "seeds.noise"}
    for twin, child in zip(twins, children, strict=True):
        assert set(child.fork["changes"]) == {*seeds, "training.optimiser.lr"}
        assert twin.fork["changes"] == {name: child.fork["changes"][name] for name in seeds}
    assert not control.fork["changes"]


@pytest.mark.slow
def test_children_that_change_seeds_alone_need_no_twins(parent, tmp_path):
    control, *children = fork(parent, 10, children=3, runs=tmp_path)
    assert len(children) == 3
    rows = {row.quantity: row for row in paired(control, children)}
    losses = [child.metrics[-1]["loss"] - control.metrics[-1]["loss"] for child in children]
    assert rows["loss at the end"].value == pytest.approx(np.mean(losses))


def test_the_same_call_trains_nothing_again(parent, tmp_path):
    first = fork(parent, 10, FASTER, runs=tmp_path)
    updated = [run.status["updated"] for run in first]
    assert [run.status["updated"] for run in fork(parent, 10, FASTER, runs=tmp_path)] == updated


@pytest.mark.slow
def test_children_stay_readable_without_their_parent(tmp_path):
    run = parent_of(tmp_path)
    control, child = fork(run, 10, FASTER)
    shutil.rmtree(run.path)
    assert results(control)[-1]["step"] == STEPS
    assert changes_of(control.config, child.config) == {"training.optimiser.lr": 0.05}


def test_identity_holds_parent_step_and_changes(parent, tmp_path):
    at_5, at_8 = (plan_fork(parent, at, [FASTER]) for at in (5, 8))
    assert len({plan.control.digest() for plan in (at_5, at_8)}) == 2
    assert at_5.children[0].digest() != at_5.control.digest()
    other = parent_of(tmp_path, seed=1)
    assert plan_fork(other, 5, [FASTER]).control.digest() != at_5.control.digest()


REFUSED = {
    "a step without a state": (7, {}, r"`--at` \(=7\) must be a step whose state `.*` kept: 5, 8, 10, 20"),
    "a step beyond the end": (STEPS, {}, r"`training.steps` \(=20\) must be above the step of the fork, 20"),
    "a change of shape": (
        5,
        {"network": {"widths": [8, 16]}},
        r"`changes` must leave the network as it is",
    ),
    "an unknown part to freeze": (
        5,
        {"training": {"freeze": ["middle"]}},
        r"`training.freeze` \(=middle\) must be a part of the network that is trained: .*mid",
    ),
    "an unknown part to reset": (
        5,
        {"fork": {"reset": ["middle"]}},
        r"`fork.reset` \(=middle\) must be a part of the network that is trained",
    ),
    "other readings": (
        5,
        {"probing": {"batch": 8}},
        r"`probing.batch` \(=8\) must be what `.*` has, .*: a fork is compared with its parent",
    ),
    "an unknown field": (5, {"training": {"lr": 1.0}}, r"`training.lr`"),
}


@pytest.mark.parametrize(("at", "changes", "message"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_forked_is_refused_in_one_line(parent, at, changes, message, tmp_path):
    with pytest.raises(UserError, match=message) as raised:
        fork(parent, at, [FASTER, changes] if changes else FASTER, runs=tmp_path)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir()), "nothing is trained before the last change is known to fit"


@pytest.mark.slow
def test_a_fork_that_has_begun_goes_on_without_the_parents_state(tmp_path):
    run = parent_of(tmp_path)
    fork(run, 5, FASTER)
    run.states[5].unlink()
    assert len(fork(run, 5, FASTER)) == 2
    with pytest.raises(UserError, match="must be a step whose state"):
        fork(run, 5, {"training": {"batch": 8}})


def test_a_parent_that_is_not_done_is_refused(tmp_path):
    config = config_of(training={"steps": STEPS, "states": STATES})
    leave_after(9, config, tmp_path)
    with pytest.raises(UserError, match="must be done, and is stopped"):
        fork(phasescope.Run(tmp_path / config.folder), 5, FASTER)


def test_a_fork_is_not_trained_without_its_parents_state(parent, tmp_path):
    plan = plan_fork(parent, 5, [FASTER])
    with pytest.raises(UserError, match=r"`phasescope fork RUN --at 5 ...` begins with it"):
        train(plan.control, tmp_path)
    with pytest.raises(UserError, match="must be"):
        train(
            config_of(training={"steps": STEPS}, fork={"run": "0" * 16, "step": 5}), tmp_path, extend=parent
        )


def test_a_run_whose_state_is_damaged_is_refused(tmp_path):
    run = parent_of(tmp_path)
    run.states[5].write_bytes(b"no tensors")
    with pytest.raises(UserError, match=r"00000005\.safetensors"):
        fork(run, 5, FASTER)


def test_a_state_under_the_name_of_another_step_is_refused(parent, tmp_path):
    copied = type(parent)(shutil.copytree(parent.path, tmp_path / parent.path.name))
    first, second, *_ = copied.states
    shutil.copy(copied.states[second], copied.states[first])
    with pytest.raises(UserError, match=f"must be the state of step {first}, and is that of {second}"):
        fork(copied, first, {"training": {"batch": 8}}, runs=tmp_path)


def test_threads_of_torch_stay_as_they_were(parent, tmp_path):
    before = torch.get_num_threads()
    fork(parent, 10, FASTER, runs=tmp_path)
    assert torch.get_num_threads() == before


def test_streams_have_the_runs_seed_unless_they_have_their_own():
    config = config_of(seed=4)
    assert config.streams == Streams(4, 4, 4, 4)
    own = config_of(seed=4, seeds={"noise": 9})
    assert own.streams == Streams(data=4, noise=9, network=4, samples=4)
    assert own.digest() != config.digest()
    assert load_config(None, ["seed=4", "seed.noise=9"]).streams == own.streams


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["data", "noise", "network", "samples"])
def test_a_stream_of_its_own_changes_that_alone(stream, tmp_path):
    fields = {"training": {"steps": 10}}
    usual = train(config_of(**fields), tmp_path)
    other = train(config_of(**fields, seeds={stream: 1}), tmp_path)
    begin_alike = not differing(weights_of(usual, 0), weights_of(other, 0))
    end_alike = not differing(weights_of(usual), weights_of(other))
    assert begin_alike is (stream != "network")
    assert end_alike is (stream == "samples")

    labels = [run.snapshot(0).samples()["labels"] for run in (usual, other)]
    assert np.array_equal(*labels) is (stream != "samples")


def test_the_command_forks_by_values_and_prints_what_it_costs_before(parent, capsys):
    runs = ["--runs", str(parent.path.parent)]
    words = ["fork", parent.name, "--at", "5,10", "seed.data=1..2", *runs]
    assert main([*words, "--dry-run"]) == 0
    planned = capsys.readouterr().out
    assert "6 runs: about" in planned
    assert "states kept at 5, 8, 10: " in planned
    assert not list(parent.path.parent.glob("run.at*"))

    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.count("bitwise equal to") == 2
    assert "other data" in printed
    assert len(list(parent.path.parent.glob("run.at*"))) == 6

    assert main(["fork", parent.name, "--at", "7", "seed.data=1", *runs]) == 2
    assert "must be a step whose state" in capsys.readouterr().err


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("--at", "7", "seed.data=1"), "`--at` (=7) must be a step whose state"),
        (("--at", "5", "network.widths=[8,16]"), "`changes` must leave the network as it is"),
        (("--at", "5", "training.freeze=[middle]"), "`training.freeze` (=middle) must be a part"),
        (("--at", "5", "network.reset=[middle]"), "must be a part of the network that is trained"),
    ],
)
def test_the_command_refuses_in_one_line_before_anything_is_trained(
    parent, words, rule, dry_run, tmp_path, capsys
):
    shutil.copytree(parent.path, tmp_path / parent.path.name)
    assert main(["fork", parent.path.name, *words, *dry_run, "--runs", str(tmp_path)]) == 2
    error = capsys.readouterr().err.strip()
    assert rule in error
    assert "\n" not in error
    assert [path.name for path in tmp_path.iterdir()] == [parent.path.name]


@pytest.mark.slow
def test_a_fork_says_what_it_continues_and_what_is_changed(parent, tmp_path):
    for at in (0, 5):
        control, child = fork(parent, at, FASTER, runs=tmp_path)
        begun = {"run": parent_identity(parent), "name": parent.name, "step": at}
        assert control.fork == {**begun, "changes": {}}
        assert child.fork == {**begun, "changes": {"training.optimiser.lr": 0.05}}
        assert not child.states
    assert parent.fork is None


def parent_identity(run) -> str:
    return RunConfig.from_tree(run.config).digest(16)


@pytest.mark.slow
def test_differences_are_of_pairs_with_the_same_seeds(parent, tmp_path, capsys):
    faster = fork(parent, 5, FASTER, children=6, runs=tmp_path)
    control, *others = faster
    twins, children = others[:6], others[6:]
    rows = {(row.changed, row.quantity): row for row in paired(control, others)}
    row = rows["training.optimiser.lr=0.05", "loss at the end"]
    losses = [
        child.metrics[-1]["loss"] - twin.metrics[-1]["loss"]
        for twin, child in zip(twins, children, strict=True)
    ]
    assert row.n == 6
    assert row.value == pytest.approx(np.mean(losses))
    assert min(losses) <= row.low <= row.value <= row.high <= max(losses)
    assert ("other data and noise", "loss at the end") in rows

    assert fork_group(faster) == (control, others)
    assert fork_group(others) is None
    assert fork_group([parent, *others]) is None
    assert fork_group([parent, *faster]) == (control, others)
    stranger = phasescope.Run(shutil.copytree(parent.path, tmp_path / "other-00000000"))
    assert fork_group([stranger, *faster]) is None
    without_twins = {row.changed for row in paired(control, children)}
    assert not without_twins

    assert main(["compare", *(run.name for run in faster[:3]), "--runs", str(tmp_path)]) == 0
    assert f"Paired with {control.name}" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_that_was_made_before_forks_is_read_and_forked(tmp_path):
    run = parent_of(tmp_path)
    file = run.path / "config.yaml"
    tree = yaml.safe_load(file.read_text())
    for later in ("fork", "seeds"):
        del tree[later]
    del tree["training"]["freeze"]
    file.write_text(yaml.safe_dump(tree))

    assert run.load_network() is not None
    control, child = fork(run, 10, {"seeds": {"data": 3}})
    assert child.fork["changes"] == {"seeds.data": 3}
    assert results(control) == results(run)


@pytest.mark.slow
def test_ls_shows_forks_below_their_parent(parent, tmp_path, capsys):
    shutil.copytree(parent.path, tmp_path / parent.path.name)
    run = phasescope.Run(tmp_path / parent.path.name)
    control, child = fork(run, 5, {**FASTER, "training": {**FASTER["training"], "states": [15]}})
    (grandchild, _) = fork(child, 15, {"seeds": {"data": 1}})
    assert main(["ls", "--runs", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    # In which fields forks of one name differ may follow the name.
    starts = [re.match(r" *\S+", line)[0] for line in lines if "done" in line]
    assert starts[0] == run.name
    assert {f"  {control.name}", f"  {child.name}"} < set(starts)
    assert starts[starts.index(f"  {child.name}") + 1].startswith("    ")
    assert f"    {grandchild.name}" in starts
