"""Arrays in, numbers out: how latents follow labels, in how many dimensions, and which phase that is."""

from phasescope.measures.additivity import additivity, additivity_scattered
from phasescope.measures.agreement import ModelAgreement, two_model_agreement
from phasescope.measures.battery import battery
from phasescope.measures.circular import CircularCoordinates, circular_coordinates, circular_correlation
from phasescope.measures.coupling import JointAccuracy, joint_accuracy, onset_ratio
from phasescope.measures.dimension import participation_ratio
from phasescope.measures.directions import orthogonality, parallelism
from phasescope.measures.factorization import factorization
from phasescope.measures.intrinsic_dimension import effective_rank, levina_bickel, two_nn
from phasescope.measures.label_share import label_share
from phasescope.measures.lagged import LaggedCorrelation, lagged_correlation
from phasescope.measures.memorisation import GapRatio, gap_ratio, snap_to_grid
from phasescope.measures.neighbours import trustworthiness
from phasescope.measures.onset_groups import LogRank, logrank, median_onset_ratio
from phasescope.measures.onsets import SnapshotOnsets, snapshot_onsets
from phasescope.measures.order import order
from phasescope.measures.p1 import p1_order
from phasescope.measures.phases import (
    BEHAVIOUR,
    REPRESENTATION,
    BehaviourThresholds,
    Phase,
    RepresentationThresholds,
    behaviour_phase,
    calibrate,
    onset,
    phase_onsets,
    phase_sequence,
    representation_phase,
)
from phasescope.measures.scores import Score
from phasescope.measures.survival import SurvivalCurve, median_onset, survival_curve
from phasescope.measures.topology import Homology, persistent_homology

__all__ = [
    "BEHAVIOUR",
    "REPRESENTATION",
    "BehaviourThresholds",
    "CircularCoordinates",
    "GapRatio",
    "Homology",
    "JointAccuracy",
    "LaggedCorrelation",
    "LogRank",
    "ModelAgreement",
    "Phase",
    "RepresentationThresholds",
    "Score",
    "SnapshotOnsets",
    "SurvivalCurve",
    "additivity",
    "additivity_scattered",
    "battery",
    "behaviour_phase",
    "calibrate",
    "circular_coordinates",
    "circular_correlation",
    "effective_rank",
    "factorization",
    "gap_ratio",
    "joint_accuracy",
    "label_share",
    "lagged_correlation",
    "levina_bickel",
    "logrank",
    "median_onset",
    "median_onset_ratio",
    "onset",
    "onset_ratio",
    "order",
    "orthogonality",
    "p1_order",
    "parallelism",
    "participation_ratio",
    "persistent_homology",
    "phase_onsets",
    "phase_sequence",
    "representation_phase",
    "snap_to_grid",
    "snapshot_onsets",
    "survival_curve",
    "trustworthiness",
    "two_model_agreement",
    "two_nn",
]
