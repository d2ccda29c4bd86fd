from phasescope.core.config import merge
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.measures.over_runs import Estimate, NotEnough, magnitude, mean_over_runs, over_runs
from phasescope.runs.probing.image_baselines import nearest_labels
from phasescope.runs.probing.images import sample_labels
from phasescope.runs.trained.lattice import on_lattice
from phasescope.runs.trained.load import config_of, load_network
from phasescope.studies.cells import Cell, Fork, product
from phasescope.studies.claim import Claim
from phasescope.studies.claims_file import Asked
from phasescope.studies.declaring import columns_read, reads
from phasescope.studies.finding import find_studies, find_study
from phasescope.studies.plots import Against, BasePlot, Courses, Curve, Ends, Panel, PhaseGrid, Scatter
from phasescope.studies.reach import rises_from
from phasescope.studies.recorded_columns import RecordedColumn, score, share
from phasescope.studies.relations import Agreement, Rank
from phasescope.studies.runs_table import (
    Number,
    Runs,
    accuracy,
    as_table,
    axis,
    came,
    end,
    ever,
    mean,
    onset,
    onset_of_accuracy,
    reaches,
    start,
)
from phasescope.studies.statistics import (
    Difference,
    ForkDifference,
    Mean,
    MeanOverUnits,
    OnsetRatio,
    Share,
    Statistic,
    numbers,
    spread_within,
)
from phasescope.studies.study import Reading, Study
from phasescope.studies.tables import Table

__all__ = [
    "Against",
    "Agreement",
    "Asked",
    "BasePlot",
    "Cell",
    "Claim",
    "Courses",
    "Curve",
    "Difference",
    "Ends",
    "Estimate",
    "Fork",
    "ForkDifference",
    "Mean",
    "MeanOverUnits",
    "NotEnough",
    "Number",
    "OnsetRatio",
    "Panel",
    "PhaseGrid",
    "Rank",
    "Reading",
    "RecordedColumn",
    "Runs",
    "Scatter",
    "Share",
    "Statistic",
    "Study",
    "Table",
    "accuracy",
    "as_table",
    "axis",
    "came",
    "columns_read",
    "config_of",
    "end",
    "ever",
    "find_studies",
    "find_study",
    "load_network",
    "magnitude",
    "mean",
    "mean_over_runs",
    "merge",
    "nearest_labels",
    "numbers",
    "numpy_generator",
    "on_lattice",
    "onset",
    "onset_of_accuracy",
    "over_runs",
    "product",
    "reaches",
    "reads",
    "rises_from",
    "sample_labels",
    "score",
    "share",
    "spread_within",
    "start",
    "torch_generator",
]
