"""Which reference denoiser a network is closest to, at every snapshot and noise level, as its run recorded it."""

import math

from phasescope.studies import NotEnough, Runs

KNOWS = {"mean image": 0, "Wiener": 1, "patch-local optimum": 2, "posterior mean": 3, "label": 5}
"""how much a reference knows, by what its name begins with"""
NEEDED = ("closest_reference", "nats")  # what a run must observe for it
ONE_FACTOR = 4  # a reference that knows one factor of the label


def read_closest(run) -> list[dict]:
    """Return what the closest reference knows at each noise level (NaN: none), and the label's nats as a share."""
    known = ((run.references or {}).get("family") or {}).get("reference_denoisers") or {}
    rows = []
    for line in run.metrics:
        by_level = {str(entry["t"]): rank(closest(entry)) for entry in line.get("closest_reference") or ()}
        read = (line.get("nats") or {}).items()
        nats = {f"nats.{name}": entry["value"] / known["nats"][name] for name, entry in read}
        rows.append({"step": line["step"], **by_level, **nats})
    return rows


def closest(entry: dict) -> str | None:
    """Return the closest reference denoiser; None if r² <= 0, when images' mean is as close to the network's answer."""
    return entry["reference"] if (entry["r2"] or 0) > 0 else None


def rank(reference: str | None) -> float:
    """Return how much a reference denoiser knows."""
    if reference is None:
        return math.nan
    return next((rank for begins, rank in KNOWS.items() if reference.startswith(begins)), ONE_FACTOR)


def levels(runs: Runs) -> list[int]:
    """Return the noise levels that were read, ascending; NotEnough if the records have none."""
    names = [name.removeprefix("closest.") for name in runs.columns("closest.")]
    levels = sorted(int(name) for name in names if name.isdigit())
    if not levels:
        raise NotEnough("the records lack `closest`: no reference denoiser was compared")
    return levels
