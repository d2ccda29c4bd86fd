"""phasescope: watch small generative models learn images whose factors are known exactly.

    import phasescope

    run = phasescope.train(phasescope.load_config(overrides=["preset=small", "training.steps=500"]))
    run.snapshots[-1].latents("down3", t=600)
    phasescope.measures.probe_r2(latents, labels)
    phasescope.probe(network, world, layers=["mid"], t=600).table()
    phasescope.watch(world, layers=["mid"]).record(network, step=0)

`__init__.pyi` lists the public names, for type checkers and for this file: each is imported when it is first used.
"""

from typing import Any as _Any

from phasescope.core import edited as _edited  # noqa: F401 - it notes when this process began to use phasescope
from phasescope.core.lazy import attach
from phasescope.core.lazy import provide as _provide

_public, __dir__, __all__ = attach(__name__, __file__)  # pyrefly: ignore


def __getattr__(name: str) -> _Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("phasescope")
    return _public(name)


# Views stand above runs and studies, which cannot import them: what draws and shows these is named here.
_provide("figures of a run", "phasescope.views.figures.plots:Plots")
_provide("summary of a run", "phasescope.views.terminal.runs:run_summary")
_provide("summary of a study", "phasescope.views.terminal.studies:study_summary")
