"""Activations, P1's own reading and the condition's advantage, from stored weights; and their numbers of every run.

Every run is read at labels and under noise of its own. At each site (a layer and a noise level t):

    label_variance, draws, dimension, order    the sheet's readings, and `phase` by its rule (docs/measures/sheet.md)
    umap_r2, umap_low, umap_high               P1's reading: UMAP to 3D and a linear regression, ten seeds: mean, ends
    umap_label_variance                        variance that the label explains in a joint UMAP of two noise draws
    p1_phase                                   P1's letters by these: no manifold (A), unordered (B), ordered (C)

P1 judged by eye whether there is a manifold. Here there is one if the label explains most of the variance in the embedding
(UMAP averages noise out: a sheet that explains half of the variance of single activations explains .98 of the embedding's),
and if the label means have as few dimensions as the sheet's rule allows. Thresholds are midpoints between simulated clouds
with and without the property (tests/studies/test_entry.py).
"""

from __future__ import annotations

from collections import Counter
from functools import partial

import numpy as np
import pandas as pd

from phasescope.measures import label_variance, p1_r2, participation_ratio, sheet_phase
from phasescope.measures import sheet_readings as of_sheet
from phasescope.studies import Number, Runs, config_of, load_network, numpy_generator, reads, torch_generator
from studies.entry.condition import Meter

LAYERS, TIMES = ("down3", "mid"), (50, 600)
SITES = tuple((layer, t) for layer in LAYERS for t in TIMES)
LABELS, DRAWS, BATCH = 256, 2, 64
SEEDS, JOINT_SEEDS = tuple(range(10)), (0, 1, 2)

MANIFOLD = 0.5
"""share of the joint embedding's variance: between .03 (noise) and .98 (a sheet with half of the variance)"""
DIMENSIONS = 25.0
"""participation ratio of the label means, as the sheet's rule has it"""
ORDERED = 0.6
"""R^2 of P1's reading: between .20 (permuted in 4 x 4 patches) and .94"""

LETTERS = ("A", "B", "C")
CORRECT = "outcomes.grid.correct"
USE = "condition.deciding.use"
FORECAST_UNTIL = 0.5
"""of the steps to accuracy: until then a forecast of it is judged"""


def activations(loaded, labels: np.ndarray, seed: int) -> dict[tuple[str, int], np.ndarray]:
    """Return the activations at every site, (draws, n, features), under noise from `seed`."""
    import torch

    network, family = loaded.network, loaded.config.family.build()
    precision = next(network.parameters()).dtype
    given = torch.from_numpy(labels)
    images = loaded.config.world.render(given)
    parts: dict[str, list[np.ndarray]] = {layer: [] for layer in LAYERS}

    def keep(layer: str, _module, _inputs, output) -> None:
        parts[layer].append(output.flatten(1).double().numpy())

    hooks = [network.get_layer(layer).register_forward_hook(partial(keep, layer)) for layer in LAYERS]
    found = {}
    with torch.no_grad():
        for t in TIMES:
            for draw in range(DRAWS):
                noise = torch.randn(images.shape, generator=torch_generator(seed, f"entry noise {t}", draw))
                noised = family.noisy(images, torch.full((len(given),), t), noise.to(images.dtype))
                batches = zip(
                    noised.to(precision).split(BATCH), given.to(precision).split(BATCH), strict=True
                )
                for x_t, some in batches:
                    network(x_t, torch.full((len(some),), t), some)

            for layer in LAYERS:
                found[layer, t] = np.concatenate(parts[layer]).reshape(DRAWS, len(labels), -1)
                parts[layer].clear()

    for hook in hooks:
        hook.remove()
    return found


def site_readings(draws: np.ndarray, labels: np.ndarray) -> dict[str, float | str]:
    """Return the readings of one site, by name, from activations (draws, n, features) of labels (n, 2)."""
    sheet = of_sheet(draws, labels)
    by_label, dimension = label_variance(draws), participation_ratio(draws.mean(axis=0))
    phase = sheet_phase(by_label, dimension, sheet["sheet_trustworthiness"], sheet["label_trustworthiness"])

    r2, _ = p1_r2(draws[0], labels, seeds=SEEDS, permutations=1, resamples=20)
    low, high = r2.detail["lowest_seed"], r2.detail["highest_seed"]
    in_embedding = joint_label_variance(draws)
    return {
        "label_variance": by_label.value,
        "draws": sheet["sheet_trustworthiness"].value,
        "dimension": dimension.value,
        "order": sheet["label_trustworthiness"].value,
        "phase": phase,
        "umap_r2": r2.value,
        "umap_low": low,
        "umap_high": high,
        "umap_label_variance": in_embedding,
        "p1_phase": p1_phase(in_embedding, dimension.value, low, high),
    }


def joint_label_variance(draws: np.ndarray) -> float:
    """Return the variance that the label explains in UMAP's embedding of all draws together, mean over its seeds."""
    count, n, features = draws.shape
    together = draws.reshape(count * n, features)
    index = np.repeat(np.arange(float(n))[None], count, axis=0).reshape(-1, 1)  # UMAP does not see it
    shares = []
    for seed in JOINT_SEEDS:
        _, embedding = p1_r2(together, index, seeds=(seed,), permutations=1, resamples=20)
        apart = embedding.reshape(count, n, -1).astype(float)
        shares.append(label_variance(apart, permutations=1, resamples=20).value)
    return float(np.mean(shares))


def p1_phase(in_embedding: float, dimension: float, low: float, high: float) -> str:
    """Return P1's letter; `undecided` if seeds of UMAP disagree about order.

    Args:
        in_embedding: variance that the label explains in the joint embedding.
        dimension: participation ratio of the label means.
        low, high: lowest and highest R^2 over UMAP's seeds.
    """
    if in_embedding < MANIFOLD or dimension > DIMENSIONS:
        return "A"
    if low >= ORDERED:
        return "C"
    return "B" if high < ORDERED else "undecided"


def read_sites(run) -> list[dict]:
    """Return the readings of every site at every snapshot of a run, at labels of its own."""
    config = config_of(run)
    labels = config.world.splits()["grid"](LABELS, numpy_generator(config.seed, "entry labels"))
    rows = []
    for snapshot in run.snapshots:
        row: dict[str, float | str] = {"step": snapshot.step}
        for (layer, t), draws in activations(load_network(run, snapshot), labels, config.seed).items():
            row |= {f"{layer}.{t}.{name}": value for name, value in site_readings(draws, labels).items()}
        rows.append(row)
    return rows


def read_condition(run) -> list[dict]:
    """Return the condition's advantage, its error and its use by band of log SNR, and those of the deciding band, at every
    snapshot of a run, at pairs of its own that are not trained on."""
    config = config_of(run)
    meter = Meter.from_config(config)
    rows = []
    for snapshot in run.snapshots:
        network = load_network(run, snapshot).network
        bands = meter.read(network)
        row = {"step": snapshot.step}
        for number, band in enumerate(bands):
            row |= {f"band{number}.{name}": value for name, value in vars(band).items()}
        row |= {f"deciding.{name}": value for name, value in vars(bands[meter.deciding]).items()}
        rows.append(row)
    return rows


def read_halves(run) -> list[dict]:
    """Return the share of misplaced bumps in either half of the stored samples at every snapshot of a run."""
    config = config_of(run)
    reader = config.world.reader()

    rows = []
    for snapshot in run.snapshots:
        stored = snapshot.samples()
        grid = stored["split"] == "grid"
        outcomes = reader.outcome(reader.read(stored["images"][grid]), stored["labels"][grid])
        misplaced = outcomes == "misplaced"

        rows.append(
            {
                "step": snapshot.step,
                "first": float(misplaced[::2].mean()),
                "second": float(misplaced[1::2].mean()),
            }
        )
    return rows


@reads(CORRECT)
def steps_to_accuracy(runs: Runs) -> np.ndarray:
    """Return the first step from which half of the samples are correct for good, (n,); the run's end if never."""
    table = runs.onsets([share > 0.5 for share in runs.courses(CORRECT)])
    return np.where(table["came"], table["y"], table["last"]).astype(float)


@reads("{phase}", CORRECT)
def stage(runs: Runs, phase: str, letter: str = "B") -> np.ndarray:
    """Return the share of the steps to accuracy during which a column of phases has a letter, (n,).

    A snapshot's letter counts until the next snapshot; one that is undecided counts as another letter.
    """
    shares = []
    for letters, steps, end in zip(
        runs.texts(phase), runs.courses("step"), steps_to_accuracy(runs), strict=True
    ):
        until = np.minimum(np.append(steps[1:], steps[-1]), end)
        length = np.clip(until - steps, 0, None)
        shares.append(length[np.array(letters) == letter].sum() / end)
    return np.array(shares)


def stage_length(phase: str, letter: str = "B") -> Number:
    """Number: `stage`."""
    return partial(stage, phase=phase, letter=letter)


def has_stage(phase: str, letter: str = "B") -> Number:
    """Number: whether a column of phases has a letter at two successive snapshots up to accuracy."""
    return partial(_has_stage, phase=phase, letter=letter)


@reads("{phase}", CORRECT)
def _has_stage(runs: Runs, phase: str, letter: str) -> np.ndarray:
    seen = []
    for letters, steps, end in zip(
        runs.texts(phase), runs.courses("step"), steps_to_accuracy(runs), strict=True
    ):
        is_letter = (np.array(letters) == letter) & (steps <= end)
        seen.append(bool((is_letter[1:] & is_letter[:-1]).any()))
    return np.array(seen, dtype=float)


@reads("halves.first", "halves.second")
def peak_misplaced(runs: Runs) -> np.ndarray:
    """Return the peak share of misplaced bumps, (n,): the snapshot chosen on one half of the samples, the share read on the
    other, and the mean of both ways."""
    peaks = []
    for first, second in zip(runs.courses("halves.first"), runs.courses("halves.second"), strict=True):
        peaks.append((second[np.argmax(first)] + first[np.argmax(second)]) / 2)
    return np.array(peaks)


@reads("{order}", CORRECT)
def order_and_accuracy(runs: Runs, order: str, level: float) -> pd.DataFrame:
    """Return when half of the samples are correct for good (`y`), and when `order` is above a level for good (`y_second`),
    with their censoring. Order that is there before training counts as of the first snapshot after it."""
    accurate = runs.onsets([share > 0.5 for share in runs.courses(CORRECT)])
    ordered = runs.onsets([values > level for values in runs.courses(order)])
    first = np.array([steps[1] for steps in runs.courses("step")])
    ordered["y"] = np.maximum(ordered["y"], first)  # NaN stays
    second = ordered[["y", "without", "last", "came"]].add_suffix("_second")
    return pd.concat([accurate, second], axis=1)


@reads("{samples}", "{sheet}")
def agreement(runs: Runs, samples: str, sheet: str) -> np.ndarray:
    """Return Cohen's kappa of a run's two columns of phases, beyond the better of two foils, (n,).

    The foils of a run's activations are the clock (at each snapshot the most frequent phase of the other runs' samples) and
    the activations of the next run. Runs are of one cell. NaN if either side shows one phase alone.
    """
    of_samples, of_sheet_ = runs.texts(samples), runs.texts(sheet)
    beyond = []
    for number, own in enumerate(of_samples):
        others = [letters for other, letters in enumerate(of_samples) if other != number]
        clock = [most_frequent(letters) for letters in zip(*others, strict=True)]
        next_run = of_sheet_[(number + 1) % len(runs)]
        foils = [kappa(own, clock), kappa(own, next_run)]
        beyond.append(kappa(own, of_sheet_[number]) - np.fmax(*foils))
    return np.array(beyond)


def most_frequent(letters: tuple[str, ...]) -> str:
    """Return the most frequent of the decided letters, or `undecided`."""
    decided = Counter(letter for letter in letters if letter in LETTERS)
    return decided.most_common(1)[0][0] if decided else "undecided"


def kappa(first: list[str], second: list[str]) -> float:
    """Return Cohen's kappa where both sides are decided; NaN if either has one letter alone."""
    from sklearn.metrics import cohen_kappa_score

    decided = [(a, b) for a, b in zip(first, second, strict=True) if a in LETTERS and b in LETTERS]
    sides = [list(side) for side in zip(*decided, strict=True)]
    if any(len(set(side)) < 2 for side in sides) or not sides:
        return float("nan")
    return float(cohen_kappa_score(*sides, labels=LETTERS))


def forecast_errors(runs: Runs, column: str | None = None, of_next_run: bool = False) -> np.ndarray:
    """Return the error of a forecast of accuracy's onset from use of the condition, and from another column if given, (n,).

    A line in use, the column and the logarithm of the step is fitted to the logarithms of the onsets of other runs of the
    same cell, at all of their snapshots before these. A run's error is the mean absolute difference of the logarithms over
    its snapshots up to half of its onset; NaN where half of the samples are never correct.

    Args:
        column: what is known beside use and step, (T,) a run.
        of_next_run: whether every run is given the column of the next run, which says nothing of it: the foil that costs the
            line as many coefficients.
    """
    onsets = np.log(runs.onsets([share > 0.5 for share in runs.courses(CORRECT)])["y"].to_numpy(dtype=float))
    beside = None if column is None else runs.courses(column)
    regressors = []
    for number, (steps, use) in enumerate(zip(runs.courses("step"), runs.courses(USE), strict=True)):
        known = [np.ones(len(steps) - 1), np.log(steps[1:]), use[1:]]
        if beside is not None:
            known.append(beside[(number + of_next_run) % len(runs)][1:])
        regressors.append(np.stack(known, axis=1))

    errors = []
    for own, onset in enumerate(onsets):
        others = [number for number in range(len(runs)) if number != own and np.isfinite(onsets[number])]
        if not np.isfinite(onset) or not others:
            errors.append(np.nan)
            continue
        before = [regressors[number][regressors[number][:, 1] < onsets[number]] for number in others]
        aims = np.concatenate(
            [np.full(len(rows), onsets[number]) for rows, number in zip(before, others, strict=True)]
        )
        weights = np.linalg.lstsq(np.concatenate(before), aims, rcond=None)[0]

        judged = regressors[own][regressors[own][:, 1] <= onset + np.log(FORECAST_UNTIL)]
        said = np.maximum(judged @ weights, judged[:, 1])  # it has not come yet
        errors.append(float(np.abs(said - onset).mean()))
    return np.array(errors)


@reads(CORRECT, USE)
def error_from_use(runs: Runs) -> np.ndarray:
    """Return `forecast_errors` from use and step alone, (n,)."""
    return forecast_errors(runs)


@reads("{column}", CORRECT, USE)
def error_beside_use(runs: Runs, column: str) -> np.ndarray:
    """Return `forecast_errors` from use, step and a column, (n,)."""
    return forecast_errors(runs, column)


@reads("{column}", CORRECT, USE)
def added_to_forecast(runs: Runs, column: str) -> np.ndarray:
    """Return the logarithm of `forecast_errors` with a column over those with the next run's, (n,): below 0 if it says
    something of the run that use and step do not."""
    return np.log(forecast_errors(runs, column) / forecast_errors(runs, column, of_next_run=True))


@reads("condition.deciding.advantage", "condition.deciding.se")
def advantage_onset(runs: Runs) -> np.ndarray:
    """Return the step from which the advantage in the deciding band is above three of its standard errors for good, (n,);
    NaN if never."""
    advantages = zip(
        runs.courses("condition.deciding.advantage"), runs.courses("condition.deciding.se"), strict=True
    )
    return runs.onsets([advantage > 3 * se for advantage, se in advantages])["y"].to_numpy(dtype=float)
