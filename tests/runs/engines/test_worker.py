"""`phasescope exec RUN_DIR`: what it refuses, what it leaves alone, what it keeps."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from phasescope.cli import main
from phasescope.runs.config import load_config
from phasescope.runs.engines.workers import BUSY, LOG, run_process, start_process, why
from phasescope.runs.store import Run, hold
from phasescope.runs.store.folder import is_held
from phasescope.runs.worker import prepare

SHORT = [
    "world.canvas=8", "family.schedule.steps=50", "family.sampler={kind: ddim, steps: 2}", "network.patch=1",
    "network.widths=[8,8]", "network.groups=4", "network.embedding.width=8", "training.batch=8", "training.warmup=0",
    "training.device=cpu", "probing.taps=[mid]", "probing.timesteps=[40]", "probing.images.grid=16",
    "probing.images.off_grid=16", "probing.latent_labels=64", "probing.share_labels=16", "probing.share_draws=2",
    "probing.bands=2", "probing.band_images=8", "probing.representation={tap: mid, timestep: 40}", "probing.p1=null",
]  # fmt: skip


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["exec", *map(str, words)])
    return code, capsys.readouterr().err


def test_bad_folders_are_refused(tmp_path: Path, capsys):
    folder = prepare(load_config(), tmp_path)
    assert said(capsys, tmp_path / "none") == (
        2, f"phasescope: `{tmp_path / 'none'}` must be a run's folder: it has no config.yaml\n",
    )  # fmt: skip
    renamed = folder.rename(tmp_path / "elsewhere")
    code, told = said(capsys, renamed)
    assert code == 2
    assert f"must have its configuration's name: {load_config().folder}" in told
    (renamed / "config.yaml").write_text(yaml.safe_dump({**load_config().tree(), "seed": -1}))
    code, told = said(capsys, renamed)
    assert (code, "`seed` (=-1)" in told) == (2, True)
    assert not (renamed / "attempts.jsonl").exists()


def test_what_is_done_or_anothers_is_left_alone(tmp_path: Path, capsys):
    config = load_config(words=[*SHORT, "training.steps=1"])
    folder = prepare(config, tmp_path)
    with hold(folder, config.tree()) as writer:
        code, told = said(capsys, folder)
        assert code == BUSY
        assert (
            told == f"phasescope: `{folder}` is being written by another process: wait for it, or stop it\n"
        )
        assert not (folder / "attempts.jsonl").exists()
        writer.write_status({"state": "done", "step": config.training.steps})
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert said(capsys, folder) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_run_that_fails_says_why_in_its_status_its_attempts_and_its_log(tmp_path: Path):
    from phasescope.runs.worker import attempts

    config = load_config(words=[*SHORT, "training.steps=30", "training.optimiser.lr=1e30"])
    folder = prepare(config, tmp_path)
    code = run_process(folder)
    assert code == 1
    assert "`loss` (=" in why(folder, code, 0)
    began, ended = attempts(Run(folder))
    assert (began["event"], began["attempt"], began["step"]) == ("began", 1, 0)
    assert (ended["event"], ended["attempt"], ended["state"]) == ("ended", 1, "failed")
    assert ended["error"].startswith("RunFailed: `loss` (=")
    assert Run(folder).status["threads"] == 1
    assert (folder / LOG).read_text().count("\n") == 1


def test_a_worker_that_is_asked_to_stop_leaves_a_checkpoint_and_no_lock(tmp_path: Path):
    from phasescope.runs.worker import attempts

    folder = prepare(load_config(words=[*SHORT, "training.steps=100000", "training.threads=2"]), tmp_path)
    process = start_process(folder)
    run = Run(folder)
    deadline = time.monotonic() + 600
    while run.status.get("step", 0) < 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=600) == 0
    status = run.status
    assert (status["state"], status["threads"]) == ("stopped", 2)
    assert 1 <= status["step"] < 100000
    assert why(folder, 0, status["step"]) == f"stopped at step {status['step']}"
    assert [line["event"] for line in attempts(run)] == ["began", "ended"]
    assert not is_held(folder)


def test_a_done_run_is_left_alone_before_torch_is_imported(tmp_path: Path):
    """So a queue of jobs whose runs are done costs little."""
    config = load_config(words=[*SHORT, "training.steps=1"])
    folder = prepare(config, tmp_path)
    with hold(folder, config.tree()) as writer:
        writer.write_status({"state": "done"})
    code = "import sys; from phasescope.cli import main; code = main(sys.argv[1:]); print('torch' in sys.modules, code)"
    found = subprocess.run([sys.executable, "-c", code, "exec", str(folder)], capture_output=True, text=True)
    assert found.stdout == "False 0\n", found.stderr
