"""The configuration of a run that begins with the state of another one."""

from __future__ import annotations

from phasescope.core.config import Tree, merge
from phasescope.core.randomness import derive
from phasescope.runs.config.run_config import RunConfig


def forked_tree(parent: RunConfig, at: int, number: int | None = None) -> Tree:
    """Return the fields of the child that goes on from a step of a run; unchanged but, with a `number`, for its seeds.

    Args:
        number: of a child among several with one change: it has an order of images and noise of its own.
    """
    begins: Tree = {
        "name": f"{parent.name[:50]}.at{at}",
        "fork": {"run": parent.digest(16), "step": at},
        "training": {"states": []},  # there may be many children: they keep states only if they are told to
    }
    if number is not None:
        seed = derive(parent.seed, f"fork at {at}", number) % 2**31
        begins["seeds"] = {"data": seed, "noise": seed}
    return merge(parent.tree(), begins)
