"""What runs, snapshots, scores, probed networks and studies show of themselves, as frames, figures and in a notebook."""

from pathlib import Path

import numpy as np
import pytest

import phasescope
from phasescope import Run, UserError
from phasescope.measures import Score
from phasescope.studies import find_study

STUDIES = Path(__file__).parents[3] / "studies"


def test_a_run_says_what_it_is_and_has_a_row_a_snapshot(run):
    assert repr(run) == f"Run({run.name}: done, step 20, 3 snapshots)"
    assert phasescope.Run(str(run.path)).name == run.name
    frame = run.to_frame()
    assert frame["step"].tolist() == [0, 10, 20]
    values = [line["probe_r2"]["mid.40"]["value"] for line in run.metrics]
    np.testing.assert_array_equal(frame["probe_r2.mid.40.value"], values)


def test_a_snapshot_has_a_row_an_image(run):
    snapshot = run.snapshots[-1]
    assert repr(snapshot) == f"Snapshot({run.name}: step 20)"
    frame = snapshot.to_frame()
    assert len(frame) == len(snapshot.samples()["images"])
    assert {"label_x", "split", "outcome"} <= set(frame)


def test_a_run_of_which_nothing_is_there_shows_itself_too(tmp_path):
    assert repr(Run(tmp_path / "none")) == "Run(none: broken, 0 snapshots)"


def test_figures_come_with_their_captions_and_are_saved_as_asked(run, tmp_path):
    timeline = run.plot.timeline()
    assert repr(timeline) == f"Plot(timeline of {run.name})"
    assert "3 snapshots" in timeline.caption
    assert timeline.figure.axes
    plot = run.plot.samples()  # which is drawn in a tenth of the time
    assert plot._repr_png_().startswith(b"\x89PNG")
    for kind, first in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        assert plot.save(str(tmp_path / f"a.{kind}")).read_bytes().startswith(first)
    assert "samples" in repr(run.plot)


def test_bad_input_of_figures(run, tmp_path):
    with pytest.raises(UserError, match=r"`path` \(=a.gif\) must end in .png, .svg or .pdf"):
        run.plot.timeline().save("a.gif")
    with pytest.raises(UserError, match="must have recorded what `denoising` shows"):
        Run(tmp_path / "none").plot.denoising()


def test_every_figure_of_a_report_is_a_method(run):
    names = repr(run.plot).partition(": ")[2].split(", ")
    assert {"timeline", "samples", "manifold", "denoising"} <= set(names) <= set(dir(run.plot))


def test_a_score_shows_value_interval_and_nulls():
    score = Score(0.5, 0.4, float("nan"), 30, "of <nothing>", {"untrained": 0.25})
    assert repr(score) == "Score(0.5 [0.4, –], n=30; untrained 0.25)"


def test_scores_become_a_frame():
    rng = np.random.default_rng(0)
    labels = rng.random((40, 2))
    scores = phasescope.measures.battery(
        labels @ rng.random((2, 3)), labels, chosen=["participation_ratio", "probe_r2"]
    )
    frame = scores.to_frame().set_index("measure")
    assert frame.loc["probe_r2", "value"] == scores["probe_r2"].value
    assert frame.loc["probe_r2", "baselines.permuted"] == scores["probe_r2"].baselines["permuted"]
    assert np.isnan(frame.loc["participation_ratio", "baselines.permuted"])


def test_a_probed_network_and_its_table(run):
    from phasescope.studies import load_network
    from phasescope.worlds import GaussianBump

    network = load_network(run, run.snapshots[-1]).network
    probed = phasescope.probe(network, GaussianBump(canvas=8), layers=["mid"], t=40, labels=40, shared=8)
    assert repr(probed) == "Probed(40 labels of x, y at mid.40)"
    table = probed.table(["probe_r2"])
    frame = table.to_frame()
    assert frame[["measure", "site"]].to_numpy().tolist() == [["probe_r2", "mid.40"]]
    assert frame["baselines.pixels"].item() == table["probe_r2"]["mid.40"].baselines["pixels"]


def test_a_study_shows_its_size():
    study, _ = find_study("sampler", STUDIES)
    assert repr(study).startswith("Study(sampler: ")
