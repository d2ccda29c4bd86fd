"""The records of a part of the benchmark: one JSON file a part, each record with where and with what it was measured.

Either section by section as they are measured (`Sections`), or a list that grows (`read_list`, `write_list`).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.runs.store.files import to_json, write_aside
from phasescope.runs.store.folder import now
from phasescope.runs.training.provenance import provenance

Record = dict[str, Any]

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "speed"
PEERS = (
    "accelerate",
    "azula",
    "denoising-diffusion-pytorch",
    "diffusers",
    "smalldiffusion",
    "torchcfm",
)
"""distributions whose versions a record tells"""


class Sections:
    """The sections of the file `path`, measured under `settings`.

    A part that was cut short goes on where it was, if settings, machine, versions and commit are still the same; else it
    begins anew.

    Raises:
        OSError: the file's folder cannot be made, or the file cannot be written.
    """

    def __init__(self, path: Path, settings: Record):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._head = {"settings": plain(settings), "machine": machine()}
        self.found: dict[str, list[Record]] = _sections_in(path, self._head)

    def section(self, name: str, measure: Callable[[], list[Record]]) -> list[Record]:
        """The records of a section: those of the file, or else what `measure` gives, which is then kept."""
        if name not in self.found:
            say(f"{self.path.stem}, {name}:")
            signed = [{**record, **self._head["machine"], "measured": now()} for record in measure()]
            self.found[name] = plain(signed)
            write_aside(self.path, to_json({**self._head, "sections": self.found}, indent=1) + "\n")
        return self.found[name]


def read_list(path: Path) -> list[Record]:
    """The records of a file that `write_list` wrote; none where there is no file.

    Raises:
        UserError: it is another file.
    """
    try:
        return list(json.loads(path.read_text())["records"])
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"`{path}` must be this benchmark's: {error!r}: move it away") from None


def write_list(path: Path, records: Sequence[Record]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, to_json({"records": list(records)}, indent=1) + "\n")


def machine() -> Record:
    """Host, cpu, cores, versions (the peers' too, where they are installed) and commit."""
    found = {key: value for key, value in provenance().items() if key != "pid"}
    return {**found, "versions": {**found["versions"], **{name: version(name) for name in PEERS}}}


def version(distribution: str) -> str | None:
    """The installed version; None where there is none."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def environment(**own: str) -> dict[str, str]:
    """That of a process of its own, which finds this package from wherever it is started."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **own}


def say(line: str) -> None:
    """Tell whoever watches."""
    print(line, file=sys.stderr, flush=True)


def plain(tree: Any) -> Any:
    """`tree` as JSON gives it back: lists for tuples, null for what is not finite."""
    return json.loads(to_json(tree))


def _sections_in(path: Path, head: Record) -> dict[str, list[Record]]:
    try:
        found = json.loads(path.read_text())
        return found["sections"] if all(found[name] == head[name] for name in ("machine", "settings")) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
