"""Networks that never hear a label, or a factor: they are told none, and paint beside exact optima from the same noise."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
import yaml

from helpers.explored import page_of
from helpers.tiny import config_of
from phasescope import Run, UserError, train
from phasescope.cli import main
from phasescope.core.randomness import torch_generator
from phasescope.models.training.withholding import withhold_as_trained
from phasescope.runs.trained.load import Loaded, load_unconditional
from phasescope.runs.training.execution import execute
from phasescope.studies import load_network
from phasescope.views.facts.record import Record
from phasescope.views.terminal.progress import follow
from studies.local import objects

TORUS = {"canvas": 9, "boundary": "periodic"}
CONV = {"kind": "convnet", "width": 8, "receptive_px": 5, "embedding": {"width": 8}}


@pytest.fixture(scope="module")
def untold(tmp_path_factory) -> Run:
    config = config_of(
        world=TORUS,
        network=CONV,
        training={"label_dropout": 1.0},
        probing={"layers": ["layer1"], "snapshots": {"every": 20}},
    )
    return train(config, tmp_path_factory.mktemp("runs"))


def test_what_snapshots_paint_is_painted_with_no_label_told(untold):
    """By the network as it was built, which hears whatever it is told."""
    snapshot = untold.snapshots[-1]
    config = load_network(untold, snapshot).config
    bare = config.network.build(config.world.shape, config.world.factors)
    bare.load_state_dict({name: torch.from_numpy(array) for name, array in snapshot.weights().items()})
    samples = snapshot.samples()
    some = samples["labels"][: config.probing.batch]

    def painted(labels: np.ndarray) -> np.ndarray:
        generator = torch_generator(config.seed, "probe sampling", 0, "cpu")
        with torch.no_grad():
            images = config.family.build().sample(
                bare, torch.from_numpy(labels), config.world.shape, generator
            )
        return images.numpy()

    stored = samples["images"][: len(some)]
    np.testing.assert_allclose(painted(np.full_like(some, np.nan)), stored, atol=2e-3)
    assert np.abs(painted(some) - stored).max() > 0.01


def test_a_loaded_network_answers_the_same_whatever_it_is_told(untold):
    network = load_unconditional(untold, None).network
    x, t = torch.randn(3, 1, 9, 9), torch.tensor([1, 20, 40])
    with torch.no_grad():
        none, some = (network(x, t, torch.full((3, 2), value)) for value in (torch.nan, 4.0))
    torch.testing.assert_close(none, some, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("dropout", "always_withheld"),
    [(0.0, False), (0.9, False), (1.0, True), ([1.0, 0.5], [True, False]), ([0.0, 1.0], [False, True])],
)
def test_a_factor_that_is_always_withheld_is_never_heard(dropout, always_withheld):
    config = config_of(training={"label_dropout": dropout})
    assert config.training.always_withheld == always_withheld
    heard: list[torch.Tensor] = []

    class Ear(torch.nn.Module):
        def forward(self, x: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            heard.append(labels)
            return x

    ear = Ear()
    withhold_as_trained(ear, config.training)
    ear(torch.zeros(2, 1), torch.zeros(2), torch.ones(2, 2))
    assert heard[0].isnan().tolist() == [np.broadcast_to(always_withheld, 2).tolist()] * 2


def beside(run: Run, optimum: str, receptive_px: int = 5) -> dict[str, float]:
    """Return the median r² to both optima of images that one of them generates instead of the run's network."""
    loaded = load_unconditional(run, None)
    network = loaded.config.network.model_copy(update={"receptive_px": receptive_px})
    config = loaded.config.model_copy(update={"network": network})
    own = config.family.analysis(config.task()).optima()[objects.OPTIMA[optimum]]
    images = objects.images_beside(Loaded(config, own, loaded.plan), 20)  # pyrefly: ignore[bad-argument-type]
    variance = objects.total_variance(config.world)
    return {
        name: float(np.median(objects.r2(images["network"], images[name], variance)))
        for name in objects.OPTIMA
    }


def test_an_optimum_generates_what_it_generates_and_not_what_the_other_does(untold):
    for name, other in (("optimum", "posterior"), ("posterior", "optimum")):
        r2 = beside(untold, name)
        assert r2[name] == 1
        assert r2[other] < 0.9


def test_a_patch_local_optimum_that_sees_the_whole_canvas_is_the_posterior_mean(untold):
    assert beside(untold, "posterior", receptive_px=9)["optimum"] > 0.999


def test_the_spread_of_training_images_is_what_agreement_is_relative_to(untold):
    world = load_unconditional(untold, None).config.world
    images = world.render(torch.from_numpy(world.training_labels())).numpy()
    expected = ((images - images.mean(axis=0)) ** 2).sum(axis=(1, 2, 3)).mean()
    assert objects.total_variance(world) == pytest.approx(expected, rel=1e-5)


def test_a_run_that_always_heard_its_label_is_refused(run):
    with pytest.raises(UserError, match="must be trained with labels left out"):
        load_unconditional(run, None)


def test_what_is_told_no_label_is_described_judged_and_drawn_without_one(untold, capsys):
    record = Record(untold)
    assert record.is_unconditional
    assert [outcome.name for outcome in record.outcomes] == ["not formed", "formed"]
    line, recorded = record.metrics[-1], untold.metrics[-1]
    shares = recorded["outcomes"]["grid"]
    assert line["outcomes"]["grid"]["formed"] == pytest.approx(shares["misplaced"] + shares["correct"])
    assert record.sequence("behaviour") == []
    assert main(["report", str(untold.path)]) == 0
    text = (untold.path / "report.html").read_text()
    capsys.readouterr()
    verdict = text[text.index('id="verdict"') :][:2000]
    assert "The network gets no label" in verdict
    shown_text = re.sub(r"<[^>]+>", " ", text.partition('<section id="scores"')[0].partition("<body>")[2])
    for word in ("the image of a label", "misplaced", "correct", "right place", "wrong place", "Asked for",
                 "names one image", "Behaviour", "labels on the grid", "Label space"):  # fmt: skip
        assert word not in shown_text, word
    assert main(["show", str(untold.path)]) == 0
    shown = capsys.readouterr().out
    assert "formed" in shown
    assert not [word for word in ("misplaced", "correct", "behaviour") if word in shown]
    assert main(["ls", "--runs", str(untold.path.parent), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["success"] == pytest.approx(shares["misplaced"] + shares["correct"])
    assert row["behaviour"] is None
    shown = page_of(untold)
    assert shown["lines"][-1]["readings"] == []
    assert shown["names"]["splits"] == {"grid": "images"}


@pytest.mark.parametrize(
    ("dropout", "unconditional"), [([1.0, 0.5], False), ([1.0, 1.0], True), (0.1, False), (None, False)]
)
def test_one_factor_that_is_conditioned_on_is_a_label(dropout, unconditional, run, tmp_path):
    copy = Run(shutil.copytree(run.path, tmp_path / run.name))
    config = run.config | {"training": {} if dropout is None else {"label_dropout": dropout}}
    (copy.path / "config.yaml").write_text(yaml.safe_dump(config))
    assert Record(copy).is_unconditional == unconditional


def test_the_lines_of_a_training_without_labels_judge_no_place(tmp_path, capsys):
    training = {"label_dropout": 1.0, "steps": 2, "warmup": 1}
    probing = {"layers": ["layer1"], "observe": [], "snapshots": {"every": 2}}
    config = config_of(world=TORUS, network=CONV, training=training, probing=probing)
    assert follow(execute(config, tmp_path), Run(tmp_path / config.folder), lambda done, total: None)
    printed = capsys.readouterr().out
    assert "not formed" in printed
    assert not re.search("misplaced|behaviour", printed)
