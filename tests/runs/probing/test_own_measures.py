"""Measures of one's own, beside the battery: in a run's snapshots and where somebody's network is probed."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from helpers.training_runs import TINY, run_config
from phasescope import Factors, RunConfig, UserError, observe, train
from phasescope.cli import main
from phasescope.measures.latents.battery import given
from phasescope.runs.probing.own_measures import load_measures
from phasescope.runs.trained.measure import measure_run
from phasescope.views.facts.record import Record

MINE = '''
import numpy as np
from phasescope.measures import Column, Score, measure

LIMIT = 3


def spread(latents, labels):
    """How far latents reach."""
    value = float(np.ptp(latents))
    return Score(value, value, value, len(latents), "range", {"told": float(np.ptp(labels))})


def knows(latents, labels, factors):
    return Score(float(len(factors)), 0.0, 9.0, len(labels), " ".join(factors.names))


def number(latents, labels):
    return 3.0


probe_r2 = denoising = spread


@measure(
    Column(name="ratio", words="spread by that at the end", section="dimension", needs=frozenset({"final"})),
    take=lambda given: ratio(given.latents, given.final),
)
def ratio(latents, final):
    value = float(np.ptp(latents) / np.ptp(final))
    return Score(value, value, value, len(latents), "range")
'''
FACTORS = Factors.named(("a", "b"), [4.0, 4.0])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("phasescope_own_")]:
        del sys.modules[name]


def config_of(*measures: str) -> RunConfig:
    short = {"steps": 2, "batch": 8, "warmup": 0}
    return run_config(TINY, {"training": short, "probing": {"measures": list(measures)}})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["mine.py:none"], r"`mine.py:none` must name something in `mine.py`: it has no `none`"),
        (["mine.py:LIMIT"], r"measures` \(=mine.py:LIMIT\) must be a function of latents and labels"),
        (
            ["mine.py:probe_r2"],
            r"\(=mine.py:probe_r2\) must have a name of its own: `probe_r2` is a measure of",
        ),
        (["mine.py:denoising"], r"must have a name of its own: `denoising` is a measure of phasescope"),
        (["mine.py:spread", "mine.py:spread"], r"must have a name of its own: `spread` is given already"),
    ],
)
def test_what_is_no_measure_is_refused_before_any_work(names, message, tmp_path):
    with pytest.raises(UserError, match=message):
        train(config_of(*names), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_what_returns_no_score_is_named(tmp_path):
    with pytest.raises(
        UserError, match=r"`probing.measures` \(=mine.py:number\) must return a .*, not a float"
    ):
        train(config_of("mine.py:number"), tmp_path / "runs")


class Passing(nn.Module):
    def __init__(self):
        super().__init__()
        self.label = nn.Identity()

    def forward(self, x_t, t, labels):
        self.label(labels)
        return x_t


def test_a_run_records_them_and_measures_them_again(tmp_path, capsys):
    config = config_of("mine.py:spread", "mine.py:knows")
    assert config.digest() == config_of().digest()
    run = train(config, tmp_path / "runs")
    assert run.sources.keys() == {"mine.py:spread", "mine.py:knows"}
    for line in run.metrics:
        spread = line["spread"]["mid.40"]
        assert spread["baselines"].keys() == {"told", "untrained", "pixels", "label_embedding"}
        assert spread["baselines"]["untrained"] == run.metrics[0]["spread"]["mid.40"]["value"]
        assert (line["knows"]["mid.40"]["value"], line["knows"]["mid.40"]["estimator"]) == (2.0, "x y")
    latents = run.snapshots[-1].latents("mid", t=40)
    assert spread["value"] == pytest.approx(np.ptp(latents), rel=2e-3)  # stored in half precision
    capsys.readouterr()
    assert main(["measure", str(run.path), "--only", "spread", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["spread"]
    # latents of the run are what the network gives again, in another layout of memory
    assert found["spread"]["mid.40"]["value"] == pytest.approx(
        run.metrics[-1]["spread"]["mid.40"]["value"], rel=1e-4
    )


def test_a_further_measure_of_phasescope_is_recorded_at_each_snapshot_if_it_is_named():
    run = train(config_of("two_nn"))
    for line in run.metrics:
        assert {score["n"] for score in line["two_nn"].values()} == {64}
    assert "mig" not in run.metrics[-1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "two_n",
            r"`probing.measures` \(=two_n\) must be the name of a measure, or of the form .* one is two_nn",
        ),
        (
            "additivity",
            r"`probing.measures` \(=additivity\) must take labels as they are drawn.*phasescope measure",
        ),
    ],
)
def test_bad_input_what_a_snapshot_cannot_take_is_said(name, said):
    with pytest.raises(UserError, match=said):
        config_of(name)


def test_a_further_measure_that_labels_do_not_suit_is_one_line():
    with pytest.raises(
        UserError, match=r"`probing.measures` \(=mig\) cannot be taken here: `latents` \(n=64\) must"
    ):
        train(config_of("mig"))


@pytest.mark.slow
def test_what_compares_with_the_final_network_is_taken_of_a_trained_run():
    with pytest.raises(UserError, match=r"\(=ratio\) must be known while a run trains.*phasescope observe"):
        train(config_of("mine.py:ratio"))

    observed = observe(train(config_of()), ["measures=[mine.py:ratio]"])
    assert observed.about["columns"]["ratio"]["words"] == "spread by that at the end"
    assert all(score["value"] == pytest.approx(1) for score in observed.metrics[-1]["ratio"].values())
    assert any(score["value"] != pytest.approx(1) for score in observed.metrics[0]["ratio"].values())
    assert Record(observed).column("ratio").words == "spread by that at the end"

    table = measure_run(observed, 0, ["ratio"])
    for site, score in table["ratio"].items():
        assert score.value == pytest.approx(observed.metrics[0]["ratio"][site]["value"], rel=1e-3)


@pytest.mark.slow
def test_pixels_are_compared_with_the_final_network_at_each_layer():
    run = train(config_of())
    observed = observe(run, ["measures=[mine.py:ratio]", "layers=[up1, mid]"])
    last = observed.snapshots[-1]
    for name, by_site in (
        ("observe", {site: score["baselines"] for site, score in observed.metrics[0]["ratio"].items()}),
        ("measure", {site: s.baselines for site, s in measure_run(observed, 0, ["ratio"])["ratio"].items()}),
    ):
        assert len(by_site) > 1
        # The same pixels: their range goes as one over that of the final activations.
        spans = {str(site): np.ptp(last.latents(*site).astype(float)) for site in last.sites}
        products = {site: known["pixels"] * spans[site] for site, known in by_site.items()}
        by_t = {}
        for site, product in products.items():
            by_t.setdefault(site.rpartition(".")[2], []).append(product)
        for several in by_t.values():
            assert several == pytest.approx([several[0]] * len(several), rel=1e-2), name


@pytest.mark.parametrize(
    "parameters",
    [
        "latents, labels",
        "latents, labels, factors",
        "latents, labels, *, k=3",
        "latents, labels, power=2",
        "latents, labels, power=2, factors=None",
        "latents, labels, *, factors",
        "latents, labels, its_factors",
    ],
)
def test_a_declared_measure_is_called_with_as_many_arguments_as_it_takes(parameters, tmp_path):
    source = """
from phasescope import Factors
from phasescope.measures import Column, Score, measure

@measure(Column(name="size_of_all", words="how many"))
def size_of_all({}):
    given = locals().copy()
    assert given.get("power", 2) == 2
    assert given.get("k", 3) == 3
    assert all(isinstance(value, Factors) for name, value in given.items() if "factors" in name)
    return Score(len(latents), 0.0, 99.0, len(labels), "count", {{}})
"""
    Path("counted.py").write_text(source.format(parameters))
    (measure,) = load_measures(["counted.py:size_of_all"]).values()
    latents, labels = np.random.default_rng(0).normal(size=(5, 3)), np.arange(5.0)[:, None]
    assert measure.take(given(latents, labels)).value == 5
