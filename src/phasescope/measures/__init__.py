"""Arrays in, numbers out: how latents follow labels, in how many dimensions, and which phase that is."""

from phasescope.measures.images.memorisation import GapRatio, gap_ratio, snap_to_grid
from phasescope.measures.images.percolation import (
    CriticalShare,
    critical_share,
    largest_component,
    overlap_graph,
)
from phasescope.measures.latents.additivity import additivity
from phasescope.measures.latents.battery import Scores, battery
from phasescope.measures.latents.dimension import participation_ratio
from phasescope.measures.latents.disentanglement import (
    DCI,
    Code,
    code_of,
    dci,
    disentanglement,
    explicitness,
    mig,
    modularity,
    sap,
)
from phasescope.measures.latents.factorization import factorization
from phasescope.measures.latents.ideal import clifford_torus, random_latents, sheet, torus_3d
from phasescope.measures.latents.intrinsic_dimension import two_nn
from phasescope.measures.latents.label_share import label_share
from phasescope.measures.latents.neighbours import trustworthiness
from phasescope.measures.latents.order import order
from phasescope.measures.latents.routes import ROUTES, crossing, learnt_order, routes
from phasescope.measures.latents.rsa import rsa
from phasescope.measures.latents.sheet import NEIGHBOURS, SHEET, SheetThresholds, sheet_phase, sheet_readings
from phasescope.measures.latents.topology import Homology, persistent_homology
from phasescope.measures.latents.umap_order import p1_order
from phasescope.measures.learning.calibration import calibrate
from phasescope.measures.learning.gain import gain
from phasescope.measures.learning.joint_accuracy import JointAccuracy, joint_accuracy
from phasescope.measures.learning.phases import (
    BEHAVIOUR,
    ORDER_RANGE,
    REPRESENTATION,
    BehaviourThresholds,
    OverRange,
    Phase,
    RepresentationThresholds,
    behaviour_phase,
    onset,
    ordered,
    over_range,
    phase_onsets,
    phase_sequence,
    representation_phase,
    settled,
)
from phasescope.measures.scores import Score

__all__ = [
    "BEHAVIOUR",
    "DCI",
    "NEIGHBOURS",
    "ORDER_RANGE",
    "REPRESENTATION",
    "ROUTES",
    "SHEET",
    "BehaviourThresholds",
    "Code",
    "CriticalShare",
    "GapRatio",
    "Homology",
    "JointAccuracy",
    "OverRange",
    "Phase",
    "RepresentationThresholds",
    "Score",
    "Scores",
    "SheetThresholds",
    "additivity",
    "battery",
    "behaviour_phase",
    "calibrate",
    "clifford_torus",
    "code_of",
    "critical_share",
    "crossing",
    "dci",
    "disentanglement",
    "explicitness",
    "factorization",
    "gain",
    "gap_ratio",
    "joint_accuracy",
    "label_share",
    "largest_component",
    "learnt_order",
    "mig",
    "modularity",
    "onset",
    "order",
    "ordered",
    "over_range",
    "overlap_graph",
    "p1_order",
    "participation_ratio",
    "persistent_homology",
    "phase_onsets",
    "phase_sequence",
    "random_latents",
    "representation_phase",
    "routes",
    "rsa",
    "sap",
    "settled",
    "sheet",
    "sheet_phase",
    "sheet_readings",
    "snap_to_grid",
    "torus_3d",
    "trustworthiness",
    "two_nn",
]
