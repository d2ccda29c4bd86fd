"""The two worlds of the trial, and how often simulated trials tell them: `python -m studies.trial.worlds`, a table."""

from __future__ import annotations

import numpy as np

from studies.trial.readings import OTHER_MOST, P1_LEAST, ratio_of_sequences, ratio_of_worlds, simulated_peaks

TRIALS = 2_000
SPREADS = {0.11: "without", 0.05: "with"}
"""standard deviation of peaks over 16 runs each of `entry`, without and with a two-layer network on the encodings"""
TIMES_AS_LIKELY = 3


def peaks_tell(mean: float, runs: int, spread: float, seed: int = 5) -> tuple[float, float]:
    """Return the shares of simulated trials whose peaks are `TIMES_AS_LIKELY` times as likely in P1's world, and in the
    other."""
    rng = np.random.default_rng(seed)
    ratios = [ratio_of_worlds(simulated_peaks(runs, mean, spread, rng)) for _ in range(TRIALS)]
    return _told(np.array(ratios))


def sequences_tell(share: float, runs: int, seed: int = 5) -> tuple[float, float]:
    """Return the same of how many runs pass A, B and C, with probability `share` each."""
    passed = np.random.default_rng(seed).binomial(runs, share, TRIALS)
    return _told(np.array([ratio_of_sequences(int(count), runs) for count in passed]))


def bias(mean: float, spread: float, runs: int = 20_000) -> float:
    """Return by how much simulated peaks are too small on average."""
    return float(mean - simulated_peaks(runs, mean, spread, np.random.default_rng(7)).mean())


def _told(ratios: np.ndarray) -> tuple[float, float]:
    least = np.log10(TIMES_AS_LIKELY)
    return float((ratios >= least).mean()), float((ratios <= -least).mean())


def main() -> None:
    print(
        f"P1's world: {P1_LEAST} or more; the other: {OTHER_MOST} or less. Told: {TIMES_AS_LIKELY} times as likely."
    )
    print(
        "\n| peak share, true mean | spread of runs | runs | told to be P1's | told to be the other | too small by |"
    )
    print("|---|---|---|---|---|---|")
    for mean in (0.3, 0.4, 0.5, 0.6, 0.7, 0.85):
        for spread, entry in SPREADS.items():
            for runs in (8, 16):
                p1, other = peaks_tell(mean, runs, spread)
                low = f"{bias(mean, spread):.3f}"
                print(
                    f"| {mean} | {spread} ({entry} the two layers) | {runs} | {p1:.2f} | {other:.2f} | {low} |"
                )

    print("\n| runs that pass A, B, C, true share | runs | told to be P1's | told to be the other |")
    print("|---|---|---|---|")
    for share in (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9):
        for runs in (8, 16):
            p1, other = sequences_tell(share, runs)
            print(f"| {share} | {runs} | {p1:.2f} | {other:.2f} |")


if __name__ == "__main__":
    main()
