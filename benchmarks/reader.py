"""How often are the readers of bumps right? Known bumps in the backgrounds of a run's samples: python -m benchmarks.reader

    python -m benchmarks.reader RUN STEP ...             snapshots of a run, given by its folder; a minute each on one core
    python -m benchmarks.reader --decided RUN OUT.png    200 of its samples at random, without an answer: for a person's eye,
                                                         whose answers go into results/reader/NAME/eye.json

At each snapshot images are sampled by DPM-Solver (12 steps) and by ancestral sampling (250), for labels and noise of this
command's own. One half of them gives backgrounds (`worlds.bump.planted`), the other the shares that are corrected. Into
each background go, at places of its own: no bump; one at its label; one misplaced, by 3 px or more; two, at least 6 px
apart. Bumps are the world's own (amplitude and width 1), weaker, wider, or as those that were fitted to samples of that
snapshot.

Two readers answer: `outcome`, which every run records (`worlds.bump.reader`), and `object`, which also reads bumps on grey
or noisy backgrounds (`studies.readings.objects`).

Written into results/reader/NAME: STEP.parquet, a row for each background, bump, truth and reader; STEP-samples.parquet, a
row for each sample and reader. The samples themselves are kept beside the run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.records import ROOT
from phasescope.core.errors import UserError
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.runs.store.tables import write_parquet
from phasescope.runs.trained.catalogue import open_run
from phasescope.runs.trained.load import load_network
from phasescope.runs.trained.run import Run
from phasescope.studies.readings.objects import outcomes, read_objects
from phasescope.worlds.base import Reader
from phasescope.worlds.bump.planted import plant, remove_bumps, surrogates
from phasescope.worlds.bump.world import GaussianBump
from phasescope.worlds.plane import Pixels, in_contrasts

RESULTS = ROOT / "results" / "reader"
IMAGES = 128
"""samples of a snapshot and sampler; half of them give backgrounds"""
SAMPLERS = {"dpm_solver": 12, "ddpm": 250}
TRUTHS = ("none", "multiple", "misplaced", "correct")
BUMPS = {"as rendered": (1.0, 1.0), "weaker": (0.65, 1.0), "wider": (1.0, 1.4), "as fitted": None}
"""amplitude, and width over the world's"""
APART_PX, AWAY_PX = 6.0, 3.0
"""distance of two bumps, above the 4.71 px that a reader needs; of a misplaced one from its label, along an axis"""
EYE, EDGE = 200, 8
"""samples for a person's eye, and the pixels around each in their picture"""
MOST_WIDE, LEAST_STRONG = 2.5, 0.5
"""of fitted bumps: what is wider or weaker is none"""


@dataclass(frozen=True)
class Planted:
    """Images with known bumps, one a background, and their labels."""

    truth: str
    labels: np.ndarray
    images: np.ndarray


def sampled(run: Run, step: int, sampler: str, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (images, labels) of a snapshot, (n, 1, N, N) in [-1, 1] and (n, 2)."""
    import torch

    loaded = load_network(run, run.snapshot(step))
    world, family = loaded.config.world, loaded.config.family.with_sampler(sampler, SAMPLERS[sampler]).build()
    labels = world.splits()["grid"](images, numpy_generator(loaded.config.seed, "reader labels", step))
    noise = torch_generator(loaded.config.seed, f"reader {sampler}", step)
    with torch.no_grad():
        drawn = family.sample(loaded.network, torch.from_numpy(labels), world.shape, noise)
    return drawn.numpy(), labels


def places_of(truth: str, labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return where the bumps of a truth are, (n, k, 2)."""
    n = len(labels)
    if truth == "none":
        return np.full((n, 1, 2), np.nan)
    if truth == "correct":
        return labels[:, None].astype(float)

    places = np.empty((n, 1 + (truth == "multiple"), 2))
    for row, label in enumerate(labels):
        while True:
            drawn = rng.uniform(0, size, size=places.shape[1:])
            apart = np.hypot(*(drawn[0] - drawn[-1])) >= APART_PX
            away = np.abs(drawn[0] - label).max() >= AWAY_PX
            if apart if truth == "multiple" else away:
                places[row] = drawn
                break
    return places


def planted(
    backgrounds: np.ndarray, shapes: np.ndarray, labels: np.ndarray, canvas: Pixels, rng: np.random.Generator
) -> Iterator[Planted]:
    """Yield the backgrounds (n, N, N) with each truth; `shapes` are amplitude and width in px, (n, 2)."""
    for truth in TRUTHS:
        places = places_of(truth, labels, canvas.size, rng)
        g = plant(backgrounds, places, shapes[:, 0], shapes[:, 1], canvas)
        yield Planted(truth, labels, 1 - 2 * g[:, None])


def answers(images: np.ndarray, labels: np.ndarray, reader: Reader, sigma_px: float) -> dict[str, np.ndarray]:
    """Return what either reader says of images (n, 1, N, N) of dark bumps, (n,) names of outcomes."""
    places, _ = read_objects(images[:, 0].astype(float), sigma_px)
    return {
        "outcome": reader.outcome(reader.read(images), labels),
        "object": outcomes(places, labels),
    }


class Rows:
    """Rows of a table, column by column."""

    def __init__(self) -> None:
        self.columns: dict[str, list[np.ndarray]] = {}

    def add(self, n: int, **columns: np.ndarray | str | float) -> None:
        """Add n rows; a single value is that of all."""
        for name, values in columns.items():
            self.columns.setdefault(name, []).append(np.broadcast_to(np.asarray(values), (n,)))

    def write(self, path: Path) -> None:
        """Write the table."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_parquet(path, {name: np.concatenate(parts) for name, parts in self.columns.items()})


def shapes_of(bump: str, n: int, fitted: np.ndarray, sigma_px: float, rng: np.random.Generator) -> np.ndarray:
    """Return amplitude and width in px of n bumps, (n, 2)."""
    if (usual := BUMPS[bump]) is not None:
        return np.tile([usual[0], usual[1] * sigma_px], (n, 1))
    amplitude, width = fitted.T
    bumps = fitted[(amplitude >= LEAST_STRONG) & (amplitude <= 2) & (width <= MOST_WIDE * sigma_px)]
    return bumps[rng.integers(len(bumps), size=n)] if len(bumps) else np.empty((0, 2))


def calibrate(
    images: np.ndarray,
    labels: np.ndarray,
    world: GaussianBump,
    rng: np.random.Generator,
    rows: Rows,
    **moment,
) -> None:
    """Add the answers on planted bumps to rows: of the residual backgrounds of images, their surrogates, those that nothing
    was removed from, and those from which a planted bump was removed again."""
    reader, canvas = world.reader(), Pixels(world.canvas, world.periodic, world.sigma_px)
    g, _ = in_contrasts(images[:, 0], world.polarity == "dark")
    residual, removed, fitted = remove_bumps(g, canvas)

    usual = shapes_of("as rendered", len(g), fitted, world.sigma_px, rng)
    elsewhere = places_of("misplaced", labels, canvas.size, rng)
    filled = plant(residual, elsewhere, usual[:, 0], usual[:, 1], canvas)
    kinds = {
        "residual": residual,
        "surrogate": surrogates(residual, rng),
        "refilled": remove_bumps(filled, canvas)[0],
    }

    for bump in BUMPS:
        shapes = shapes_of(bump, len(g), fitted, world.sigma_px, rng)
        if not len(shapes):
            continue
        draw = int(rng.integers(2**31))
        for kind, backgrounds in kinds.items():
            if kind == "refilled" and bump != "as rendered":
                continue
            # The same places in each kind, which are compared in pairs.
            for case in planted(backgrounds, shapes, labels, canvas, np.random.default_rng(draw)):
                for name, said in answers(case.images, case.labels, reader, world.sigma_px).items():
                    rows.add(
                        len(g),
                        **moment,
                        background=kind,
                        bump=bump,
                        truth=case.truth,
                        unit=np.arange(len(g)),
                        removed=removed,
                        reader=name,
                        answer=said,
                    )


def measure(run: Run, step: int) -> None:
    """Sample a snapshot of a run, plant, read, and write the records."""
    known, samples, kept = Rows(), Rows(), {}
    config = load_network(run, run.snapshot(step)).config
    world, folder = config.world, RESULTS / config.name
    if not isinstance(world, GaussianBump) or world.polarity != "dark":
        raise UserError(f"`RUN` (={run.path}, world {world.kind}) must be a run of dark bumps")

    for sampler in SAMPLERS:
        moment = {"step": step, "sampler": sampler}
        images, labels = sampled(run, step, sampler, IMAGES)
        kept |= {sampler: images.astype(np.float16), f"{sampler} labels": labels}
        rng = numpy_generator(config.seed, f"reader planted {sampler}", step)
        calibrate(images[::2], labels[::2], world, rng, known, **moment)

        counted = np.arange(IMAGES) % 2 == 1
        for name, answer in answers(images, labels, world.reader(), world.sigma_px).items():
            samples.add(IMAGES, **moment, unit=np.arange(IMAGES), counted=counted, reader=name, answer=answer)
        print(f"{run.path.name} {step} {sampler}", flush=True)

    np.savez_compressed(run.path / f"samples-{step}.npz", **kept)
    known.write(folder / f"{step:05}.parquet")
    samples.write(folder / f"{step:05}-samples.parquet")


def chosen_for_eye(run: Run) -> dict[str, np.ndarray]:
    """Return 200 of a run's kept samples, drawn at random over snapshots and samplers: `images` in gray values, `labels`,
    `step`, `sampler` and `unit` of each."""
    kept = {}
    for path in sorted(run.path.glob("samples-*.npz")):
        with np.load(path) as arrays:
            kept[int(path.stem.partition("-")[2])] = dict(arrays)
    moments = [(step, sampler) for step in sorted(kept) for sampler in SAMPLERS]
    rng = numpy_generator(run.config["seed"], "reader eye")
    drawn = rng.choice(len(moments) * IMAGES, size=EYE, replace=False)
    places = [(*moments[number // IMAGES], int(number % IMAGES)) for number in drawn]

    images = np.array([kept[step][sampler][unit, 0] for step, sampler, unit in places], dtype=float)
    step, sampler, unit = map(np.array, zip(*places, strict=True))
    return {
        "images": np.round(255 * (np.clip(images, -1, 1) + 1) / 2).astype(np.uint8),
        "labels": np.array([kept[step][f"{sampler} labels"][unit] for step, sampler, unit in places]),
        "step": step,
        "sampler": sampler,
        "unit": unit,
    }


def tiled(images: np.ndarray, labels: np.ndarray, columns: int, scale: int) -> np.ndarray:
    """Return images (n, N, N) as one, (H, W), with ticks at the left and at the top of each where its label is."""
    size = images.shape[1] * scale
    side = size + 2 * EDGE
    page = np.ones((-(-len(images) // columns) * side, columns * side))
    for number, (image, (x, y)) in enumerate(zip(images, labels, strict=True)):
        top, left = number // columns * side, number % columns * side
        tile = page[top : top + side, left : left + side]
        tile[EDGE : EDGE + size, EDGE : EDGE + size] = np.kron(image, np.ones((scale, scale)))
        # Pixel centres are 1, 2, ...; a label of 0 lies a pixel before the first.
        row, column = (EDGE + int(np.clip((at - 1) * scale, 0, size - scale)) for at in (y, x))
        tile[row : row + scale, : EDGE - 2] = 0
        tile[: EDGE - 2, column : column + scale] = 0
    return page


def main(arguments: list[str]) -> int:
    """Run the command."""
    from PIL import Image

    if arguments[:1] == ["--decided"]:
        run, out = open_run(arguments[1]), Path(arguments[2])
        eye = chosen_for_eye(run)
        np.savez_compressed(RESULTS / run.config["name"] / "eye.npz", allow_pickle=False, **eye)
        page = tiled(eye["images"] / 255, eye["labels"], columns=20, scale=3)
        Image.fromarray(np.round(255 * page).astype(np.uint8)).save(out)
        return 0
    run = open_run(arguments[0])
    for step in map(int, arguments[1:]):
        measure(run, step)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
