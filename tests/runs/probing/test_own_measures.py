"""Measures of one's own, beside the battery: in a run's snapshots and where somebody's network is probed."""

import sys

import numpy as np
import pytest
from torch import nn

from least import LEAST
from phasescope import Factors, UserError, train
from phasescope.runs.config import over_defaults
from phasescope.runs.measuring import measure_run
from phasescope.runs.probing.own_measures import load_measures

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


probe_r2 = spread
'''
FACTORS = Factors.named(("a", "b"), [4.0, 4.0])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("phasescope_own_")]:
        del sys.modules[name]


def test_they_take_latents_and_labels_and_where_they_ask_for_them_factors():
    rng = np.random.default_rng(0)
    latents, labels = rng.normal(size=(20, 3)), rng.uniform(size=(20, 2))
    found = load_measures(["mine.py:spread", "mine.py:knows"])
    assert list(found) == ["spread", "knows"]
    spread, knows = (measure(latents, labels, FACTORS) for measure in found.values())
    assert spread.value == np.ptp(latents)
    assert (knows.value, knows.estimator) == (2.0, "a b")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["mine.py:none"], r"`mine.py:none` must name something in `mine.py`: it has no `none`"),
        (
            ["mine.py:LIMIT"],
            r"`probing.measures` \(=mine.py:LIMIT\) must be a function of latents and labels",
        ),
        (
            ["mine.py:probe_r2"],
            r"`probing.measures` \(=mine.py:probe_r2\) must have a name of its own: `probe_r2` is a measure of",
        ),
        (["mine.py:spread", "mine.py:spread"], r"must have a name of its own: `spread` is given already"),
    ],
)
def test_what_is_no_measure_is_refused(names, message):
    with pytest.raises(UserError, match=message):
        load_measures(names)


def test_what_returns_no_score_is_told_by_its_name():
    (number,) = load_measures(["mine.py:number"]).values()
    with pytest.raises(
        UserError, match=r"`probing.measures` \(=mine.py:number\) must return a .*Score, not a float"
    ):
        number(np.zeros((4, 2)), np.zeros((4, 2)), FACTORS)


class Passing(nn.Module):
    def __init__(self):
        super().__init__()
        self.label = nn.Identity()

    def forward(self, x_t, t, labels):
        self.label(labels)
        return x_t


def test_a_run_records_them_and_measures_them_again(tmp_path):
    config = over_defaults(
        {
            "world": {"canvas": 8},
            "family": {"schedule": {"steps": 50}, "sampler": {"kind": "ddim", "steps": 2}},
            "network": {"widths": [8, 8], "groups": 4, "embedding": {"width": 8}},
            "training": {"steps": 2, "batch": 8, "warmup": 0, "threads": 1, "device": "cpu"},
            "probing": {
                "layers": ["mid"],
                "t": [40],
                **LEAST,
                "measures": ["mine.py:spread", "mine.py:knows"],
            },
        }
    )
    assert config.digest() == over_defaults(config.tree(), {"probing": {"measures": []}}).digest()
    run = train(config, tmp_path / "runs")
    assert run.sources.keys() == {"mine.py:spread", "mine.py:knows"}
    for line in run.metrics:
        spread = line["spread"]["mid.40"]
        assert spread["baselines"].keys() == {"told", "untrained", "pixels", "label_embedding"}
        assert spread["baselines"]["untrained"] == run.metrics[0]["spread"]["mid.40"]["value"]
        assert line["knows"]["mid.40"]["value"] == 2
    found = measure_run(run, chosen=["spread"])
    assert list(found) == ["spread"]
    # latents of the run are what the network gives again, in another layout of memory
    assert found["spread"]["mid.40"].value == pytest.approx(
        run.metrics[-1]["spread"]["mid.40"]["value"], rel=1e-4
    )
