"""The files and folders of a run's folder, each once: what it is, how large it may be, and what happens to it.

Everything that treats some files of a run otherwise than others asks this table: archives, imports, restarts, longer runs,
forks and the explorer. A file that is added to runs is added here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

# A line every few steps of a training, where metrics.jsonl has a line a snapshot.
METRICS = "metrics.jsonl"
SCALARS = "scalars.jsonl"
# A line for each reading of the condition meter.
METER = "meter.jsonl"
# Whole states of training at single steps, from which a run can be forked.
STATES = "states"
# What a fork continues: which run, from which step, and what is changed.
FORK = "fork.json"
# A world of arrays in memory has no file of its own: `watch` saves its arrays in the run's folder.
WORLD = "world.npz"


@dataclass(frozen=True)
class Part:
    """A file of a run's folder, or a folder in it."""

    name: str
    kind: Literal["file", "lines", "folder"]
    """`lines`: a file with a JSON object a line, each with its `step`"""
    most_bytes: int = 2**36
    """of the file in an archive: far more than any run writes; a file that lists read, or an import, is read in seconds"""
    most_lines: int = 0
    longest_line: int = 0
    """bytes of a line"""
    is_exported: bool = True
    """whether archives hold it"""
    is_watched: bool = False
    """whether the explorer reads a run again when its time or size changes"""
    precedes_config: bool = False
    """whether it may be there before config.yaml, which is written last"""
    is_learned: bool = False
    """whether it is a result of training, so that a restart drops it"""
    is_inherited: bool = False
    """whether a longer run and a fork begin with a copy of it"""


PARTS = (
    Part("config.yaml", "file", 2**20, is_watched=True),
    Part("config.json", "file", 2**20, is_exported=False, precedes_config=True),
    Part("about.json", "file", 2**24, is_watched=True),
    Part("status.json", "file", 2**22, is_watched=True),
    Part(
        METRICS,
        "lines",
        2**27,
        most_lines=100_000,
        longest_line=2**24,
        is_watched=True,
        is_learned=True,
        is_inherited=True,
    ),
    Part(
        SCALARS,
        "lines",
        2**28,
        most_lines=2_000_000,
        longest_line=2**20,
        is_watched=True,
        is_learned=True,
        is_inherited=True,
    ),
    Part(
        METER,
        "lines",
        2**28,
        most_lines=100_000,
        longest_line=2**24,
        is_watched=True,
        is_learned=True,
        is_inherited=True,
    ),
    Part("references.json", "file", 2**26, is_watched=True, is_learned=True, is_inherited=True),
    Part("sources.json", "file", 2**20, precedes_config=True, is_inherited=True),
    Part(FORK, "file", 2**20, precedes_config=True),
    Part(WORLD, "file", precedes_config=True),
    Part("tags.txt", "file", 2**20, is_watched=True),
    Part("checkpoint", "folder", is_learned=True),
    Part(STATES, "folder", is_learned=True),
    Part("observations", "folder", is_learned=True),
    Part("snapshots", "folder", is_watched=True, is_learned=True),
    Part("lock", "file", is_exported=False, precedes_config=True),
    Part("worker.log", "file", is_exported=False),
)
"""without results that a command writes there on request, such as report.html"""
BY_NAME = {part.name: part for part in PARTS}


def names(chosen: Callable[[Part], bool]) -> tuple[str, ...]:
    """Return the names of some parts, in the order of the table."""
    return tuple(part.name for part in PARTS if chosen(part))
