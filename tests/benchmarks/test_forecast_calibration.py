"""The calibration of the forecast: its widening is what the shipped courses say, and intervals hold of what was left out."""

import re
from functools import cache

import numpy as np
import pytest

from benchmarks import forecast, forecast_systems
from benchmarks.forecast import Course, courses, quantile, ratios, widening_of
from phasescope.measures.use_forecast import WIDENING


@cache
def printed() -> list[str]:
    """Return the lines of the command."""
    return list(forecast.lines(courses()))


@pytest.mark.slow
def test_the_widening_of_phasescope_is_that_of_the_shipped_courses():
    computed = widening_of([(course, ratios(course)) for course in courses()])
    assert tuple(round(factor, 2) for factor in computed) == WIDENING


@pytest.mark.slow
def test_intervals_of_systems_that_were_left_out_hold_about_what_they_promise():
    shares = [
        [int(share) for share in re.findall(r"(\d+)%", line)]
        for line in printed()
        if "the other systems" in line
    ]
    assert len(shares) == 2
    for _, covered, *_ in shares:
        assert 70 <= covered <= 95


def test_each_kind_of_network_and_in_it_each_system_counts_the_same():
    def course(system: str, network: str) -> Course:
        return Course(system, network, np.zeros(1), np.zeros(1), np.zeros(1))

    many, few = np.full((99, 3), 4.0), np.full((1, 3), 1.0)
    known = [
        (course("a", "perceptron"), many),
        (course("b", "perceptron"), few),
        (course("c", "unet"), few),
    ]
    assert widening_of(known).middle == 1.0  # a quarter of the weight is at 4


def test_a_weighted_quantile():
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 1.0])
    assert [quantile(values, weights, share) for share in (0.1, 0.5, 0.7, 1.0)] == [1.0, 1.0, 2.0, 3.0]


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, forecast_systems.PERCEPTRONS])
def test_a_system_is_trained_and_read_with_exact_answers(number, monkeypatch):
    monkeypatch.setattr(forecast_systems, "STEPS", 40)
    system = forecast_systems.System.of(number)
    line = forecast_systems.course(system)
    assert line == forecast_systems.course(system)
    assert line["step"] == [0, 20, 40]
    assert (line["number"], line["network"]) == (number, system.network)

    process = forecast_systems.Process(system)
    places = forecast_systems.PLACES[:4]
    x_0 = process.render(places).double()
    t = process.draw(4, forecast_systems.torch.Generator().manual_seed(0))
    alpha, sigma = process.scales(t)
    noise = forecast_systems.torch.ones_like(x_0)
    exact = process.exact(alpha * x_0 + sigma * noise, t, places)
    assert np.allclose(exact, process.answer(x_0, noise, alpha, sigma), atol=1e-4)


def test_the_page_quotes_what_the_command_prints():
    page = (forecast.FILE.parents[1] / "docs" / "condition_meter.md").read_text()
    assert "\n".join(printed()) in page
