"""Arrays in, numbers out: how latents follow labels, in how many dimensions, and which phase that is."""

from phasescope.measures.additivity import additivity, additivity_scattered
from phasescope.measures.agreement import ModelAgreement, two_model_agreement
from phasescope.measures.battery import battery
from phasescope.measures.circular import CircularCoordinates, circular_coordinates, circular_correlation
from phasescope.measures.coupling import JointAccuracy, joint_accuracy, onset_ratio
from phasescope.measures.dimension import participation_ratio
from phasescope.measures.directions import orthogonality, parallelism
from phasescope.measures.disentanglement import (
    DCI,
    Code,
    Disentanglement,
    code_of,
    dci,
    disentanglement,
    explicitness,
    mig,
    modularity,
    sap,
)
from phasescope.measures.drift import Drift, cka, drift, procrustes_distance, rsa_between
from phasescope.measures.factorization import factorization
from phasescope.measures.ideal import clifford_torus, random_latents, sheet, torus_3d
from phasescope.measures.intrinsic_dimension import effective_rank, levina_bickel, two_nn
from phasescope.measures.label_share import label_share
from phasescope.measures.lagged import LaggedCorrelation, lagged_correlation
from phasescope.measures.memorisation import GapRatio, gap_ratio, snap_to_grid
from phasescope.measures.neighbours import continuity, neighbour_overlap, trustworthiness
from phasescope.measures.onset_groups import LogRank, logrank, median_onset_ratio
from phasescope.measures.onsets import SnapshotOnsets, snapshot_onsets
from phasescope.measures.order import order
from phasescope.measures.p1 import p1_order
from phasescope.measures.phases import (
    BEHAVIOUR,
    EPS_RULE,
    REPRESENTATION,
    BehaviourThresholds,
    Boundary,
    CalibratedRule,
    Phase,
    RepresentationThresholds,
    behaviour_phase,
    calibrate,
    onset,
    phase_onsets,
    phase_sequence,
    representation_phase,
)
from phasescope.measures.procrustes import procrustes_error
from phasescope.measures.rsa import rsa
from phasescope.measures.scores import Score
from phasescope.measures.survival import SurvivalCurve, median_onset, survival_curve
from phasescope.measures.topology import Homology, persistent_homology

__all__ = [
    "BEHAVIOUR",
    "DCI",
    "EPS_RULE",
    "REPRESENTATION",
    "BehaviourThresholds",
    "Boundary",
    "CalibratedRule",
    "CircularCoordinates",
    "Code",
    "Disentanglement",
    "Drift",
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
    "cka",
    "clifford_torus",
    "code_of",
    "continuity",
    "dci",
    "disentanglement",
    "drift",
    "effective_rank",
    "explicitness",
    "factorization",
    "gap_ratio",
    "joint_accuracy",
    "label_share",
    "lagged_correlation",
    "levina_bickel",
    "logrank",
    "median_onset",
    "median_onset_ratio",
    "mig",
    "modularity",
    "neighbour_overlap",
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
    "procrustes_distance",
    "procrustes_error",
    "random_latents",
    "representation_phase",
    "rsa",
    "rsa_between",
    "sap",
    "sheet",
    "snap_to_grid",
    "snapshot_onsets",
    "survival_curve",
    "torus_3d",
    "trustworthiness",
    "two_model_agreement",
    "two_nn",
]
