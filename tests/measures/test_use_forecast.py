"""The forecast of use on simulated courses, whose crossing is known."""

import numpy as np
import pytest

from phasescope import UserError
from phasescope.measures.use_forecast import INTERVAL, LEAST, NO_WIDENING, Widening, forecast_use

RATE, MIDDLE = 1 / 500, 5000.0
SE = 0.006


def logistic(x, rate=RATE, middle=MIDDLE):
    return 1 / (1 + np.exp(-rate * (x - middle)))


X = np.arange(0, 4001, 250.0)


def simulated(rng, x=X, se=SE, **course):
    return logistic(x, **course) + rng.normal(size=len(x)) * se


def test_a_logistic_course_without_noise_is_forecast_exactly():
    for level in (0.3, 0.5, 0.8):
        forecast = forecast_use(X, logistic(X), np.full(len(X), 1e-6), level, widening=NO_WIDENING)
        assert forecast.answer == "forecast"
        assert forecast.at == pytest.approx(MIDDLE + np.log(level / (1 - level)) / RATE, rel=1e-6)
        assert forecast.low <= forecast.at <= forecast.high


def test_fiellers_intervals_of_logistic_courses_hold_what_they_promise():
    rng = np.random.default_rng(0)
    se = np.full(len(X), SE)
    forecasts = [forecast_use(X, simulated(rng), se, widening=NO_WIDENING) for _ in range(400)]
    made = [forecast for forecast in forecasts if forecast.answer == "forecast"]
    assert len(made) > 350
    share = np.mean([forecast.low <= MIDDLE <= forecast.high for forecast in made])
    assert INTERVAL - 0.1 <= share <= INTERVAL + 0.12


def test_standard_errors_that_are_too_small_are_corrected_by_the_scatter():
    rng = np.random.default_rng(1)
    forecasts = [forecast_use(X, simulated(rng), np.full(len(X), SE / 5)) for _ in range(400)]
    made = [forecast for forecast in forecasts if forecast.answer == "forecast"]
    assert len(made) > 200
    assert np.mean([forecast.low <= MIDDLE <= forecast.high for forecast in made]) > 0.65


def test_the_interval_narrows_as_the_crossing_comes_near():
    rng = np.random.default_rng(2)
    use = simulated(rng, x := np.arange(0, 4801, 200.0))
    widths = []
    for end in (4000, 4400, 4800):
        seen = x <= end
        forecast = forecast_use(x[seen], use[seen], np.full(seen.sum(), SE))
        widths.append(forecast.high - forecast.low)
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize("plateau", [0.1, 0.3])
def test_a_course_that_stays_does_not_grow(plateau):
    rng = np.random.default_rng(3)
    answers = []
    for _ in range(100):
        use = plateau + rng.normal(size=len(X)) * 0.002
        answers.append(forecast_use(X, use, np.full(len(X), 0.002)).answer)
    assert answers.count("does not grow") > 60
    assert answers.count("forecast") <= 20


def test_a_course_that_falls_does_not_grow():
    use = np.linspace(0.6, 0.3, len(X))
    assert forecast_use(X, use, np.full(len(X), 0.001), level=0.9).answer == "does not grow"


def test_too_few_readings_above_the_noise_are_no_forecast_yet():
    use = logistic(X)
    for readings in (use * 0, -use, use[: LEAST - 1]):
        forecast = forecast_use(X[: len(readings)], readings, np.full(len(readings), 0.005))
        assert forecast.answer == "not yet"
        assert "no forecast yet" in str(forecast)
    assert forecast_use([], [], []).answer == "not yet"


def test_a_level_that_is_passed_for_good_is_said_with_its_place():
    x = np.arange(0, 8000, 500.0)
    forecast = forecast_use(x, logistic(x), np.full(len(x), 0.01))
    assert forecast.answer == "passed"
    assert forecast.at == pytest.approx(MIDDLE, rel=0.02)
    back = logistic(x)
    back[-1] = 0.2
    assert forecast_use(x, back, np.full(len(x), 0.01)).answer != "passed"


def test_the_unit_of_the_readings_is_that_of_the_forecast():
    se = np.full(len(X), SE)
    use = simulated(np.random.default_rng(4))
    steps, images = forecast_use(X, use, se), forecast_use(X * 10_000, use, se)
    assert images.at == pytest.approx(10_000 * steps.at, rel=1e-9)
    assert images.high == pytest.approx(10_000 * steps.high, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"use": [0.1]}, r"`use` \(of shape \(1,\)\) must have one number for each of `x`"),
        ({"x": [0, 0, 1, 2]}, "`x` must ascend"),
        ({"level": 1.0}, r"`level` \(=1\) must be between 0 and 1"),
    ],
)
def test_what_is_no_course_is_refused_in_a_line(change, rule):
    given = {"x": [0, 1, 2, 3], "use": [0.1, 0.2, 0.3, 0.4], "se": [0.01] * 4}
    with pytest.raises(UserError, match=rule):
        forecast_use(**given | change)


@pytest.mark.parametrize(
    ("course", "place"),
    [
        (lambda x: 1 / (1 + (5000 / x) ** 2.5), 5000),  # slows down: a line on the clock log x
        (lambda x: logistic(x**2, rate=1 / 8e6, middle=25e6), 5000),  # speeds up: a line on x^2
    ],
)
def test_growth_that_slows_down_or_speeds_up_is_forecast_on_its_own_clock(course, place):
    x = np.arange(250, 3501, 250.0)
    forecast = forecast_use(x, course(x), np.full(len(x), 1e-4), widening=NO_WIDENING)
    assert forecast.at == pytest.approx(place, rel=0.01)


def test_a_forecast_until_a_step_knows_nothing_later():
    x = np.arange(0, 8000, 250.0)
    use, se = logistic(x), np.full(len(x), SE)
    seen = x <= 4000
    assert forecast_use(x, use, se).answer == "passed"
    assert forecast_use(x, use, se, until=4000) == forecast_use(x[seen], use[seen], se[seen])
    assert forecast_use(x, use, se, until=-1).answer == "not yet"


def test_widening_multiplies_the_training_that_remains():
    use, se = simulated(np.random.default_rng(5)), np.full(len(X), SE)
    narrow = forecast_use(X, use, se, widening=NO_WIDENING)
    wide = forecast_use(X, use, se, widening=Widening(low=0.5, middle=1.0, high=2.0))
    last = X[-1]
    assert wide.low - last == pytest.approx(0.5 * (narrow.low - last))
    assert wide.at == narrow.at
    assert wide.high - last == pytest.approx(2.0 * (narrow.high - last))


def test_an_interval_that_ends_far_away_is_no_forecast_yet():
    use, se = simulated(np.random.default_rng(5)), np.full(len(X), SE)
    forecast = forecast_use(X, use, se, widening=Widening(low=0.5, middle=1.0, high=100.0))
    assert forecast.answer == "not yet"
    assert "its interval ends after over 10 times the training so far" in str(forecast)
