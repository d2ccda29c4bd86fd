"""Phases of the representation in runs that were recorded by a former rule, told again by today's, from their scores.

    python -m tools.settle RUNS     RUNS a folder of runs

Of each run that is at rest `metrics.jsonl` and the summary in `status.json` are written anew; all else stays as it is. A run
whose phases are today's is left alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from phasescope.measures import settled
from phasescope.places import Place
from phasescope.probing.config import PlaceConfig, ProbingConfig
from phasescope.probing.observer import course, summarise
from phasescope.store import Run
from phasescope.store.files import to_json, write_all_aside
from phasescope.store.folder import is_held

READINGS = {"representation": "order", "representation_p1": "p1_order"}


def settle_runs(runs: Path) -> list[str]:
    """The names of the runs that were told again."""
    found = [Run(path) for path in sorted(runs.iterdir()) if (path / "metrics.jsonl").is_file()]
    return [run.path.name for run in found if not is_held(run.path) and settle(run)]


def settle(run: Run) -> bool:
    """Whether anything changed."""
    metrics, status = run.metrics, run.status
    places = status["summary"]["places"]
    for reading, place in places.items():
        scores = course(metrics, Place.parse(place), READINGS[reading])
        for line, phase in zip(metrics, settled(scores), strict=True):
            line["phase"][reading] = phase
    summary = summarise(_plan(places), metrics)
    if (metrics, summary) == (run.metrics, status["summary"]):
        return False
    write_all_aside(
        {
            run.path / "metrics.jsonl": "".join(to_json(line) + "\n" for line in metrics),
            run.path / "status.json": to_json({**status, "summary": summary}, indent=1),
        }
    )
    return True


def _plan(places: dict[str, str]) -> ProbingConfig:
    """As far as a summary asks for it: where phases are read."""
    told: dict[str, Any] = {}
    for field, reading in (("representation", "representation"), ("p1", "representation_p1")):
        place = Place.parse(places[reading]) if reading in places else None
        told[field] = place and PlaceConfig(tap=place.tap, timestep=place.condition)
    return ProbingConfig(**told)


if __name__ == "__main__":
    print("\n".join(settle_runs(Path(sys.argv[1]))))
