"""phasescope: watch small generative models learn images whose factors are known exactly.

    import phasescope

    run = phasescope.train(phasescope.load_config(words=["preset=small", "world.sigma_px=2"]))
    run.snapshots[-1].latents("down3", t=600)
    phasescope.measures.order(latents, labels)
    phasescope.probe(network, world, taps=["mid"], t=600).table()

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phasescope import measures
    from phasescope.errors import RunFailed, UserError
    from phasescope.execution import train
    from phasescope.probing.probe import probe
    from phasescope.run import RunConfig, load_config
    from phasescope.store import open_run

__all__ = ["RunConfig", "RunFailed", "UserError", "load_config", "measures", "open_run", "probe", "train"]

_HOMES = {
    "RunConfig": "phasescope.run",
    "RunFailed": "phasescope.errors",
    "UserError": "phasescope.errors",
    "load_config": "phasescope.run",
    "open_run": "phasescope.store",
    "probe": "phasescope.probing.probe",
    "train": "phasescope.execution",
}


def __getattr__(name: str) -> Any:
    if name == "measures":
        return import_module("phasescope.measures")
    if name not in _HOMES:
        raise AttributeError(f"module `phasescope` has no attribute `{name}`")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
