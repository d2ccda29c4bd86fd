"""One table: every stored file of a run, crossed with every damage and every reader.

A reader answers, or refuses in one line; it changes nothing but what it writes itself, and other runs are not affected.
"""

import json
import os
import shutil
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from helpers.attacked_run import FIELDS, config_of
from helpers.damage import DAMAGES, fingerprint, stored_files
from phasescope import Run, RunFailed, UserError, train
from phasescope.views.web.server import create_app

READERS = {
    "show": ["show", "RUN", "--json"],
    "report": ["report", "RUN", "--out", "report.html"],
    "measure": ["measure", "RUN", "--only", "participation_ratio", "--json"],
    "sample": ["sample", "RUN", "--count", "1", "--out", "samples.npz"],
    "export": ["export", "RUN", "--tables", "tables"],
    "observe": ["observe", "RUN", "latent_labels=65", "observe=[latents]"],
}
COSTS = ("wall_s", "cpu_s", "observing_s")


def learned(run: Run) -> list[dict]:
    return [{key: value for key, value in line.items() if key not in COSTS} for line in run.metrics]


@pytest.mark.some(1)
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_answers_or_refuses(reader: str, whole: Run, tmp_path: Path, command, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    outcomes: Counter[int] = Counter()
    folder = tmp_path / whole.name
    pairs = [*product(stored_files(whole.path), DAMAGES)]
    for file, damage in pairs[list(READERS).index(reader) :: len(READERS)]:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole.path, folder)
        DAMAGES[damage](folder / file)
        before = fingerprint(folder)
        words = [{"RUN": folder, "SOUND": whole.path}.get(word, word) for word in READERS[reader]]
        outcome = command(*words)
        assert outcome.code in (0, 1, 2), (file, damage)
        assert len(outcome.err.splitlines()) <= 1, (file, damage, outcome.err)
        assert outcome.code == 0 or outcome.err.startswith("phasescope: "), (file, damage, outcome.err)
        after = fingerprint(folder)
        assert {path: after.get(path) for path in before} == before, (file, damage)
        outcomes[outcome.code] += 1
    assert outcomes[0] > 0
    with capsys.disabled():
        print(f"\n{reader}: {dict(outcomes)}")


@pytest.mark.some(2)
@pytest.mark.parametrize("damage", DAMAGES)
def test_training_resumes_or_names_the_damage(damage: str, whole: Run, tmp_path: Path):
    run = Run(tmp_path / whole.name)
    for file in stored_files(whole.path)[list(DAMAGES).index(damage) % 3 :: 3]:
        shutil.rmtree(run.path, ignore_errors=True)
        shutil.copytree(whole.path, run.path)
        DAMAGES[damage](run.path / file)
        before = fingerprint(tmp_path)
        try:
            train(config_of(), tmp_path)
        except (UserError, RunFailed):
            assert fingerprint(tmp_path) == before, file
        else:
            assert run.status["state"] == "done", file


@pytest.mark.parametrize("count", [2, pytest.param(1976, marks=pytest.mark.slow)])
def test_damaged_runs_leave_others_unaffected(count: int, whole: Run, tmp_path: Path, command):
    """In `ls`, in the explorer's list, in a comparison and in an export: each damage of four files among sound runs."""
    runs = tmp_path / "runs"
    sound = [runs / f"sound-{number:08x}" for number in range(count)]
    for folder in sound:
        shutil.copytree(whole.path, folder, copy_function=os.link)
    for file, damage in product(("config.yaml", "status.json", "metrics.jsonl", "about.json"), DAMAGES):
        shutil.copytree(whole.path, runs / f"{damage}-{file}")
        DAMAGES[damage](runs / f"{damage}-{file}" / file)
    names, every = {folder.name for folder in sound}, {folder.name for folder in runs.iterdir()}
    with TestClient(create_app(runs, tmp_path / "none"), base_url="http://127.0.0.1") as client:
        answers = (client.get("/api/runs").json() for _ in range(10_000))  # listed in parts
        explored = {row["name"]: row for row in next(a for a in answers if not a["unread"])["rows"]}
    listed = command("ls", "--json", "--runs", runs)
    assert (listed.code, listed.err) == (0, "")
    rows = {row["run"]: row for row in json.loads(listed.out)}
    for shown, missing in ((explored, set()), (rows, {"gone-config.yaml", "a folder-config.yaml"})):
        assert shown.keys() == every - missing
        assert {shown[name]["state"] for name in names} == {"done"}
        assert all(row["error"] for row in shown.values() if row["state"] == "broken")
        assert {row["state"] for row in shown.values()} == {"done", "broken"}
    chosen = command("ls", "--json", "--runs", runs, "--where", f"state = 'done' and run = '{sound[0].name}'")
    assert [row["run"] for row in json.loads(chosen.out)] == [sound[0].name]
    compared = command("compare", sound[0].name, sound[-1].name, "--runs", runs)
    assert (compared.code, compared.err) == (0, "")
    assert command("export", sound[-1].name, "--runs", runs, "--tables", tmp_path / "tables").code == 0


@pytest.mark.parametrize("harm", ["no checkpoint", "no YAML"])
def test_restart_mends_what_is_refused(harm: str, whole: Run, tmp_path: Path):
    shutil.copytree(whole.path, tmp_path / whole.name)
    run = Run(tmp_path / whole.name)
    if harm == "no checkpoint":
        (run.path / "checkpoint" / "state.safetensors").unlink()
    else:
        (run.path / "config.yaml").write_text("seed: [")
    before = fingerprint(run.path)
    with pytest.raises(UserError, match=r"--restart|is not YAML"):
        train(config_of(), tmp_path)
    assert fingerprint(run.path) == before
    train(config_of(), tmp_path, restart=True)
    assert learned(run) == learned(whole)


def test_restart_takes_no_folder_that_is_no_runs(tmp_path: Path):
    config = config_of()
    (tmp_path / config.folder).mkdir()
    (tmp_path / config.folder / "thesis.tex").write_text("everything I have")
    before = fingerprint(tmp_path)
    with pytest.raises(UserError, match="must be empty or a run's folder"):
        train(FIELDS, tmp_path, restart=True)
    assert fingerprint(tmp_path) == before
