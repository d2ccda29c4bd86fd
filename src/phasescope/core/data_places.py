"""The places where data are looked for by their SHA-256, beside where a configuration says that they are."""

import os
from pathlib import Path

VARIABLE = "PHASESCOPE_DATA"
"""environment variable of these places, divided as PATH is; `--data` sets it, and workers inherit it"""


def data_places() -> list[Path]:
    """Return the files and folders of `--data` and the environment variable, in their order."""
    return [Path(place) for place in os.environ.get(VARIABLE, "").split(os.pathsep) if place]
