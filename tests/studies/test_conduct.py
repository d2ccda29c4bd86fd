"""A study from nothing to its page, with real runs; then nothing is computed twice, and nothing foreign is taken."""

import contextlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.in_process_engine import Here
from phasescope import UserError
from phasescope.cli import main
from phasescope.runs.store.records import read_records
from phasescope.studies import Reading, find_study
from phasescope.studies.claims_file import read_claims
from phasescope.studies.conduct import conduct, survey
from phasescope.studies.preregistration import preregister, read_preregistration
from phasescope.views.web import findings

SOURCE = """
from phasescope.studies import Asked, Claim, Courses, Difference, Reading, Study, Table, end, product

SMALL = {"network": {"widths": [8, 8, 8, 8]}}
FIELDS = {"training": {"steps": 20, "batch": 4, "warmup": 0}, "family": {"sampler": {"kind": "ddim", "steps": 2}}} | SMALL
STUDY = Study(
    name="tiny", question="Do wider bumps come earlier?", base="fast", seeds=2, more=1,
    cells=product("sigma={sigma:g}", lambda sigma: FIELDS | {"world": {"sigma_px": sigma}}, sigma=(1.0, 2.0)),
    claims=[Claim("wide", "Wider bumps score higher.", Difference("sigma", 2.0, 1.0), end("accuracy.grid.joint"),
                  threshold=0.0, effect=0.3, spread=0.1, asked=Asked.BEFORE)],
    plots=[Courses("accuracy", "Accuracy", {"accuracy": "accuracy.grid.joint"}, by="sigma")],
    tables=[Table("At the end", {"accuracy": end("accuracy.grid.joint")})],
)
"""

STUDIES = Path(__file__).parents[2] / "studies"


def write(folder: Path, source: str = SOURCE, name: str = "tiny") -> Path:
    path = folder / "studies" / name
    path.mkdir(parents=True, exist_ok=True)
    (path / "study.py").write_text(source)
    for module in [name for name in sys.modules if name.startswith("phasescope_own_")]:
        del sys.modules[module]  # as a new process would have it
    return path


@pytest.fixture(autouse=True, scope="module")
def _quick_search() -> Iterator[None]:
    """How many simulations the smallest detectable effect takes is asked in `test_claim`."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("phasescope.studies.claim.SEARCH_TRIALS", 5)
        yield


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """A folder in which the study was conducted, its runs in this process."""
    folder = tmp_path_factory.mktemp("done")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patched:
        patched.setattr("phasescope.studies.conduct.open_engine", Here)
        study, path = find_study(str(write(folder)))
        counts: list[tuple[int, int]] = []
        surveyed = survey(study, path, folder / "runs")
        assert not conduct(surveyed, "local", lambda event: None, notify=lambda *at: counts.append(at))
    assert counts == [(0, 4), (1, 4), (2, 4), (3, 4), (0, 1)]  # Runs as they are recorded, then the claim.
    return folder


@pytest.fixture
def copy(done, tmp_path, monkeypatch) -> Path:
    shutil.copytree(done, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def states(folder: Path, name: str = "tiny", **changes) -> list[str]:
    study, path = find_study(str(folder / "studies" / name))
    return [run.state for run in survey(study, path, folder / "runs", **changes).planned]


def test_what_is_done_is_recorded_judged_and_preregistered(done, monkeypatch):
    monkeypatch.chdir(done)
    _, path = find_study(str(done / "studies" / "tiny"))
    judged, known = read_claims(path), read_preregistration(path)
    assert judged
    assert (judged.runs, judged.stale) == (4, False)
    assert judged.claims[0].why.startswith("4 runs, and at least 6")
    assert known
    assert known.recorded == 0
    assert list(known.sources[0].sha256) == ["study.py"]
    assert known.study["claims"][0]["threshold"] == 0
    assert states(done) == ["recorded"] * 4
    frame = read_records(path / "records.parquet")
    assert frame["host.cpu"].notna().all()


@pytest.mark.slow
def test_a_run_begins_while_the_one_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("phasescope.studies.conduct.open_engine", Here)
    few = '"probing": {"observe": [], "images": {"grid": 16, "off_grid": 0}}, "training"'
    own = SOURCE.replace('"training"', few).replace("seeds=2", "seeds=1")
    study, path = find_study(str(write(tmp_path, own)))
    second = threading.Event()

    def read(run):
        assert second.wait(120), "no run was started while this one was read"
        return [{"step": snapshot.step, "value": np.float32(1)} for snapshot in run.snapshots]

    def follow(event):
        if event.kind == "started" and event.done:
            second.set()

    study = replace(study, readings=[Reading("slow", read)])
    assert not conduct(survey(study, path, tmp_path / "runs"), "local", follow, workers=1)
    assert read_records(path / "records.parquet")["slow.value"].eq(1).all()
    study = replace(study, readings=[Reading("broken", lambda run: {}[run.name])])
    left = conduct(survey(study, path, tmp_path / "runs"), "local", follow, amend="another reading")
    assert "the reading `broken` of" in left[0].error


def test_only_what_is_read_is_observed_and_recorded(done, monkeypatch):
    monkeypatch.chdir(done)
    frame = read_records(done / "studies" / "tiny" / "records.parquet")
    assert "accuracy.grid.joint" in frame
    unread = ("probe_r2", "denoising", "excess", "nats", "accuracy.off_grid")
    assert not [name for name in frame if name.startswith(unread)]


def test_runs_that_are_there_are_recorded_without_being_run_again(copy):
    (copy / "studies/tiny/records.parquet").unlink()
    assert states(copy) == ["done"] * 4


@pytest.mark.slow
def test_runs_of_another_study_are_copied(copy):
    write(copy, SOURCE.replace('"tiny"', '"twin"'), "twin")
    shutil.rmtree(copy / "runs")
    assert states(copy, "twin") == ["elsewhere"] * 4
    study, path = find_study("twin", copy / "studies")
    surveyed = survey(study, path, copy / "runs")
    assert not conduct(surveyed, "local", lambda event: None)
    own, other = (read_records(copy / "studies" / name / "records.parquet") for name in ("twin", "tiny"))
    assert own["loss"].equals(other["loss"])


def test_another_study_that_reads_more_does_not_take_runs_that_observed_less(copy):
    write(
        copy,
        SOURCE.replace('"tiny"', '"more"').replace("accuracy.grid.joint", "accuracy.off_grid.joint"),
        "more",
    )
    assert states(copy, "more") == ["done"] * 4
    study, path = find_study("more", copy / "studies")
    (end, *others) = conduct(survey(study, path, copy / "runs"), "local", lambda event: None)
    assert len(others) == 3
    assert "must have observed `accuracy.off_grid.joint`" in end.error


def test_rows_that_are_older_than_a_column_count_beside_rows_that_have_it(copy):
    path = copy / "studies/tiny/records.parquet"
    rows = read_records(path)
    rows.loc[rows["seed"] == rows["seed"].min(), "sources"] = None
    rows.to_parquet(path)
    assert states(copy) == ["recorded"] * 4


def test_a_torn_record_is_run_again(copy):
    import duckdb

    path = copy / "studies/tiny/records.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT * FROM '{path}' WHERE NOT (seed = 1 AND step > 0)")
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    shutil.rmtree(copy / "runs")
    assert sorted(states(copy)) == ["absent", "absent", "recorded", "recorded"]


@pytest.mark.slow
def test_a_change_needs_a_reason_and_keeps_what_was_preregistered(copy, capsys):
    changed = SOURCE.replace("threshold=0.0", "threshold=0.1")
    write(copy, changed)
    assert main(["study", "tiny"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") <= 2
    assert "`claims.wide.threshold` was 0.0 and is 0.1" in error
    assert main(["study", "tiny", "--amend", "A tenth is what matters.", "--looked"]) == 0
    known = read_preregistration(copy / "studies/tiny")
    assert known
    assert known.study["claims"][0]["threshold"] == 0.1
    (amendment,) = known.amendments
    assert (amendment.reason, amendment.looked) == ("A tenth is what matters.", True)
    assert amendment.changed == ["`claims.wide.threshold` was 0.0 and is 0.1"]
    assert len(known.sources) == 2
    capsys.readouterr()
    assert main(["study", "tiny", "--amend", "Again."]) == 2
    assert "must change something" in capsys.readouterr().err


@pytest.mark.slow
def test_a_changed_comment_is_noted_and_is_no_amendment(copy):
    write(copy, SOURCE + "# a comment\n")
    assert main(["study", "tiny"]) == 0
    known = read_preregistration(copy / "studies/tiny")
    assert known
    assert (len(known.sources), known.amendments) == (2, [])
    assert "have changed since: study.py" in (copy / "studies/tiny/README.md").read_text()


NETWORK = """
import torch
from torch import nn


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.mid = nn.Conv2d(1, {width}, 3, padding=1)
        self.end = nn.Conv2d({width}, 1, 3, padding=1)
        self.of_labels = nn.Linear(3, {width})

    def forward(self, x, t, labels):
        added = self.of_labels(torch.cat([t[:, None] / 1000, labels / 32], 1))
        return self.end(torch.relu(self.mid(x) + added[:, :, None, None]))
"""


OWN_FIELDS = {
    "network": {"kind": "my_networks.py:Plain"},
    "family": {"sampler": {"kind": "ddim", "steps": 2}},
    "probing": {"observe": [], "images": {"grid": 16, "off_grid": 0}},
}
"""nothing but a few samples is observed: what is asked is whose runs they are"""


@pytest.mark.slow
def test_a_source_that_is_edited_afterwards_makes_its_runs_foreign(copy):
    """Each step in a process of its own, as one process refuses a source that changed within it."""

    def command(*words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "phasescope", *words], capture_output=True, text=True, check=False
        )

    (copy / "my_networks.py").write_text(NETWORK.format(width=4))
    own = SOURCE.replace("| SMALL", f"| {OWN_FIELDS!r}").replace("seeds=2, more=1", "seeds=1")
    own = own.replace('"fast"', '"defaults"')
    write(copy, own.replace('"tiny"', '"own"'), "own")
    made = command("study", "own")
    assert made.returncode == 0, made.stderr
    assert "2 in this study's records" in command("study", "own", "--dry-run").stdout
    (copy / "my_networks.py").write_text(NETWORK.format(width=5))
    assert "2 in this study's records" not in command("study", "own", "--dry-run").stdout
    refused = command("study", "own")
    assert refused.returncode == 2
    assert "the source `my_networks.py:Plain` has changed" in refused.stderr


def test_the_final_analysis_adds_seeds_where_the_first_left_a_claim_undecided(copy):
    (claim,) = read_claims(copy / "studies/tiny").claims
    assert claim.why.endswith("final analysis: 0 of 2 further runs are recorded")
    assert states(copy, final=True).count("absent") == 2
    with pytest.raises(UserError, match="`--seeds`"):
        states(copy, final=True, seeds=1)


def test_a_rehearsal_has_fewer_seeds_and_decides_nothing(tmp_path):
    write(tmp_path)
    assert len(states(tmp_path, seeds=1)) == 2
    with pytest.raises(UserError, match="must be from 1 to 2"):
        states(tmp_path, seeds=3)


def test_cells_that_observe_the_same_run_differently_are_refused(tmp_path):
    write(tmp_path, SOURCE.replace('"world": {"sigma_px"', '"probing": {"bands"'))
    with pytest.raises(UserError, match=r"`cells` \(=sigma=2\) .* must observe the same run alike"):
        states(tmp_path)


@pytest.mark.slow
def test_a_rehearsal_fixes_nothing_and_the_first_run_says_what_it_left(copy, capsys):
    path = copy / "studies/tiny/preregistration.json"
    path.unlink()
    assert main(["study", "tiny", "--seeds", "1"]) == 0
    assert not path.exists()
    (path.parent / "records.parquet").unlink()
    status = next((copy / "runs").glob("*/status.json"))
    status.write_text(status.read_text().replace('"done"', '"running"'))  # a run that is begun exists, too
    assert main(["study", "tiny", "--seeds", "2"]) == 0  # all of the first analysis
    assert read_preregistration(path.parent).recorded == 4
    write(copy, SOURCE.replace("threshold=0.0", "threshold=0.1"))
    assert main(["study", "tiny", "--seeds", "1"]) == 2
    assert "must be as preregistered" in capsys.readouterr().err
    before = (path.parent / "claims.json").read_bytes()
    assert main(["study", "tiny", "--judge"]) == 2
    assert (path.parent / "claims.json").read_bytes() == before
    assert main(["study", "tiny", "--amend", "why not", "--dry-run"]) == 2
    assert "`--dry-run`" in capsys.readouterr().err


def test_a_study_that_lacks_runs_says_so_and_states_no_power(copy):
    path = copy / "studies/tiny"
    frame = read_records(path / "records.parquet")
    frame[frame["seed"] == 0].to_parquet(path / "records.parquet")
    assert main(["study", "tiny", "--judge"]) == 0
    assert read_claims(path).claims[0].observed_power is None
    assert "**Runs are missing: 1 of 1 claims are not judged yet.**" in (path / "README.md").read_text()


def test_judging_again_gives_the_same_bytes(copy):
    claims = copy / "studies/tiny/claims.json"
    before = claims.read_bytes()
    assert main(["study", "tiny", "--judge"]) == 0
    assert claims.read_bytes() == before


def test_a_page_that_is_older_than_its_records_is_refused(copy, capsys):
    content = json.loads((copy / "studies/tiny/claims.json").read_text())
    (copy / "studies/tiny/claims.json").write_text(json.dumps(content | {"sha256": "0" * 64}))
    assert main(["report", "tiny"]) == 2
    assert "must hold a claims.json of its records" in capsys.readouterr().err
    assert main(["claims"]) == 0
    assert "the records have changed since" in capsys.readouterr().out


def test_the_page_of_findings_names_a_study_that_has_not_run(copy):
    write(copy, SOURCE.replace('"tiny",', '"bare", answers="Q5", headline="wide",'), "bare")
    texts = "".join(f'{field} = "Said."\n' for field in findings.FIELDS if field != "claims")
    for name, code in (("bare/wides", 2), ("bare/wide", 0)):
        asked = f'asked = "Asked."\nwords = "Words."\nrunning = ""\n[Q5]\nanswer = "so"\nalso = ["{name}"]\n'
        (copy / "studies/asked.toml").write_text(f"{asked}{texts}claims = {{}}\n")
        assert main(["claims", "--page", "studies/README.md"]) == code
    lines = [
        line for line in (copy / "studies/README.md").read_text().splitlines() if "(bare/study.py)" in line
    ]
    assert len(lines) == 1
    assert "| not run yet |" in lines[0]
    assert (copy / "studies/claims.md").read_text().startswith("# All claims")


def test_a_folder_of_studies_may_be_a_text():
    study, folder = find_study("timing", str(STUDIES))
    assert (study.name, folder) == ("timing", STUDIES / "timing")


@pytest.mark.parametrize("name", ["nowhere", "studies/nowhere", "other.py", "tiny/study.py"])
def test_a_study_that_is_not_there(name, copy, capsys):
    assert main(["study", name]) == 2
    assert "`STUDY`" in capsys.readouterr().err


def test_a_dry_run_runs_nothing_and_costs_more_for_more_steps(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("phasescope.runs.engines.cost.timed", lambda config: 0.001)
    costs = []
    for steps in (20, 200):
        write(tmp_path, SOURCE.replace('"steps": 20', f'"steps": {steps}'))
        assert main(["study", "tiny", "--dry-run", "--json"]) == 0
        costs.append(json.loads(capsys.readouterr().out)["cpu_s"])
    assert costs[1] > costs[0] > 0
    assert not (tmp_path / "runs").exists()


MEASURE = """
from phasescope.measures import Column, Score, measure


@measure(Column(name="spread_of_all", words="spread"{given}))
def spread_of_all({parameters}):
    return Score(1.0, 1.0, 1.0, len(latents), "constant", {{}})
"""


@pytest.mark.parametrize(
    ("given", "parameters", "code", "said"),
    [
        (", range=(0, 1)", "latents, labels", 1, "unexpected keyword argument 'range'"),
        (', section="images of it"', "latents, labels", 1, "must be one of run, images, probe, neighbours"),
        ("", "latents", 1, "`spread_of_all` must take latents, labels and"),
    ],
)
@pytest.mark.parametrize("words", [["--dry-run"], []])
def test_a_measure_that_cannot_be_taken_is_said_before_a_study_is_preregistered(
    words, given, parameters, code, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.py").write_text(MEASURE.format(given=given, parameters=parameters))
    source = SOURCE.replace("| SMALL", '| SMALL | {"probing": {"measures": ["wrong.py:spread_of_all"]}}')
    path = write(tmp_path, source)
    assert main(["study", "tiny", *words]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("phasescope: `wrong.py:spread_of_all` cannot be imported: ")
    assert said in line
    assert sorted(file.name for file in path.iterdir() if file.suffix == ".json") == []
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("typed", ["mine.py", "below/mine.py"])
def test_the_command_that_amends_a_study_of_ones_own_names_its_file_as_it_is_typed(
    typed, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / typed
    file.parent.mkdir(exist_ok=True)
    file.write_text(SOURCE)
    study, folder = find_study(typed)
    preregister(study, folder, recorded=0)
    file.write_text(SOURCE.replace("threshold=0.0", "threshold=0.1"))
    for module in [name for name in sys.modules if name.startswith("phasescope_own_")]:
        del sys.modules[module]
    assert main(["study", typed]) == 2
    assert f'phasescope study {typed} --amend "REASON"' in capsys.readouterr().err


def test_the_name_of_a_file_without_its_ending_is_helped(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("phasescope.studies.finding.CHECKOUT", tmp_path / "lib/studies")
    (tmp_path / "mine.py").write_text(SOURCE)
    assert main(["study", "mine"]) == 2
    error = capsys.readouterr().err
    assert "must be the path of a study's folder or file; the most similar one is mine.py" in error
    assert "lib/studies" not in error
