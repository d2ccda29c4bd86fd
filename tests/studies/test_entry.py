"""What the study `entry` reads, on clouds and networks whose answer is known."""

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.clouds import cloud
from phasescope.runs.config import load_config
from phasescope.studies import Cell, Runs
from studies.designs import sites, stages
from studies.entry import readings
from studies.entry.condition import Meter, posterior_mean

LENGTH = 0.5  # of the surface's bends, in sides of the square


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "share", "letter"),
    [
        ("noise", 0.0, "A"),
        ("scattered", 0.98, "A"),
        ("patches", 0.5, "B"),
        ("patches", 0.95, "B"),
        ("permuted", 0.95, "B"),
        ("ordered", 0.5, "C"),
        ("ordered", 0.95, "C"),
    ],
)
def test_p1s_letters_of_clouds_whose_answer_is_known(kind, share, letter):
    labels, draws = cloud(kind, 256, 128, share, np.random.default_rng(3), LENGTH)
    assert sites.site_readings(draws, labels)["p1_phase"] == letter


def test_seeds_that_disagree_about_order_leave_the_letter_undecided():
    assert sites.p1_phase(0.99, 4.0, low=0.5, high=0.7) == "undecided"
    assert sites.p1_phase(0.99, 4.0, low=0.61, high=0.7) == "C"
    assert sites.p1_phase(0.4, 4.0, low=0.61, high=0.7) == "A"
    assert sites.p1_phase(0.99, 26.0, low=0.61, high=0.7) == "A"


@pytest.fixture(scope="module")
def meter():
    return Meter.from_config(load_config(None, ["preset=lean", "seed=5"]))


@pytest.fixture(scope="module")
def answers():
    """The exact denoiser, and the one that does not see the label; both predict the noise."""
    config = load_config(None, ["preset=lean"])
    world, schedule = config.world, config.family.build().schedule
    training = world.render(torch.from_numpy(world.training_labels())).flatten(1)

    def scales(t):
        return (scale[t].float().view(-1, 1, 1, 1) for scale in (schedule.alpha, schedule.sigma))

    def exact(x_t, t, labels):
        alpha, sigma = scales(t)
        return (x_t - alpha * world.render(labels)) / sigma

    def blind(x_t, t, _labels):
        alpha, sigma = scales(t)
        return (x_t - alpha * posterior_mean(x_t, training, alpha, sigma)) / sigma

    return exact, blind


def test_a_network_that_ignores_its_label_has_advantage_0_in_each_draw(meter, answers):
    _, blind = answers
    for band in meter.read(blind):
        assert (band.advantage, band.se, band.use) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_use_is_the_share_of_the_exact_contrast(meter, answers, share):
    exact, blind = answers
    bands = meter.read(lambda *given: share * exact(*given) + (1 - share) * blind(*given))
    np.testing.assert_allclose([band.use for band in bands], share, atol=1e-3)
    assert all(band.advantage > 3 * band.se for band in bands)


def test_the_deciding_band_is_where_the_image_does_not_tell_the_place(meter):
    removable = [draws.removable for draws in meter.bands]
    assert removable[meter.deciding] == max(removable)
    assert removable[0] < 0.1 * max(removable)  # noise alone: the mean image is as good
    assert removable[-1] < 0.1 * max(removable)  # hardly any noise: the image shows its place


def test_no_draw_is_given_its_own_label_as_the_other(meter):
    assert all((draws.own != draws.other).any(dim=1).all() for draws in meter.bands)


def records(letters: str, correct: list[float], steps: list[int]) -> Runs:
    frame = pd.DataFrame(
        {
            "cell": "a",
            "seed": 0,
            "step": steps,
            "sheet": [{"u": "undecided"}.get(letter, letter) for letter in letters],
            stages.CORRECT: correct,
        }
    )
    return Runs(frame, (Cell("a", {}),))


def test_a_stage_counts_until_accuracy_as_a_share_of_the_steps():
    runs = records("AABBCB", [0, 0, 0, 0, 0.9, 0.9], [0, 100, 200, 300, 400, 500])
    assert stages.stage(runs, "sheet").tolist() == [0.5]  # from 200 to 400, of 400
    assert stages.has_stage("sheet")(runs).tolist() == [1.0]
    once = records("AABuCB", [0, 0, 0, 0, 0.9, 0.9], [0, 100, 200, 300, 400, 500])
    assert stages.has_stage("sheet")(once).tolist() == [0.0]
    assert stages.stage(once, "sheet").tolist() == [0.25]


def test_the_peak_is_cross_fitted():
    """Of shares that are all one half, the highest is well above it; a share of the other half of the samples is not."""
    rng = np.random.default_rng(0)
    runs, snapshots, half = 200, 60, 64
    frame = pd.DataFrame(
        {
            "cell": "a",
            "seed": np.repeat(np.arange(runs), snapshots),
            "step": np.tile(np.arange(snapshots), runs),
            **{
                f"halves.{name}": rng.binomial(half, 0.5, runs * snapshots) / half
                for name in ("first", "second")
            },
        }
    )
    table = Runs(frame, (Cell("a", {}),))
    assert readings.peak_misplaced(table).mean() == pytest.approx(0.5, abs=0.01)
    assert np.mean([course.max() for course in table.courses("halves.first")]) > 0.6


def test_agreement_is_beyond_the_clock_and_beyond_another_run():
    def of_runs(onsets: list[int], seen: list[int]) -> Runs:
        frame = pd.DataFrame(
            [
                {
                    "cell": "a",
                    "seed": seed,
                    "step": step,
                    "samples": "C" if step >= onset else "A",
                    "sheet": "C" if step >= at else "A",
                }
                for seed, (onset, at) in enumerate(zip(onsets, seen, strict=True))
                for step in range(20)
            ]
        )
        return Runs(frame, (Cell("a", {}),))

    onsets = [3, 16, 6, 13]
    follows = stages.agreement(of_runs(onsets, onsets), "samples", "sheet")
    clock = stages.agreement(of_runs(onsets, [10] * 4), "samples", "sheet")
    assert follows.min() > 0.2
    assert clock.max() <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("tells", "low", "high"), [(True, -3.0, -0.5), (False, -0.1, 0.1)])
def test_what_a_reading_adds_to_a_forecast_is_told_from_a_foil(tells, low, high):
    """200 cells of eight runs whose onsets differ. Use is the step over the onset, with errors; order tells the onset, or is
    noise."""
    rng = np.random.default_rng(4)
    added = []
    for _ in range(200):
        rows = []
        for seed, onset in enumerate(1_000 * np.exp(0.3 * rng.standard_normal(8))):
            for step in range(0, 3_001, 100):
                use = step / onset + 0.5 * rng.standard_normal()
                order = (np.log(onset) if tells else rng.standard_normal()) + 0.01 * rng.standard_normal()
                correct = float(step >= onset)
                rows.append((seed, step, order, use, correct))
        frame = pd.DataFrame(rows, columns=["seed", "step", "order", readings.USE, stages.CORRECT])
        added.append(
            readings.added_to_forecast(Runs(frame.assign(cell="a"), (Cell("a", {}),)), "order").mean()
        )
    assert low < np.mean(added) < high


def test_a_forecast_is_not_judged_where_accuracy_never_comes():
    frame = pd.DataFrame(
        {
            "cell": "a",
            "seed": np.repeat(np.arange(3), 20),
            "step": np.tile(np.arange(0, 2_000, 100), 3),
            readings.USE: np.tile(np.linspace(0, 1, 20), 3),
            stages.CORRECT: np.tile(np.linspace(0, 1, 20) > 0.4, 3).astype(float),
        }
    )
    frame.loc[frame["seed"] == 1, stages.CORRECT] = 0.0
    errors = readings.error_from_use(Runs(frame, (Cell("a", {}),)))
    assert np.isnan(errors).tolist() == [False, True, False]
    assert errors[[0, 2]] == pytest.approx(0, abs=1e-9)  # the same course, whose onset is known of the other
