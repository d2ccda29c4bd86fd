"""What a generated image holds, apart from how noisy it is.

A network without a skip from input to output errs first in overall brightness: many of its early samples are a whole bump on
a grey or noisy background. The usual reader calls them malformed. Here the background's level and its noise are outcomes of
their own (`noisy`), and the object is read in spite of them: the image is correlated with the bump's shape (of zero mean, so
that the level drops out), and a place counts as a bump if it answers with at least half the contrast of a true bump and with
five standard deviations of the answer's own noise.
"""

import numpy as np

from phasescope.measures import behaviour_phase
from phasescope.studies import Runs, config_of, load_network, reads, torch_generator

CONTRAST = 2.0  # images are in [-1, 1]: white 1, the bump's centre -1
SIGNIFICANT = 5.0  # standard deviations: of 1,024 places of pure noise, none in 99.9 % of images
NOISE, LEVEL = 0.1, 0.25  # a background that is noisier, or farther from white, is `noisy`
BEGUN = 0.1  # share of correct samples from which they are becoming correct
OBJECTS = ("none", "multiple", "misplaced", "correct")
PHASE_OF = dict(zip(OBJECTS, "AABC", strict=True))


def template(sigma_px: float) -> np.ndarray:
    """Return the bump's shape on (2 r + 1) x (2 r + 1) pixels, of zero mean."""
    r = int(np.ceil(4 * sigma_px))
    y, x = np.mgrid[-r : r + 1, -r : r + 1]
    shape = np.exp(-(x**2 + y**2) / (2 * sigma_px**2))
    return shape - shape.mean()


def robust_sd(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return 1.4826 times the median absolute deviation, the standard deviation of a Gaussian in spite of outliers."""
    middle = np.median(values, axis=axis, keepdims=True)
    return 1.4826 * np.median(np.abs(values - middle), axis=axis)


def read_objects(images: np.ndarray, sigma_px: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the places of the bumps in each image (k, 2), and whether it is noisy, (n,).

    A place is x, y in px; pixel centres lie at 1, 2, ...

    Args:
        images: (n, N, N), in [-1, 1].
    """
    from scipy.ndimage import correlate, maximum_filter

    shape = template(sigma_px)
    apart = 2 * int(np.ceil(1.5 * sigma_px)) + 1
    places = []
    for image in images:
        answer = -correlate(image, shape, mode="nearest") / (shape**2).sum()
        enough = max(CONTRAST / 2, SIGNIFICANT * robust_sd(answer.ravel()))
        rows, columns = np.nonzero((answer == maximum_filter(answer, apart)) & (answer >= enough))
        places.append(np.stack([columns + 1.0, rows + 1.0], axis=1))
    flat = images.reshape(len(images), -1)
    noisy = (robust_sd(flat) > NOISE) | (np.abs(np.median(flat, axis=1) - 1) > LEVEL)
    return places, noisy


def outcomes(places: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Return the object of each image, (n,) of `OBJECTS`.

    Correct is within 1.5 px in x and y: the tolerance of 1 px, and half a pixel of rounding.
    """
    objects = []
    for bumps, label in zip(places, labels, strict=True):
        if len(bumps) != 1:
            objects.append("multiple" if len(bumps) else "none")
        else:
            objects.append("correct" if np.abs(bumps[0] - label).max() <= 1.5 else "misplaced")
    return np.array(objects)


def read_object(run) -> list[dict]:
    """Return the shares of the objects and of noisy samples, and the phase of the objects, at every snapshot of a run."""
    sigma_px, rows = config_of(run).world.sigma_px, []
    for snapshot in run.snapshots:
        stored = snapshot.samples()
        grid = stored["split"] == "grid"
        row = shares(stored["images"][grid, 0], stored["labels"][grid], sigma_px)
        rows.append({"step": snapshot.step, **row})
    return rows


def shares(images: np.ndarray, labels: np.ndarray, sigma_px: float) -> dict[str, float | str]:
    """Return the share of each object, that of noisy images, and the phase that the objects show."""
    places, noisy = read_objects(images.astype(float), sigma_px)
    objects = outcomes(places, labels)
    of_objects = {name: float(np.mean(objects == name)) for name in OBJECTS}
    phase = behaviour_phase(of_objects, len(labels), PHASE_OF)
    return {**of_objects, "noisy": float(noisy.mean()), "phase": phase}


def ancestral_shares(run, snapshot, samples: int, levels: int) -> dict[str, float | str]:
    """Return `shares` of ancestral samples of a snapshot's weights, in as many denoising steps as `levels`."""
    import torch

    loaded = load_network(run, snapshot)
    world, family = loaded.config.world, loaded.config.family.with_sampler("ddpm", levels).build()
    labels = world.splits()["grid"](samples, np.random.default_rng(0))
    asked = torch.from_numpy(labels), world.shape, torch_generator(0, "ancestral")
    with torch.no_grad():
        images = family.sample(loaded.network, *asked)
    return shares(images.numpy()[:, 0], labels, world.sigma_px)


@reads("{column}", "{correct}")
def when_begun(runs: Runs, column: str, correct: str) -> np.ndarray:
    """Return a reading when a tenth of the samples is correct, (n,); NaN if never."""
    starts = []
    for values, share in zip(runs.courses(column), runs.courses(correct), strict=True):
        begun = np.flatnonzero(share > BEGUN)
        starts.append(values[begun[0]] if len(begun) else np.nan)
    return np.array(starts)


def gain_since_begun(runs: Runs, column: str, correct: str) -> np.ndarray:
    """Return a reading at the end minus that when a tenth of the samples is correct, (n,); NaN if never."""
    ends = np.array([values[-1] for values in runs.courses(column)])
    return ends - when_begun(runs, column, correct)
