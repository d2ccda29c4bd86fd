"""A run whose readings of the condition meter are written by hand."""

from helpers.made_runs import make_run
from phasescope import Run
from phasescope.runs.store import hold

EDGES = ((-10.0, -2.0), (-2.0, 6.0))


def mean(value: float | None, se: float = 0.01) -> dict | None:
    return None if value is None else {"value": value, "se": se}


def line(step: int, use: float | None, advantage: float, se: float = 0.01) -> dict:
    bands = [
        {
            "pairs": "held_out",
            "exchanged": "all",
            "low": low,
            "high": high,
            "draws": 8,
            "loss": mean(1.0),
            "advantage": mean(advantage * share),
            "alignment": mean(0.1),
            "use": mean(None if use is None else use * share, se),
            "removable": None,
            "over_none": None,
            "nats": None,
        }
        for share, (low, high) in zip((1.0, 0.2), EDGES, strict=True)
    ]
    deciding = {"number": 0, "low": -10.0, "high": -2.0, "by": "exact answers"}
    return {"step": step, "images_seen": 16 * step, "wall_s": 0.1, "deciding": deciding, "bands": bands}


def run_with(tmp_path, *lines: dict, state: str = "running") -> Run:
    run = make_run(tmp_path, state=state)
    with hold(run.path, run.config) as folder:
        folder.append_lines("meter.jsonl", lines)
    return run
