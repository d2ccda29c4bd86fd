"""Arrays in, numbers out: how latents follow labels, in how many dimensions, and which phase that is."""

from phasescope.measures.battery import battery
from phasescope.measures.dimension import participation_ratio
from phasescope.measures.label_share import label_share
from phasescope.measures.neighbours import trustworthiness
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

__all__ = [
    "BEHAVIOUR",
    "REPRESENTATION",
    "BehaviourThresholds",
    "Phase",
    "RepresentationThresholds",
    "Score",
    "battery",
    "behaviour_phase",
    "calibrate",
    "label_share",
    "onset",
    "order",
    "p1_order",
    "participation_ratio",
    "phase_onsets",
    "phase_sequence",
    "representation_phase",
    "trustworthiness",
]
