"""Runs that tests share are what `train` writes, trained once for each code and configuration."""

from pathlib import Path

from helpers import kept_runs
from helpers.kept_runs import kept_run
from helpers.tiny import config_of
from phasescope import Run, RunConfig


def test_a_kept_run_is_trained_once_and_again_for_other_code(tmp_path, monkeypatch):
    trained = []

    def train(config: RunConfig, runs: Path) -> Run:
        trained.append(config.seed)
        path = runs / config.folder
        path.mkdir(parents=True)
        (path / "weights").write_text(f"seed {config.seed}")
        return Run(path)

    def kept(folder: str, seed: int = 0) -> Run:
        return kept_run(config_of(seed=seed), tmp_path / folder, tmp_path / "kept", train)

    first, second = kept("first"), kept("second")
    assert trained == [0]
    assert first.path == tmp_path / "first" / config_of(seed=0).folder
    (first.path / "weights").write_text("changed by a test")
    assert (second.path / "weights").read_text() == "seed 0"

    assert (kept("third", seed=1).path / "weights").read_text() == "seed 1"
    assert trained == [0, 1]
    monkeypatch.setattr(kept_runs, "code_digest", lambda: "other code")
    kept("fourth")
    assert trained == [0, 1, 0]
    assert [place.name for place in (tmp_path / "kept").iterdir()] == ["other code"]


def test_code_is_known_by_its_bytes(tmp_path, monkeypatch):
    for package in kept_runs.PACKAGES:
        (tmp_path / package).mkdir()
    file = tmp_path / "models" / "network.py"
    file.write_text("a = 1\n")
    monkeypatch.setattr(kept_runs.phasescope, "__file__", str(tmp_path / "__init__.py"))
    before = kept_runs.code_digest.__wrapped__()
    assert kept_runs.code_digest.__wrapped__() == before
    file.write_text("a = 2\n")
    assert kept_runs.code_digest.__wrapped__() != before
