"""Records made up for tests: the courses of a study's runs, without the noise of their reading."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.made import Courses, made_records
from phasescope.studies.core.study import Study

if TYPE_CHECKING:
    import pandas as pd


def study_frame(
    study: Study, courses: Courses, cells: Iterable[str] | None = None, seeds: int | None = None
) -> pd.DataFrame:
    """Rows of all runs of a study."""
    return made_records(study, courses, np.random.default_rng(0), cells, seeds, noise=False)


def verdicts(study: Study, frame: pd.DataFrame) -> dict[str, str]:
    return {claim.name: claim.judge(frame).outcome for claim in study.claims}
