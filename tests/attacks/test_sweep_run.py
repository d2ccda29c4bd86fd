"""A sweep from its words to its table: run by the code of studies, gone on with, and shared with other sweeps."""

import json
from pathlib import Path

import pytest
import yaml

from helpers.attacked_run import FIELDS
from phasescope import list_runs


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(yaml.safe_dump(FIELDS))
    return ["sweep", "base.yaml", "training.batch=8,16"]


@pytest.mark.slow
def test_a_sweep_is_run_recorded_and_told_and_nothing_is_run_twice(words, here, command, tmp_path):
    plan = command(*words, "--dry-run", "--json")
    told = json.loads(plan.out)
    assert (told["runs"], told["to_run"], told["cpu_s"] > 0) == (2, 2, True)
    assert not (tmp_path / "runs").exists()
    done = command(*words, "--name", "batches")
    assert done.code == 0, done.err
    assert "training.batch=8" in done.out
    assert str(Path("sweeps/batches")) in done.out
    assert len(list_runs(Path("runs"))) == 2
    again = command(*words, "--name", "batches", "--dry-run", "--json")
    assert json.loads(again.out)["to_run"] == 0
    other = command(*words, "--dry-run", "--json")
    assert [one["state"] for one in json.loads(other.out)["planned"]] == ["elsewhere"] * 2
    more = json.loads(command(*words[:2], "training.batch=8,16,32", "--dry-run", "--json").out)
    assert more["to_run"] == 1
    assert more["cpu_s"] > 0
    refused = command(*words[:2], "training.batch=8,16,32", "--name", "batches")
    assert refused.code == 2
    assert "`--name` (=batches) must be new: `sweeps/batches` holds another sweep" in refused.err
    plans = [command(*words, f"seed=0..{last}", "--dry-run", "--json").out for last in (1, 2)]
    assert len({json.loads(plan)["study"] for plan in plans}) == 2
    assert command("export", "batches", "--tables", "out").code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["claims.csv", "records.csv", "table_1.csv"]
    assert command("export", "batches", "--figures", "pdf").code == 0
    figures = {"ends.pdf", "loss.pdf", "probe_r2.pdf", "share_correct.pdf"}
    assert {path.name for path in Path("pdf").iterdir()} == {"captions.md", *figures}
    assert {"loss.png", "ends.png"} <= {path.name for path in Path("sweeps/batches").iterdir()}
    assert command("report", "batches").code == 0
    page = Path("sweeps/batches/report.html").read_text()
    assert "What changes with training.batch?" in page
    assert page.count("<img") == 4
    assert "training.batch=16" in page


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--partition", "cpu"], "`--partition` (=cpu) needs --engine slurm"),
        (["--minutes", "0", "--engine", "slurm"], "`--minutes` (=0) must be at least 1"),
        (["--gpus", "1"], "`--gpus` (=1) needs --engine slurm or ray"),
        (["--workers", "0"], 'Invalid value "0" for --workers. Must be >= 1'),
        (["network.widths=[8,8,8],[8,7]"], "`network"),
        (["probing.t=[50],[600]"], "`probing.t` (=2 values) must have one"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(flags, told, words, command, tmp_path):
    outcome = command(*words, *flags)
    assert outcome.code == 2
    assert outcome.err.startswith(f"phasescope: {told}")
    assert [path.name for path in tmp_path.iterdir()] == ["base.yaml"]
