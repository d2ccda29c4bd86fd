"""Somebody's own loop, watched: a run folder like any other, and a loop that does not notice."""

import json

import numpy as np
import pytest
import torch
import yaml

from helpers.explored import page_of
from helpers.tiny import contents, results
from helpers.watched import BATCH, FAMILY, PLAN, WORLD, Net, watcher_of
from phasescope import Run, UserError, watch
from phasescope.cli import main
from phasescope.core.randomness import torch_generator
from phasescope.worlds import GaussianBump, ImageWorld


def learn(network, steps, watcher=None, every=5, world=WORLD, start=0, record_first=True, **told):
    """A plain loop, which draws from torch's global stream as most do."""
    family = FAMILY.build()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    labels = torch.from_numpy(world.training_labels())
    if watcher and record_first:
        watcher.record(network, start, **told)
    for step in range(start + 1, steps + 1):
        chosen = labels[torch.randint(len(labels), (BATCH,), generator=torch_generator(0, "labels", step))]
        x_0 = world.render(chosen)
        t, noise = torch.randint(50, (BATCH,)), torch.randn(x_0.shape)
        loss = (network(family.noisy(x_0, t, noise), t, chosen) - noise).square().mean()
        optimiser.zero_grad()
        loss.backward()
        if watcher and step % every == 0:
            watcher.record(network, step, loss=loss.item(), **told)
        optimiser.step()
    return network


def test_the_loop_does_not_notice(tmp_path):
    torch.manual_seed(0)
    alone = learn(Net(), 10)
    torch.manual_seed(0)
    watched = learn(Net(), 10, watcher_of(tmp_path / "run", batch=BATCH))
    for name, weights in alone.state_dict().items():
        assert torch.equal(watched.state_dict()[name], weights), name


@pytest.mark.usefixtures("untouched_random_streams")
def test_recording_leaves_streams_modes_gradients_and_hooks(tmp_path):
    network = Net()
    network.drop.eval()
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    watcher = watcher_of(tmp_path / "run", batch=BATCH)
    for step in (0, 5):
        watcher.record(network, step)
    assert [network.training, network.drop.training, network.enter.training] == [True, False, True]
    assert all((parameter.grad == 1).all() and parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    watcher = watcher_of(tmp_path_factory.mktemp("watched") / "mine", batch=BATCH)
    torch.manual_seed(0)
    learn(Net(), 10, watcher)
    return watcher.run


def test_it_writes_a_run_like_any_other(watched, capsys):
    assert [line["step"] for line in watched.metrics] == [0, 5, 10]
    assert [line["images_seen"] for line in watched.metrics] == [0, 80, 160]
    assert watched.metrics[0]["loss"] is None
    assert watched.metrics[1]["loss"] > 0
    assert watched.status["state"] == "done"
    assert watched.status["parameters"] == sum(one.numel() for one in Net().parameters())
    for line in watched.metrics:
        nulls = line["probe_r2"]["enter.40"]["baselines"]
        assert nulls["untrained"] == watched.metrics[0]["probe_r2"]["enter.40"]["value"]
        assert "pixels" in nulls
        assert set(line["phase"]) == {"behaviour", "sheet"}
        assert len(line["denoising"]) == 2
    assert watched.about["watched"] == "Net"
    assert watched.about["sentence"] == WORLD.sentence()
    for words in (["show"], ["measure", "--only", "probe_r2"]):
        assert main([words[0], str(watched.path), *words[1:]]) == 0, words
    assert "enter" in capsys.readouterr().out


def test_it_cannot_be_painted_or_trained_from_its_folder(watched, tmp_path, capsys):
    assert main(["sample", str(watched.path), "--out", str(tmp_path / "a.png")]) == 2
    told = capsys.readouterr().err
    assert "can only be built by your own loop" in told
    assert told.count("\n") == 1


def test_started_again_it_goes_on_and_what_is_recorded_stays(watched, tmp_path):
    folder = tmp_path / "mine"
    torch.manual_seed(0)
    learn(Net(), 5, watcher_of(folder, batch=BATCH))
    before = contents(folder)
    torch.manual_seed(0)
    again = watcher_of(folder, batch=BATCH)
    learn(Net(), 10, again)
    assert results(again.run) == results(watched)
    after = contents(folder)
    for name in before:
        if name.startswith("snapshots/") or name == "references.json":
            assert after[name] == before[name], name


def test_times_are_counted_on_where_it_is_started_again(tmp_path):
    watcher_of(tmp_path / "mine", batch=BATCH).record(Net(), 0)
    before = Run(tmp_path / "mine").metrics[-1]
    again = watcher_of(tmp_path / "mine", batch=BATCH)
    again.record(Net(), 5)
    for name in ("wall_s", "cpu_s", "observing_s"):
        assert again.run.metrics[-1][name] > before[name], name


def test_an_earlier_step_after_a_later_one_is_refused(tmp_path):
    watcher = watcher_of(tmp_path / "mine", batch=BATCH)
    watcher.record(Net(), 10)
    with pytest.raises(UserError, match=r"`step` \(=5\) must come after the last one recorded \(=10\)"):
        watcher.record(Net(), 5)


def test_a_tap_that_is_not_there_is_told(tmp_path):
    watcher = watch(WORLD, ["entre"], family=FAMILY, folder=tmp_path / "mine", batch=BATCH, t=[40], **PLAN)
    with pytest.raises(UserError, match=r"`layer` \(=entre\) must name a block of the network"):
        watcher.record(Net(), 0)
    for step in (-1, 0.5):
        with pytest.raises(UserError, match="must be a whole number from 0 on"):
            watcher_of(tmp_path / "mine", batch=BATCH).record(Net(), step)
    assert not (tmp_path / "mine").exists()
    with pytest.raises(UserError, match=r"`probing.t` \(=50\)"):
        watch(WORLD, ["enter"], family=FAMILY, folder=tmp_path / "b", batch=4, t=[50], **PLAN).record(
            Net(), 0
        )


def test_a_folder_of_another_run_is_refused(tmp_path):
    watcher_of(tmp_path / "mine", batch=BATCH).record(Net(), 0)
    with pytest.raises(UserError, match=r"`world.canvas` is 8 there, 16 here"):
        watcher_of(tmp_path / "mine", world=GaussianBump(canvas=16), batch=BATCH).record(Net(), 5)


def test_arrays_at_hand_are_kept_with_the_run(tmp_path):
    rng = np.random.default_rng(0)
    world = ImageWorld.from_arrays(rng.random((60, 8, 8)), rng.random((60, 2)), names=["a", "b"])
    watcher = watcher_of(tmp_path / "mine", world=world, batch=BATCH, images={"trained": 16})
    learn(Net(), 5, watcher, world=world)
    run = watcher.run
    assert run.about["splits"] == ["trained"]
    assert [outcome["name"] for outcome in run.about["outcomes"]] == [
        "malformed",
        "nearest to another",
        "nearest to requested",
    ]
    assert set(run.metrics[-1]["phase"]) == {"behaviour", "sheet"}
    assert "nearest to requested" in run.metrics[-1]["outcomes"]["trained"]
    again = ImageWorld(**run.config["world"])
    assert again.factors == world.factors
    assert main(["show", str(run.path)]) == 0


def test_what_is_no_world_is_refused_and_one_tap_need_not_be_a_list(tmp_path):
    with pytest.raises(UserError, match=r"`world` \(='x'\) must be a World"):
        watch("x", ["enter"], folder=tmp_path / "none", batch=BATCH)
    watcher = watch(WORLD, "enter", family=FAMILY, folder=tmp_path / "one", t=[40], batch=BATCH, **PLAN)
    watcher.record(Net(), 0)
    assert watcher.run.about["layers"] == ["enter"]
    assert not (tmp_path / "none").exists()


def test_a_folder_that_holds_other_images_is_refused_in_one_line(tmp_path):
    def arrays(seed):
        rng = np.random.default_rng(seed)
        labels = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), axis=-1).reshape(-1, 2)
        return ImageWorld.from_arrays(rng.random((64, 8, 8)), labels, names=("x", "y"))

    for seed in (0, 0):
        watch(arrays(seed), layers=["enter"], folder=tmp_path / "run", batch=BATCH)
    with pytest.raises(
        UserError, match=r"`folder` \(=.*run\) must be that of these images: its world.npz holds"
    ) as told:
        watch(arrays(1), layers=["enter"], folder=tmp_path / "run", batch=BATCH)
    assert len(str(told.value).splitlines()) == 1


def training_shown(run, other, capsys):
    """What every command and page shows of a run's training."""
    assert main(["show", str(run.path), "--json"]) == 0
    shown = [str(json.loads(capsys.readouterr().out)["config"]["training"])]
    assert main(["compare", str(run.path), str(other.path), "--json"]) == 0
    shown += json.loads(capsys.readouterr().out)["differs"]
    shown += [*page_of(run)["row"]["settings"], *run.to_frame().filter(like="config.training").columns]
    return [*shown, run.plot.samples().caption, yaml.safe_dump(run.config["training"])]


def is_invented(shown):
    """Whether it says what a training of ours has, and nobody said of the loop."""
    return [
        word
        for word in ("4000", "steps:", "warmup", "clip", "0.995", "betas", "decay")
        if word in "\n".join(shown)
    ]


def test_of_the_loop_no_more_is_recorded_than_what_watch_is_given(tmp_path, capsys):
    given = {"optimiser": "AdamW", "lr": 0.00125, "schedule": {"kind": "cosine", "until": None}}
    bare = watcher_of(tmp_path / "bare", batch=BATCH)
    bare.record(Net(), 0)
    said = watcher_of(tmp_path / "said", batch=BATCH, hyperparameters=given)
    said.record(Net(), 0)
    assert yaml.safe_load((said.path / "config.yaml").read_text())["training"] == {"batch": BATCH}
    assert said.run.config["network"] == {"kind": "watched", "hyperparameters": given}
    for run, other in ((bare.run, said.run), (said.run, bare.run)):
        assert not is_invented(training_shown(run, other, capsys))
    assert "lr 0.00125" in said.run.plot.samples().caption
    with pytest.raises(UserError, match=r"`network.hyperparameters.lr` is 0.00125 there, 1.0 here"):
        watcher_of(tmp_path / "said", batch=BATCH, hyperparameters={**given, "lr": 1.0}).record(Net(), 5)


def test_a_loop_that_restarts_with_other_classes_or_hyperparameters_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.random((60, 8, 8)), np.repeat(np.arange(30.0), 2)[:, None]

    def watcher(classes, **loop):
        world = ImageWorld.from_arrays(images, labels, names=["kind"], categorical=["kind"], classes=classes)
        return watcher_of(tmp_path / "mine", world=world, batch=BATCH, images={"trained": 16}, **loop)

    watcher({}).record(Net(), 0)
    before = contents(tmp_path / "mine")
    names = [f"class {k}" for k in range(30)]
    with pytest.raises(UserError, match=r"`world.c\w+(\.kind)?` is .* there, .* here"):
        watcher({"kind": names}).record(Net(), 5)
    with pytest.raises(UserError, match=r"`network.hyperparameters.lr` is absent there, 0.1 here"):
        watcher({}, hyperparameters={"lr": 0.1}).record(Net(), 5)
    assert contents(tmp_path / "mine") == before


@pytest.mark.parametrize("restarted", [False, True])
def test_another_network_in_the_same_run_is_refused(restarted, tmp_path):
    class Wider(Net):
        def __init__(self):
            super().__init__()
            self.enter = torch.nn.Conv2d(1, 16, 3, padding=1)
            self.leave = torch.nn.Conv2d(16, 1, 3, padding=1)

    class Longer(Net):
        def __init__(self):
            super().__init__()
            self.unused = torch.nn.Linear(2, 2)

    watcher = watcher_of(tmp_path / "mine", batch=BATCH)
    watcher.record(Net(), 0)
    before = contents(tmp_path / "mine")
    for network, message in (
        (Wider(), r"`enter.weight` is \(16, 1, 3, 3\), and was \(4, 1, 3, 3\)"),
        (Longer(), r"`unused.weight` is \(2, 2\), and was not there"),
    ):
        if restarted:
            watcher = watcher_of(tmp_path / "mine", batch=BATCH)
        with pytest.raises(
            UserError, match=rf"`network` \(={type(network).__name__}\) must be .* step 0: {message}"
        ):
            watcher.record(network, 5)
    assert contents(tmp_path / "mine") == before

    watcher.record(torch.compile(Net(), backend="eager"), 5)  # the same network, wrapped
    assert [line["step"] for line in watcher.run.metrics] == [0, 5]


def test_counts_of_a_loop_are_whole_numbers_that_do_not_fall(tmp_path):
    watcher = watcher_of(tmp_path / "mine", batch=BATCH)
    for step in (True, 2**63, 10**30, 1.0, "5", None):
        with pytest.raises(UserError, match=r"`step` \(=.*\) must be a whole number from 0 on, below 2\^63"):
            watcher.record(Net(), step)
    assert not (tmp_path / "mine").exists()

    watcher.record(Net(), np.int64(0), images_seen=1000)
    for step in (True, -1, 0.5, 2**63):
        with pytest.raises(UserError, match=r"`step` \(=.*\) must be a whole number"):
            watcher.log({"loss": 1.0}, step)
    with pytest.raises(UserError, match=r"`images_seen` \(=5\) must be at least those of step 0 \(=1000\)"):
        watcher.record(Net(), 5, images_seen=5)
    assert [line["step"] for line in watcher.run.metrics] == [0]


def test_a_scalar_that_no_float_holds_is_refused_when_it_is_logged(tmp_path):
    watcher = watcher_of(tmp_path / "mine", batch=BATCH)
    watcher.record(Net(), 0)
    for value in (
        torch.tensor(1 + 2j),
        1 + 2j,
        10**400,
        np.array([1, 2]),
        "1",
        None,
        True,
        torch.tensor(True),
    ):
        with pytest.raises(UserError, match=r"`loss` \(=.*\) must be a number, or a tensor of one number"):
            watcher.log({"loss": value}, 1)
    watcher.log({"loss": torch.tensor([2.5]), "lr": np.float32(0.5), "count": 3}, 1)
    watcher.close()
    [line] = watcher.run.scalar_lines
    assert (line["loss"], line["lr"], line["count"]) == (2.5, 0.5, 3)


def test_names_of_scalars_and_a_loss_are_checked(tmp_path):
    watcher = watcher_of(tmp_path / "mine", batch=BATCH)
    for loss in ("x", torch.tensor([1.0, 2.0]), 1j, True):
        with pytest.raises(UserError, match=r"`loss` \(=.*\) must be a number, or a tensor of one number"):
            watcher.record(Net(), 0, loss=loss)
    assert not (tmp_path / "mine" / "metrics.jsonl").exists()

    line = watcher.record(Net(), 0, loss=torch.tensor(1.5, requires_grad=True))
    assert line["loss"] == 1.5
    for name in (5, "", "\x1b[2J", "a\nb"):
        with pytest.raises(UserError, match=r"`scalars` \(=.*\) must have printable names"):
            watcher.log({name: 1.0}, 1)


class Answering(Net):
    """A network whose answer, or whose input, is changed by a function."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x_t, t, labels):
        return self.change(x_t, super().forward(x_t, t, labels))


@pytest.mark.parametrize(
    ("network", "rule"),
    [
        (None, r"must be a torch\.nn\.Module"),
        (Net, r"must be a torch\.nn\.Module"),
        (Answering(lambda x, y: (y,)), "must return the shape"),
        (Answering(lambda x, y: y[:, :, 1:]), r"must return the shape \(2, 1, 8, 8\)"),
        (Answering(lambda x, y: y.detach().numpy()), "must return real numbers"),
        (Answering(lambda x, y: y + 1j), "must return real numbers, not torch.complex64"),
        (Answering(lambda x, y: y.double()), "must return float32 numbers"),
        (Answering(lambda x, y: y + x.zero_()), "must leave x_t, t and labels as they are"),
    ],
)
def test_a_network_that_answers_no_images_is_refused_before_anything_is_written(network, rule, tmp_path):
    with pytest.raises(UserError, match=rule) as error:
        watcher_of(tmp_path / "run", batch=BATCH).record(network, 0)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_hyperparameters_are_a_mapping(tmp_path):
    with pytest.raises(UserError, match=r"`hyperparameters` .*must map names"):
        watcher_of(tmp_path / "run", batch=BATCH, hyperparameters="lr")
