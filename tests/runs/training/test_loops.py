"""Snapshots in loops of diffusers with Accelerate, of Lightning and of Hugging Face's Trainer, raw and averaged weights."""

import logging
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import phasescope
from helpers.watched import BATCH, FAMILY, WORLD, Net
from phasescope import RecordEvery, UserError
from phasescope.cli import main
from phasescope.models.families.diffusion.parametrization import prediction_of
from phasescope.views.facts.record import Record

STEPS, EVERY = 4, 2
SMALL = {
    "latent_labels": 64,
    "variance_labels": 16,
    "crossed_labels": 0,
    "images": {"grid": 16, "off_grid": 0},
}


def recording_in(folder, weights="raw", **fields) -> RecordEvery:
    watcher = phasescope.watch(
        WORLD, layers=["enter"], family=FAMILY, folder=folder, batch=BATCH, t=[40], **{**SMALL, **fields}
    )
    return RecordEvery(watcher, every=EVERY, weights=weights, log_every=1)


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    labels = torch.from_numpy(WORLD.training_labels())[:BATCH]
    noise = torch.randn(BATCH, *WORLD.shape, generator=generator)
    return noise, torch.randint(50, (BATCH,), generator=generator), labels


def loss_of(network, step: int) -> torch.Tensor:
    noise, t, labels = batch(step)
    return (network(noise, t, labels) - noise).square().mean()


def weights_of(run, step: int) -> dict[str, np.ndarray]:
    return run.snapshot(step).weights()


class Average:
    """An average with the methods of diffusers' EMAModel."""

    def __init__(self, parameters):
        self.shadow = [parameter.detach().clone() + 1 for parameter in parameters]
        self.kept = None

    def store(self, parameters):
        self.kept = [parameter.detach().clone() for parameter in parameters]

    def copy_to(self, parameters):
        for parameter, average in zip(parameters, self.shadow, strict=True):
            parameter.data.copy_(average)

    def restore(self, parameters):
        for parameter, own in zip(parameters, self.kept, strict=True):
            parameter.data.copy_(own)


def test_snapshots_and_scalars_are_taken_when_they_are_due(tmp_path):
    network, recording = Net(), recording_in(tmp_path / "run")
    lines = [recording(network, step, loss=float(step)) for step in range(STEPS + 1)]
    recording.watcher.close()
    assert [line is not None for line in lines] == [True, False, True, False, True]
    assert recording.watcher.run.scalars()["loss"].tolist() == [0, 1, 2, 3, 4]
    assert recording.watcher.run.about["weights"] == "raw"


def test_a_loop_that_is_started_again_logs_from_its_first_step_on(tmp_path):
    first = recording_in(tmp_path / "run")
    for step in range(2):
        first(Net(), step, loss=float(step))
    first.watcher.close()

    again = recording_in(tmp_path / "run")
    again(Net(), 0, loss=0.0)
    again(Net(), 1, loss=1.0)
    again(Net(), 3, loss=3.0)
    again.watcher.close()
    assert again.watcher.run.scalars()["step"].tolist() == [0, 1, 3]


@pytest.mark.parametrize(
    ("steps", "due"), [(range(1, 6), [1, 2, 4]), (range(3, 6), [3, 4]), (range(3, 12, 3), [3, 6, 9])]
)
def test_snapshots_are_due_at_the_first_call_and_where_a_multiple_was_passed(steps, due, tmp_path):
    recording = recording_in(tmp_path / "run")
    recording.log_every = 2
    assert [step for step in steps if recording(Net(), step, loss=0.0) is not None] == due
    recording.watcher.close()
    assert recording.watcher.run.scalars()["step"].tolist() == due


@pytest.mark.parametrize(("first", "due"), [(1, [2, 4, 6]), (3, [4, 6]), (5, [6])])
def test_a_loop_that_goes_on_takes_no_snapshot_before_the_next_multiple(first, due, tmp_path):
    earlier = recording_in(tmp_path / "run")
    for step in range(5):
        earlier(Net(), step)
    again = recording_in(tmp_path / "run")
    assert [step for step in range(first, 7) if again(Net(), step) is not None] == due
    assert again.watcher.recorded_steps == [0, 2, 4, 6]


def test_batches_of_one_step_are_recorded_once(tmp_path):
    recording = recording_in(tmp_path / "run")
    lines = [recording(Net(), step, loss=1.0) for step in (0, 0, 1, 1, 2, 2)]
    assert [line is not None for line in lines] == [True, False, False, False, True, False]


def test_a_run_has_snapshots_of_raw_or_of_averaged_weights_and_not_of_both(tmp_path):
    recording_in(tmp_path / "run")(Net(), 0)
    other = recording_in(tmp_path / "run", weights="ema")
    with pytest.raises(
        UserError, match=r"`weights` \(=ema\) must be those of the run's earlier snapshots \(raw\)"
    ):
        other(Net(), 2, ema=Average(Net().parameters()))


def test_the_networks_own_weights_are_back_where_the_average_does_not_fit(tmp_path):
    network = Net()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    wrong = Average([torch.zeros(1)])
    with pytest.raises(ValueError, match="zip"):
        recording_in(tmp_path / "run", weights="ema")(network, 0, ema=wrong)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_what_is_shown_of_a_snapshots_loss_is_what_the_loop_logged_last(tmp_path, capsys):
    recording = recording_in(tmp_path / "run")
    for step in range(STEPS + 1):
        recording(Net(), step, **({} if step == STEPS else {"loss": 7.25 + step}))
    recording.watcher.close()
    record = Record(recording.watcher.run)
    assert [record.loss(line) for line in record.metrics] == [7.25, 9.25, 10.25]
    assert main(["show", str(tmp_path / "run")]) == 0
    assert "9.25" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["store", "module"])
def test_averaged_weights_are_recorded_and_the_networks_own_are_back_bitwise(kind, tmp_path):
    network = Net()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    if kind == "store":
        ema = Average(network.parameters())
    else:
        ema = torch.optim.swa_utils.AveragedModel(network)
        with torch.no_grad():
            for parameter in ema.module.parameters():
                parameter += 1

    recording = recording_in(tmp_path / "run", weights="ema")
    recording(network, 0, ema=ema)
    recorded = weights_of(recording.watcher.run, 0)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
        np.testing.assert_array_equal(recorded[name], (before[name] + 1).numpy())
    assert recording.watcher.run.about["weights"] == "ema"


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (
            lambda path: recording_in(path)(Net(), 0, ema=object()),
            r"`ema` \(=object\) must be given with weights='ema'",
        ),
        (
            lambda path: recording_in(path, weights="ema")(Net(), 0),
            r"`ema` \(=NoneType\) must be given with weights='ema'",
        ),
        (
            lambda path: recording_in(path, weights="ema")(Net(), 0, ema=3),
            r"`ema` \(=int\) must be a module, or have",
        ),
        (lambda path: recording_in(path, weights="mean"), r"`weights` \(=mean\) must be raw or ema"),
        (
            lambda path: RecordEvery(None, every=3),
            r"`watcher` \(=NoneType\) must be what phasescope.watch returns",
        ),
        (
            lambda path: RecordEvery(recording_in(path).watcher, every=0),
            r"`every` \(=0\) must be an integer of at",
        ),
    ],
)
def test_what_cannot_be_recorded_is_refused_by_name(call, rule, tmp_path):
    with pytest.raises(UserError, match=rule):
        call(tmp_path / "run")


@pytest.mark.slow
def test_a_loop_of_accelerate_with_diffusers_average(tmp_path):
    accelerate = pytest.importorskip("accelerate")
    training_utils = pytest.importorskip("diffusers.training_utils")
    accelerator = accelerate.Accelerator(cpu=True)
    network, optimiser = accelerator.prepare(Net(), torch.optim.SGD(Net().parameters(), 0.1))
    optimiser = accelerator.prepare(torch.optim.SGD(network.parameters(), 0.1))
    ema = training_utils.EMAModel(network.parameters(), decay=0.5)
    recording = recording_in(tmp_path / "run", weights="ema")

    for step in range(STEPS + 1):
        recording(accelerator.unwrap_model(network), step, ema=ema)
        loss = loss_of(network, step)
        accelerator.backward(loss)
        optimiser.step()
        optimiser.zero_grad()
        ema.step(network.parameters())

    run = recording.watcher.run
    assert [snapshot.step for snapshot in run.snapshots] == [0, 2, 4]
    own = next(iter(network.state_dict().values())).numpy()
    assert not np.array_equal(next(iter(weights_of(run, 4).values())), own)


@pytest.mark.slow
def test_a_module_of_lightning(tmp_path):
    lightning = pytest.importorskip("lightning.pytorch")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = Net()

        def training_step(self, batch, _):
            return loss_of(self.net, int(batch[0]))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    recording = recording_in(tmp_path / "run")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_steps=STEPS,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[recording.lightning(lambda module: module.net)],
        )
        module = Module()
        trainer.fit(module, torch.utils.data.DataLoader(range(STEPS), batch_size=1))

    run = recording.watcher.run
    assert [snapshot.step for snapshot in run.snapshots] == [0, 2, 4]
    assert run.scalars()["step"].tolist() == [1, 2, 3, 4]
    for name, tensor in module.net.state_dict().items():
        np.testing.assert_array_equal(weights_of(run, 4)[name], tensor.numpy())


@pytest.mark.slow
def test_hugging_faces_trainer(tmp_path):
    transformers = pytest.importorskip("transformers")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Net()

        def forward(self, step):
            return {"loss": loss_of(self.net, int(step[0]))}

    recording = recording_in(tmp_path / "run")
    model = Model()
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "hf"),
        max_steps=STEPS,
        per_device_train_batch_size=1,
        logging_steps=1,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    transformers.Trainer(
        model,
        arguments,
        train_dataset=[{"step": step} for step in range(STEPS)],
        callbacks=[recording.transformers(lambda model: model.net)],
    ).train()

    run = recording.watcher.run
    assert [snapshot.step for snapshot in run.snapshots] == [0, 2, 4]
    assert {"loss", "learning_rate"} <= {*run.scalars()}
    for name, tensor in model.net.state_dict().items():
        np.testing.assert_array_equal(weights_of(run, 4)[name], tensor.numpy())


LOOPS_PAGE = Path(__file__).parents[3] / "docs" / "loops.md"
IN_DIFFUSERS = {"eps": "epsilon", "v": "v_prediction", "x": "sample"}


@pytest.mark.parametrize("name", ["DDPMScheduler", "DDIMScheduler"])
def test_the_family_of_a_schedulers_page_is_that_scheduler(name):
    """The page's own snippet, against diffusers: noise levels, noisy images, targets, and the images that are meant."""
    diffusers = pytest.importorskip("diffusers")
    (snippet,) = re.findall(r"```python\n(family = .*?)```", LOOPS_PAGE.read_text(), flags=re.DOTALL)
    names = {"phasescope": phasescope}
    exec(snippet, names)
    config = names["family"]
    schedule, predict = config.schedule, config.predict
    theirs = getattr(diffusers, name)(
        num_train_timesteps=schedule.steps,
        beta_start=schedule.beta_start,
        beta_end=schedule.beta_end,
        beta_schedule=schedule.kind,
        prediction_type=IN_DIFFUSERS[predict],
        clip_sample=config.clip,
    )
    assert_is_scheduler(config, theirs)


@pytest.mark.parametrize("predict", IN_DIFFUSERS)
@pytest.mark.parametrize(
    ("kind", "in_diffusers"),
    [("linear", "linear"), ("scaled_linear", "scaled_linear"), ("cosine", "squaredcos_cap_v2")],
)
def test_each_row_of_the_schedulers_table_holds(kind, in_diffusers, predict):
    diffusers = pytest.importorskip("diffusers")
    page = LOOPS_PAGE.read_text()
    assert f'"{in_diffusers}"' in page
    assert f'"{IN_DIFFUSERS[predict]}"' in page
    config = phasescope.families.DiffusionConfig.from_tree({"schedule": kind, "predict": predict})
    theirs = diffusers.DDPMScheduler(beta_schedule=in_diffusers, prediction_type=IN_DIFFUSERS[predict])
    assert_is_scheduler(config, theirs)


def test_the_usual_family_is_the_default_scheduler():
    diffusers = pytest.importorskip("diffusers")
    assert_is_scheduler(phasescope.families.USUAL, diffusers.DDPMScheduler())


def assert_is_scheduler(config, theirs):
    """A family answers as a scheduler of diffusers does: noise levels, noisy images, and what a prediction means."""
    generator = torch.Generator().manual_seed(0)
    x_0 = torch.rand(4, 1, 8, 8, generator=generator) * 2 - 1
    eps = torch.randn(x_0.shape, generator=generator)
    t = torch.tensor([0, 100, 500, 900])
    tables = config.build().schedule
    torch.testing.assert_close(tables.alpha.float() ** 2, theirs.alphas_cumprod, rtol=1e-3, atol=1e-9)

    alpha, sigma = (part[t].float().view(-1, 1, 1, 1) for part in (tables.alpha, tables.sigma))
    x_t = alpha * x_0 + sigma * eps
    torch.testing.assert_close(x_t, theirs.add_noise(x_0, eps, t), rtol=1e-3, atol=1e-3)

    target = prediction_of(config.predict, x_0, eps, alpha, sigma)
    if config.predict == "v":
        torch.testing.assert_close(target, theirs.get_velocity(x_0, eps, t), rtol=1e-3, atol=1e-3)
    theirs.set_timesteps(theirs.config.num_train_timesteps)
    for k in range(1, len(t)):  # at t = 0 float32 sums of logs differ
        meant = theirs.step(target[k : k + 1], t[k], x_t[k : k + 1]).pred_original_sample
        torch.testing.assert_close(meant, x_0[k : k + 1], rtol=0, atol=5e-3)
    assert config.clip == theirs.config.clip_sample
