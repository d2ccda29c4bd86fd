"""Whatever world and family a run is of, it is shown: by what it says of itself, and by nothing of its owner's source."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from helpers.explored import page_of
from helpers.runs_of_any_world import FOUR, ONE, OUTCOMES, STEPS, write_made_run
from phasescope import Site
from phasescope.cli import main
from phasescope.views.facts import words
from phasescope.views.facts.record import Record, success_share
from phasescope.views.facts.words import headline

KINDS = {
    "four factors in colour, no reader, no noise levels": {},
    "four factors, a reader": {"reads": True},
    "one factor, grey": {"factors": ONE, "shape": (1, 8, 8)},
    "one factor of a signal": {"factors": ONE, "shape": (1, 12), "reads": True},
    "a place and a condition": {"position": True, "site": Site("mid", 7), "shape": (3, 8, 8)},
    "two channels": {"shape": (2, 7, 7)},
}


@pytest.fixture(params=KINDS, ids=str)
def run(request, tmp_path):
    return write_made_run(tmp_path / "made-00000000", **KINDS[request.param])


@pytest.mark.some(1)
def test_every_kind_of_run_has_a_report_figures_and_tables(run, tmp_path, capsys):
    folder = str(run.path)
    assert main(["export", folder, "--figures", str(tmp_path / "out"), "--svg"]) == 0
    names = [Path(line).stem for line in capsys.readouterr().out.splitlines()]
    assert names == ["timeline", "samples", "manifold", "captions"]
    page = page_of(run)
    assert len(page["axes"]) == min(len(page["factors"]), 2)
    assert main(["report", folder]) == 0
    assert "straightness of rows" in (run.path / "report.html").read_text().lower()
    for command in (["show", folder], ["ls", "--runs", str(tmp_path)]):
        assert main(command) == 0
        assert str(STEPS[-1]) in capsys.readouterr().out


def test_tables_tell_an_order_with_its_untrained_value_and_fit_a_terminal(tmp_path, capsys):
    run = write_made_run(tmp_path / "made-00000000", reads=True, routed=True)
    assert main(["ls", "--runs", str(tmp_path)]) == 0
    assert main(["show", str(run.path)]) == 0
    shown = capsys.readouterr().out
    assert shown.count("1.00 (untrained") >= 1
    assert max(map(len, shown.splitlines())) <= 200
    assert main(["ls", "--runs", str(tmp_path), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["probe_r2"]["min"], row["probe_r2"]["untrained"]) == (1.0, 0.0)


def test_without_a_reader_nothing_is_said_of_behaviour(tmp_path):
    run = write_made_run(tmp_path / "made")
    record = Record(run)
    assert record.outcomes == ()
    assert record.splits == []
    assert np.isnan(success_share(record.metrics[-1]))
    text = " ".join([*words.verdict(record), run.plot.timeline().caption, run.plot.samples().caption])
    assert "The phase of the samples was not read." in text
    assert "phase of the samples needs" not in text
    assert "utcome" not in text
    assert "crosshair" not in text
    titles = [ax.get_title(loc="left") for ax in run.plot.timeline().figure.axes]
    assert not any(title.startswith("Outcomes") for title in titles)
    assert not run.plot.samples().figure.axes[0].get_legend()


def test_outcomes_have_the_names_the_order_and_the_colours_that_the_world_declares(tmp_path):
    run = write_made_run(tmp_path / "made", reads=True)
    record = Record(run)
    assert [outcome._asdict() for outcome in record.outcomes] == OUTCOMES
    assert success_share(record.metrics[-1]) == record.metrics[-1]["outcomes"]["seen"]["whole"]
    facts = {fact.name: fact.value for fact in headline(record)}
    assert facts["whole, seen labels"] == "100.0 % (n = 20)"
    assert facts["whole, held out labels"] == "100.0 % (n = 20)"
    assert facts["median error, seen labels"] == "size 0.25 mm, turn 0.25 deg, shape 0.25, hue 0.25"
    (passage,) = [sentence for sentence in words.verdict(record) if sentence.startswith("Samples")]
    assert "C (mostly whole)" in passage
    figure = run.plot.timeline().figure
    panel = next(ax for ax in figure.axes if ax.get_title(loc="left").startswith("Outcomes, held out labels"))
    shown = [tuple(area.get_facecolor()[0][:3]) for area in panel.collections]
    assert shown == [to_rgb(outcome["colour"]) for outcome in reversed(OUTCOMES)]


@pytest.mark.parametrize("factors", [ONE, FOUR])
def test_the_manifold_is_coloured_by_each_factor_over_its_range(tmp_path, factors):
    run = write_made_run(tmp_path / "made", factors=factors)
    labels = run.snapshots[-1].latent_labels()
    figure = run.plot.manifold().figure
    views = np.array([ax for ax in figure.axes if ax.name == "3d"]).reshape(len(factors), -1)
    for k, (row, factor) in enumerate(zip(views, factors, strict=True)):
        (points,) = row[0].collections
        np.testing.assert_allclose(np.sort(points.get_array()), np.sort(labels[:, k]))
        half = 0.5 if factor.categorical else 0.0
        assert points.get_clim() == (factor.low - half, factor.high + half)


def test_colour_is_drawn_in_colour(tmp_path):
    runs = write_made_run(tmp_path / "made"), write_made_run(tmp_path / "grey", shape=(1, 6, 10))
    mosaic, grey = (np.asarray(run.plot.samples().figure.axes[0].images[0].get_array()) for run in runs)
    assert (np.ptp(mosaic[..., :3], axis=-1) > 0.2).mean() > 0.2
    assert np.ptp(grey[..., :3], axis=-1).max() == 0


def test_a_crosshair_marks_the_factors_that_are_a_place_alone(tmp_path):
    for position in (True, False):
        run = write_made_run(tmp_path / f"made{position}", position=position)
        marks = run.plot.samples().figure.axes[0].collections
        assert bool(marks) == position
