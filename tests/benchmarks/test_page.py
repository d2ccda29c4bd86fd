"""The page of the results says what the records say, and leaves out what was not measured."""

import json
import shutil

import pytest

from benchmarks.page import number, read, render, table, write_page
from benchmarks.records import RESULTS
from phasescope import UserError


def test_the_page_is_that_of_the_records(tmp_path):
    folder = shutil.copytree(RESULTS, tmp_path / "speed")
    assert write_page(folder).read_text() == (RESULTS / "README.md").read_text(), "./lab bench page writes it"


def test_a_part_without_records_is_left_out(tmp_path):
    assert write_page(tmp_path / "none").read_text().count("##") == 0
    shutil.copy(RESULTS / "scaling.json", tmp_path)
    page = write_page(tmp_path).read_text()
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## Scaling",
        "## Machines and versions",
    ]
    assert "![Scaling](scaling.png)" in page
    assert (tmp_path / "scaling.png").is_file()


def test_what_could_not_be_measured_says_why(tmp_path):
    found = json.loads((RESULTS / "throughput.json").read_text())
    step = next(one for one in found["sections"]["steps in float32"] if one["kind"] == "peer")
    step["missing"] = "not installed"
    (tmp_path / "throughput.json").write_text(json.dumps(found))
    page = render(read(tmp_path), ())
    (row,) = [line for line in page.splitlines() if "missing: not installed" in line]
    assert row.startswith(f"| {step['name']} | -")


def test_a_file_that_is_none_is_named(tmp_path):
    (tmp_path / "order.json").write_text("[]")
    with pytest.raises(UserError, match=r"order.json` must be this benchmark's"):
        write_page(tmp_path)


@pytest.mark.parametrize(
    ("value", "said"),
    [(1234.5, "1,234"), (0.01234, "0.0123"), (12.34, "12.3"), (None, "-"), (float("inf"), "-")],
)
def test_numbers_have_three_digits(value, said):
    assert number(value) == said


def test_numbers_are_set_to_the_right():
    assert table([{"a": "x|y", "b": 1}], {"a": lambda one: one["a"], "b": lambda one: one["b"]}) == (
        "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"
    )
