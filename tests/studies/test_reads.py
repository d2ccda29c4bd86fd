"""What numbers read: said where they are defined, resolved from their arguments, and refused where it is wrong."""

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import phasescope.studies as ps
from helpers.learner import records, run
from phasescope.core.errors import UserError
from phasescope.studies import reads
from phasescope.studies.declaring import columns_read

PAGE = Path(__file__).parents[2] / "docs" / "studies.md"
CELLS = [ps.Cell("a", {}, {"size": 1}), ps.Cell("b", {"training": {"batch": 32}}, {"size": 2})]


@reads("loss", "{column}")
def ratio(runs: ps.Runs, column: str, last: int = 1) -> np.ndarray:
    return runs.end(column, last) / runs.end("loss")


@reads("{of}.{names}", of="outcomes.grid")
def total(runs: ps.Runs, names: tuple[str, ...], **samples: str) -> np.ndarray:
    beginning = samples.get("of", "outcomes.grid")
    return np.sum([runs.end(f"{beginning}.{name}") for name in names], axis=0)


@reads(partial(ratio, column="p1_r2"), "{than}")
def beyond(runs: ps.Runs, than: str = "") -> np.ndarray:
    return ratio(runs, "p1_r2") - (runs.end(than) if than else 0)


@reads("closest.*")
def levels(runs: ps.Runs) -> np.ndarray:
    return np.full(len(runs), len(runs.columns("closest.")))


def undeclared(runs: ps.Runs) -> np.ndarray:
    return runs.end("loss")


@pytest.mark.parametrize(
    ("number", "columns"),
    [
        (partial(ratio, column="gradient_norm"), {"loss", "gradient_norm"}),
        (partial(partial(ratio, column="loss"), column="p1_r2"), {"loss", "p1_r2"}),
        (partial(total, names=("none", "multiple")), {"outcomes.grid.none", "outcomes.grid.multiple"}),
        (partial(total, names=("none",), of="object"), {"object.none"}),
        (beyond, {"loss", "p1_r2"}),
        (partial(beyond, than="parameters"), {"loss", "p1_r2", "parameters"}),
        (reads()(lambda runs: runs.table["size"]), set()),
        (ps.end("loss", last=3), {"loss"}),
        (ps.start("loss"), {"loss"}),
        (ps.mean("loss"), {"loss"}),
        (ps.ever("phase.sheet", "C"), {"phase.sheet"}),
        (ps.onset("loss", 0.5, counting="images_seen"), {"loss", "images_seen"}),
        (ps.reaches("phase.sheet", "C", improving="loss"), {"phase.sheet", "loss"}),
        (ps.onset_of_accuracy("grid"), {"accuracy.grid.joint", "outcomes.grid.n"}),
        (
            ps.came(ps.onset_of_accuracy("grid", "x", "matched")),
            {"accuracy_matched.grid.x", "outcomes.grid.n"},
        ),
        (ps.axis("size"), set()),
    ],
)
def test_columns_follow_from_the_declaration_and_the_arguments(number, columns):
    assert columns_read(number) - {"step"} == columns


@pytest.mark.parametrize(
    ("part", "columns"),
    [
        (ps.Courses("c", "", {"a": "loss", "b": "p1_r2"}), {"loss", "p1_r2"}),
        (ps.PhaseGrid("g", ""), {"phase.behaviour"}),
        (ps.Ends("e", "", {"a": ps.end("loss")}), {"loss"}),
        (ps.Against("x", "", {"a": ps.end("loss")}, "size", references={"b": ps.end("p1_r2")}), {"loss", "p1_r2"}),
        (ps.Scatter("s", "", ps.end("loss"), ps.start("p1_r2"), "", ""), {"loss", "p1_r2"}),
        (ps.Table("", {"a": ps.end("loss"), "b": ps.axis("size")}), {"loss"}),
    ],
)  # fmt: skip
def test_plots_and_tables_know_their_columns(part, columns):
    assert part.columns_read() - {"step"} == columns


def study(**parts) -> ps.Study:
    return ps.Study("s", "?", "fast", CELLS, 8, **parts)


def claim(number: ps.Number, **fields) -> ps.Claim:
    return ps.Claim(
        "c", "It is.", ps.Share(), number, threshold=0.5, effect=0.4, asked=ps.Asked.BEFORE, **fields
    )


def test_a_claim_is_read_of_the_cells_that_it_selects():
    of_one = study(claims=[claim(ps.ever("phase.sheet", "C"), where={"size": 2})])
    assert of_one.columns == {"step", "phase.sheet"}
    assert of_one.columns_for(["b"]) == {"step", "phase.sheet"}
    assert of_one.columns_for(["a"]) == set()


@pytest.mark.parametrize(
    "parts",
    [
        {"claims": [claim(undeclared)]},
        {"claims": [claim(partial(undeclared))]},
        {"plots": [ps.Ends("e", "", {"a": undeclared})]},
        {"tables": [ps.Table("", {"a": undeclared})]},
    ],
)
def test_a_number_that_does_not_say_what_it_reads_is_refused_where_the_study_is_built(parts):
    with pytest.raises(UserError) as caught:
        study(**parts)
    text = str(caught.value)
    assert "`undeclared` (test_reads.py:" in text
    assert '`@reads("loss")` above it' in text
    assert "\n" not in text


class OwnPlot(ps.BasePlot):
    def panels(self, runs: ps.Runs) -> list[ps.Panel]:
        return []


def test_a_plot_of_your_own_that_does_not_say_what_it_reads_is_refused():
    with pytest.raises(UserError, match=r"`plots` .* must have a method `columns_read`"):
        study(plots=[OwnPlot("own", "")])


@pytest.mark.parametrize(
    ("number", "column"),
    [
        (reads("loss")(lambda runs: runs.end("loss") - runs.end("p1_r2")), "p1_r2"),
        (reads("loss")(lambda runs: runs.where(cell="a").ever("phase.sheet", "C")), "phase.sheet"),
        (reads()(lambda runs: np.full(len(runs), runs.has("loss"))), "loss"),
    ],
)
def test_a_column_that_was_not_declared_is_refused_when_it_is_read(number, column):
    runs = ps.Runs(records(run("a", 0), run("b", 0)), CELLS)
    with pytest.raises(UserError) as caught:
        ps.as_table(runs, number)
    text = str(caught.value)
    assert f"must declare `{column}`" in text
    assert "\n" not in text


def test_a_parameter_without_a_value_is_refused():
    with pytest.raises(UserError, match=r"`column` of `ratio` .* must have a value"):
        columns_read(ratio)


def test_a_function_is_declared_once():
    """A second declaration would change what is read wherever the function already stands."""
    with pytest.raises(UserError, match=r"`ratio` .* must be declared once"):
        reads("gradient_norm")(ratio)
    assert columns_read(reads("gradient_norm")(partial(ratio))) == {"step", "gradient_norm"}
    assert columns_read(partial(ratio, column="p1_r2")) == {"step", "loss", "p1_r2"}


def test_the_example_of_the_page_of_studies_declares_what_it_reads():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    scope: dict = {}
    exec(code, scope)
    assert columns_read(scope["NUMBER"]) == {"step", "accuracy.grid.x", "accuracy.grid.y"}


def test_only_declared_columns_are_listed():
    rows = records(run("a", 0), run("b", 0)).assign(**{"closest.50": 0.0, "closest.600": 1.0})
    assert ps.as_table(ps.Runs(rows, CELLS), levels)["y"].tolist() == [2, 2]
    listed = ps.as_table(
        ps.Runs(rows, CELLS), reads("closest.50")(lambda runs: [runs.columns("closest.")] * 2)
    )
    assert listed["y"].tolist() == [["closest.50"]] * 2
