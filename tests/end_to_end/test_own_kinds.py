"""Somebody's own world, network, family, measure and study, by the command line alone, in a folder outside the package."""

import base64
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from helpers.own_kinds import OWN, RINGS
from helpers.tiny_run import assert_same_record
from phasescope import Run, find_run
from phasescope.cli import main
from phasescope.runs.store.records import read_records

LEARNING = ("train", "study")
"""verbs that have a process of their own here, as users have them; the others are quicker in this one"""


def phasescope(*words: Any, within: Path, code: int = 0) -> str:
    """The command in the folder `within`; what it prints."""
    words = tuple(map(str, words))
    if words[0] in LEARNING and code == 0:
        found = subprocess.run(
            [sys.executable, "-m", "phasescope", *words],
            cwd=within, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        returned, out, err = found.returncode, found.stdout, found.stderr
    else:
        with chdir(within), redirect_stdout(StringIO()) as told, redirect_stderr(StringIO()) as faults:
            returned = main(words)
        out, err = told.getvalue(), faults.getvalue()
    assert returned == code, err
    assert "Traceback" not in err
    return out if code == 0 else err


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds nothing but somebody's own files."""
    folder = tmp_path_factory.mktemp("home")
    for file in OWN.glob("*.py"):
        shutil.copy2(file, folder)
    (folder / "rings.yaml").write_text(yaml.safe_dump(RINGS))
    return folder


@pytest.fixture(scope="module")
def rings(home: Path) -> Run:
    """The run of rings, done."""
    phasescope("train", "rings.yaml", within=home)
    return find_run("rings", home / "runs")


def test_the_files_of_ones_own_are_as_short_as_promised():
    most = {"my_worlds": 95, "my_networks": 60, "my_families": 50, "my_measures": 20, "my_study": 60}
    most |= {
        "digits": 60,
        "squares": 60,
        "affine_networks": 113,
        "controlnet_kinds": 200,
        "controlnet_meter": 500,
    }
    assert {file.stem for file in OWN.glob("*.py")} == set(most)
    for name, lines in most.items():
        assert len((OWN / f"{name}.py").read_text().splitlines()) <= lines, name


@pytest.mark.slow
def test_killed_and_resumed_it_ends_bitwise_the_same(home: Path, rings: Run):
    command = [sys.executable, "-m", "phasescope", "train", "rings.yaml", "--runs", "killed"]
    process = subprocess.Popen(
        command, cwd=home, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    while process.poll() is None:
        if len(list((home / "killed").glob("*/snapshots/[0-9]*"))) >= 2:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.02)
    assert process.wait() == -signal.SIGKILL
    phasescope("train", "rings.yaml", "--runs", "killed", within=home)
    assert_same_record(find_run("rings", home / "killed"), rings)


@pytest.mark.slow
def test_it_is_shown_reported_painted_measured_and_observed_again(home: Path, rings: Run):
    shown = json.loads(phasescope("show", "rings", "--json", within=home))
    assert shown["status"]["state"] == "done"
    last = rings.metrics[-1]
    assert set(last["accuracy"]["grid"]) == {"x", "y", "r", "hue", "joint"}
    assert set(last["outcomes"]["grid"]) == {"n", "nothing", "smear", "elsewhere", "right"}
    assert set(last["roundness"]) == {"layers.0.5", "layers.0.40", "layers.1.5", "layers.1.40"}
    assert {"untrained", "pixels", "sphere"} <= set(last["roundness"]["layers.1.40"]["baselines"])
    assert "rings-" in phasescope("ls", "--where", "world.kind = 'my_worlds.py:Rings'", within=home)
    page = Path(home / phasescope("report", "rings", within=home).strip()).read_text()
    assert "a coloured ring" in page
    assert "bump" not in page
    phasescope("sample", "rings", "--at", "8,8,3,0.25", "--count", 2, "--out", "two.npz", within=home)
    with np.load(home / "two.npz") as arrays:
        assert arrays["images"].shape == (2, 3, 16, 16)
    phasescope("sample", "rings", "--count", 2, "--out", "two.png", within=home)
    scores = json.loads(phasescope("measure", "rings", "--only", "probe_r2,roundness", "--json", within=home))
    assert set(scores["roundness"]) == set(last["roundness"])
    again = Path(home / phasescope("observe", "rings", "probing.layers=[layers.0]", within=home).strip())
    assert set(Run(again).metrics[-1]["probe_r2"]) == {"layers.0.5", "layers.0.40"}


@pytest.mark.slow
def test_the_explorer_executes_sources_that_are_trusted_and_are_as_recorded(home: Path, rings: Run, caplog):
    pytest.importorskip("httpx")
    from starlette.testclient import TestClient

    from phasescope.views.web.server import create_app

    label = ",".join(map(str, rings.snapshots[-1].latent_labels()[0]))
    source = (home / "my_networks.py").read_text()

    def sampled(trust: bool) -> tuple[str, int]:
        app = create_app(home / "runs", home, trust)
        with chdir(home), TestClient(app, base_url="http://127.0.0.1") as client:
            details = client.get(f"/api/runs/{rings.name}").json()
            answer = client.get(f"/api/runs/{rings.name}/generate?label={label}&steps=2&sampler=ddim&seed=0")
        return details["sampling"].get("error", ""), answer.status_code

    error, status = sampled(trust=False)
    assert "my_networks.py:DiT" in error
    assert "--trust" in error
    assert status == 400
    assert sampled(trust=True) == ("", 200)
    assert "executes my_worlds.py:Rings, my_networks.py:DiT" in caplog.text
    try:
        (home / "my_networks.py").write_text(source + "\n# changed\n")
        error, status = sampled(trust=True)
    finally:
        (home / "my_networks.py").write_text(source)
    assert "my_networks.py" in error
    assert status == 400


@pytest.mark.slow
def test_a_family_without_noise_levels(home: Path):
    words = ("family.kind=my_families.py:Decoder", "probing.t=usual", "name=decoder")
    phasescope("train", "rings.yaml", *words, within=home)
    metrics = find_run("decoder", home / "runs").metrics
    assert set(metrics[-1]["probe_r2"]) == {"layers.0.", "layers.1."}
    assert metrics[-1]["pixel_error"] < metrics[0]["pixel_error"]
    phasescope("show", "decoder", within=home)
    phasescope("report", "decoder", within=home)
    phasescope("measure", "decoder", "--only", "probe_r2", within=home)


@pytest.mark.slow
def test_what_only_shows_runs_never_imports_their_source(home: Path, rings: Run, tmp_path: Path):
    """The same folder of runs, where the source is gone."""
    shutil.copytree(rings.path, tmp_path / "runs" / rings.name)
    phasescope("show", "rings", within=tmp_path)
    phasescope("ls", "--where", "step = 40", within=tmp_path)
    phasescope("report", "rings", within=tmp_path)
    told = phasescope("sample", "rings", within=tmp_path, code=2)
    assert told.startswith("phasescope: ")
    assert "my_worlds.py" in told
    assert len(told.splitlines()) == 1


@pytest.mark.slow
def test_a_source_that_failed_before_its_first_step_may_be_mended(home: Path, rings: Run, tmp_path: Path):
    for file in (*OWN.glob("*.py"), home / "rings.yaml"):
        shutil.copy2(file, tmp_path)
    source = tmp_path / "my_networks.py"
    whole = source.read_text()
    line = next(line for line in whole.splitlines() if line.strip().startswith("def forward"))
    source.write_text(
        whole.replace(line, f"{line}\n        assert not self.training, 'it is not written yet'")
    )
    failed = subprocess.run(
        [sys.executable, "-m", "phasescope", "train", "rings.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert failed.returncode
    run = find_run("rings", tmp_path / "runs")
    assert (run.status["state"], [line["step"] for line in run.metrics]) == ("failed", [0])
    source.write_text(whole)
    phasescope("train", "rings.yaml", within=tmp_path)
    assert_same_record(find_run("rings", tmp_path / "runs"), rings)


@pytest.mark.slow
def test_a_source_that_changed_is_refused(home: Path, rings: Run, tmp_path: Path):
    shutil.copytree(rings.path, tmp_path / "runs" / rings.name)
    for file in (*OWN.glob("*.py"), home / "rings.yaml"):
        shutil.copy2(file, tmp_path)
    source = tmp_path / "my_networks.py"
    source.write_text(source.read_text() + "\n# another network, for all that one can know\n")
    for verb in ("sample", "measure"):
        told = phasescope(verb, "rings", within=tmp_path, code=2)
        assert "my_networks.py:DiT" in told
        assert "changed since" in told
    assert "changed since" in phasescope("train", "rings.yaml", within=tmp_path, code=2)
    phasescope("show", "rings", within=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_study_of_ones_own_is_run_recorded_and_judged(engine: str, home: Path):
    if engine == "ray":
        pytest.importorskip("ray")
    study, runs = f"study_{engine}.py", ("--runs", f"runs_{engine}")
    shutil.copy2(home / "my_study.py", home / study)
    told = phasescope("study", study, "--engine", engine, *runs, within=home)
    assert "learns_more" in told
    frame = read_records(home / f"study_{engine}" / "records.parquet")
    assert frame["digest"].nunique() == 4
    claims = json.loads((home / f"study_{engine}" / "claims.json").read_text())
    assert claims["claims"][0]["n"] == 4
    again = phasescope("study", study, "--dry-run", "--json", *runs, within=home)
    assert json.loads(again)["to_run"] == 0
    phasescope("report", study, within=home)


@pytest.mark.slow
def test_digits_by_class_are_trained_and_reported(tmp_path):
    for name in ("digits.py", "digits.yaml"):
        shutil.copy2(OWN / name, tmp_path)
    subprocess.run([sys.executable, "digits.py"], cwd=tmp_path, check=True)
    few = [
        "training.steps=10",
        "training.warmup=0",
        "probing.snapshots.every=10",
        "probing.images.trained=40",
    ]
    phasescope("train", "digits.yaml", *few, within=tmp_path)
    run = find_run("digits", tmp_path / "runs")
    assert run.about["training"]["count"] == 1797
    assert {outcome["name"] for outcome in run.about["outcomes"]} == {"malformed", "other label", "correct"}
    assert sum(by["n"] for by in run.metrics[-1]["by_class"]["trained"]["digit"].values()) == 40
    phasescope("report", "digits", within=tmp_path)
    report = (run.path / "report.html").read_text()
    answers = json.loads(re.search(r'id="answers">(.*?)</script>', report)[1]).values()
    assert any(b'"seven"' in gzip.decompress(base64.b64decode(answer)) for answer in answers)
    phasescope("export", "digits", "--figures", "figures", within=tmp_path)
    captions = (tmp_path / "figures" / "captions.md").read_text()
    assert "a label names one image" not in captions
    phasescope("sample", "digits", "--at", "7", "--count", "2", within=tmp_path)
    for at, rule in (("12", "must lie in the world, from 0 to 9"), ("2.5", "must be a whole number")):
        assert rule in phasescope("sample", "digits", "--at", at, "--count", "2", within=tmp_path, code=2)
