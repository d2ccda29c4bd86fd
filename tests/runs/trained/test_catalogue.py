"""Which runs a condition holds of: the same whoever asks."""

import shutil
from pathlib import Path

import pytest

from helpers.made_runs import STEPS, make_run
from phasescope import UserError, list_runs, runs_frame, snapshots_frame
from phasescope.runs.store import hold
from phasescope.runs.store.records import condense


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of each of two sigmas, one of them not done; a run with another optimiser; a broken one; no run."""
    runs = tmp_path_factory.mktemp("made")
    for sigma in (1, 2):
        for seed in (0, 1):
            state = "stopped" if (sigma, seed) == (2, 1) else "done"
            make_run(runs, f"world.sigma_px={sigma}", f"seed={seed}", f"name=sigma{sigma}", state=state)
    make_run(runs, "training.optimiser.kind=muon", "name=it.is")
    make_run(runs, "seed=7", "name=begun", state="running", steps=())
    (runs / "broken-00000000").mkdir()
    (runs / "broken-00000000" / "config.yaml").write_text("name: [")
    (runs / "notes").mkdir()
    return runs


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


def names(runs: Path, where: str) -> list[str]:
    return [run.name.rpartition("-")[0] for run in list_runs(runs, where)]


@pytest.mark.some(6)
@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("world.sigma_px = 2 and state = 'done'", ["sigma2"]),
        ("config.world.sigma_px = 2", ["sigma2", "sigma2"]),
        ("world.sigma_px=2 AND seed in (1, 5)", ["sigma2"]),
        ("state = 'broken'", ["broken"]),
        ("state = 'killed'", ["begun"]),
        ("training.optimiser.kind = 'muon'", ["it.is"]),
        ("training.optimiser.rest.lr > 1e-3", ["it.is"]),
        ("name = 'it.is'", ["it.is"]),
        ("run like 'sigma1-%' and not seed = 0", ["sigma1"]),
        ("training.clip is null and state <> 'broken'", []),
        ("outcomes.grid.correct is null", ["begun", "broken"]),
        ("step = 20 and probe_r2.mid.600.n = 64 and name = 'sigma1'", ["sigma1", "sigma1"]),
        ("world.sigma_px = 2 -- and seed.none = 3", ["sigma2", "sigma2"]),
        ("name in ('a.b', e'c.d', $$e.f$$) or world.sigma_px=2", ["sigma2", "sigma2"]),
        ("round(world.sigma_px * 0.5, 1) = 1.0", ["sigma2", "sigma2"]),
        ('"config.world.sigma_px" = 2', ["sigma2", "sigma2"]),
        ("name = 'world.sigma_px = 2'", []),
        ("true", ["begun", "broken", "it.is", "sigma1", "sigma1", "sigma2", "sigma2"]),
        ("seed = 0 -- of the first\n", ["it.is", "sigma1", "sigma2"]),
    ],
)
def test_a_condition_chooses(where: str, found: list[str], made: Path):
    assert names(made, where) == found


def test_a_condition_reports_the_rows_that_it_reads(made: Path):
    counts: list[tuple[int, ...]] = []
    list_runs(made, "true", lambda *count: counts.append(count))
    assert counts == [(number, 7) for number in range(1, 8)]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("world.sigm_px = 2", "`world.sigma_px` is near"),
        ("sigma = 2", "sigma"),
        ("state = done", "done"),
        ("world.sigma_px =", "syntax error"),
        ("world.sigma_px = 'wide'", "wide"),
        ("exists (select * from read_csv('/etc/passwd'))", "disabled"),
        ("exists (select * from made)", "made"),
        ("(select count(*) from glob('/*')) > 0", "disabled"),
        ("max(step) > 3", "aggregates"),
    ],
)
def test_bad_conditions_are_told_in_a_line_and_touch_nothing(where: str, told: str, made: Path):
    with pytest.raises(UserError) as caught:
        list_runs(made, where)
    message = str(caught.value)
    assert message.startswith(f"`--where` (={where}) must be a condition")
    assert told in message.partition("must be a condition")[2]
    assert "\n" not in message


def test_where_there_are_no_runs_none_is_found(tmp_path: Path):
    assert list_runs(tmp_path / "none", "world.sigma_px = 2") == []
    assert list_runs(tmp_path, "world.sigma_px = 2") == []
    assert len(runs_frame(tmp_path, "world.sigma_px = 2")) == 0


def test_frames_say_what_the_folders_say(made: Path):
    frame = runs_frame(made).set_index("run")
    assert list(frame.index) == [run.name for run in list_runs(made)]
    snapshots = snapshots_frame(made, "state = 'done'")
    for run in list_runs(made, "state = 'done'"):
        row = frame.loc[run.name]
        assert row["path"] == str(run.path)
        assert row["config.world.sigma_px"] == run.config["world"]["sigma_px"]
        assert row["outcomes.grid.correct"] == run.metrics[-1]["outcomes"]["grid"]["correct"]
        mine = snapshots[snapshots["run"] == run.name]
        assert mine["step"].tolist() == list(STEPS)
        for recorded, (_, found) in zip(condense(run), mine.iterrows(), strict=True):
            for column, value in recorded.items():
                assert found[column] == value or (value is None and found[column] != found[column])
    assert set(frame["state"]) == {"done", "stopped", "killed", "broken"}


def test_a_frame_holds_the_columns_that_are_asked_for(made: Path):
    whole = snapshots_frame(made)
    some = snapshots_frame(made, columns=["probe_r2.*", "loss"])
    assert list(some.columns) == [
        name for name in whole.columns if name in ("run", "step", "loss") or name.startswith("probe_r2.")
    ]
    assert len(some) == len(whole)
    assert set(runs_frame(made, columns=["state"]).columns) == {"run", "step", "state"}
    with pytest.raises(UserError, match=r"`columns` \(=acuracy\.\*\) must be names of columns"):
        snapshots_frame(made, columns=["loss", "acuracy.*"])


def test_every_change_of_a_folder_is_seen(runs: Path):
    stopped = list_runs(runs, "state = 'stopped'")[0]
    with hold(stopped.path, stopped.config) as writer:
        writer.write_status({**stopped.status, "state": "done"})
    assert names(runs, "state = 'stopped'") == []
    assert names(runs, "name = 'sigma2' and state = 'done'") == ["sigma2", "sigma2"]
    shutil.rmtree(stopped.path)
    assert names(runs, "name = 'sigma2'") == ["sigma2"]
    make_run(runs, "world.sigma_px=0.5", "name=later")
    assert names(runs, "world.sigma_px = 0.5") == ["later"]
    begun = list_runs(runs, "name = 'begun'")[0]
    with hold(begun.path, begun.config):
        assert names(runs, "state = 'running'") == ["begun"]
    assert names(runs, "state = 'running'") == []
