from phasescope import measures, studies, worlds
from phasescope.core.config import Config
from phasescope.core.errors import RunFailed, UserError
from phasescope.core.factors import Factor, Factors
from phasescope.measures import Score
from phasescope.models import families, networks
from phasescope.models.families.base import Family, FamilyConfig, SamplingState
from phasescope.models.families.diffusion.meter import ConditionMeter, EverySteps
from phasescope.models.networks.base import NetworkConfig
from phasescope.models.training.base import LossConfig
from phasescope.runs.config import RunConfig, load_config
from phasescope.runs.probing.probe import probe
from phasescope.runs.store import Snapshot
from phasescope.runs.store.sites import Site
from phasescope.runs.trained.catalogue import find_run, list_runs, open_run, runs_frame, snapshots_frame
from phasescope.runs.trained.clones import clones
from phasescope.runs.trained.intervene import intervene
from phasescope.runs.trained.predict import predict
from phasescope.runs.trained.run import Run
from phasescope.runs.training.forking import fork
from phasescope.runs.training.loops import RecordEvery
from phasescope.runs.training.observe import observe
from phasescope.runs.training.train import train
from phasescope.runs.training.watch import watch
from phasescope.studies.study import Study
from phasescope.views.figures.courses import plot_runs
from phasescope.views.figures.forked import plot_fork
from phasescope.views.monitors import TensorBoard, WandB
from phasescope.worlds.base import Outcome, Reader, World

__version__: str

__all__ = [
    "ConditionMeter",
    "Config",
    "EverySteps",
    "Factor",
    "Factors",
    "Family",
    "FamilyConfig",
    "LossConfig",
    "NetworkConfig",
    "Outcome",
    "Reader",
    "RecordEvery",
    "Run",
    "RunConfig",
    "RunFailed",
    "SamplingState",
    "Score",
    "Site",
    "Snapshot",
    "Study",
    "TensorBoard",
    "UserError",
    "WandB",
    "World",
    "clones",
    "families",
    "find_run",
    "fork",
    "intervene",
    "list_runs",
    "load_config",
    "measures",
    "networks",
    "observe",
    "open_run",
    "plot_fork",
    "plot_runs",
    "predict",
    "probe",
    "runs_frame",
    "snapshots_frame",
    "studies",
    "train",
    "watch",
    "worlds",
]
