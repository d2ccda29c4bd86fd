"""Series of a panel are told apart by colour and mark together, however many there are."""

from __future__ import annotations

from math import gcd

from phasescope.views.figures.studies import COLOURS, MARKS


def test_no_two_of_seventy_series_look_alike():
    looks = {(COLOURS[i % len(COLOURS)], MARKS[i % len(MARKS)]) for i in range(70)}
    assert len(looks) == 70
    assert gcd(len(COLOURS), len(MARKS)) == 1
