"""Arrays in, numbers out: how latents follow labels, in how many dimensions, and which phase that is.

In all measures `latents` have one row per label, labels are in the world's units, and `factors` is what is known of
their K factors: by default open, of span 1, named label1, label2, ... A ValueError names the argument, its value and the
rule: shapes that do not go together, entries that are not finite, latents or labels that do not vary, too few rows,
draws or resamples; docstrings name what else is refused.
"""

from phasescope.measures.columns import Column, measure
from phasescope.measures.corrected_shares import corrected_shares
from phasescope.measures.gain import gain
from phasescope.measures.joint_accuracy import JointAccuracy, joint_accuracy
from phasescope.measures.latents.additivity import additivity
from phasescope.measures.latents.battery import Scores, battery
from phasescope.measures.latents.disentanglement import DCI, Code, code_of, dci, disentanglement, mig, sap
from phasescope.measures.latents.factorization import factorization
from phasescope.measures.latents.ideal import clifford_torus, random_latents, torus_3d
from phasescope.measures.latents.label_variance import label_variance
from phasescope.measures.latents.p1_r2 import p1_r2
from phasescope.measures.latents.participation_ratio import participation_ratio
from phasescope.measures.latents.probe_gain import probe_gain
from phasescope.measures.latents.probe_r2 import probe_r2
from phasescope.measures.latents.routes import ROUTES, crossing, routes
from phasescope.measures.latents.sheet import NEIGHBOURS, SHEET, SheetThresholds, sheet_phase, sheet_readings
from phasescope.measures.latents.trustworthiness import trustworthiness
from phasescope.measures.latents.two_nn import two_nn
from phasescope.measures.memorisation import gap_ratio
from phasescope.measures.phase_count import PhaseCount, count_phases
from phasescope.measures.phases import (
    BEHAVIOUR,
    P1,
    BehaviourThresholds,
    P1Thresholds,
    Phase,
    behaviour_phase,
    onset,
    p1_phase,
    p1_phases,
    phase_onsets,
    phase_sequence,
)
from phasescope.measures.scores import Score
from phasescope.measures.use_forecast import Forecast, forecast_use

__all__ = [
    "BEHAVIOUR",
    "DCI",
    "NEIGHBOURS",
    "P1",
    "ROUTES",
    "SHEET",
    "BehaviourThresholds",
    "Code",
    "Column",
    "Forecast",
    "JointAccuracy",
    "P1Thresholds",
    "Phase",
    "PhaseCount",
    "Score",
    "Scores",
    "SheetThresholds",
    "additivity",
    "battery",
    "behaviour_phase",
    "clifford_torus",
    "code_of",
    "corrected_shares",
    "count_phases",
    "crossing",
    "dci",
    "disentanglement",
    "factorization",
    "forecast_use",
    "gain",
    "gap_ratio",
    "joint_accuracy",
    "label_variance",
    "measure",
    "mig",
    "onset",
    "p1_phase",
    "p1_phases",
    "p1_r2",
    "participation_ratio",
    "phase_onsets",
    "phase_sequence",
    "probe_gain",
    "probe_r2",
    "random_latents",
    "routes",
    "sap",
    "sheet_phase",
    "sheet_readings",
    "torus_3d",
    "trustworthiness",
    "two_nn",
]
