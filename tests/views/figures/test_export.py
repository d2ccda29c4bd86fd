"""What other programs take: figures, tables that pandas reads, events that TensorBoard reads; all say what the run says."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.written_run import ALL_STEPS, write_run
from phasescope import Run, TensorBoard, UserError
from phasescope.cli import main
from phasescope.views.figures.plots import FIGURES

STUDIES = Path(__file__).parents[3] / "studies"
KINDS = ("csv", "parquet")
STUDY = "sampler"

SITE = "probe_r2/mid.600"


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Run:
    return write_run(tmp_path_factory.mktemp("s") / "synthetic-01234567", [ALL_STEPS[i] for i in (0, 4, 19)])


def frames(folder: Path, kind: str) -> dict[str, pd.DataFrame]:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    read = pd.read_parquet if kind == "parquet" else pd.read_csv
    return {path.stem: read(path) for path in folder.iterdir()}


@pytest.mark.parametrize("kind", KINDS)
def test_pandas_reads_a_runs_tables(kind, short, tmp_path):
    lines = [{"step": 0, "loss": 1.0}, {"step": 10, "loss": 0.5}]
    copy = shutil.copytree(short.path, tmp_path / short.name)
    (copy / "scalars.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    words = ["export", str(copy), "--tables", str(tmp_path / "out")]
    assert main([*words, *(["--parquet"] if kind == "parquet" else [])]) == 0
    tables = frames(tmp_path / "out", kind)
    assert set(tables) == {"snapshots", "readings", "scalars"}
    assert tables["scalars"][["step", "loss"]].to_dict("records") == lines
    snapshots, readings = tables["snapshots"], tables["readings"]
    for name, told in (("loss", "loss"), ("probe_r2.mid.600.value", ("probe_r2", "mid.600", "value"))):
        for value, line in zip(snapshots[name], short.metrics, strict=True):
            expected = line[told] if isinstance(told, str) else line[told[0]][told[1]][told[2]]
            assert value == expected or (np.isnan(value) and expected is None)
    assert snapshots["step"].tolist() == [line["step"] for line in short.metrics]
    for snapshot in short.snapshots:
        own, there = snapshot.readings(), readings[readings["step"] == snapshot.step]
        assert len(there) == len(own["outcome"])
        assert there["outcome"].tolist() == own["outcome"].tolist()
        np.testing.assert_array_equal(there["label_x"].to_numpy(float), own["label_x"].astype(float))


@pytest.mark.parametrize("kind", KINDS)
def test_pandas_reads_a_studys_tables(kind, tmp_path, capsys):
    words = ["export", STUDY, "--studies", str(STUDIES), "--tables", str(tmp_path / "out")]
    assert main([*words, *(["--parquet"] if kind == "parquet" else [])]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 2
    tables = frames(tmp_path / "out", kind)
    own = pd.read_parquet(STUDIES / STUDY / "records.parquet")
    records = tables["records"]
    assert {*records.columns} - {"cell"} == {*own.columns}
    losses = [table.sort_values(["digest", "step"])["loss"].to_numpy(float) for table in (records, own)]
    np.testing.assert_array_equal(*losses)
    assert set(tables["claims"]["verdict"]) <= {"supported", "refuted", "undecided", "not reached", "passes"}


@pytest.mark.slow
def test_figures_have_truetype_fonts_and_captions_beside_them(short, tmp_path, monkeypatch, capsys):
    drawn = {name: FIGURES[name] for name in ("timeline", "denoising")}  # those that are drawn quickly
    monkeypatch.setattr("phasescope.views.figures.export.FIGURES", drawn)
    assert main(["export", str(short.path), "--figures", str(tmp_path / "pdf")]) == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    pdfs = [path.read_bytes() for path in written if path.suffix == ".pdf"]
    assert {path.name for path in written} == {"timeline.pdf", "denoising.pdf", "captions.md"}
    for content in pdfs:
        assert content.startswith(b"%PDF")
        assert b"/Type3" not in content
        assert b"CreationDate" not in content
    assert any(b"/FontFile2" in content or b"/CIDFontType2" in content for content in pdfs)
    assert "One run:" in (tmp_path / "pdf" / "captions.md").read_text()
    del drawn["timeline"]
    assert main(["export", str(short.path), "--figures", str(tmp_path / "svg"), "--svg"]) == 0
    assert "<text" in (tmp_path / "svg" / "denoising.svg").read_text()


def test_a_studys_figures_are_drawn(tmp_path, capsys):
    assert main(["export", STUDY, "--studies", str(STUDIES), "--figures", str(tmp_path), "--svg"]) == 0
    assert [path.suffix for path in map(Path, capsys.readouterr().out.split())].count(".svg") >= 1


def test_tensorboard_reads_what_the_run_says(short, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):
        board = TensorBoard(tmp_path)
        board.update(short)
        board.close()
    (path,) = (tmp_path / short.name).iterdir()
    events = EventAccumulator(str(path.parent), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    tags = events.Tags()
    for tag, reading in (
        ("loss", lambda line: line["loss"]),
        (f"{SITE}.value", lambda line: line["probe_r2"]["mid.600"]["value"]),
        (f"{SITE}.baselines.untrained", lambda line: line["probe_r2"]["mid.600"]["baselines"]["untrained"]),
        ("outcomes/grid.correct", lambda line: line["outcomes"]["grid"]["correct"]),
    ):
        assert tag in tags["scalars"]
        expected = {line["step"]: reading(line) for line in short.metrics if reading(line) is not None}
        told = {event.step: event.value for event in events.Scalars(tag)}
        assert told.keys() == expected.keys()
        assert list(told.values()) == pytest.approx(list(expected.values()), rel=1e-6)
    assert "samples/grid" in tags["images"]
    pictures = events.Images("samples/grid")
    assert [event.step for event in pictures] == [snapshot.step for snapshot in short.snapshots]
    assert all(event.encoded_image_string.startswith(b"\x89PNG") for event in pictures)
    assert {event.value for event in events.Scalars("phase/behaviour")} <= {0.0, 1.0, 2.0}


def test_without_tensorboard_the_extra_is_told(short, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    monkeypatch.delitem(__import__("sys").modules, "torch.utils.tensorboard", raising=False)
    with pytest.raises(
        UserError, match=r"TensorBoard must be installed: ./lab setup, or pip install '.\[monitors\]'"
    ):
        TensorBoard(tmp_path / "out").update(short)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["RUN"], "`--figures` (=nothing) must be given, or --tables or --archive"),
        (["RUN", "--svg", "--tables", "t"], "`--svg` (=True) must be given with --figures"),
        (["RUN", "--parquet", "--figures", "t"], "`--parquet` (=True) must be given with --tables"),
        ([STUDY, "--archive", "a.zip"], "`--archive` (=a.zip) must be of a run, and `sampler` is a study"),
        (["RUN", "--archive", "a.tar"], 'Invalid value "a.tar" for --archive. a.tar must end in .zip'),
        (["nobody", "--tables", "t"], "`RUN` (=nobody) must name a run"),
        (["EMPTY", "--tables", "t"], "`RUN` (=empty-00000000) must have a snapshot"),
        (["EMPTY", "--figures", "t"], "`RUN` (=empty-00000000) must have a snapshot"),
    ],
)
def test_bad_input_is_reported_in_a_line(words, told, short, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "runs" / "empty-00000000", [0], "prepared")
    (tmp_path / "runs" / "empty-00000000" / "metrics.jsonl").unlink()
    places = {"RUN": str(short.path), "EMPTY": "empty"}
    assert main(["export", *(places.get(word, word) for word in words), "--studies", str(STUDIES)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"phasescope: {told}")
    assert captured.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
