"""Measures of one's own, beside the battery: in a run's snapshots and where somebody's network is probed."""

import json
import sys

import numpy as np
import pytest
from torch import nn

from phasescope import Factors, RunConfig, UserError, train
from phasescope.cli import main
from training_runs import TINY, run_config

MINE = '''
import numpy as np
from phasescope.measures import Score

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
        (["mine.py:denoising"], r"must have a name of its own: `denoising` is given already"),
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
