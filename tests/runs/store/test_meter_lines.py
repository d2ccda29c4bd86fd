"""The band that decides in a run's readings, as its folder's lines tell it."""

from helpers.metered_run import line
from phasescope.runs.store.meter import course, deciding


def gave_nats(step: int, *nats: float, se: float | None = 0.1) -> dict:
    """Return a line whose bands have so many nats; the band with most decides, as a reading alone says it."""
    reading = line(step, None, 1.0)
    for band, value in zip(reading["bands"], nats, strict=True):
        band["nats"] = value
        if se is not None:
            band["nats_se"] = se

    band = max(reading["bands"], key=lambda band: band["nats"])
    decides = {"number": 0, "low": band["low"], "high": band["high"], "by": "no condition"}
    return {**reading, "deciding": decides}


def test_bands_with_nearly_equal_nats_do_not_take_turns():
    lines = [gave_nats(step, 1.0 + 0.1 * (step % 2), 1.05) for step in range(6)]
    assert len({reading["deciding"]["low"] for reading in lines}) == 2
    lows = {deciding(lines[:n])["low"] for n in range(1, 7)}
    assert len(lows) == 1
    assert {band["low"] for _, band in course(lines)} == lows


def test_a_band_that_is_clearly_above_the_choice_replaces_it_once():
    lines = [gave_nats(step, 1.0, 0.1 + 0.3 * step) for step in range(6)]
    lows = [deciding(lines[:n])["low"] for n in range(1, 7)]
    assert lows == sorted(lows)
    assert len(set(lows)) == 2
    # At step 4 the other band is ahead by 0.3, within three standard errors of the difference.
    assert lows[4] == lows[0] != lows[5]


def test_lines_of_an_earlier_version_have_no_standard_errors():
    assert deciding([gave_nats(0, 1.0, 0.5, se=None)])["low"] == -10.0
    assert deciding([gave_nats(0, 0.0, 0.0, se=None)]) is None
