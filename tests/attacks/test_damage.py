"""One table: every stored file of a run, crossed with every damage and every reader.

A reader answers, or refuses in one line; it changes nothing but what it writes itself, and other runs are not affected.
"""

import json
import shutil
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from attacked_run import FIELDS, config_of
from damage import DAMAGES, fingerprint, stored_files

from phasescope.core.errors import RunFailed, UserError
from phasescope.runs.execution import train
from phasescope.runs.store import Run
from phasescope.runs.store.writer import CHECKPOINT

READERS = {
    "show": ["show", "RUN", "--json"],
    "report": ["report", "RUN", "--out", "report.html"],
    "measure": ["measure", "RUN", "--only", "participation_ratio", "--json"],
    "sample": ["sample", "RUN", "--count", "1", "--out", "samples.npz"],
    "export": ["export", "RUN", "--tables", "tables"],
    "observe": ["observe", "RUN", "latent_labels=65"],
}
COSTS = ("wall_s", "cpu_s", "observing_s")


def learned(run: Run) -> list[dict]:
    return [{key: value for key, value in line.items() if key not in COSTS} for line in run.metrics]


@pytest.mark.some(2)
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_answers_or_refuses_in_a_line_and_changes_nothing(
    reader: str, whole: Run, tmp_path: Path, command, monkeypatch, capsys
):
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
def test_training_resumes_or_says_what_is_damaged_and_changes_nothing(
    damage: str, whole: Run, tmp_path: Path
):
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


def test_damaged_runs_are_rows_that_say_so_beside_the_others(whole: Run, tmp_path: Path, command):
    shutil.copytree(whole.path, tmp_path / "sound")
    for file, damage in product(("status.json", "metrics.jsonl", "about.json"), DAMAGES):
        shutil.copytree(whole.path, tmp_path / f"{damage}-{file}")
        DAMAGES[damage](tmp_path / f"{damage}-{file}" / file)
    for words, names in (
        ([], {path.name for path in tmp_path.iterdir()}),
        (["--where", "state = 'done' and run = 'sound'"], {"sound"}),
    ):
        outcome = command("ls", "--json", "--runs", tmp_path, *words)
        assert (outcome.code, outcome.err) == (0, "")
        rows = {row["run"]: row for row in json.loads(outcome.out)}
        assert rows.keys() == names
        assert rows["sound"]["state"] == "done"
        assert all(row["error"] for row in rows.values() if row["state"] == "broken")


@pytest.mark.parametrize("harm", ["no checkpoint", "no YAML"])
def test_anew_mends_what_is_refused(harm: str, whole: Run, tmp_path: Path):
    shutil.copytree(whole.path, tmp_path / whole.name)
    run = Run(tmp_path / whole.name)
    if harm == "no checkpoint":
        (run.path / CHECKPOINT).unlink()
    else:
        (run.path / "config.yaml").write_text("seed: [")
    before = fingerprint(run.path)
    with pytest.raises(UserError, match=r"--anew|is not YAML"):
        train(config_of(), tmp_path)
    assert fingerprint(run.path) == before
    train(config_of(), tmp_path, anew=True)
    assert learned(run) == learned(whole)


def test_anew_takes_no_folder_that_is_no_runs(tmp_path: Path):
    config = config_of()
    (tmp_path / config.folder).mkdir()
    (tmp_path / config.folder / "thesis.tex").write_text("everything I have")
    before = fingerprint(tmp_path)
    with pytest.raises(UserError, match="must be empty or a run's folder"):
        train(FIELDS, tmp_path, anew=True)
    assert fingerprint(tmp_path) == before
