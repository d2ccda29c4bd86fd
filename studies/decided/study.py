"""At which noise level is a sample's identity fixed without a label, and is it where the exact posterior fixes it?

Noise is added to training images up to level t, and a network that was trained without labels denoises them. At small
t the image itself comes back, or one like it; at large t another one does. A perfect network returns each image with
its posterior weight given that very x_t, so the exact curve is known (docs/theory.md). For narrow bumps the posterior
condenses onto one image before the widest mode of the data becomes unstable; for bumps of sigma 4 px the order is
reversed (Biroli et al. 2024, arXiv 2402.18491).
"""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np

import phasescope.studies as ps

SIGMAS_PX = (0.5, 1.0, 2.0, 4.0)
NEAR = 25.0  # noise levels, of 1,000
LEVELS = tuple(range(75, 901, 75))
IMAGES, CLONES = 48, 3  # started from at each noise level; denoised from each
UNLABELLED = {"training": {"label_dropout": 1.0}, "world": {"boundary": "periodic"}}


def unlabelled(sigma: float) -> ps.Cell:
    """Return a cell on a torus whose network never receives a label."""
    world = {**UNLABELLED["world"], "sigma_px": sigma}
    return ps.Cell(f"untold, sigma={sigma:g}", {**UNLABELLED, "world": world}, {"sigma": sigma})


CELLS = tuple(map(unlabelled, SIGMAS_PX))


def read_clones(run) -> list[dict]:
    """Return, at the last snapshot, the noise level at which half of the clones come back, the exact one, and both
    curves."""
    from phasescope import clones

    found = clones(run, LEVELS, IMAGES, CLONES, seed=int(run.config["seed"]))
    curves = {f"share.{t}": share for t, share in zip(found.t, found.share.tolist(), strict=True)}
    curves |= {f"exact.{t}": share for t, share in zip(found.t, found.exact.tolist(), strict=True)}
    return [{"step": run.snapshots[-1].step, "half": found.half[0], "exact_half": found.exact_half, **curves}]


@ps.reads("clones.half", "clones.exact_half")
def beyond_exact(runs: ps.Runs) -> np.ndarray:
    """Number: the noise level at which half of the clones come back, minus that of a perfect network."""
    difference = runs.end("clones.half") - runs.end("clones.exact_half")
    if not np.isfinite(difference).all():
        count = int(np.isnan(difference).sum())
        raise ps.NotEnough(f"in {count} runs half of the clones come back at no level, or at every one")
    return difference


@cache
def predicted(cell: str, name: str) -> float:
    """Return what is predicted of a cell from its configuration alone."""
    config = next(own for own in CELLS if own.name == cell).config(0, "lean")
    return config.family.analysis(config.task()).forecast(errors=False)[name]


@ps.reads()
def predictions(runs: ps.Runs, name: str) -> np.ndarray:
    return np.array([predicted(cell, name) for cell in runs.table["cell"]], dtype=float)


@dataclass(frozen=True)
class ComesBack:
    """The share of clones that come back, by noise level: a panel per sigma."""

    name: str = "comes_back"
    title: str = "Clones that come back, by the noise level they start from"

    def columns_read(self) -> frozenset[str]:
        return frozenset(f"clones.{curve}.{t}" for curve in ("share", "exact") for t in LEVELS)

    def panels(self, runs: ps.Runs) -> list[ps.Panel]:
        sigmas = runs.values("sigma") if runs.has(f"clones.share.{LEVELS[0]}") else []
        return [self._panel(sigma, runs.where(sigma=sigma)) for sigma in sigmas]

    def _panel(self, sigma: float, runs: ps.Runs) -> ps.Panel:
        curves = [
            self._curve(runs, "share", label="network", series=0, style="points"),
            self._curve(runs, "exact", label="perfect network", series=7, style="line"),
        ]
        title = f"sigma = {sigma:g} px"
        return ps.Panel(title, "noise level t", "share", curves, level=0.5, ylim=(-0.02, 1.02))

    def _curve(self, runs: ps.Runs, which: str, label: str, series: int, style) -> ps.Curve:
        shares = np.array([runs.end(f"clones.{which}.{t}") for t in LEVELS])
        return ps.Curve(
            np.array(LEVELS),
            shares.mean(axis=1),
            low=shares.min(axis=1),
            high=shares.max(axis=1),
            label=label,
            series=series,
            style=style,
        )

    def caption(self, runs: ps.Runs) -> str:
        return (
            f"{len(runs)} runs in {len(runs.values('cell'))} cells; {IMAGES} images with {CLONES} clones each per "
            "noise level. Means and ranges over runs."
        )


LEVELS_BETWEEN = "Levels between those that were tried are interpolated. How a network with labels fixes its samples is another question."

# Asked: 0 runs existed; amended before any was made (2026-11-28).
STUDY = ps.Study(
    name="decided",
    question="At which noise level is a sample's identity fixed without a label, and is it where the posterior "
    "fixes it?",
    base="lean",
    answers="Q7",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="decided_1",
    readings=[ps.Reading("clones", read_clones, needs=())],
    claims=[
        ps.Claim(
            name="decided_0.5",
            asked=ps.Asked.BEFORE,
            sentence="Without a label, a sample's identity is fixed within 25 noise levels of where the exact posterior fixes it: sigma 0.5 px.",
            statistic=ps.Mean(absolute=True),
            numbers=beyond_exact,
            threshold=NEAR,
            effect=15.0,
            spread=10.0,
            direction="below",
            unit="noise levels",
            where={"sigma": 0.5},
            limits=LEVELS_BETWEEN,
        ),
        ps.Claim(
            name="decided_1",
            asked=ps.Asked.BEFORE,
            sentence="Without a label, a sample's identity is fixed within 25 noise levels of where the exact posterior fixes it: sigma 1 px.",
            statistic=ps.Mean(absolute=True),
            numbers=beyond_exact,
            threshold=NEAR,
            effect=15.0,
            spread=10.0,
            direction="below",
            unit="noise levels",
            where={"sigma": 1.0},
            limits=LEVELS_BETWEEN,
        ),
        ps.Claim(
            name="decided_2",
            asked=ps.Asked.BEFORE,
            sentence="Without a label, a sample's identity is fixed within 25 noise levels of where the exact posterior fixes it: sigma 2 px.",
            statistic=ps.Mean(absolute=True),
            numbers=beyond_exact,
            threshold=NEAR,
            effect=15.0,
            spread=10.0,
            direction="below",
            unit="noise levels",
            where={"sigma": 2.0},
            limits=LEVELS_BETWEEN,
        ),
        ps.Claim(
            name="decided_4",
            asked=ps.Asked.BEFORE,
            sentence="Without a label, a sample's identity is fixed within 25 noise levels of where the exact posterior fixes it: sigma 4 px.",
            statistic=ps.Mean(absolute=True),
            numbers=beyond_exact,
            threshold=NEAR,
            effect=15.0,
            spread=10.0,
            direction="below",
            unit="noise levels",
            where={"sigma": 4.0},
            limits=LEVELS_BETWEEN,
        ),
    ],
    plots=[
        ComesBack(),
        ps.Ends(
            "half",
            "The noise level at which half of the clones come back",
            {"t, minus that of a perfect network": beyond_exact},
            by="sigma",
            level=0.0,
            note=f"A claim holds within {NEAR:g} noise levels of 0. x axis: sigma, px.",
        ),
    ],
    tables=[
        ps.Table(
            "Noise levels at which a sample's identity is fixed",
            {
                "half come back at t": ps.end("clones.half"),
                "perfect network": ps.end("clones.exact_half"),
                "predicted condensation": partial(predictions, name="t_condensation"),
                "predicted instability": partial(predictions, name="t_instability"),
            },
            by=("sigma",),
        )
    ],
)
