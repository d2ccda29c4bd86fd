"""Types of the commands' arguments, with what `--help` says of those that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

Words = Positional[Annotated[tuple[str, ...], arg(metavar="[FILE.yaml] [key=value ...]")]]
RunWord = Positional[Annotated[str, arg(metavar="RUN", help="a run's folder, name or hash")]]
Target = Positional[
    Annotated[str, arg(metavar="RUN|STUDY", help="a run's folder, name or hash; or a study's name or path")]
]
Runs = Annotated[Path, arg(metavar="DIR", help="folder of runs")]
Studies = Annotated[
    Path | None,
    arg(metavar="FOLDER", help="folder of studies; that of this folder or of the checkout without it"),
]
Json = Annotated[bool, arg(help="JSON instead of tables")]
Step = Annotated[int | None, arg(help="snapshot to take the weights from; the last without it")]
Engine = Annotated[Literal["local", "slurm", "ray"], arg(help="what executes runs")]
Workers = Annotated[int | None, arg(help="runs at a time; as many as the engine has places for without it")]
DryRun = Annotated[bool, arg(help="print the runs, their cost and what exists, and run nothing")]


class Endings(tuple[str, ...]):
    """How the name of a file that is written may end."""


Picture = Annotated[
    Path | None,
    arg(help="FILE.png, FILE.svg or FILE.pdf for a picture"),
    Endings((".png", ".svg", ".pdf")),
]
SAMPLES = Endings((".png", ".npz"))
