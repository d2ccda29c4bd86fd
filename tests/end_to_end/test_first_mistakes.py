"""What somebody gets wrong in their first hour is told in a line, before a folder is made."""

import subprocess
import sys

import pytest

import phasescope
from phasescope import UserError, train

NETWORKS = """
from torch import nn


class TwoArguments(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Conv2d(channels, channels, 1)

    def forward(self, x, t):
        return self.body(x)


class OtherShape(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Conv2d(channels, 3, 1)

    def forward(self, x, t, labels):
        return self.body(x)
"""


@pytest.mark.parametrize(
    ("network", "rule"),
    [
        ("TwoArguments", "must answer forward(x_t, t, labels): TypeError: "),
        ("OtherShape", "must return the shape (2, 1, 8, 8), not (2, 3, "),
    ],
)
def test_a_network_that_does_not_answer(network, rule, cli, tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(NETWORKS)
    monkeypatch.chdir(tmp_path)
    short = ("world.canvas=8", "training.steps=2", "training.warmup=1")
    outcome = cli("train", "name=own", f"network.kind=nets.py:{network}", *short)
    assert outcome.code == 2
    answer = f"phasescope: `network.kind` (=nets.py:{network}) {rule}"
    assert outcome.err.startswith(answer), outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


class Fails:
    def update(self, run):
        raise OSError("no such project")

    def close(self):
        pass


@pytest.mark.parametrize(
    ("monitors", "message"),
    [
        ("logs", r"`monitors` \(='l'\) must be monitors"),
        ([Fails], r"`monitors` \(=.*\) must be monitors, with update and close"),
        ([Fails()], r"`Fails` cannot log: OSError: no such project"),
    ],
)
def test_bad_input_of_monitors(monitors, message, tiny_config, tmp_path):
    with pytest.raises(UserError, match=message):
        train(tiny_config(), tmp_path, monitors=monitors)


def test_bad_input_words_in_the_place_of_a_configuration():
    with pytest.raises(
        UserError, match=r"`config` \(='preset=small'\) must be a RunConfig or a tree of its fields"
    ):
        phasescope.train("preset=small")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"`overrides` \(=preset=small\) must be a list of key=value texts"):
        phasescope.load_config(overrides="preset=small")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"family": object()}, r"`family` \(=.*\) must be a configuration, as phasescope.families.USUAL"),
        ({"batch": 0}, r"`batch` \(=0\) must be at least 1"),
        ({"monitors": "logs"}, r"`monitors` \(='l'\) must be monitors"),
    ],
)
def test_bad_input_of_watch(given, message, tmp_path):
    world, folder = phasescope.worlds.GaussianBump(canvas=8), tmp_path / "watched"
    with pytest.raises(UserError, match=message):
        phasescope.watch(world, layers=["0"], folder=folder, **{"batch": 8, **given})
    assert list(tmp_path.iterdir()) == []


def test_a_package_is_there_without_an_import_of_its_own():
    code = "import phasescope; print(phasescope.families.USUAL is phasescope.models.families.USUAL, phasescope.runs)"
    end = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert end.stdout.startswith("True"), end.stderr
