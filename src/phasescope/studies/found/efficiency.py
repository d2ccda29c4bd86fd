"""How many images does it take to paint labels that were left out, and does that grow with the labels or with their factors?

On a canvas of N px there are N^2 combinations of x and y, and 2N values. Liang et al. 2024 (arXiv 2408.13256) train on a
random part of the bumps, with and without stripes, which show each factor alone over its full range, and see the images that
60 % accuracy takes grow with N^2, and with N. Copiers grow so too, with nothing learnt: that of the nearest label has 60 %
from 0.097 N^2 images on, the factorized one from about N / 2. So what is asked is not only the slope, but also how far below
the copier a network lies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made
from phasescope.studies.core.comparing import mean_of_bounds, size
from phasescope.studies.core.study import Figure, Study, Table
from phasescope.studies.found._cells import ENDS_ALONE
from phasescope.studies.found._images_needed import (
    CANVASES,
    CELLS,
    KEYS,
    NAMES,
    RIGHT,
    SPLIT,
    Bounds,
    copier_needs,
    courses,
    images_of,
    lines,
    names_of,
    needed,
    rows,
)
from phasescope.studies.found._made import calibrated, made_ends

if TYPE_CHECKING:
    import pandas as pd

QUADRATIC, WITHIN, LINEAR = 2.0, 0.4, 1.3
"""the slope without stripes, how far from it is still it, and the most with stripes"""


def slope_of(bounds: Mapping[int, Bounds]) -> Bounds:
    """The slope of log images on log N by least squares: the least and the most it can be."""
    x = np.log(np.array(list(bounds), dtype=float))
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    low, high = np.array(list(bounds.values())).T
    least = float(np.where(weights > 0, weights * low, weights * high).sum())
    most = float(np.where(weights > 0, weights * high, weights * low).sum())
    return least, most


def slope(arm: str, less: float, frame: pd.DataFrame) -> Estimate:
    """Mean over seeds of the slope of log images for 60 % on log N, less a number."""
    bounds = [
        slope_of(of_canvas) for of_canvas in needed(frame, arm).values() if len(of_canvas) == len(CANVASES)
    ]
    return mean_of_bounds([(low - less, high - less) for low, high in bounds], NEITHER)


TAKEN = f"images from which {RIGHT:.0%} of what was left out is right"
NEITHER = "60 % are right at each set that was tried, or at none"


def over_copier(frame: pd.DataFrame) -> Estimate:
    """Mean over seeds of the log of images for 60 % over the copier's, mean over canvases; bumps alone."""
    bounds = []
    for of_canvas in needed(frame, "bumps").values():
        if len(of_canvas) == len(CANVASES):
            sides = np.array(list(of_canvas.values())) - np.log(list(map(copier_needs, of_canvas)))[:, None]
            low, high = sides.mean(axis=0)
            bounds.append((float(low), float(high)))
    return mean_of_bounds(bounds, NEITHER)


def saved(canvas: int, frame: pd.DataFrame) -> Estimate:
    """Mean over seeds of the log of images for 60 % with stripes, all counted, over those without."""
    with_stripes, without = (needed(frame, arm) for arm in ("bumps and stripes", "bumps"))
    bounds = []
    for seed, of_canvas in with_stripes.items():
        if canvas in of_canvas and canvas in without.get(seed, {}):
            (low, high), (less, most) = of_canvas[canvas], without[seed][canvas]
            bounds.append((low - most, high - less))
    return mean_of_bounds(bounds, NEITHER)


def _study() -> Study:
    return STUDY


STEEPNESS, NOISE = 0.25, 0.03
"""of accuracy made up: its rise with the log of images, and its deviation from run to run"""


def made(needs: Mapping[str, Callable[[int], float]], generator: np.random.Generator) -> pd.DataFrame:
    """Records of runs of which 60 % takes so many images, by arm and N; accuracy rises with their log."""

    def read(cell: str) -> dict[str, float]:
        arm, canvas, share = KEYS[cell]
        passed = math.log(images_of(arm, canvas, share) / needs[arm](canvas))
        return {SPLIT: float(np.clip(RIGHT + STEEPNESS * passed + NOISE * generator.standard_normal(), 0, 1))}

    names = [name for arm in needs for name in names_of(arm)]
    return made_ends(_study(), names, read, generator)


def power(of: float, at_32: float) -> Callable[[int], float]:
    """Images that grow with a power of N."""
    return lambda canvas: at_32 * (canvas / 32) ** of


def read_as(
    target: float,
    needs: Callable[[float], Mapping[str, Callable[[int], float]]],
    numbers: Sequence[float],
    estimate: Callable[[pd.DataFrame], Estimate],
) -> Made:
    """Records that are read at a threshold in the mean: between counts that were tried 60 % is interpolated, and where one
    lies by it noise moves the reading to one side.

    Args:
        needs: by arm what made runs need, of a number.
        numbers, estimate: as in `calibrated`.
    """

    @cache
    def number() -> float:
        return calibrated(target, lambda one, generator: made(needs(one), generator), numbers, estimate)

    return lambda generator: made(needs(number()), generator)


def _claims() -> list[Claim]:
    def of(**needs: Callable[[int], float]) -> Made:
        return partial(made, {{"bare": "bumps", "told": "bumps and stripes"}[k]: v for k, v in needs.items()})

    claim = partial(
        Claim, source="P2", figure="needed", system="eps", direction="below", family="images needed"
    )
    one_set = (
        "Another random part of the labels: every size has one. Other counts are interpolated in their logs."
    )
    largest = CANVASES[-1]
    return [
        claim(
            "quadratic",
            "Without stripes, the images that it takes grow with the square of the canvas's side.",
            statistic=f"size of the slope on log N, less {QUADRATIC:g}, of the log of {TAKEN}, mean over seeds",
            threshold=WITHIN,
            estimate=size(partial(slope, "bumps", QUADRATIC)),
            does_not_show=f"That it copies, or does not: a copier's slope is {QUADRATIC:g}. {one_set}",
            cells=names_of("bumps"),
            controls=Controls(
                of(bare=power(2, 50)),
                of(bare=power(1, 50)),
                read_as(
                    QUADRATIC - WITHIN,
                    lambda exponent: {"bumps": power(exponent, 50)},
                    (1.4, 1.6, 1.8),
                    partial(slope, "bumps", 0.0),
                ),
            ),
        ),
        claim(
            "linear",
            "With stripes of every value, the images that it takes, stripes among them, grow as the canvas's side does.",
            statistic=f"slope on log N of the log of {TAKEN}, mean over seeds",
            threshold=LINEAR,
            estimate=partial(slope, "bumps and stripes", 0.0),
            does_not_show=f"Stripes are 2N by design, and a copier of each factor gets all right. {one_set}",
            cells=names_of("bumps and stripes"),
            controls=Controls(
                of(told=power(1, 90)),
                of(told=lambda canvas: 2 * canvas + 0.12 * canvas**2),
                read_as(
                    LINEAR,
                    lambda exponent: {"bumps and stripes": power(exponent, 110)},
                    (1.1, 1.3, 1.5),
                    partial(slope, "bumps and stripes", 0.0),
                ),
            ),
        ),
        claim(
            "fewer_than_the_copier",
            "Without stripes it takes fewer images than a copier of the nearest.",
            statistic=f"log of {TAKEN} over those of the copier, mean over N, then seeds",
            threshold=0.0,
            estimate=over_copier,
            does_not_show=f"A copier of each factor takes fewer still. {one_set}",
            cells=names_of("bumps"),
            controls=Controls(
                of(bare=power(2, 50)),
                of(bare=power(2, 130)),
                read_as(
                    0.0,
                    lambda times: {"bumps": lambda canvas: times * copier_needs(canvas)},
                    (0.9, 1.0, 1.1),
                    over_copier,
                ),
            ),
        ),
        claim(
            "stripes_save",
            f"On the largest canvas stripes save images: it takes fewer in all, stripes among them ({largest} px).",
            statistic=f"log of {TAKEN} with stripes over those without, mean over seeds",
            threshold=0.0,
            estimate=partial(saved, largest),
            does_not_show=f"What they would save on a larger canvas. {one_set}",
            cells=(*names_of("bumps", [largest]), *names_of("bumps and stripes", [largest])),
            controls=Controls(
                of(bare=power(2, 120), told=power(1, 90)),
                of(bare=power(1, 50), told=power(1, 130)),
                read_as(
                    0.0,
                    lambda needs: {"bumps": power(1, 120), "bumps and stripes": power(1, needs)},
                    (110.0, 120.0, 130.0),
                    partial(saved, largest),
                ),
            ),
        ),
    ]


STUDY = Study(
    name="efficiency",
    number=19,
    question="How many images does it take to paint labels that were left out, with and without each factor shown alone?",
    preset="lean",
    cells=tuple(CELLS.values()),
    seeds=8,
    more=8,
    headline="quadratic",
    claims=tuple(_claims()),
    figures=(
        Figure(
            "needed",
            f"Images for {RIGHT:.0%} of what was left out",
            lines,
            saying(NAMES, "Geometric means and ranges over seeds. Dashed: copiers, by their closed forms."),
        ),
        Figure(
            "courses",
            "What is right of what was left out, by images trained on",
            courses,
            saying(NAMES, "Means and ranges over runs, at the end; stripes are counted."),
            columns=2,
        ),
    ),
    tables=(Table("sets", "Right at the end, by images trained on", rows),),
    amendments=ENDS_ALONE,
)
