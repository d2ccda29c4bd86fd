"""Every verb under good input, its price at start-up, and the papers' preset."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.training_runs import leave_after
from phasescope import Run, Site, load_config
from phasescope.core.config import read_yaml
from phasescope.models.families.diffusion.exact import closest_reference, nats
from phasescope.runs.store import hold

HELP_WITHIN_S = 0.3


def python(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )


def least_cpu_s(command: list[str], says: str = "") -> float:
    """Of five calls the least processor time, the clock's on a machine that does nothing else."""
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        assert says in found.stdout
    return min(spent)


def test_help_is_quick():
    """Or, on a slow or busy machine, within three times what it takes there to import what reads and draws it."""
    command = [str(Path(sys.executable).with_name("phasescope")), "--help"]
    reading = least_cpu_s([sys.executable, "-c", "import cyclopts, rich.console"])
    assert least_cpu_s(command, "Watch small generative models learn") < max(HELP_WITHIN_S, 3 * reading)


def test_help_imports_nothing_heavy():
    code = """
import sys
from phasescope.cli import main
try:
    main(["--help"])
finally:
    heavy = {"numpy", "pandas", "pydantic", "scipy", "torch", "yaml"} & {*sys.modules}
    print(sorted(heavy), file=sys.stderr)
"""
    found = python(code)
    assert found.returncode == 0
    assert found.stderr == "[]\n"


@pytest.mark.some(1)
@pytest.mark.parametrize("words", [["ls"], ["show", "tiny", "--json"]])
def test_reading_needs_no_torch(words: list[str], trained: Run):
    words = [*words, "--runs", str(trained.path.parent)]
    code = f"""
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NoTorch())
from phasescope.cli import main
sys.exit(main({words!r}))
"""
    found = python(code)
    assert found.returncode == 0, found.stderr
    assert trained.name in found.stdout


@pytest.mark.slow
def test_train_says_what_it_trains_and_keeps_it(cli, tiny: Path, tmp_path: Path):
    outcome = cli("train", tiny, "world.design.dx=0.5", "--runs", tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    first, *snapshots, last = outcome.out.splitlines()
    (folder,) = tmp_path.iterdir()
    run = Run(folder)
    parameters = sum(array.size for array in run.snapshots[-1].weights().values())
    images = 16 * 8
    assert first == (f"{folder}: {parameters:,} parameters, {images:,} images, 40 steps, cpu, threads: 1")
    assert [int(line.split()[0]) for line in snapshots] == [0, 10, 20, 40]
    assert last == f"done: {folder}"
    status = run.status
    assert (status["parameters"], status["images"], status["images_seen"]) == (parameters, images, 40 * 16)
    assert status["wall_s"] >= status["observing_s"] > 0
    assert read_yaml(folder / "config.yaml")["world"]["design"]["dx"] == 0.5


@pytest.mark.parametrize(
    "words",
    [
        ["preset=p1"],
        ["preset=fast", "training.steps=10", "training.optimiser.lr=3e-5", "seed=7"],
        ["network.kind=convnet", "world.boundary=periodic"],
        ["family.schedule.kind=flow", "family.sampler.kind=heun"],
    ],
    ids=" ".join,
)
def test_the_configuration_that_is_printed_is_that_of_the_words(words: list[str], cli, tmp_path: Path):
    outcome = cli("train", *words, "--print-config", "--runs", tmp_path / "runs")
    assert (outcome.code, outcome.err) == (0, "")
    assert "# images per step\n" in outcome.out
    file = tmp_path / "printed.yaml"
    file.write_text(outcome.out)
    assert load_config(file) == load_config(None, words)
    assert load_config(file).folder == load_config(None, words).folder
    assert not (tmp_path / "runs").exists()


def test_the_runs_own_config_yaml_is_its_command(cli, trained: Run):
    outcome = cli("train", trained.path / "config.yaml", "--runs", trained.path.parent)
    assert outcome.code == 0
    assert "from step 40 on" in outcome.out


def test_ls(cli, trained: Run):
    outcome = cli("ls", "--runs", trained.path.parent)
    assert trained.name in outcome.out
    (row,) = json.loads(cli("ls", "--json", "--runs", trained.path.parent).out)
    assert (row["run"], row["state"], row["step"], row["images_seen"]) == (trained.name, "done", 40, 640)
    assert row["success"] == trained.metrics[-1]["outcomes"]["grid"]["correct"]


def test_show(cli, trained: Run):
    outcome = cli("show", "tiny", "--runs", trained.path.parent)
    assert f"{trained.name}  done  step 40/40" in outcome.out
    for words in ("parameters", "640 images seen", "Samples", "untrained"):
        assert words in outcome.out
    whole = json.loads(cli("show", trained.path, "--json").out)
    assert whole["config"] == trained.config
    assert [entry["step"] for entry in whole["metrics"]] == [0, 10, 20, 40]


def test_json_knows_no_nan(cli, trained: Run, tmp_path: Path):
    with hold(tmp_path / "run", trained.config) as folder:
        folder.write_status({"state": "done", "wall_s": float("nan")})
        folder.append_metrics(
            {"step": 0, "images_seen": 0, "loss": float("inf"), "error_px": [float("nan"), 1.0]}
        )

    def refuse(word: str) -> None:
        raise ValueError(word)

    whole = json.loads(cli("show", tmp_path / "run", "--json").out, parse_constant=refuse)
    assert whole["metrics"] == [{"step": 0, "images_seen": 0, "loss": None, "error_px": [None, 1.0]}]
    assert whole["status"]["wall_s"] is None


def test_sample_npz(cli, trained: Run, tmp_path: Path):
    out = tmp_path / "s.npz"
    outcome = cli("sample", trained.path, "--at", "3,4.5", "--count", "5", "--out", out)
    assert outcome.out == f"{out}\n"
    with np.load(out) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    assert images.shape == (5, 1, 8, 8)
    assert images.dtype == np.float32
    assert np.abs(images).max() <= 1
    assert labels.tolist() == [[3.0, 4.5]] * 5
    assert len({image.tobytes() for image in images}) == 5


@pytest.mark.slow
def test_measure_agrees_with_what_the_run_recorded(cli, trained: Run):
    """The same labels, noise and nulls: the same scores; only the pixels' were kept for the run as a whole."""
    found = json.loads(cli("measure", "tiny", "--runs", trained.path.parent, "--json").out)
    last = trained.metrics[-1]
    for name in ("probe_r2", "trustworthiness", "participation_ratio", "label_variance"):
        for t in ("10", "40"):
            mine, recorded = found[name][f"mid.{t}"], last[name][f"mid.{t}"]
            assert mine["value"] == pytest.approx(recorded["value"], rel=1e-5, abs=1e-6)
            assert mine["baselines"] == pytest.approx(recorded["baselines"], rel=1e-5, abs=1e-6)
    untrained = {"untrained", "pixels", "label_embedding"}
    for name, scores in found.items():
        assert untrained <= set(scores["mid.10"]["baselines"]), name
    assert {"torus_3d", "clifford"} <= set(found["factorization"]["mid.40"]["baselines"])
    assert found["factorization"]["mid.40"]["n"] == 16**2
    told = cli("measure", "tiny", "--runs", trained.path.parent, "--only", "probe_r2", "--step", 10).out
    assert f"{trained.metrics[1]['probe_r2']['mid.40']['value']:.3f}" in told
    assert "untrained network" in told


def test_sample_png(cli, trained: Run, tmp_path: Path):
    from PIL import Image

    cli("sample", trained.path, "--count", "4", "--out", tmp_path / "s.png")
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.format == "PNG"
        width, height = picture.size
        assert width == height >= 2 * 8
    assert [path.name for path in tmp_path.iterdir()] == ["s.png"]


def test_demo_ends_at_a_report(cli, tiny: Path, tmp_path: Path):
    """The demo's own preset, made small; and P1's reading, by UMAP, once."""
    words = [
        "world.canvas=16", "network.widths=[8,8,8,8]", "training.steps=8", "training.warmup=2", "training.batch=8",
        "training.threads=1", "training.device=cpu", "family.sampler.steps=2", "probing.images.grid=16",
        "probing.images.off_grid=16", "probing.latent_labels=64", "probing.variance_labels=16",
        "probing.variance_draws=2", "probing.bands=2", "probing.band_images=8",
    ]  # fmt: skip
    outcome = cli("demo", *words, "--runs", tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    (folder,) = tmp_path.iterdir()
    report = folder / "report.html"
    assert outcome.out.splitlines()[-1] == str(report)
    assert report.read_text().lower().startswith("<!doctype html>")
    run = Run(folder)
    assert run.snapshots[-1].embedding(Site("down3", 600)).shape == (64, 3)
    assert set(run.metrics[-1]["phase"]) == {"behaviour", "sheet", "representation_p1"}
    elsewhere = tmp_path / "elsewhere.html"
    assert cli("report", folder, "--out", elsewhere).out == f"{elsewhere}\n"


@pytest.mark.some(1)
@pytest.mark.parametrize("flag", ["--json", ""])
def test_output_that_nobody_reads_is_no_error(flag: str, trained: Run):
    command = f"{sys.executable} -m phasescope show {trained.path} {flag} | head -c 1"
    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "{" if flag else trained.name[0], "")


@pytest.mark.slow
def test_output_that_cannot_be_written_is(trained: Run):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "phasescope", "ls", "--runs", str(trained.path.parent)]
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr == "phasescope: `output` cannot be used: No space left on device\n"


@pytest.mark.slow
def test_the_papers_preset_trains_snapshots_and_resumes(cli, monkeypatch, tmp_path: Path):
    """The paper's own network; it is asked for its rung and its nats on few images, which cost all the time else."""
    monkeypatch.setattr(closest_reference, "LEVELS", 4)
    monkeypatch.setattr(closest_reference, "DRAWS", 1)
    monkeypatch.setattr(nats, "DRAWS", 2)
    words = [
        "preset=paper", "training.steps=6", "training.batch=2", "training.device=cpu", "training.threads=1",
        "family.sampler={kind: ddim, steps: 2}", "probing.snapshots.dense_every=3",
        "probing.layers=[mid]", "probing.t=[600]", "probing.latent_labels=64",
        "probing.images={grid: 16, off_grid: 16}",
        "probing.variance_labels=16", "probing.variance_draws=2", "probing.bands=2", "probing.band_images=4",
        "probing.crossed_labels=16", "probing.p1=null",
    ]  # fmt: skip
    config = load_config(overrides=words)
    assert config.network.widths == (64, 128, 256, 256)
    assert config.world.canvas == 32
    run = leave_after(4, config, tmp_path)
    parameters = run.status["parameters"]
    assert 20e6 < parameters < 26e6
    assert run.status["state"] == "stopped"
    outcome = cli("train", *words, "--runs", tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    first = outcome.out.splitlines()[0]
    assert f"{parameters:,} parameters, 1,024 images, 6 steps, from step 4 on" in first
    assert run.status["state"] == "done"
    assert [snapshot.step for snapshot in run.snapshots] == [0, 3, 6]
    weights = run.snapshots[-1].weights()
    assert sum(array.size for array in weights.values()) == parameters
    assert all(np.isfinite(array).all() for array in weights.values())
    assert run.metrics[-1]["loss"] < run.metrics[1]["loss"]
