"""A study over damaged runs: every row of a run is recorded, the same as of the sound one, or none, and a line says why."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from attacked_study import STUDY
from damage import DAMAGES, damaged_copies, fingerprint, restore

from phasescope.store.flat import Row
from phasescope.store.records import is_result, merge_records, read_records
from phasescope.studies.core import running
from phasescope.studies.core.recording import READINGS
from phasescope.studies.core.records import RECORDS
from phasescope.studies.core.running import Survey, execute, survey

FILE = Path(__file__).with_name("attacked_study.py")


def survey_of(folder: Path, *names: str) -> Survey:
    """Of the study, with the runs of these names alone where any is given."""
    found = survey(STUDY, None, None, folder / "runs", folder / "results")
    chosen = [one for one in found.standings if not names or one.config.folder in names]
    return replace(found, standings=tuple(chosen))


def names_of(folder: Path) -> list[str]:
    return [standing.config.folder for standing in survey_of(folder).standings]


def results_of(rows: list[Row]) -> list[Row]:
    """Rows without what a run cost and where it was computed."""
    return [{name: value for name, value in row.items() if is_result(name)} for row in rows]


def in_records(folder: Path, name: str) -> list[Row]:
    """The rows of a run in the study's records."""
    path = folder / "results" / STUDY.name / RECORDS
    frame = read_records(path)
    own = frame[frame["digest"] == name.rpartition("-")[2]]
    return results_of(
        [{str(key): value for key, value in row.items() if value == value} for row in own.to_dict("records")]
    )


@pytest.mark.some(3)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_run_is_recorded_as_it_was_or_not_at_all(
    damage, studied: Path, here, tmp_path: Path, monkeypatch, capsys
):
    """Each file of one member is damaged in turn; what goes into the records is seen before it is written."""
    merged: list[Row] = []
    monkeypatch.setattr(running, "merge_records", lambda _, rows: merged.extend(rows))
    name = names_of(tmp_path)[1]
    whole, folder = studied / "runs" / name, tmp_path / "runs" / name
    restore(folder, whole)
    assert execute(survey_of(tmp_path, name), "local", lambda _: None) == []
    sound, outcomes = results_of(merged), Counter[str]()
    assert len(sound) == 2
    for file, _ in damaged_copies(whole, folder, (damage,), every=3):
        before = fingerprint(folder)
        merged.clear()
        left_out = execute(survey_of(tmp_path, name), "local", lambda _: None)
        assert results_of(merged) in ([], sound), file
        assert [end.folder.name for end in left_out] == ([] if merged else [name]), file
        for end in left_out:
            assert end.error, file
            assert "\n" not in end.error, file
            if not end.attempts:
                assert fingerprint(folder) == before, file
        outcomes["recorded, equal" if merged else "left out, told"] += 1
    with capsys.disabled():
        print(f"\n{damage.__name__:>18}: " + ", ".join(f"{n} {what}" for what, n in sorted(outcomes.items())))


def garbage_within(run: Path) -> None:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    (run / "metrics.jsonl").write_text("\n".join([lines[0], "garbage", *lines[1:]]) + "\n")


def no_snapshots(run: Path) -> None:
    shutil.rmtree(run / "snapshots")


def another_seed(run: Path) -> None:
    tree = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump({**tree, "seed": 7}))


def another_s_folder(run: Path) -> None:
    """All that another member recorded, under this one's name."""
    restore(run, next(path for path in sorted(run.parent.glob("*-*")) if path != run))


@pytest.mark.some(1)
@pytest.mark.parametrize("hurt", [garbage_within, no_snapshots, another_seed, another_s_folder])
def test_the_command_goes_on_with_the_others_says_which_and_why_and_exits_1(
    hurt, studied: Path, here, tmp_path: Path, command
):
    shutil.copytree(studied / "runs", tmp_path / "runs")
    names = names_of(tmp_path)
    victim = names[1]
    hurt(tmp_path / "runs" / victim)
    before = fingerprint(tmp_path / "runs" / victim)
    words = ("study", FILE, "--runs", tmp_path / "runs", "--results", tmp_path / "results")
    outcome = command(*words)
    assert (outcome.code, outcome.err) == (1, "")
    said = [line for line in outcome.out.splitlines() if line.startswith("left out: ")]
    assert len(said) == 1
    assert victim in said[0]
    assert "supported" in outcome.out
    for name in names:
        assert in_records(tmp_path, name) == ([] if name == victim else in_records(studied, name))
    assert fingerprint(tmp_path / "runs" / victim) == before
    restore(tmp_path / "runs" / victim, studied / "runs" / victim)
    assert command(*words).code == 0
    assert in_records(tmp_path, victim) == in_records(studied, victim)


def forget(records: Path, digest: str, chosen: Callable[[str], bool], steps: tuple[int, ...] = ()) -> None:
    """Write records anew as an earlier version may have left them: without a run's values in some columns, or its rows."""
    frame = read_records(records)
    own = frame["digest"] == digest
    for name in filter(chosen, map(str, frame.columns)):
        frame.loc[own, name] = None
    frame = frame[~(own & frame["step"].isin(steps))]
    records.unlink()
    merge_records(
        records,
        [
            {str(key): value for key, value in row.items() if value == value}
            for row in frame.to_dict("records")
        ],
    )


@pytest.mark.some(1)
@pytest.mark.parametrize(
    ("chosen", "steps"),
    [(lambda name: name.startswith("weigh."), ()), (lambda name: False, (0,))],
    ids=["readings", "a row"],
)
def test_what_an_earlier_version_left_out_is_noticed_and_recorded_again(
    chosen, steps, studied: Path, here, tmp_path: Path
):
    shutil.copytree(studied / "results", tmp_path / "results")
    shutil.copytree(studied / "runs", tmp_path / "runs")
    victim = names_of(tmp_path)[1]
    records = tmp_path / "results" / STUDY.name / RECORDS
    forget(records, victim.rpartition("-")[2], chosen, steps)
    assert READINGS in read_records(records)
    assert in_records(tmp_path, victim) != in_records(studied, victim)
    assert [one.state for one in survey_of(tmp_path).standings] == ["recorded", "done", "recorded"]
    assert execute(survey_of(tmp_path), "local", lambda event: pytest.fail(str(event))) == []
    assert in_records(tmp_path, victim) == in_records(studied, victim)
    assert [one.state for one in survey_of(tmp_path).standings] == ["recorded"] * 3


def test_another_study_s_damaged_records_are_left_aside_and_told(
    studied: Path, here, tmp_path: Path, command
):
    shutil.copytree(studied / "results", tmp_path / "results")
    damaged = tmp_path / "results" / "other" / RECORDS
    damaged.parent.mkdir()
    damaged.write_bytes(b"PAR1 and nothing more")
    outcome = command("study", FILE, "--runs", tmp_path / "runs", "--results", tmp_path / "results")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"left aside: `{damaged}` must be a Parquet file of records" in outcome.out


@pytest.mark.some(1)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_the_driver_leaves_no_worker(number: int, tmp_path: Path):
    """A moment after the first worker was started; under nohup too."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join([*sys.path, str(FILE.parent)]),
    }
    words = [sys.executable, "-m", "phasescope.cli", "study", str(FILE), "--runs", str(tmp_path / "runs")]
    driver = subprocess.Popen(
        [*words, "--results", str(tmp_path / "results")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip
    try:
        assert driver.stdout is not None
        while " starts" not in driver.stdout.readline():
            assert driver.poll() is None
        driver.send_signal(number)
        _, err = driver.communicate(timeout=300)
        assert (driver.returncode, err) == (130, "phasescope: interrupted\n")
        assert workers_of(tmp_path) == []
    finally:
        driver.kill()
        driver.communicate()


def workers_of(folder: Path) -> list[str]:
    """Command lines of processes that work in a folder; those that have just ended get a moment to go."""
    for _ in range(50):
        lines = [
            words
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if str(folder) in (words := _read(path)) and "exec" in words.split("\0")
        ]
        if not lines:
            break
        time.sleep(0.02)
    return lines


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
