"""Runs side by side: what differs and where each stands, as a table and as JSON."""

import json
import re
import shutil
from pathlib import Path

import pytest

from helpers.written_run import ALL_STEPS, BATCH, config, write_run
from phasescope import Run
from phasescope.cli import main
from phasescope.runs.store import hold
from phasescope.views.facts.record import Record


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """One to its end; one of another seed, width of bumps and file of images, half way; one that has only begun."""
    folder = tmp_path_factory.mktemp("compared")
    write_run(folder / "whole-00000001", ALL_STEPS)
    other = write_run(folder / "half-00000002", ALL_STEPS[:10], "stopped", latents=False)
    text = (other.path / "config.yaml").read_text()
    text = text.replace("seed: 7", "seed: 8").replace(
        "sigma_px: 1.0", "sigma_px: 2.0\n  file: /home/somebody/images.npz"
    )
    (other.path / "config.yaml").write_text(text)
    with hold(folder / "begun-00000003", config()) as begun:
        begun.write_status({"state": "prepared", "step": 0, "steps": 10})
    return folder


def call(capsys: pytest.CaptureFixture[str], runs: Path, *words: str) -> tuple[int, str, str]:
    code = main(["compare", *words, "--runs", str(runs)])
    return code, *capsys.readouterr()


def test_what_differs_and_where_each_stands(runs, capsys):
    code, out, err = call(capsys, runs, "whole", "half", "begun", "--json")
    assert (code, err) == (0, "")
    table = json.loads(out)
    whole, half = (Record(Run(runs / name)) for name in ("whole-00000001", "half-00000002"))
    assert table["runs"] == ["whole-00000001", "half-00000002", "begun-00000003"]
    assert table["differs"] == {
        "seed": [7, 8, 7],
        "world.sigma_px": [1.0, 2.0, 1.0],
        "world.file": [None, "/home/somebody/images.npz", None],
    }
    stands = table["stands"]
    assert stands["step"] == [ALL_STEPS[-1], ALL_STEPS[9], 0]
    assert stands["images_seen"] == [ALL_STEPS[-1] * BATCH, ALL_STEPS[9] * BATCH, 0]
    assert stands["behaviour"] == [whole.sequence("behaviour"), half.sequence("behaviour"), None]
    for phase in ("B", "C"):
        for record, onset in zip((whole, half), stands[f"behaviour.{phase}"], strict=False):
            assert onset == record.onsets("behaviour")[phase]
    last = whole.metrics[-1]
    assert stands["loss"][0] == last["loss"]
    assert stands["success.grid"][0] == {
        "share": last["outcomes"]["grid"]["correct"],
        "n": last["outcomes"]["grid"]["n"],
    }
    order = last["probe_r2"]["mid.600"]
    assert stands["probe_r2"][0]["value"] == order["value"]
    assert stands["probe_r2"][0]["baselines"]["untrained"] == order["baselines"]["untrained"]
    assert stands["probe_r2"][2] is None


def test_the_table_has_a_column_a_run_and_an_order_stands_beside_the_untrained(runs, capsys):
    code, out, _ = call(capsys, runs, "whole", "half")
    assert code == 0
    lines = {line.split("  ")[0].strip(): line.split()[-2:] for line in out.splitlines()}
    assert lines["seed"] == ["7", "8"]
    order = next(line for line in out.splitlines() if "probe R²" in line)
    assert re.search(
        r"\(mid, t = 600\) +(x \d\.\d\d, y \d\.\d\d; mean \d\.\d\d, min )?\d\.\d\d \(untrained (min )?-?\d\.\d\d\)",
        order,
    )
    assert "only several seeds of each show" in out
    assert "Their last snapshots are at different steps." in out


def test_runs_of_one_configuration_do_not_differ(runs, tmp_path, capsys):
    shutil.copytree(runs / "whole-00000001", tmp_path / "old")
    lines = (tmp_path / "old" / "config.yaml").read_text().splitlines()
    (tmp_path / "old" / "config.yaml").write_text("\n".join(line for line in lines if "sigma_px" not in line))
    code, out, _ = call(capsys, runs, "whole", str(tmp_path / "old"), "--json")
    assert code == 0
    assert json.loads(out)["differs"] == {}
    assert "Their configurations are the same." in json.loads(out)["notes"]


def test_what_two_seeds_show_is_said(runs, tmp_path, capsys):
    shutil.copytree(runs / "whole-00000001", tmp_path / "other")
    file = tmp_path / "other" / "config.yaml"
    file.write_text(file.read_text().replace("seed: 7", "seed: 8"))
    _, out, _ = call(capsys, runs, "whole", str(tmp_path / "other"), "--json")
    assert json.loads(out)["differs"] == {"seed": [7, 8]}
    notes = json.loads(out)["notes"]
    assert "Only their seeds differ: how far apart they are is chance." in notes
    assert any(note.startswith("A pair shows that the seed matters, not by how much") for note in notes)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "`RUN` (=0 of them) must be from 2 to 16 runs to compare"),
        (["whole"], "`RUN` (=1 of them) must be from 2 to 16 runs to compare"),
        (["whole", "whole"], "`RUN` (=whole-00000001) must be given once"),
        (["whole", "nobody"], "`RUN` (=nobody) must name a run"),
    ],
)
def test_bad_input_is_told_in_a_line(words, message, runs, capsys):
    code, out, err = call(capsys, runs, *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"phasescope: {message}")
    assert err.count("\n") == 1


def test_an_empty_configuration_is_reported(runs, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.yaml").touch()
    code, out, err = call(capsys, runs, "whole", str(tmp_path / "empty"))
    assert (code, out) == (2, "")
    assert "must hold a run's configuration" in err
