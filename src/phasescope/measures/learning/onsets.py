"""When something sets in during a run that is only looked at now and then: what is known of it is an interval.

Of a run's onset t, in images seen, snapshots tell that after < t <= by:

    came between two snapshots    after: the last snapshot without it, by: the first one with it    interval-censored
    known exactly                 after = by = t
    did not come                  after: the run's last snapshot, by: infinite                      right-censored

No onset is dropped for not having been seen: the runs that learn last would be the ones left out. Where one
number is wanted for an onset that came, it is `by`, the snapshot that first showed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num

Onsets = Sequence[int | float | None] | Num[np.ndarray, " _"]
"""In images seen; None or NaN where a run ended before its onset."""

LastSeen = Sequence[int | float] | Num[np.ndarray, " _"] | int | float
"""Images seen at a run's last snapshot; one number where all runs have the same."""

LastWithout = Onsets | None
"""Images seen at a run's last snapshot without the onset; not read where it did not come; None: onsets are exact."""


@dataclass(frozen=True)
class Observed:
    """Checked onsets of n runs: after < t <= by."""

    after: Float[np.ndarray, " n"]
    by: Float[np.ndarray, " n"]

    @property
    def came(self) -> Bool[np.ndarray, " n"]:
        return np.isfinite(self.by)

    @property
    def seen(self) -> Float[np.ndarray, " n"]:
        """When the onset was first seen; where it did not come, when the run ended."""
        return np.where(self.came, self.by, self.after)

    def in_order(self, early: bool = False) -> Ordered:
        """The onsets where they were seen; with `early`, each as early as it can have been.

        An onset at a run's end is before the end of others at the same time, as these were watched until then; one
        right after a snapshot is after the end of those whose last snapshot that was.
        """
        t = self.after if early else self.seen
        place = np.where(self.came, 2 * (early & (self.after < self.by)), 1)
        order = np.lexsort((place, t))
        return Ordered(t[order], self.came[order])


@dataclass(frozen=True)
class Ordered:
    """Onsets and ends of runs, one after the other."""

    t: Float[np.ndarray, " n"]
    came: Bool[np.ndarray, " n"]


def check_onsets(
    name: str,
    onsets: Onsets,
    last_seen: LastSeen,
    last_without: LastWithout = None,
    positive: bool = False,
) -> Observed:
    """What is known of each run's onset.

    Raises:
        ValueError: not one onset a run, no run; infinite or negative onsets, or, with `positive`, some at 0; a run's
            last snapshot not after 0, or before its onset; a last snapshot without the onset that is not before it.
    """
    t = np.asarray(onsets, dtype=float)
    if t.ndim != 1 or not len(t):
        raise ValueError(f"`{name}` (shape {t.shape}) must be (n,) with n of at least 1: one onset a run")
    last = np.asarray(last_seen, dtype=float)
    if last.shape not in ((), t.shape):
        raise ValueError(
            f"`last_seen` (shape {last.shape}) must be a number or as long as `{name}` ({len(t)})"
        )
    if not (np.isfinite(last) & (last > 0)).all():
        raise ValueError(f"`last_seen` (={last.tolist()}) must be greater than 0 images: a run was watched")
    came = ~np.isnan(t)
    wrong = came & ((t < 0) | ~np.isfinite(t) | (positive & (t == 0)))
    if wrong.any():
        rule = "greater than 0: a ratio is taken" if positive else "at least 0 images"
        raise ValueError(f"`{name}` (={t[wrong][0]:g}) must be finite and {rule}, NaN where censored")
    late = came & (np.where(came, t, 0) > last)
    if late.any():
        raise ValueError(f"`{name}` (={t[late][0]:g}) must not be after the run's `last_seen`")
    without = t if last_without is None else np.asarray(last_without, dtype=float)
    if without.shape != t.shape:
        raise ValueError(f"`last_without` (shape {without.shape}) must be as long as `{name}` ({len(t)})")
    unknown = came & ~(without >= 0)
    if unknown.any():
        raise ValueError(f"`last_without` (={without[unknown][0]:g}) must be at least 0 where the onset came")
    after_it = came & (np.where(came, without, 0) > np.where(came, t, 0))
    if after_it.any():
        raise ValueError(
            f"`last_without` (={without[after_it][0]:g}) must not be after its entry in `{name}` "
            f"(={t[after_it][0]:g})"
        )
    return Observed(after=np.where(came, without, last), by=np.where(came, t, np.inf))
