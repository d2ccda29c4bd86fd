"""An engine that executes runs in this process, by the command that any engine gives."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from phasescope.cli import main
from phasescope.runs.engines.engine import Engine


class Here(Engine):
    def __init__(self, *_: object, options: Sequence[str] = ()):
        super().__init__(1, options)

    def start(self, folder: Path) -> SimpleNamespace:
        code = main(["exec", str(folder), *self.options])
        return SimpleNamespace(poll=lambda: code, terminate=lambda: None, kill=lambda: None)
