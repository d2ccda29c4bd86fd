"""How many phases does learning have? Hidden states of recorded counts against a clock and against a gradual change.

At each snapshot a run has counts of the outcomes of its samples. Three kinds of model predict those of runs
that they were not fitted to:

    states    one of K hidden states at each snapshot, any of which may follow any other (a hidden Markov model); each run
              changes them at times of its own
    clock     K states that begin at the same snapshot in every run
    gradual   shares that are a smooth function of time, for all runs alike or with a shift in time of each run's own

In all of them counts have the Dirichlet-multinomial distribution: those of a snapshot scatter by more than chance, with
one correlation rho of any two samples (Mosimann 1962), estimated from the second moments. All are fitted without gradients:
states by Baum & Welch (Rabiner 1989), the clock by dynamic programming over pooled counts, gradual shares by a Gaussian
kernel, shifts by expectation and maximisation with a smoothing step (Silverman et al. 1990).

Runs are the independent units: the score of a model is the log probability of a whole run that was left out, shifts and
states summed over, per snapshot. Without the gradual models every drift would show as many states as the data can tell
apart. A shifted jump is a state change at a run's own time, so the shifted kernel may not be narrower than `abrupt`: that
is what makes a change gradual.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from phasescope.measures.arguments import check_integer, real_array
from phasescope.measures.over_runs import Estimate, mean_over_runs

ABRUPT = 0.15
"""Standard deviation of the kernel in log steps: of a jump it makes a change whose middle 80 % take 1.5 times the steps."""
WIDTHS = (0.05, 0.1, 0.15, 0.25, 0.4, 0.7)
"""of the kernel, in units of the times"""
SHIFTS = np.linspace(-0.9, 0.9, 19)
"""that a run's own pace may have, in units of the times: from 0.4 to 2.5 times the steps, if times are log steps"""
ERRORS = 2.0
"""standard errors by which more states must predict better: with one, simulated studies now and then had a state too many"""
ITERATIONS = 40
FOLDS = 8
LEAST_RHO, MOST_RHO = 1e-4, 0.5
PSEUDO_COUNT = 0.5
"""added to each outcome of each state, so that a left-out run may hold what others do not"""
STICKY = 1.0
"""added to the count of each state's staying, and a fifth of it to that of each change"""


class Shares(NamedTuple):
    """Parameters of what is seen, for B fits."""

    mean: np.ndarray
    """(B, K, C): share of each outcome in each state, or at each time"""
    rho: np.ndarray
    """(B,): correlation of two samples of one snapshot"""


@dataclass(frozen=True)
class PhaseCount:
    """How many phases runs have, and how each model predicts runs that it was not fitted to."""

    number: int
    """of phases: of hidden states if they predict better than clock and gradual change, else 1"""
    states: int
    """the fewest hidden states that predict as well as any number, within two standard errors over runs"""
    advantage: Estimate
    """log probability per snapshot of these states, minus that of the best rival, over runs; in nats"""
    rival: str
    """the best of the clocks and gradual models, by its name in `scores`"""
    scores: Mapping[str, np.ndarray]
    """log probability per snapshot of each run that was left out, (R,), in nats, by model"""
    shares: np.ndarray
    """(states, C): share of each outcome in each state, in the order in which runs enter them; fitted to all runs"""
    rho: float
    """correlation of two samples of one snapshot within a state"""
    paths: np.ndarray
    """(R, T): the most probable state of each snapshot, from 0"""
    backward: float
    """share of the changes in `paths` that go to an earlier state"""


def count_phases(
    counts: ArrayLike,
    times: ArrayLike,
    most: int = 5,
    abrupt: float = ABRUPT,
) -> PhaseCount:
    """Count the phases of R runs by models that predict runs left out; see the module.

    Args:
        counts: (R, T, C), of C outcomes at T snapshots of each of R runs.
        times: (T,) of the snapshots, rising; the logarithm of the step, if a pace of a run's own shifts them. Leave the
            untrained network out: it is no phase of learning, and log 0 no time.
        most: hidden states to try.
        abrupt: width in units of the times from which a change counts as gradual.

    Raises:
        ValueError: fewer than four runs, two snapshots or two outcomes; counts that are negative, no integers or differ in
            their sum; times that do not rise; `most` below 1, or `abrupt` not above 0.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> starts = rng.integers(5, 15, 8)
        >>> shares = np.where(np.arange(20)[None] < starts[:, None], 0.1, 0.8)
        >>> correct = rng.binomial(64, shares)
        >>> count_phases(np.stack([64 - correct, correct], axis=2), np.log(np.arange(1, 21))).number
        2

    The trap: `number` is 1 if learning has a single phase, if it is gradual, and if its phases begin at the same snapshot
    in all runs, which a clock predicts as well. `states`, `rival` and `advantage` tell these apart.
    """
    check_integer("most", most, 1, "there is a state")
    counts, times = _checked(counts, times)
    if not abrupt > 0:
        raise ValueError(f"`abrupt` (={abrupt}) must be greater than 0: it is the width of a kernel")

    runs, snapshots, _ = counts.shape
    # (F + 1, R), whether each run is fitted in each fold; in the last one all are.
    folds = np.arange(runs)[None] % min(FOLDS, runs) != np.arange(min(FOLDS, runs))[:, None]
    weights = np.vstack([folds, np.ones(runs, dtype=bool)]).astype(float)
    left_out = np.arange(runs) % min(FOLDS, runs), np.arange(runs)

    scores, fits = {}, {}
    for number in range(1, most + 1):
        clock, begins = _clock(counts, weights, number)
        scores[f"clock of {number}"] = clock[left_out] / snapshots
        fits[number] = _hidden_states(counts, weights, begins)
        scores[f"{number} states"] = fits[number].log_probability[left_out] / snapshots
    for width in WIDTHS:
        scores[f"gradual, {width:g}"] = (
            _gradual(counts, times, weights, width, np.zeros(1))[left_out] / snapshots
        )
    for width in sorted({abrupt, *(width for width in WIDTHS if width > abrupt)}):
        own = _gradual(counts, times, weights, width, SHIFTS)
        scores[f"gradual at its own pace, {width:g}"] = own[left_out] / snapshots

    states = _fewest([scores[f"{number} states"] for number in range(1, most + 1)])
    rivals = [name for name in scores if not name.endswith("states")]
    rival = max(rivals, key=lambda name: float(scores[name].mean()))
    advantage = mean_over_runs(scores[f"{states} states"] - scores[rival])

    fit, paths = fits[states].shares, fits[states].paths
    order = np.argsort([_middle(times, paths == state) for state in range(states)])
    paths = np.argsort(order)[paths]

    changes = [(a, b) for path in paths for a, b in pairwise(path) if a != b]
    return PhaseCount(
        number=states if advantage.low > 0 else 1,
        states=states,
        advantage=advantage,
        rival=rival,
        scores=scores,
        shares=fit.mean[-1, order],
        rho=float(fit.rho[-1]),
        paths=paths,
        backward=float(np.mean([b < a for a, b in changes])) if changes else 0.0,
    )


def _middle(times: np.ndarray, occupied: np.ndarray) -> float:
    """Return the mean time of the snapshots (R, T) that are in a state; inf if none is."""
    return float(times[np.nonzero(occupied)[1]].mean()) if occupied.any() else float("inf")


def _checked(counts: ArrayLike, times: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return counts as integers and times as float64; ValueError as `count_phases` says."""
    counts, times = real_array("counts", counts), real_array("times", times)
    if counts.ndim != 3 or counts.shape[0] < 4 or min(counts.shape[1:]) < 2:
        raise ValueError(
            f"`counts` (shape {counts.shape}) must be (runs, snapshots, outcomes), with at least 4 runs and 2 of the others"
        )
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts == np.floor(counts)).all()):
        raise ValueError("`counts` must be integers from 0: they count samples")
    total = counts.sum(axis=2)
    if total.min() != total.max() or total.min() == 0:
        raise ValueError(
            f"`counts` (sums from {total.min():g} to {total.max():g}) must have one sum above 0: equally many samples each"
        )
    if times.shape != counts.shape[1:2]:
        raise ValueError(f"`times` (shape {times.shape}) must be one for each of {counts.shape[1]} snapshots")
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
        raise ValueError("`times` must be finite and rise from snapshot to snapshot")
    return counts.astype(int), times


def _fewest(scores: list[np.ndarray]) -> int:
    """Return the fewest states whose scores (R,) are within two standard errors of the best ones, over the same runs."""
    best = max(scores, key=lambda score: float(score.mean()))
    for number, score in enumerate(scores, 1):
        behind = best - score
        if behind.mean() <= ERRORS * behind.std(ddof=1) / np.sqrt(len(behind)):
            return number
    return len(scores)


def _log_probability(counts: np.ndarray, shares: Shares) -> np.ndarray:
    """Return log probabilities of counts (R, T, C) in each state, (B, K, R, T).

    A Dirichlet-multinomial probability is a ratio of rising factorials; their logarithms are looked up.
    """
    size = int(counts[0, 0].sum())
    precision = (1 - shares.rho) / shares.rho
    alpha = shares.mean * precision[:, None, None]
    up_to = np.arange(size)

    of_outcomes: np.ndarray | float = 0.0
    for c in range(counts.shape[2]):
        # No longer than this outcome needs: at one snapshot most outcomes are rare.
        logs = np.zeros((*alpha.shape[:2], counts[..., c].max() + 1))
        np.cumsum(np.log(alpha[:, :, c, None] + up_to[: logs.shape[2] - 1]), axis=-1, out=logs[..., 1:])
        of_outcomes = of_outcomes + logs[:, :, counts[..., c]]

    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size + 1)))])
    ways = factorials[size] - factorials[counts].sum(axis=2)
    return of_outcomes + ways - np.log(precision[:, None] + up_to).sum(axis=1)[:, None, None, None]


def _shares(pooled: np.ndarray) -> np.ndarray:
    """Return the share of each outcome, (..., C), in pooled counts; where there are none, all are equally likely."""
    return (pooled + PSEUDO_COUNT) / (pooled + PSEUDO_COUNT).sum(axis=-1, keepdims=True)


def _rho(counts: np.ndarray, mean: np.ndarray, occupied: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Return the correlation of two samples of a snapshot, (B,), from the second moments of counts around shares.

    Args:
        counts: (R, T, C).
        mean: shares (B, K, C) of states, or (B, K, T, C) if they change with time.
        occupied: (B, K, R, T), probability of each state at each snapshot; 0 for runs that are left out.
        fitted: (B,), number of runs.
    """
    # E sum_c (x_c / n - p_c)^2 = (1 - sum_c p_c^2) (1 + (n - 1) rho) / n
    size = counts[0, 0].sum()
    observed = counts / size
    cross = np.einsum("rtc,bkc->bkrt" if mean.ndim == 3 else "rtc,bktc->bkrt", observed, mean)
    squares = (mean**2).sum(axis=-1)[:, :, None]
    squares = squares[..., None] if mean.ndim == 3 else squares
    distance = (observed**2).sum(axis=2) - 2 * cross + squares

    excess = size * (occupied * distance).sum(axis=(1, 2, 3))
    chance = (occupied * (1 - squares)).sum(axis=(1, 2, 3))
    # Shares that are fitted to few runs lie too near to them.
    ratio = excess / chance * fitted / np.maximum(fitted - 1, 1)
    return np.clip((ratio - 1) / max(size - 1, 1), LEAST_RHO, MOST_RHO)


def _clock(counts: np.ndarray, weights: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return log probabilities of runs (B, R), and the state of each snapshot (B, T), of a clock that is fitted to the runs
    of `weights` (B, R)."""
    pooled = np.einsum("br,rtc->btc", weights, counts)
    fits, snapshots, _ = pooled.shape
    total = np.concatenate([np.zeros_like(pooled[:, :1]), pooled.cumsum(axis=1)], axis=1)

    # Log likelihood of the snapshots from i to j - 1 with one set of shares; the segments' best sum by dynamic programming.
    of_segment = total[:, None] - total[:, :, None]
    size = np.maximum(of_segment.sum(axis=-1, keepdims=True), 1)
    share = np.clip(of_segment / size, 1e-12, 1)
    value = np.where(
        np.triu(np.ones(size.shape[1:3]), 1) > 0, (of_segment * np.log(share)).sum(axis=-1), -np.inf
    )

    best, cuts = value[:, 0], []
    for _ in range(number - 1):
        through = best[:, :, None] + value
        cuts.append(through.argmax(axis=1))
        best = through.max(axis=1)

    state = np.zeros((fits, snapshots), dtype=int)
    end = np.full(fits, snapshots)
    for cut in reversed(cuts):
        end = cut[np.arange(fits), end]
        state += (np.arange(snapshots) >= end[:, None]).astype(int)

    indicator = (state[:, None] == np.arange(number)[None, :, None]).astype(float)
    occupied = indicator[:, :, None] * weights[:, None, :, None]
    mean = _shares(np.einsum("bkt,btc->bkc", indicator, pooled))
    shares = Shares(mean, _rho(counts, mean, occupied, weights.sum(axis=1)))
    logs = _log_probability(counts, shares)
    return np.einsum("bkrt,bkt->br", logs, indicator), state


class _States(NamedTuple):
    """Hidden states that were fitted to the runs of each fold."""

    log_probability: np.ndarray
    """(B, R)"""
    shares: Shares
    paths: np.ndarray
    """(R, T): the most probable state of each snapshot by the last fit, that to all runs"""


def _hidden_states(counts: np.ndarray, weights: np.ndarray, begins: np.ndarray) -> _States:
    """Return the better of two fits, which begin with the states of the clock `begins` (B, T), and with groups of similar
    snapshots."""
    number = int(begins.max()) + 1
    eye = np.eye(number)
    runs, snapshots, _ = counts.shape
    by_clock = np.broadcast_to(eye[begins][:, None], (len(weights), runs, snapshots, number))
    by_group = np.broadcast_to(eye[_groups(counts, number)][None], by_clock.shape)
    fits = [_baum_welch(counts, weights, np.moveaxis(start, 3, 1)) for start in (by_clock, by_group)]

    likelihoods = [(fit[0] * weights).sum(axis=1) for fit in fits]
    log_probability, mean, rho, occupied = _where(likelihoods[1] > likelihoods[0], fits[1], fits[0])
    return _States(log_probability, Shares(mean, rho), occupied[-1].argmax(axis=0))


def _groups(counts: np.ndarray, number: int) -> np.ndarray:
    """Return a group of similar shares for each snapshot, (R, T): k-means of their roots from the farthest points."""
    points = np.sqrt(counts / counts[0, 0].sum()).reshape(-1, counts.shape[2])
    centres = points[[0]]
    for _ in range(number - 1):
        nearest = ((points[:, None] - centres) ** 2).sum(axis=2).min(axis=1)
        centres = np.vstack([centres, points[nearest.argmax()]])

    for _ in range(20):
        group = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
        for k in np.unique(group):
            centres[k] = points[group == k].mean(axis=0)
    return group.reshape(counts.shape[:2])


def _baum_welch(
    counts: np.ndarray, weights: np.ndarray, occupied: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return log probabilities (B, R), shares (B, K, C), rho (B,) and states' probabilities (B, K, R, T).

    Args:
        occupied: the states' probabilities to begin with.
    """
    number = occupied.shape[1]
    first = np.full((len(weights), number), 1 / number)
    stay = np.full((len(weights), number, number), 0.1 / max(number - 1, 1))
    stay[:, np.arange(number), np.arange(number)] = 0.9 if number > 1 else 1.0

    best: list[np.ndarray] = []
    for _ in range(ITERATIONS):
        fitted = occupied * weights[:, None, :, None]
        mean = _shares(np.einsum("bkrt,rtc->bkc", fitted, counts))
        rho = _rho(counts, mean, fitted, weights.sum(axis=1))
        log_probability, occupied, changes = _forward_backward(
            _log_probability(counts, Shares(mean, rho)), first=first, stay=stay, weights=weights
        )

        # Moments do not maximise the likelihood, so that a later step can be worse: the best one is kept.
        fit = [log_probability, mean, rho, occupied]
        better = (fit[0] * weights).sum(axis=1) > (best[0] * weights).sum(axis=1) if best else None
        best = fit if better is None else _where(better, fit, best)

        first = (occupied[..., 0] * weights[:, None]).sum(axis=2) + STICKY / 5
        first /= first.sum(axis=1, keepdims=True)
        stay = changes + STICKY * (np.eye(number) * 0.8 + 0.2)
        stay /= stay.sum(axis=2, keepdims=True)
        if number == 1:
            break
    log_probability, mean, rho, occupied = best
    return log_probability, mean, rho, occupied


def _where(mask: np.ndarray, first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return arrays with the fits (B, ...) of `first` where `mask` (B,), else those of `second`."""
    return [np.where(mask.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in zip(first, second, strict=True)]


def _forward_backward(
    logs: np.ndarray, *, first: np.ndarray, stay: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log probabilities of runs (B, R), of states at each snapshot (B, K, R, T), and expected changes (B, K, K).

    Args:
        logs: (B, K, R, T), log probabilities of what is seen.
        first: (B, K), probability of each state at the first snapshot.
        stay: (B, K, K), of each state given the one before.
        weights: (B, R), of the runs in the changes.
    """
    largest = logs.max(axis=1, keepdims=True)
    seen = np.ascontiguousarray(np.exp(logs - largest).transpose(3, 0, 2, 1))  # (T, B, R, K)
    snapshots = len(seen)

    forward, scale = np.empty_like(seen), np.empty(seen.shape[:3])
    ahead = first[:, None] * seen[0]
    for t in range(snapshots):
        if t:
            ahead = (forward[t - 1] @ stay) * seen[t]
        scale[t] = ahead.sum(axis=2)
        forward[t] = ahead / scale[t][..., None]

    backward = np.ones_like(seen)
    back = np.swapaxes(stay, 1, 2)
    for t in range(snapshots - 1, 0, -1):
        backward[t - 1] = (backward[t] * seen[t] / scale[t][..., None]) @ back

    entered = seen[1:] * backward[1:] / scale[1:][..., None]
    changes = stay * np.einsum("tbri,tbrj,br->bij", forward[:-1], entered, weights, optimize=True)
    log_probability = np.log(scale).sum(axis=0) + largest[:, 0].sum(axis=2)
    return log_probability, np.moveaxis(forward * backward, (0, 3), (3, 1)), changes


def _gradual(
    counts: np.ndarray, times: np.ndarray, weights: np.ndarray, width: float, shifts: np.ndarray
) -> np.ndarray:
    """Return log probabilities of runs (B, R) under shares that change smoothly, with a shift of each run's own.

    Args:
        width: standard deviation of the Gaussian kernel.
        shifts: (G,) to choose from; a single 0 for none.
    """
    fits, (runs, snapshots, outcomes) = len(weights), counts.shape
    at = (times[None] + shifts[:, None]).ravel()  # (G T,)
    kernel = np.exp(-0.5 * ((at[:, None] - at) / width) ** 2)

    log_probability = np.zeros((fits, runs))
    chance = np.full((fits, len(shifts)), 1 / len(shifts))
    belief = np.exp(-0.5 * (shifts / 0.3) ** 2)
    belief = np.broadcast_to(belief / belief.sum(), (fits, runs, len(shifts)))
    for _ in range(1 if len(shifts) == 1 else ITERATIONS // 2):
        own = belief * weights[..., None]
        pooled = np.einsum("brg,rtc->bgtc", own, counts).reshape(fits, -1, outcomes)
        mean = _shares(kernel @ pooled).reshape(fits, len(shifts), snapshots, outcomes)
        occupied = np.repeat(own.transpose(0, 2, 1)[..., None], snapshots, axis=3)
        rho = _rho(counts, mean, occupied, weights.sum(axis=1))

        # (B, G, R): each run's probability at each shift.
        logs = _at_shifts(counts, mean, rho) + np.log(chance)[..., None]
        largest = logs.max(axis=1, keepdims=True)
        total = np.exp(logs - largest).sum(axis=1)
        belief = (np.exp(logs - largest) / total[:, None]).transpose(0, 2, 1)
        log_probability = np.log(total) + largest[:, 0]

        chance = (belief * weights[..., None]).sum(axis=1) + 0.1
        chance /= chance.sum(axis=1, keepdims=True)
    return log_probability


def _at_shifts(counts: np.ndarray, mean: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """Return log probabilities of runs (B, G, R) at each shift, from shares (B, G, T, C)."""
    parts = [
        _log_probability(counts[:, [t]], Shares(mean[:, :, t], rho))[..., 0] for t in range(counts.shape[1])
    ]
    return np.sum(parts, axis=0)
