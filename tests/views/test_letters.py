"""Samples have one letter and activations have one, the same wherever a run is shown; other readings stand apart."""

import json
import re

import pytest

from helpers.explored import page_of
from helpers.written_run import ALL_STEPS, write_run
from phasescope import Run
from phasescope.cli import main
from phasescope.views.facts import words
from phasescope.views.facts.panels import run_panels
from phasescope.views.facts.record import Record
from phasescope.views.facts.rows import row_of
from phasescope.views.facts.terms import TERMS
from phasescope.views.figures.plots import plot_of
from phasescope.views.terminal.progress import snapshot_line
from phasescope.views.web.report import render_report


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Run:
    """A run whose activations were not recorded."""
    run = write_run(tmp_path_factory.mktemp("runs") / "bare-01234567", ALL_STEPS, latents=False)
    lines = [
        {name: value for name, value in line.items() if name == "phase" or not scored(value)}
        for line in run.metrics
    ]
    for line in lines:
        line["phase"] = {"behaviour": line["phase"]["behaviour"]}
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    status = json.loads((run.path / "status.json").read_text())
    for reading in ("sheet", "representation_p1"):
        del status["summary"][reading]
    (run.path / "status.json").write_text(json.dumps(status))
    return run


def scored(value: object) -> bool:
    """Whether a metric is scores of activations by site."""
    return isinstance(value, dict) and any(re.fullmatch(r"\w+\.\d+", name) for name in value)


def cells(text: str, start: str) -> list[str]:
    """The cells of a printed table's row."""
    (row,) = [line for line in text.splitlines() if line.startswith(start)]
    return re.split(r" {2,}", row.strip())


def test_the_last_letters_are_the_same_on_every_surface(run, capsys):
    record, last = Record(run), run.metrics[-1]
    samples, activations = last["phase"]["behaviour"], last["phase"]["sheet"]

    assert snapshot_line(last).endswith(f"samples {samples}, activations {activations}")

    main(["show", str(run.path)])
    shown = capsys.readouterr().out
    heads = cells(shown, "step ")
    row = dict(zip(heads, cells(shown, f"{last['step']:,} "), strict=True))
    assert (row["samples"], row["activations"]) == (samples, activations)
    assert row["other: P1's reading"] == last["phase"]["representation_p1"]

    main(["ls", "--runs", str(run.path.parent)])
    listed = capsys.readouterr().out
    row = dict(zip(cells(listed, "run "), cells(listed, run.name), strict=True))
    assert (row["samples"][-1], row["activations"][-1]) == (samples, activations)

    explored = row_of(run)["phases"]
    assert (explored["behaviour"]["last"], explored["sheet"]["last"]) == (samples, activations)
    strips = {strip["name"]: strip["phases"][-1] for strip in panel_of(run)["strips"]}
    p1 = last["phase"]["representation_p1"]
    assert strips == {
        "samples": samples,
        "activations": activations,
        "other reading: P1's reading": p1,
    }
    figure = plot_of(record, "timeline").figure
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [*strips]


def panel_of(run: Run) -> dict:
    return next(panel for panel in page_of(run)["panels"] if panel["key"] == "phases")


def test_what_is_not_read_is_said_to_be_so_on_every_surface(bare, capsys):
    assert snapshot_line(bare.metrics[-1]).endswith("samples C, activations not read")

    main(["show", str(bare.path)])
    shown = capsys.readouterr().out
    assert "The phase of the activations was not read." in shown
    row = dict(zip(cells(shown, "step "), cells(shown, f"{ALL_STEPS[-1]:,} "), strict=True))
    assert (row["samples"], row["activations"]) == ("C", "not read")

    main(["ls", "--runs", str(bare.path.parent)])
    listed = capsys.readouterr().out
    row = dict(zip(cells(listed, "run "), cells(listed, bare.name), strict=True))
    assert (row["samples"], row["activations"]) == ("A B C", "not read")

    assert "sheet" not in row_of(bare)["phases"]
    assert [strip["name"] for strip in panel_of(bare)["strips"]] == ["samples", "activations: not read"]


def test_undecided_is_one_sign_and_not_the_sign_of_not_read(bare, capsys):
    line = {**bare.metrics[-1], "phase": {"behaviour": "undecided"}}
    assert snapshot_line(line).endswith("samples ?, activations not read")
    assert "?" in TERMS["undecided"].sentence


@pytest.mark.slow
def test_no_legend_describes_a_rule_that_this_run_did_not_use(run, bare):
    rules = ("sheet", "P1's", "label variance", "Label variance", "By route", "Probe R²", "n = 0")
    caption = plot_of(Record(bare), "timeline").caption
    assert not [rule for rule in rules if rule in caption]
    assert "a phase of the samples needs" in caption
    assert all(rule in plot_of(Record(run), "timeline").caption for rule in ("sheet", "P1's", "Probe R²"))

    def terms(shown: Run) -> set[str]:
        panels = run_panels(Record(shown))
        return {name for panel in panels if panel.key in ("phases", "outcomes") for name in panel.terms}

    assert not {"sheet", "p1_r2"} & terms(bare)
    assert {"behaviour", "sheet", "p1_r2"} <= terms(run)
    assert "sheet" not in " ".join(words.verdict(Record(bare)))
    before_scripts = re.sub(r"<script.*?</script>", "", render_report(bare), flags=re.DOTALL)
    assert "sheet" not in re.sub(r"<style.*?</style>", "", before_scripts, flags=re.DOTALL).replace(
        "stylesheet", ""
    )


def test_other_readings_stand_behind_the_letters_under_their_own_name(run):
    sentences = words.verdict(Record(run))
    at = [
        next(i for i, sentence in enumerate(sentences) if sentence.startswith(start))
        for start in ("Samples ", "Activations (mid, t = 600) ", "Which came first? ", "Other readings: ")
    ]
    assert at == sorted(at)
    assert "P1's reading" in sentences[at[-1]]
    assert not [sentence for sentence in sentences[: at[-1]] if "P1" in sentence]
