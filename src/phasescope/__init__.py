"""phasescope: watch small generative models learn images whose factors are known exactly.

    import phasescope

    run = phasescope.train(phasescope.load_config(words=["preset=small", "training.steps=500"]))
    run.snapshots[-1].latents("down3", t=600)
    phasescope.measures.order(latents, labels)
    phasescope.probe(network, world, taps=["mid"], t=600).table()
    phasescope.watch(world, taps=["mid"]).record(network, step=0)

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from phasescope.runs.observing import observe
    from phasescope.runs.predicting import predict
    from phasescope.runs.watching import watch
    from phasescope.store import Run, Snapshot, find_run, list_runs, open_run, runs_frame, snapshots_frame
    from phasescope.studies.study import Study
    from phasescope.views.monitors import TensorBoard, WandB
    from phasescope.worlds.base import Outcome, Reader, World

_HOMES = {
    "Config": "phasescope.config",
    "Factor": "phasescope.factors",
    "Factors": "phasescope.factors",
    "Family": "phasescope.families.base",
    "FamilyConfig": "phasescope.families.base",
    "NetworkConfig": "phasescope.networks.base",
    "Outcome": "phasescope.worlds.base",
    "Painting": "phasescope.families.base",
    "Place": "phasescope.places",
    "Reader": "phasescope.worlds.base",
    "Run": "phasescope.store",
    "RunConfig": "phasescope.runs.config",
    "RunFailed": "phasescope.errors",
    "Score": "phasescope.measures",
    "Snapshot": "phasescope.store",
    "Study": "phasescope.studies.study",
    "TensorBoard": "phasescope.views.monitors",
    "UserError": "phasescope.errors",
    "WandB": "phasescope.views.monitors",
    "World": "phasescope.worlds.base",
    "clones": "phasescope.runs.cloning",
    "find_run": "phasescope.store",
    "list_runs": "phasescope.store",
    "runs_frame": "phasescope.store",
    "snapshots_frame": "phasescope.store",
    "intervene": "phasescope.runs.intervening",
    "load_config": "phasescope.runs.config",
    "observe": "phasescope.runs.observing",
    "open_run": "phasescope.store",
    "predict": "phasescope.runs.predicting",
    "probe": "phasescope.probing.probe",
    "train": "phasescope.runs.execution",
    "watch": "phasescope.runs.watching",
}
_ROOMS = (
    "errors",
    "families",
    "measures",
    "networks",
    "probing",
    "runs",
    "store",
    "studies",
    "training",
    "views",
    "worlds",
)

__all__ = [
    "Config",
    "Factor",
    "Factors",
    "Family",
    "FamilyConfig",
    "NetworkConfig",
    "Outcome",
    "Painting",
    "Place",
    "Reader",
    "Run",
    "RunConfig",
    "RunFailed",
    "Score",
    "Snapshot",
    "Study",
    "TensorBoard",
    "UserError",
    "WandB",
    "World",
    "clones",
    "families",
    "find_run",
    "intervene",
    "list_runs",
    "load_config",
    "measures",
    "networks",
    "observe",
    "open_run",
    "predict",
    "probe",
    "runs_frame",
    "snapshots_frame",
    "studies",
    "train",
    "watch",
    "worlds",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"phasescope.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module `phasescope` has no attribute `{name}`")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
