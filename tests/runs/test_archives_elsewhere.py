"""Archives of an observation and of a watched run of arrays, used in another folder where the original data is absent."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import config_of

import phasescope
from phasescope.cli import main
from phasescope.runs.store import find_run
from phasescope.worlds.arrays import ArrayWorld


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mid = torch.nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x, t, labels):
        return self.mid(x)


def used_elsewhere(word: str, archive: Path, elsewhere: Path, monkeypatch, capsys) -> None:
    """The run is imported in a folder of its own, then shown, reported and measured there."""
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert main(["import", str(archive)]) == 0, capsys.readouterr().err
    run = find_run(word)
    for words in (["show", word], ["report", word], ["measure", word, "--only", "order"]):
        assert main([*words]) == 0, (words, capsys.readouterr().err)
    assert run.metrics
    assert main(["export", word, "--archive", "again.zip"]) == 0
    assert (elsewhere / "again.zip").read_bytes() == archive.read_bytes()


def test_an_observation(tmp_path, monkeypatch, capsys):
    run = phasescope.train(config_of(), tmp_path / "runs")
    again = phasescope.observe(run, ["probing.bands=3"])
    assert main(["export", str(again.path), "--archive", str(tmp_path / "again.zip")]) == 0
    shutil.rmtree(tmp_path / "runs")
    name = f"{run.name}-{again.name}"
    used_elsewhere(name, tmp_path / "again.zip", tmp_path / "elsewhere", monkeypatch, capsys)


def test_a_watched_run_of_arrays(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    labels = np.stack(np.meshgrid(np.arange(9.0), np.arange(9.0)), -1).reshape(-1, 2)
    world = ArrayWorld.from_arrays(rng.random((81, 8, 8)).astype(np.float32), labels)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    watcher = phasescope.watch(
        world, taps=["mid"], folder="runs/watched", batch=8, latent_labels=64, share_labels=16, p1=None
    )
    for step in (0, 5):
        watcher.record(Net(), step)
    assert main(["export", "watched", "--archive", str(tmp_path / "watched.zip")]) == 0
    shutil.rmtree(tmp_path / "here" / "runs")
    used_elsewhere("watched", tmp_path / "watched.zip", tmp_path / "elsewhere", monkeypatch, capsys)


@pytest.mark.parametrize("named", ["absent.npz"])
def test_data_that_is_needed_and_absent_is_asked_for_by_name(named, tmp_path, monkeypatch, capsys):
    run = phasescope.train(config_of(), tmp_path / "runs")
    text = (run.path / "config.yaml").read_text()
    begin, end = text.index("world:"), text.index("family:")
    (run.path / "config.yaml").write_text(
        f"{text[:begin]}world: {{kind: arrays, file: {named}}}\n{text[end:]}"
    )
    capsys.readouterr()
    assert main(["measure", str(run.path)]) == 2
    told = capsys.readouterr().err
    assert f"`world.file` (={named})" in told
    assert told.count("\n") == 1
