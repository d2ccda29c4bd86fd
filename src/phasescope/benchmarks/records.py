"""The records of a part of the benchmark: one JSON file, section by section as they are measured.

A part that was cut short goes on where it was, if settings, machine, versions and commit are still the same; else it begins
anew. Every record tells where and with what it was measured.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from phasescope.store.files import to_json, write_aside
from phasescope.store.folder import now
from phasescope.store.provenance import provenance

Record = dict[str, Any]

PEERS = (
    "accelerate",
    "azula",
    "denoising-diffusion-pytorch",
    "diffusers",
    "smalldiffusion",
    "torchcfm",
)
"""distributions whose versions a record tells"""


class Records:
    """The sections of `path`, measured under `settings`.

    Raises:
        OSError: the file's folder cannot be made, or the file cannot be written.
    """

    def __init__(self, path: Path, settings: Record):
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._head = {"settings": plain(settings), "machine": machine()}
        self.sections: dict[str, list[Record]] = _read(path, self._head)

    def section(self, name: str, measure: Callable[[], list[Record]]) -> list[Record]:
        """The records of a section: those of the file, or else what `measure` gives, which is then kept."""
        if name not in self.sections:
            say(f"{self.path.stem}, {name}:")
            self.put(name, measure())
        return self.sections[name]

    def put(self, name: str, records: list[Record]) -> None:
        """Keep the records of a section, each with machine and time."""
        signed = [{**record, **self._head["machine"], "measured": now()} for record in records]
        self.sections[name] = plain(signed)
        write_aside(self.path, to_json({**self._head, "sections": self.sections}, indent=1) + "\n")


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


def say(line: str) -> None:
    """Tell whoever watches."""
    print(line, file=sys.stderr, flush=True)


def _read(path: Path, head: Record) -> dict[str, list[Record]]:
    try:
        found = json.loads(path.read_text())
        same = (
            _cleaned(found["machine"]) == _cleaned(head["machine"]) and found["settings"] == head["settings"]
        )
        return found["sections"] if same else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _cleaned(machine: Record) -> Record:
    """Without what the first written record itself changes: a results file under git makes its tree dirty."""
    return {**machine, "git_commit": (machine["git_commit"] or "").removesuffix("-dirty")}


def plain(tree: Any) -> Any:
    """`tree` as JSON gives it back: lists for tuples, null for what is not finite."""
    return json.loads(to_json(tree))
