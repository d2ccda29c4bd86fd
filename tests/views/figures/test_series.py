"""Series of a panel are told apart by colour and mark together, however many there are, and the legend names each."""

from math import gcd

import numpy as np

from phasescope.studies import Curve, Panel
from phasescope.views.facts.palette import SERIES_COLOURS
from phasescope.views.figures.drawing import MARKS
from phasescope.views.figures.studies import draw


def test_no_two_of_seventy_series_look_alike():
    looks = {(SERIES_COLOURS[i % len(SERIES_COLOURS)], MARKS[i % len(MARKS)]) for i in range(70)}
    assert len(looks) == 70
    assert gcd(len(SERIES_COLOURS), len(MARKS)) == 1


def test_a_shared_legend_names_the_series_that_only_a_later_panel_has():
    at, none = np.arange(3.0), np.zeros(0)
    panels = [
        Panel(name, "step", "share", [Curve(x, x, label="arm"), Curve(y, y, label="square", series=1)])
        for name, x, y in (("first", at, none), ("second", none, at))
    ]
    drawing = draw(panels)
    assert [text.get_text() for text in drawing.legends[0].get_texts()] == ["arm", "square"]
