"""phasescope: watch small generative models learn images whose factors are known exactly.

    import phasescope

    run = phasescope.train(phasescope.load_config(overrides=["preset=small", "training.steps=500"]))
    run.snapshots[-1].latents("down3", t=600)
    phasescope.measures.probe_r2(latents, labels)
    phasescope.probe(network, world, layers=["mid"], t=600).table()
    phasescope.watch(world, layers=["mid"]).record(network, step=0)

`__init__.pyi` lists the public names, for type checkers and for this file: each is imported when it is first used.
"""

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_HOMES = {
    alias.name: node.module
    for node in ast.parse(Path(__file__).with_suffix(".pyi").read_text()).body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}
__all__ = sorted(_HOMES)  # pyrefly: ignore


def __getattr__(name: str) -> Any:
    home = str(_HOMES.get(name, __name__))
    if home != __name__ and hasattr(import_module(home), name):
        return getattr(import_module(home), name)
    if not name.startswith("_") and find_spec(f"{home}.{name}"):
        return import_module(f"{home}.{name}")
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")


def __dir__() -> list[str]:
    return __all__
