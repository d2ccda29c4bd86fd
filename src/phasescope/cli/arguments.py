"""What verbs take: the types of their arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

Words = Positional[Annotated[tuple[str, ...], arg(metavar="[FILE.yaml] [key=value ...]")]]
Runs = Annotated[Path, arg(metavar="DIR")]
RunWord = Positional[Annotated[str, arg(metavar="RUN")]]
Studies = Annotated[Path | None, arg(metavar="FOLDER")]
