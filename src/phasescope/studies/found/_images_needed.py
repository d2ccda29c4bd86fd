"""Bumps of several canvases, with and without stripes, and how many images 60 % of what was left out takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.config import Tree
from phasescope.probing.copier import nearest_labels, nearest_values
from phasescope.studies.core.criteria import accuracy_of, at_end, mean_told, some_runs
from phasescope.studies.core.study import Cell, Curve, Panel
from phasescope.studies.found._cells import eps_at_end
from phasescope.studies.found._composition import MARGIN, dated

if TYPE_CHECKING:
    import pandas as pd

CANVASES = (16, 24, 32)
"""N, px: of 40 and 48 px runs of this length do not learn what they are trained on"""
SEEDS = 13
NETWORK: Tree = {"widths": [32, 32, 32]}
"""two halvings, after patches of 2 px, in the place of three: canvases of a multiple of 8 px can be had"""
ARMS: Mapping[str, Sequence[float]] = {
    "bumps": (0.02, 0.04, 0.08, 0.16),
    "bumps and stripes": (0.01, 0.03, 0.08, 0.2),
}
"""shares of N^2 bumps that are trained on"""
COPIED_AT = (0.008, 0.012, *(0.02 * 1.5**i for i in range(6)))
"""shares of which copiers are asked"""
RIGHT = 0.6
"""accuracy that is to be reached (Liang et al. 2024)"""
SPLIT = accuracy_of("left_out", "joint")
Bounds = tuple[float, float]


def bumps_of(canvas: int, share: float) -> int:
    """How many bumps are trained on."""
    return round(share * canvas**2)


def _cell(arm: str, canvas: int, share: float) -> Cell:
    """Each of its runs is trained on bumps of its own."""
    whole = [0.0, float(canvas)]
    left_out = {"kind": "subset", "count": bumps_of(canvas, share)}
    parts: list[Tree] = [{"within": {"x": whole, "y": whole}, "hold_out": left_out}]
    if arm != "bumps":
        parts += [
            {"within": {"x": whole}, "at": {"y": -MARGIN}},
            {"within": {"y": whole}, "at": {"x": -MARGIN}},
        ]
    world: Tree = {
        "kind": "mixed",
        "together": {"kind": "gaussian_bump", "canvas": canvas},
        "alone": {"canvas": canvas, "margin_px": MARGIN},
        "design": {"kind": "union", "parts": parts},
    }
    name = f"{canvas} px, {bumps_of(canvas, share)} {arm}"
    cell = eps_at_end(name, {"world": world, "network": NETWORK}, SEEDS)
    return replace(cell, anew=("world.design.parts.0.hold_out.shuffle",))


CELLS = {
    (arm, canvas, share): _cell(arm, canvas, share)
    for arm, shares in ARMS.items()
    for canvas in CANVASES
    for share in shares
}
NAMES = tuple(cell.name for cell in CELLS.values())
KEYS = {cell.name: key for key, cell in CELLS.items()}


def names_of(arm: str, canvases: Sequence[int] = CANVASES) -> tuple[str, ...]:
    return tuple(cell.name for (one, canvas, _), cell in CELLS.items() if one == arm and canvas in canvases)


@cache
def copied(canvas: int, share: float, copier: str = "copier") -> float:
    """What a copier has right, within 1 px, of all bumps that are left out, each as likely; the mean over runs' own labels.

    The nearest label's knows bumps alone; that of each factor too: beside stripes of every value it has all right.
    """
    found = []
    for seed in range(SEEDS):
        world = _cell("bumps", canvas, share).config(seed, "lean").world
        trained, asked = world.training_labels(), world.held_out()["left_out"]
        painted = NEAREST[copier](trained, asked, world.factors)
        found.append((np.abs(world.factors.difference(painted, asked)) <= 1).all(axis=1).mean())
    return float(np.mean(found))


def copier_needs(canvas: int, copier: str = "copier") -> float:
    """Bumps from which on a copier has 60 %, interpolated in their log; NaN where that is beyond those that are tried."""
    at = np.array([bumps_of(canvas, share) for share in COPIED_AT], dtype=float)
    low, high = dated(at, np.array([copied(canvas, share, copier) for share in COPIED_AT]), RIGHT)
    return math.exp(float(low)) if low == high else math.nan


NEAREST = {"copier": nearest_labels, "factorized copier": nearest_values}
COLOURS = {"copier": "#d55e00", "factorized copier": "#7d4f50"}
"""that copiers are drawn in"""


def needed(frame: pd.DataFrame, arm: str) -> dict[int, dict[int, Bounds]]:
    """By seed and canvas the log of how many bumps 60 % takes, the least and the most it can be; seeds that have runs of
    every share alone."""
    found: dict[int, dict[int, Bounds]] = {}
    for canvas in CANVASES:
        right: dict[int, dict[float, float]] = {}
        for share in ARMS[arm]:
            for run in some_runs(frame, [CELLS[arm, canvas, share].name]):
                right.setdefault(int(run["seed"].iloc[0]), {})[share] = at_end(run, SPLIT)
        at = np.array([bumps_of(canvas, share) for share in ARMS[arm]], dtype=float)
        for seed, of_share in right.items():
            if len(of_share) == len(ARMS[arm]):
                low, high = dated(at, np.array([of_share[share] for share in ARMS[arm]]), RIGHT)
                found.setdefault(seed, {})[canvas] = float(low), float(high)
    return found


def lines(frame: pd.DataFrame) -> list[Panel]:
    """2D images for 60 % against N, by arm: means and ranges over seeds that bound it; dashed, what copiers take."""
    curves = []
    for series, arm in enumerate(ARMS):
        found, bound = [], []
        for canvas in CANVASES:
            of_seeds = [one[canvas] for one in needed(frame, arm).values() if canvas in one]
            logs = np.array([low for low, high in of_seeds if low == high])
            if len(logs):
                found.append((canvas, *np.exp([logs.mean(), logs.min(), logs.max()])))
                bound.append(f"{len(logs)} of {len(of_seeds)}")
        if found:
            x, y, low, high = np.array(found, dtype=float).T
            curves.append(Curve(x, y, low, high, f"{arm} ({', '.join(bound)} seeds)", series))
    if not curves:
        return []
    canvas = np.array(CANVASES, dtype=float)
    for copier, colour in COLOURS.items():
        level = np.array([copier_needs(n, copier) for n in CANVASES])
        if np.isfinite(level).any():
            curves.append(Curve(canvas, level, label=copier, style="dashed", colour=colour))
    ticks = {float(n): str(n) for n in CANVASES}
    return [
        Panel("", "canvas, px", f"2D images for {RIGHT:.0%}", curves, xscale="log", yscale="log", ticks=ticks)
    ]


def courses(frame: pd.DataFrame) -> list[Panel]:
    """What is right of labels that were left out, against images, a panel a canvas."""
    panels = []
    for canvas in CANVASES:
        curves = []
        for series, arm in enumerate(ARMS):
            found = []
            for share in ARMS[arm]:
                if runs := some_runs(frame, [CELLS[arm, canvas, share].name]):
                    right = [at_end(run, SPLIT) for run in runs]
                    found.append((bumps_of(canvas, share), np.mean(right), min(right), max(right)))
            if found:
                x, y, low, high = np.array(found, dtype=float).T
                curves.append(Curve(x, y, low, high, arm, series))
        if curves:
            panels.append(
                Panel(
                    f"{canvas} px",
                    "2D images",
                    "share right",
                    curves,
                    xscale="log",
                    ticks={float(n): str(n) for n in (5, 10, 20, 50, 100, 200, 500)},
                    ylim=(0, 1.02),
                    level=RIGHT,
                )
            )
    return panels


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each N and arm what is right at each set that was tried, and what copiers need."""
    found = []
    for arm, shares in ARMS.items():
        for canvas in CANVASES:
            told = {}
            for rank, share in enumerate(shares, 1):
                runs = some_runs(frame, [CELLS[arm, canvas, share].name])
                right = mean_told(runs, SPLIT) if runs else math.nan
                told |= {f"2D images, set {rank}": bumps_of(canvas, share), f"right, set {rank}": right}
            if any(math.isfinite(v) for name, v in told.items() if name.startswith("right")):
                copiers = {
                    f"2D images for {RIGHT:.0%}, {copier}": copier_needs(canvas, copier) for copier in NEAREST
                }
                found.append({"canvas, px": canvas, "trained on": arm, **told, **copiers})
    return found
