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
    name: home
    for home, names in {
        "phasescope.config": "Config",
        "phasescope.factors": "Factor Factors",
        "phasescope.families.base": "Family FamilyConfig Painting",
        "phasescope.networks.base": "NetworkConfig",
        "phasescope.worlds.base": "Outcome Reader World",
        "phasescope.places": "Place",
        "phasescope.store": "Run Snapshot find_run list_runs runs_frame snapshots_frame open_run",
        "phasescope.runs.config": "RunConfig load_config",
        "phasescope.errors": "RunFailed UserError",
        "phasescope.measures": "Score",
        "phasescope.studies.study": "Study",
        "phasescope.views.monitors": "TensorBoard WandB",
        "phasescope.runs.cloning": "clones",
        "phasescope.runs.intervening": "intervene",
        "phasescope.runs.observing": "observe",
        "phasescope.runs.predicting": "predict",
        "phasescope.probing.probe": "probe",
        "phasescope.runs.execution": "train",
        "phasescope.runs.watching": "watch",
    }.items()
    for name in names.split()
}
_ROOMS = [
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
]

__all__ = [
    "Config", "Factor", "Factors", "Family", "FamilyConfig", "NetworkConfig", "Outcome", "Painting", "Place",
    "Reader", "Run", "RunConfig", "RunFailed", "Score", "Snapshot", "Study", "TensorBoard", "UserError", "WandB",
    "World", "clones", "families", "find_run", "intervene", "list_runs", "load_config", "measures", "networks",
    "observe", "open_run", "predict", "probe", "runs_frame", "snapshots_frame", "studies", "train", "watch",
    "worlds",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"phasescope.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module `phasescope` has no attribute `{name}`")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
