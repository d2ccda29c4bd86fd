"""Studies as data: claims about learning, each with its design, its analysis and its verdict (see `study`).

Our own lie in the checkout's folder `studies`, and use only what is named here.
"""

from phasescope.measures.over_runs.resampling import (
    Estimate,
    NotEnough,
    bounded_over_runs,
    mean_over_runs,
    over_runs,
)
from phasescope.studies.cells import Cell, product
from phasescope.studies.claim import Claim
from phasescope.studies.finding import find_studies, find_study
from phasescope.studies.panels import Curve, Panel
from phasescope.studies.plots import Against, Courses, Ends, Heatmap, PhaseGrid, Scatter
from phasescope.studies.relations import Agreement, Crossing, Rank, Surface
from phasescope.studies.runs_table import (
    Number,
    Runs,
    accuracy,
    as_table,
    end,
    ever,
    mean,
    onset,
    onset_of_accuracy,
    reaches,
    start,
)
from phasescope.studies.statistics import Difference, Mean, OnsetRatio, Share, Statistic
from phasescope.studies.study import Reading, Study
from phasescope.studies.tables import Table

__all__ = [
    "Against",
    "Agreement",
    "Cell",
    "Claim",
    "Courses",
    "Crossing",
    "Curve",
    "Difference",
    "Ends",
    "Estimate",
    "Heatmap",
    "Mean",
    "NotEnough",
    "Number",
    "OnsetRatio",
    "Panel",
    "PhaseGrid",
    "Rank",
    "Reading",
    "Runs",
    "Scatter",
    "Share",
    "Statistic",
    "Study",
    "Surface",
    "Table",
    "accuracy",
    "as_table",
    "bounded_over_runs",
    "end",
    "ever",
    "find_studies",
    "find_study",
    "mean",
    "mean_over_runs",
    "onset",
    "onset_of_accuracy",
    "over_runs",
    "product",
    "reaches",
    "start",
]
