from phasescope import families, measures, networks, studies, worlds
from phasescope.config import Config
from phasescope.errors import RunFailed, UserError
from phasescope.factors import Factor, Factors
from phasescope.families.base import Family, FamilyConfig, Painting
from phasescope.measures import Score
from phasescope.networks.base import NetworkConfig
from phasescope.places import Place
from phasescope.probing.probe import probe
from phasescope.runs.cloning import clones
from phasescope.runs.config import RunConfig, load_config
from phasescope.runs.execution import train
from phasescope.runs.intervening import intervene
from phasescope.runs.observing import observe
from phasescope.runs.predicting import predict
from phasescope.runs.watching import watch
from phasescope.store import Run, Snapshot, find_run, list_runs, open_run, runs_frame, snapshots_frame
from phasescope.studies.study import Study
from phasescope.training.base import LossConfig
from phasescope.views.monitors import TensorBoard, WandB
from phasescope.worlds.base import Outcome, Reader, World

__all__ = [
    "Config", "Factor", "Factors", "Family", "FamilyConfig", "LossConfig", "NetworkConfig", "Outcome", "Painting", "Place",
    "Reader", "Run", "RunConfig", "RunFailed", "Score", "Snapshot", "Study", "TensorBoard", "UserError", "WandB",
    "World", "clones", "families", "find_run", "intervene", "list_runs", "load_config", "measures", "networks",
    "observe", "open_run", "predict", "probe", "runs_frame", "snapshots_frame", "studies", "train", "watch",
    "worlds",
]  # fmt: skip
