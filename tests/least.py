"""The least that may be observed: for runs of which a test needs nothing more."""

from typing import Any

LEAST: dict[str, Any] = {
    "images": {"grid": 16, "off_grid": 16},
    "latent_labels": 64,
    "variance_labels": 16,
    "variance_draws": 2,
    "bands": 2,
    "band_images": 8,
    "p1": None,
}
"""of a plan of observation"""
