"""Every stored file of a run and of a study's results, crossed with every damage, under the verbs that read them.

A view shows what is sound and says what is not, or refuses in one line; it changes nothing that it does not write itself.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from damage import DAMAGES, damaged_copies, fingerprint, restore

from phasescope.runs.store import Run

SHOWN = ("samples.npz", "latents.npz", "reading.parquet")
"""files of a snapshot that a report reads"""
READ = ("records.parquet", "claims.json")
"""files of a study's results that a view reads; the others are written anew"""


def table(what: str, outcomes: Counter[str]) -> str:
    return f"\n{what:>18}: " + ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))


def in_one_line(err: str) -> bool:
    return len(err.splitlines()) == 1 and err.startswith("phasescope: ")


@pytest.mark.some(2)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_report_names_the_snapshot_and_shows_the_rest(damage, whole: Run, tmp_path: Path, command, capsys):
    outcomes: Counter[str] = Counter()
    folder, out = tmp_path / whole.name, tmp_path / "report.html"
    for file, _ in damaged_copies(whole.path, folder, (damage,), every=3):
        before = fingerprint(folder)
        out.unlink(missing_ok=True)
        outcome = command("report", folder, "--out", out)
        assert outcome.code in (0, 1, 2), file
        assert outcome.err == "" or in_one_line(outcome.err), (file, outcome.err)
        assert out.exists() == (outcome.code == 0), file
        assert bool(outcome.err) or outcome.code == 0, file
        assert fingerprint(folder) == before, file
        if file.name in SHOWN and (damage.__name__ != "flipped" or file.suffix == ".npz"):
            step = int(file.parent.name)
            said = f"Left out: the snapshot of step {step}: "
            assert outcome.code == 0, file
            assert said in outcome.err, file
            assert str(file) in outcome.err, file
            assert said in out.read_text(), file
            assert "/samples?step=" in out.read_text(), file
        outcomes[
            "shown without it"
            if outcome.code == 0 and outcome.err
            else "one line"
            if outcome.err
            else "shown"
        ] += 1
    with capsys.disabled():
        print(table(damage.__name__, outcomes))


def test_a_report_of_which_no_snapshot_is_sound_has_the_curves(whole: Run, tmp_path: Path, command):
    restore(tmp_path / whole.name, whole.path)
    for file in (tmp_path / whole.name).glob("snapshots/*/*.npz"):
        file.write_bytes(b"")
    outcome = command("report", tmp_path / whole.name, "--out", tmp_path / "report.html")
    assert outcome.code == 0
    text = (tmp_path / "report.html").read_text()
    assert text.count("Left out: the snapshot of step") == len(whole.snapshots)
    assert "latents at no site" in text
    assert f"/api/runs/{whole.name}" in text


@pytest.mark.some(3)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_measure_says_which_file_or_gives_the_same_scores(
    damage, whole: Run, tmp_path: Path, command, capsys
):
    folder, outcomes = tmp_path / whole.name, Counter[str]()
    sound = command("measure", whole.path, "--only", "participation_ratio", "--json").out
    for file, _ in damaged_copies(whole.path, folder, (damage,), every=3):
        outcome = command("measure", folder, "--only", "participation_ratio", "--json")
        if outcome.code == 0:
            assert (outcome.out, outcome.err) == (sound, ""), file
        else:
            assert outcome.code in (1, 2), file
            assert in_one_line(outcome.err), (file, outcome.err)
            named = file.name in outcome.err or "must name a run" in outcome.err
            assert named or outcome.code == 1, (file, outcome.err)
        outcomes["the same scores" if outcome.code == 0 else "one line"] += 1
    with capsys.disabled():
        print(table(damage.__name__, outcomes))
