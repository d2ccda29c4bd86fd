"""How many images does it take to paint labels that were left out, and does that grow with the labels or with their factors?

On a canvas of N px there are N^2 combinations of x and y, and 2N values. Liang et al. 2024 (arXiv 2408.13256) train on a
random part of the bumps, with and without stripes, which show each factor alone over its full range, and see the images that
60 % accuracy takes grow with N^2, and with N. Copiers grow so too, with nothing learnt: that of the nearest label has 60 %
from about 0.115 N^2 images on, the factorized one from about N / 2. So what is asked is not only the slope, but also what is
right beyond the copier. Stripes are 2N by design, so that 2D images alone are counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made, NotEnough
from phasescope.studies.core.comparing import envelope
from phasescope.studies.core.criteria import cells_of, runs_of
from phasescope.studies.core.statistics import mean_of_runs, over_runs
from phasescope.studies.core.study import Amendment, Figure, Reading, Study, Table
from phasescope.studies.core.surfaces import moving
from phasescope.studies.found._cells import ENDS_ALONE
from phasescope.studies.found._composition import EVERY_WAY, IN_WAYS, LEARNT, learnt
from phasescope.studies.found._core import COMPOSED, made_cores, of_core, read_core, told_runs
from phasescope.studies.found._images_needed import (
    ARMS,
    CANVASES,
    CELLS,
    KEYS,
    NAMES,
    RIGHT,
    SEEDS,
    SPLIT,
    bumps_of,
    courses,
    lines,
    names_of,
    rows,
)
from phasescope.studies.found._made import made_ends

if TYPE_CHECKING:
    import pandas as pd

HALF_WAY = 1.5
"""of the power of N, between that of all labels, 2, and that of each factor's values, 1"""
BEYOND, FEWER = 0.05, math.log(0.9)
"""what is right of a core that is more than chance; and the log of the images that it takes where some are saved"""
BARE, TOLD = ARMS


class Ends:
    """Of runs of some cells that have learnt the bumps that they were trained on, (n,) each."""

    def __init__(self, frame: pd.DataFrame, cells: tuple[str, ...]):
        runs, self.right = learnt(frame, cells, "left_out", trained=of_core("trained"))
        self.cells = cells_of(runs)
        keys = [KEYS[name] for name in self.cells]
        self.canvas = np.log([canvas for _, canvas, _ in keys])
        self.bumps = np.log([bumps_of(canvas, share) for _, canvas, share in keys])
        self.told = np.array([float(arm == TOLD) for arm, _, _ in keys])

    @classmethod
    def of_arm(cls, frame: pd.DataFrame, arm: str) -> Ends:
        """Of all cells of an arm.

        Raises:
            NotEnough: a canvas is learnt by none, or the cells lie on one side of what is asked: nothing moves along it.
        """
        ends = cls(frame, names_of(arm))
        if missing := {*CANVASES} - {KEYS[name][1] for name in ends.cells}:
            raise NotEnough(f"runs of {min(missing)} px have not learnt the bumps that they were trained on")
        means = [ends.right[np.array(ends.cells) == name].mean() for name in {*ends.cells}]
        if not min(means) < RIGHT < max(means):
            raise NotEnough(
                f"all sets of {arm} have {'less' if max(means) <= RIGHT else 'more'} than {RIGHT:.0%} right"
            )
        return ends


def exponent(arm: str, frame: pd.DataFrame) -> Estimate:
    """The power of N with which the bumps that any accuracy takes grow."""
    ends = Ends.of_arm(frame, arm)
    return over_runs(moving(ends.right, ends.bumps, ends.canvas), len(ends.right), ends.cells)


def slower(frame: pd.DataFrame) -> Estimate:
    """The power without stripes less that with them."""
    bare, told = (Ends.of_arm(frame, arm) for arm in ARMS)
    powers = [moving(one.right, one.bumps, one.canvas) for one in (bare, told)]
    n = len(bare.right)

    def difference(weights: np.ndarray) -> np.ndarray:
        return powers[0](weights[:, :n]) - powers[1](weights[:, n:])

    return over_runs(difference, n + len(told.right), [*bare.cells, *told.cells])


def beyond_copier(frame: pd.DataFrame) -> Estimate:
    """Mean over runs of what is composed, of bumps alone; in several ways as `envelope` has it."""
    found = []
    for way in EVERY_WAY:
        runs, each = told_runs(runs_of(frame, names_of(BARE)), way)
        found.append(mean_of_runs(each, strata=cells_of(runs)))
    return envelope(found)


def saved(frame: pd.DataFrame) -> Estimate:
    """The log of the bumps that any accuracy takes with stripes over those that it takes without."""
    ends = Ends(frame, NAMES)
    return over_runs(moving(ends.right, ends.bumps, ends.told, [ends.canvas]), len(ends.right), ends.cells)


STEEPNESS, NOISE = 0.25, 0.12
"""of accuracy made up: its rise with the log of bumps, and its deviation from run to run"""
TRAINED = {16: 0.99, 24: 0.97, 32: 0.92}
"""what made runs have right of what they were trained on, by N: larger canvases are learnt later"""
Needs = Callable[[int], float]
"""of N, how many bumps 60 % take"""


def made(needs: Mapping[str, Needs], generator: np.random.Generator) -> pd.DataFrame:
    """Records of runs of which 60 % take so many bumps, by arm and N; accuracy rises with their log."""

    def height(arm: str, canvas: int, share: float) -> float:
        return RIGHT + STEEPNESS * math.log(bumps_of(canvas, share) / needs[arm](canvas))

    return _made(needs, height, generator)


def _made(
    arms: Iterable[str], height: Callable[[str, int, float], float], generator: np.random.Generator
) -> pd.DataFrame:
    def read(cell: str) -> dict[str, float]:
        arm, canvas, share = KEYS[cell]
        trained = float(np.clip(TRAINED[canvas] + 0.03 * generator.standard_normal(), 0, 1))
        right = trained * (height(arm, canvas, share) + NOISE * generator.standard_normal())
        return {SPLIT: float(np.clip(right, 0, 1)), of_core("trained"): trained}

    return made_ends(STUDY, [name for arm in arms for name in names_of(arm)], read, generator)


def power(of: float, at_32: float) -> Needs:
    """Bumps that grow with a power of N."""
    return lambda canvas: at_32 * (canvas / 32) ** of


def cores(right: float) -> Made:
    """Of which so much is right of cores."""
    return partial(made_cores, lambda: STUDY, dict.fromkeys(names_of(BARE), right), spread=NOISE)


def _claims() -> list[Claim]:
    def of(bare: Needs | None = None, told: Needs | None = None) -> Made:
        return partial(
            made, {arm: one for arm, one in zip(ARMS, (bare, told), strict=True) if one is not None}
        )

    claim = partial(Claim, source="P2", figure="needed", system="eps", family="images needed")
    taken = (
        "power of N with which the 2D images trained on grow along a level of what is right of those left out, over what is "
        f"right of those trained on: of a logit surface over both logs, of runs that have above {LEARNT:.0%} of these right"
    )
    not_here = "What it is at other numbers of images: the surface is one for all."
    return [
        claim(
            "quadratic",
            "Without stripes, the images that it takes grow rather with the square of the canvas's side than with the side.",
            statistic=f"{taken}; bootstrap of runs within cells",
            threshold=HALF_WAY,
            estimate=partial(exponent, BARE),
            does_not_show="That it copies, or does not: an exact copier's power is 2. Greater ones are told from it by "
            f"none. {not_here}",
            cells=names_of(BARE),
            controls=Controls(of(power(2, 50)), of(power(1, 50)), of(power(HALF_WAY, 50))),
        ),
        claim(
            "linear",
            "With stripes of every value beside them, the 2D images that it takes grow rather with the canvas's side than "
            "with its square.",
            statistic=f"{taken}; bootstrap of runs within cells",
            threshold=HALF_WAY,
            estimate=partial(exponent, TOLD),
            does_not_show="Stripes, 2N by design, are not counted. A copier of each factor needs no 2D image. No growth "
            f"supports it too. {not_here}",
            direction="below",
            cells=names_of(TOLD),
            controls=Controls(of(told=power(1, 40)), of(told=power(2, 40)), of(told=power(HALF_WAY, 40))),
        ),
        claim(
            "grow_more_slowly",
            "Stripes of every value make the 2D images that it takes grow more slowly with the canvas's side.",
            statistic=f"{taken}, without stripes less that with them; bootstrap of runs within cells",
            threshold=0.0,
            estimate=slower,
            does_not_show=not_here,
            cells=NAMES,
            controls=Controls(
                of(power(2, 50), power(1, 40)), of(power(1, 50), power(2, 40)), of(power(2, 50), power(2, 40))
            ),
        ),
        claim(
            "beyond_the_copier",
            "Without stripes, more is right of what was left out than a copier of the nearest has right.",
            statistic=f"{COMPOSED.format('left_out')}, at the end, mean over runs; bootstrap within "
            f"cells{IN_WAYS[EVERY_WAY]}",
            threshold=BEYOND,
            estimate=beyond_copier,
            does_not_show="A copier of each factor has all of it right.",
            figure="courses",
            cells=names_of(BARE),
            controls=Controls(cores(0.2), cores(0.0), cores(BEYOND)),
        ),
        claim(
            "stripes_help",
            "Beside as many 2D images, stripes of every value bring more right of what was left out.",
            statistic="log of the 2D images along a level of what is right, with stripes less without: of a logit surface "
            "over the logs of images and N, and stripes; bootstrap of runs within cells",
            threshold=FEWER,
            estimate=saved,
            does_not_show="That combinations are composed: a network that sees more images of an object learns it sooner.",
            direction="below",
            figure="courses",
            cells=NAMES,
            controls=Controls(
                of(power(2, 60), power(2, 30)),
                of(power(2, 30), power(2, 60)),
                of(power(2, 50), power(2, 50 * math.exp(FEWER))),
            ),
        ),
    ]


STUDY = Study(
    name="efficiency",
    number=19,
    question="How many images does it take to paint labels that were left out, with and without each factor shown alone?",
    preset="lean",
    cells=tuple(CELLS.values()),
    seeds=SEEDS,
    more=SEEDS,
    headline="quadratic",
    claims=tuple(_claims()),
    figures=(
        Figure(
            "needed",
            f"Images for {RIGHT:.0%} of what was left out",
            lines,
            saying(
                NAMES,
                "Geometric means and ranges over seeds that pass it between two sets; their number is in the label, "
                "by canvas; of all that was left out, whether or not what was trained on was learnt. Dashed: copiers of as "
                "many bumps that paint exactly; one that scatters has at most half right.",
            ),
        ),
        Figure(
            "courses",
            "What is right of what was left out, by images trained on",
            courses,
            saying(NAMES, "Means and ranges over all runs, at the end; stripes are not counted."),
            columns=2,
        ),
    ),
    tables=(Table("sets", "Right at the end, by images trained on", rows),),
    amendments=(
        *ENDS_ALONE,
        Amendment(
            "2026-11-28",
            "One run that falls short of 60 % at every set left a slope open, so that a surface over all runs is asked; "
            "stripes grow as N by design, so that 2D images alone are counted where growth is asked; every run is trained "
            "on bumps of its own, and its copier on the same. A canvas of 48 px is not learnt in runs of this length: in a "
            "pilot a third was right of what was trained on. Of three canvases runs cannot tell a power within 0.4, only "
            "whether it is nearer to 1 or 2. Stripes alone are more images than bumps alone take, so that whether they save "
            "images in all is asked no more. None of its runs had been made.",
        ),
        Amendment(
            "2026-11-28",
            "One seed's bumps of a larger set held those of a smaller one: bumps are drawn for each run by itself. "
            "None of its runs had been made.",
        ),
        Amendment(
            "2026-11-28",
            "Most of what is trained on beside stripes are stripes, so that bumps alone are painted anew to tell whether "
            "they were learnt; the copier has the network's own errors, as one that paints exactly is right at 1 px from "
            "a label, the tolerance itself. Where a canvas is not learnt, or all sets lie on one side of 60 %, no power "
            "is told. None of its runs had been made.",
        ),
        Amendment(
            "2026-11-28",
            "A copier that moves a tenth of the way was beyond it where only well-formed images were read: what is beyond a "
            "copier is read, in all ways, at labels of which it has nothing. The arms' sets are of other sizes, so that "
            "exact copiers in both seemed to differ by 0.06: stripes help where they save a tenth. None of its runs had "
            "been made.",
        ),
    ),
    readings=(Reading("core", read_core),),
)
