"""A made-up learner: records of runs whose courses are known, as `store.records.condense` names their columns.

Accuracy is a ramp that starts at `onset`; images are in phase A until `formed`, in B until accuracy passes one
half, then in C.
"""

import numpy as np
import pandas as pd

STEPS = np.arange(0, 1001, 50)
IMAGES = 128


def run(cell: str, seed: int, onset: float = 400, formed: float = 200, **columns: float) -> pd.DataFrame:
    """Return the rows of one run. `columns`: names with `__` for dots, each a level that holds at every step."""
    accuracy = np.clip((STEPS - onset) / 200, 0, 1)
    phases = np.select([accuracy > 0.6, formed <= STEPS], ["C", "B"], "A")
    return pd.DataFrame(
        {
            "cell": cell,
            "seed": seed,
            "digest": f"{cell}-{seed}",
            "step": STEPS,
            "images_seen": 16 * STEPS,
            "epochs": STEPS / 64,
            "loss": 1 / (1 + STEPS),
            "accuracy.grid.joint": accuracy,
            "outcomes.grid.n": IMAGES,
            "phase.behaviour": phases,
            **{name.replace("__", "."): level for name, level in columns.items()},
        }
    )


def records(*runs: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(runs, ignore_index=True)
