"""Do denser data, more images and more overlap bring order and accuracy earlier?

Liang et al. 2024 (arXiv 2402.03305) train on grids of increment d, with bumps of width sigma, and find that denser
data (smaller d) and more overlap (smaller d / sigma) bring order earlier. Counted in epochs denser data win by
arithmetic: an epoch at d = 0.25 px holds 16 times the images of one at 1 px. So everything is counted in gradient
steps. Within their range, d <= 1 px, a run sees its images few times; density can act where a run sees them many
times, so sets of 64 to 512 images are trained on for as many steps.
"""

from functools import cache

import numpy as np

import phasescope.studies as ps

MANIFOLD = ps.score("label_variance").at("mid", t=600).crosses(0.9)
ON_GRID, OFF_GRID = ps.onset_of_accuracy("grid"), ps.onset_of_accuracy("off_grid")


def grid(system: str, d: float, sigma: float, **axes: float) -> ps.Cell:
    """Return a cell by increment and width, px. In `eps`, fields with their default are left out."""
    world = {"design": {"dx": d, "dy": d}, "sigma_px": sigma}
    axes = {"system": system, "d": d, "sigma": sigma, **axes}
    if system == "fast":
        return ps.Cell(
            f"d=({d:g}, {d:g}), sigma={sigma:g}", {"world": world}, axes=axes, base="fast", seeds=5
        )
    world = {key: world[key] for key, value in (("design", d), ("sigma_px", sigma)) if value != 1}
    name = "eps"
    if d != 1:
        name += f", d={d:g}"
    if sigma != 1:
        name += f", sigma={sigma:g}"
    return ps.Cell(name, {"world": world} if world else {}, axes)


SETS = [
    ps.Cell(f"eps, {images} images", {"world": {"design": {"keep": images}}}, {"images": images})
    for images in (64, 128, 256, 512)
]
SETS.append(grid("eps", 1.0, 1.0, images=1024))


@cache
def nearest_neighbour() -> float:
    """Return the accuracy off the grid of a baseline that returns the nearest of 128 training images."""
    world = SETS[1].config(0, "lean").world
    labels = world.splits()["off_grid"](20_000, ps.numpy_generator(0, "a copier's labels"))
    nearest = ps.nearest_labels(world.training_labels(), labels, world.factors)
    return float((np.abs(world.factors.difference(nearest, labels)) <= 1).all(axis=1).mean())


@ps.reads(ps.share("off_grid", "correct"))
def excess(runs: ps.Runs) -> np.ndarray:
    """Return accuracy off the grid beyond the nearest-neighbour baseline, at the end, (n,)."""
    return (runs.end(ps.share("off_grid", "correct")) - nearest_neighbour()) / (1 - nearest_neighbour())


SEEN = "These runs had been looked at when the threshold of 0.9 was chosen."
WEIGHT = "A wider bump weighs more in the loss."
BELOW_1_PX = "Below 1 px a nearest-neighbour baseline is correct as well."
RATIO_KNOWN = "The ratio of accuracy on the grid, preset lean, was known when this claim was added."
KNOWN = "These runs were known before the claim was preregistered."
A_MANIFOLD = "A manifold is where the label explains 0.9 of the variance of latents."
NESTED = "Sets are nested: the smaller ones are the first of one random order of the grid's labels. Smaller effects are seldom decided."

# Asked: 75 runs of `fast` existed and were known, no run of `lean`. Manifolds (their level) and ratios to 1 px were
# asked when the runs had been looked at (2026-11-29).
STUDY = ps.Study(
    question="Do denser data, more images and more overlap bring order and accuracy earlier, counted in steps?",
    name="density",
    base="lean",
    answers="S5",
    seeds=8,
    more=8,
    headline="denser_sooner_grid_eps",
    cells=[
        *SETS,
        *(grid("eps", *point) for point in ((0.25, 1.0), (0.5, 1.0), (1.0, 0.5), (1.0, 2.0))),
        *(grid("fast", d, sigma) for sigma in (0.5, 1.0, 2.0) for d in (0.25, 0.5, 1.0, 2.0, 4.0)),
    ],
    claims=[
        ps.Claim(
            name="denser_sooner_manifold_eps",
            asked=ps.Asked.AFTER,
            sentence="Denser data, increments of 0.25 px instead of 1 px, bring a manifold of labels at mid, t = 600 earlier by more than a fifth of the steps: P1's objective, preset lean.",
            statistic=ps.OnsetRatio("cell", "eps, d=0.25", "eps"),
            numbers=MANIFOLD,
            threshold=0.8,
            effect=0.2,
            spread=0.11,
            direction="below",
            where={"cell": ("eps, d=0.25", "eps")},
            source="P1",
            minimum_n=10,
            caveats=(
                A_MANIFOLD,
                SEEN,
                f"{BELOW_1_PX}",
            ),
        ),
        ps.Claim(
            name="wider_than_1_sooner_manifold_eps",
            asked=ps.Asked.AFTER,
            sentence="More overlap, sigma = 2 px instead of 1 px on the same labels, bring a manifold of labels at mid, t = 600 earlier by more than a fifth of the steps: P1's objective, preset lean.",
            statistic=ps.OnsetRatio("cell", "eps, sigma=2", "eps"),
            numbers=MANIFOLD,
            threshold=0.8,
            effect=(0.3, 0.4),
            spread=0.19,
            direction="below",
            where={"cell": ("eps, sigma=2", "eps")},
            source="P1",
            minimum_n=10,
            caveats=(
                A_MANIFOLD,
                SEEN,
                WEIGHT,
                RATIO_KNOWN,
            ),
        ),
        ps.Claim(
            name="denser_sooner_grid_eps",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Denser data, increments of 0.25 px instead of 1 px, bring accuracy on the grid earlier by more than a fifth of the steps: P1's objective, preset lean.",
            statistic=ps.OnsetRatio("cell", "eps, d=0.25", "eps"),
            numbers=ON_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.11,
            direction="below",
            where={"cell": ("eps, d=0.25", "eps")},
            source="P1",
            minimum_n=10,
            limits=BELOW_1_PX,
        ),
        ps.Claim(
            name="wider_than_1_sooner_grid_eps",
            asked=ps.Asked.AFTER,
            sentence="More overlap, sigma = 2 px instead of 1 px on the same labels, bring accuracy on the grid earlier by more than a fifth of the steps: P1's objective, preset lean.",
            statistic=ps.OnsetRatio("cell", "eps, sigma=2", "eps"),
            numbers=ON_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.11,
            direction="below",
            where={"cell": ("eps, sigma=2", "eps")},
            source="P1",
            minimum_n=10,
            caveats=(
                WEIGHT,
                RATIO_KNOWN,
            ),
        ),
        ps.Claim(
            name="wider_sooner_grid_eps",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="More overlap, sigma = 2 px instead of 0.5 px on the same labels, bring accuracy on the grid earlier by more than a fifth of the steps: P1's objective, preset lean.",
            statistic=ps.OnsetRatio("cell", "eps, sigma=2", "eps, sigma=0.5"),
            numbers=ON_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.11,
            direction="below",
            where={"cell": ("eps, sigma=2", "eps, sigma=0.5")},
            source="P1",
            minimum_n=10,
            limits=WEIGHT,
        ),
        ps.Claim(
            name="denser_sooner_off_grid_eps",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Denser data, increments of 0.25 px instead of 1 px, bring accuracy off the grid earlier by more than a fifth of the steps: P1's objective, preset lean.",
            statistic=ps.OnsetRatio("cell", "eps, d=0.25", "eps"),
            numbers=OFF_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.11,
            direction="below",
            where={"cell": ("eps, d=0.25", "eps")},
            source="P1",
            minimum_n=10,
            limits=BELOW_1_PX,
        ),
        ps.Claim(
            name="wider_than_1_sooner_off_grid_eps",
            asked=ps.Asked.AFTER,
            sentence="More overlap, sigma = 2 px instead of 1 px on the same labels, bring accuracy off the grid earlier by more than a fifth of the steps: P1's objective, preset lean.",
            statistic=ps.OnsetRatio("cell", "eps, sigma=2", "eps"),
            numbers=OFF_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.11,
            direction="below",
            where={"cell": ("eps, sigma=2", "eps")},
            source="P1",
            minimum_n=10,
            caveats=(
                WEIGHT,
                RATIO_KNOWN,
            ),
        ),
        ps.Claim(
            name="wider_sooner_off_grid_eps",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="More overlap, sigma = 2 px instead of 0.5 px on the same labels, bring accuracy off the grid earlier by more than a fifth of the steps: P1's objective, preset lean.",
            statistic=ps.OnsetRatio("cell", "eps, sigma=2", "eps, sigma=0.5"),
            numbers=OFF_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.11,
            direction="below",
            where={"cell": ("eps, sigma=2", "eps, sigma=0.5")},
            source="P1",
            minimum_n=10,
            limits=WEIGHT,
        ),
        ps.Claim(
            name="denser_sooner_grid_fast",
            asked=ps.Asked.AFTER,
            sentence="Denser data, increments of 0.25 px instead of 1 px, bring accuracy on the grid earlier by more than a fifth of the steps: x-prediction, preset fast.",
            statistic=ps.OnsetRatio("cell", "d=(0.25, 0.25), sigma=1", "d=(1, 1), sigma=1"),
            numbers=ON_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.09,
            direction="below",
            where={"cell": ("d=(0.25, 0.25), sigma=1", "d=(1, 1), sigma=1")},
            source="P1",
            minimum_n=10,
            caveats=(
                BELOW_1_PX,
                KNOWN,
            ),
        ),
        ps.Claim(
            name="wider_than_1_sooner_grid_fast",
            asked=ps.Asked.AFTER,
            sentence="More overlap, sigma = 2 px instead of 1 px on the same labels, bring accuracy on the grid earlier by more than a fifth of the steps: x-prediction, preset fast.",
            statistic=ps.OnsetRatio("cell", "d=(1, 1), sigma=2", "d=(1, 1), sigma=1"),
            numbers=ON_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.09,
            direction="below",
            where={"cell": ("d=(1, 1), sigma=2", "d=(1, 1), sigma=1")},
            source="P1",
            minimum_n=10,
            caveats=(
                WEIGHT,
                RATIO_KNOWN,
                KNOWN,
            ),
        ),
        ps.Claim(
            name="wider_sooner_grid_fast",
            asked=ps.Asked.AFTER,
            sentence="More overlap, sigma = 2 px instead of 0.5 px on the same labels, bring accuracy on the grid earlier by more than a fifth of the steps: x-prediction, preset fast.",
            statistic=ps.OnsetRatio("cell", "d=(1, 1), sigma=2", "d=(1, 1), sigma=0.5"),
            numbers=ON_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.09,
            direction="below",
            where={"cell": ("d=(1, 1), sigma=2", "d=(1, 1), sigma=0.5")},
            source="P1",
            minimum_n=10,
            caveats=(
                WEIGHT,
                KNOWN,
            ),
        ),
        ps.Claim(
            name="denser_sooner_off_grid_fast",
            asked=ps.Asked.AFTER,
            sentence="Denser data, increments of 0.25 px instead of 1 px, bring accuracy off the grid earlier by more than a fifth of the steps: x-prediction, preset fast.",
            statistic=ps.OnsetRatio("cell", "d=(0.25, 0.25), sigma=1", "d=(1, 1), sigma=1"),
            numbers=OFF_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.09,
            direction="below",
            where={"cell": ("d=(0.25, 0.25), sigma=1", "d=(1, 1), sigma=1")},
            source="P1",
            minimum_n=10,
            caveats=(
                BELOW_1_PX,
                KNOWN,
            ),
        ),
        ps.Claim(
            name="wider_than_1_sooner_off_grid_fast",
            asked=ps.Asked.AFTER,
            sentence="More overlap, sigma = 2 px instead of 1 px on the same labels, bring accuracy off the grid earlier by more than a fifth of the steps: x-prediction, preset fast.",
            statistic=ps.OnsetRatio("cell", "d=(1, 1), sigma=2", "d=(1, 1), sigma=1"),
            numbers=OFF_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.09,
            direction="below",
            where={"cell": ("d=(1, 1), sigma=2", "d=(1, 1), sigma=1")},
            source="P1",
            minimum_n=10,
            caveats=(
                WEIGHT,
                RATIO_KNOWN,
                KNOWN,
            ),
        ),
        ps.Claim(
            name="wider_sooner_off_grid_fast",
            asked=ps.Asked.AFTER,
            sentence="More overlap, sigma = 2 px instead of 0.5 px on the same labels, bring accuracy off the grid earlier by more than a fifth of the steps: x-prediction, preset fast.",
            statistic=ps.OnsetRatio("cell", "d=(1, 1), sigma=2", "d=(1, 1), sigma=0.5"),
            numbers=OFF_GRID,
            threshold=0.8,
            effect=0.2,
            spread=0.09,
            direction="below",
            where={"cell": ("d=(1, 1), sigma=2", "d=(1, 1), sigma=0.5")},
            source="P1",
            minimum_n=10,
            caveats=(
                WEIGHT,
                KNOWN,
            ),
        ),
        ps.Claim(
            name="more_images_sooner_manifold",
            asked=ps.Asked.AFTER,
            sentence="Among sets of 64 to 1,024 images, larger ones bring a manifold of labels at mid, t = 600 earlier.",
            statistic=ps.Rank(by="images"),
            numbers=MANIFOLD,
            threshold=0.0,
            effect=0.5,
            minimum_n=20,
            source="P1",
            where={"cell": tuple(cell.name for cell in SETS)},
            over=("images", "sizes"),
            caveats=(
                NESTED,
                SEEN,
            ),
        ),
        ps.Claim(
            name="more_images_sooner_grid",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Among sets of 64 to 1,024 images, larger ones bring accuracy on the grid earlier.",
            statistic=ps.Rank(by="images"),
            numbers=ON_GRID,
            threshold=0.0,
            effect=0.5,
            minimum_n=20,
            source="P1",
            where={"cell": tuple(cell.name for cell in SETS)},
            over=("images", "sizes"),
            limits=NESTED,
        ),
        ps.Claim(
            name="more_images_sooner_off_grid",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Among sets of 64 to 1,024 images, larger ones bring accuracy off the grid earlier.",
            statistic=ps.Rank(by="images"),
            numbers=OFF_GRID,
            threshold=0.0,
            effect=0.5,
            minimum_n=20,
            source="P1",
            where={"cell": tuple(cell.name for cell in SETS)},
            over=("images", "sizes"),
            limits=NESTED,
        ),
        ps.Claim(
            name="beyond_copier",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="From 128 images of the grid, samples off the grid are correct beyond the nearest-neighbour baseline.",
            statistic=ps.Mean(),
            numbers=excess,
            unit="excess over the baseline",
            threshold=0.0,
            effect=0.3,
            spread=0.19,
            where={"cell": SETS[1].name},
            limits="The baseline's accuracy is a mean over labels drawn off the grid.",
        ),
    ],
    plots=[
        ps.Against(
            name,
            f"Onsets against {name}",
            numbers={
                "steps until most samples are correct": ON_GRID,
                "steps until a manifold": MANIFOLD,
            },
            along=along,
            by=by,
            where=where,
            log=along == "images",
            note="Runs that reach it; on the grid. Manifold: the label explains 0.9 of the variance at mid, t = 600.",
        )
        for name, along, by, where in (
            ("increment", "d", "system", {"sigma": 1.0}),
            ("width", "sigma", "system", {"d": 1.0}),
            ("images", "images", "", {"cell": tuple(cell.name for cell in SETS)}),
        )
    ],
    tables=[
        ps.Table(
            "Onsets, and what is correct at the end",
            {
                "accuracy on the grid, steps": ON_GRID,
                "share of runs that reach it": ps.came(ps.onset_of_accuracy("grid")),
                "a manifold, steps": MANIFOLD,
                "correct at the end, on the grid": ps.end(ps.accuracy("grid")),
                "off the grid": ps.end(ps.accuracy("off_grid")),
            },
            note="Onsets are means over the runs that reach them.",
        )
    ],
)
