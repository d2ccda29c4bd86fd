"""What is read of the images of runs that are made up: counts, drawn from the shares that their courses say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from phasescope.measures.learning import phases
from phasescope.studies.core.courses import Learning, Run, Wanted, parts_of

WAYS = ("darkest", "matched")
"""by which a place is read of every image"""


def image_columns(
    runs: Sequence[Run], generator: np.random.Generator | None, wanted: Wanted
) -> dict[str, np.ndarray]:
    """What is read of painted images."""
    table: dict[str, np.ndarray] = {}
    formed = np.concatenate([run.learning.formed(run.plan.steps) for run in runs])
    for split in dict.fromkeys(name for run in runs for name in run.plan.splits):
        shares, sizes, unformed = [], [], []
        outcomes = dict(next(run.plan.outcomes for run in runs if split in run.plan.splits))
        for run in runs:
            plan, learning = run.plan, run.learning
            shares.append(learning.shares(split == next(iter(plan.splits)), plan.steps))
            sizes.append(np.full(len(plan.steps), plan.splits.get(split, 0)))
            unformed.append(np.tile(_unformed(learning, outcomes), (len(plan.steps), 1)))
        x, y, both, *seen = (np.concatenate(parts) for parts in zip(*shares, strict=True))
        n = np.concatenate(sizes)
        of = np.where(n > 0, n, np.nan).astype(float)
        good = _binomial(n, formed, generator)
        right = _fourfold(good, x, y, both, generator)
        table |= _outcomes(split, outcomes, n, good, right[0], np.concatenate(unformed), generator)
        table[f"error_px.{split}"] = 8 * (1 - right[0] / of)
        table |= _accuracy(split, "", "formed", right, of, wanted)
        if wanted(f"accuracy_half.{split}"):  # who is right is so to the point
            table |= _accuracy(split, "_half", "half", right, of, lambda _: False)
        for way in WAYS:
            if wanted(f"accuracy_{way}.{split}") or wanted(f"together.{way}.{split}"):
                counts = _fourfold(n, seen[0], seen[1], seen[2], generator)
                table |= _accuracy(split, f"_{way}", way, counts, of, wanted)
    if wanted("phase.behaviour"):
        table["phase.behaviour"] = np.array(
            [
                phase
                for run, part in zip(runs, parts_of(runs), strict=True)
                for phase in _behaviour(next(iter(run.plan.splits)), run.plan.outcomes, table, part)
            ],
            dtype=object,
        )
    return {name: column for name, column in table.items() if wanted(name)}


def _unformed(learning: Learning, outcomes: Mapping[str, str]) -> np.ndarray:
    """Shares of the outcomes of phase A among images that are not formed."""
    names = [name for name, phase in outcomes.items() if phase == "A"]
    given = learning.unformed or dict.fromkeys(names, 1 / len(names))
    return np.array([given.get(name, 0.0) for name in names])


def _outcomes(
    split: str,
    outcomes: Mapping[str, str],
    n: np.ndarray,
    formed: np.ndarray,
    right: np.ndarray,
    unformed: np.ndarray,
    generator: np.random.Generator | None,
) -> dict[str, np.ndarray]:
    """Shares of outcomes, those of a phase but A alike among themselves."""
    by_phase = {
        letter: [name for name, phase in outcomes.items() if phase == letter] for letter in phases.LETTERS
    }
    counts: dict[str, np.ndarray] = {}
    left, share = n - formed, np.ones(len(n))
    for name, p in zip(by_phase["A"], unformed.T, strict=True):
        counts[name] = _binomial(left, _over(p, share), generator)
        left, share = left - counts[name], share - p
    for letter, count in (("B", formed - right), ("C", right)):
        counts |= {name: count / len(by_phase[letter]) for name in by_phase[letter]}
    of = np.where(n > 0, n, np.nan).astype(float)
    told = {f"outcomes.{split}.{name}": count / of for name, count in counts.items()}
    return {f"outcomes.{split}.n": np.where(n > 0, n, np.nan)} | told


def _accuracy(
    split: str, end: str, way: str, right: tuple[np.ndarray, ...], of: np.ndarray, wanted: Wanted
) -> dict[str, np.ndarray]:
    """Accuracy of each axis and of both, and how the two go together, from counts right in both, in x only, in y only."""
    both, x, y = right[0] / of, (right[0] + right[1]) / of, (right[0] + right[2]) / of
    table = {f"accuracy{end}.{split}.{name}": one for name, one in (("x", x), ("y", y), ("joint", both))}
    at = f"together.{way}.{split}.x,y"
    if wanted(at):
        excess, spread = both - x * y, np.sqrt(np.maximum(x * (1 - x) * y * (1 - y), 0))
        phi = np.where(spread > 1e-9, excess / np.where(spread > 1e-9, spread, 1), np.nan)
        table |= {
            f"{at}.excess.value": excess,
            f"{at}.phi.value": phi,
            f"{at}.excess.n": of,
            f"{at}.phi.n": of,
        }
    return table


def _fourfold(
    n: np.ndarray, x: np.ndarray, y: np.ndarray, both: np.ndarray, generator: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of n images the counts right in both, in x only, in y only."""
    n_both = _binomial(n, both, generator)
    n_x = _binomial(n - n_both, _over(x - both, 1 - both), generator)
    n_y = _binomial(n - n_both - n_x, _over(y - both, 1 - x), generator)
    return n_both, n_x, n_y


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.clip(part / np.where(whole > 1e-12, whole, 1), 0, 1)


def _binomial(n: np.ndarray, p: np.ndarray, generator: np.random.Generator | None) -> np.ndarray:
    p = np.clip(p, 0, 1)
    return n * p if generator is None else generator.binomial(n, p)


def _behaviour(
    split: str, outcomes: Mapping[str, str], table: Mapping[str, np.ndarray], rows: slice
) -> Iterator[str]:
    columns = [table[f"outcomes.{split}.{name}"][rows].tolist() for name in outcomes]
    n = int(table[f"outcomes.{split}.n"][rows][0])
    for shares in zip(*columns, strict=True):
        yield _phase(shares, n, tuple(outcomes.items()))


@lru_cache(maxsize=2**16)
def _phase(shares: tuple[float, ...], n: int, outcomes: tuple[tuple[str, str], ...]) -> str:
    names = [name for name, _ in outcomes]
    return phases.behaviour_phase(dict(zip(names, shares, strict=True)), n, dict(outcomes))
