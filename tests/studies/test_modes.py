"""When modes emerge: the theory against flows that are integrated, dates and their bounds, and what made runs must say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from phasescope.measures import mode_variances
from phasescope.randomness import torch_generator
from phasescope.runs.execution import train
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.comparing import mean_of_bounds
from phasescope.studies.core.controls import try_controls
from phasescope.studies.core.criteria import runs_of
from phasescope.studies.found import _modes as theory
from phasescope.studies.found import _modes_runs as own
from phasescope.studies.found import modes as study

RNG = np.random.default_rng
EXACT = study.data_variance(study.X)


def integrated(variance: float, eta_tau: np.ndarray, levels: int = 600) -> np.ndarray:
    """The painted variance of one mode: weights descend by small steps at many t, noise then goes down the flow they are of.

    dw/dtau = -2 eta [((1 - t)^2 lambda + t^2) w - (t - (1 - t) lambda)] and dx/dt = w(t) x, neither solved by hand.
    """
    t = (np.geomspace(1e-4, 1.0001, levels + 1) - 1e-4)[1:] / 1.0
    rate, pull = (1 - t) ** 2 * variance + t**2, t - (1 - t) * variance
    weight, at, found = np.zeros(levels), 0.0, []
    for until in eta_tau:
        steps = max(math.ceil((until - at) / 0.02), 1)
        for _ in range(steps):
            weight = weight - 2 * (until - at) / steps * (rate * weight - pull)
        at = until
        found.append(math.exp(-2 * np.trapezoid(np.append(weight[0], weight), np.append(0, t))))
    return np.array(found)


@pytest.mark.parametrize("variance", [0.15, 0.02, 0.003])
def test_gradient_flow_that_is_integrated_takes_the_exact_course(variance):
    eta_tau = np.geomspace(0.1, 0.6 / variance, 12)
    np.testing.assert_allclose(
        integrated(variance, eta_tau), theory.course(np.array(variance), eta_tau), rtol=0.03
    )


def crossing(variance: float, level: float) -> float:
    """The log of eta tau at which the integrated course falls below a level."""
    eta_tau = np.geomspace(0.05, 2 / variance, 60)
    painted = integrated(variance, eta_tau, 300)
    return float(np.interp(-math.log(level), -np.log(painted), np.log(eta_tau)))


def test_log_times_grow_as_s2_k2_at_the_harmonic_mean_and_half_so_at_the_geometric():
    """Of variances c exp(-s^2 |k|^2) the slope on s^2 |k|^2 is -d log tau / d log lambda; both means are of 1 and lambda."""
    one, other = 0.01, 0.005
    harmonic, geometric = (
        (crossing(other, mean(other)) - crossing(one, mean(one))) / math.log(one / other)
        for mean in (lambda v: 2 * v / (1 + v), math.sqrt)
    )
    assert harmonic == pytest.approx(1.0, abs=0.04)
    assert geometric == pytest.approx(0.5, abs=0.06)
    at = np.log(theory.emerges_at(np.array([one, other])))
    assert harmonic == pytest.approx((at[1] - at[0]) / math.log(2), abs=0.02)


def test_of_the_studys_modes_the_exact_slope_is_0_96():
    dates = np.log(study.exact_steps(study.X))
    assert theory.slope(study.X, (dates, dates)) == pytest.approx((0.956, 0.956), abs=0.001)


@pytest.mark.parametrize("variance", [0.13, 0.02, 0.003])
def test_a_linear_networks_answers_take_the_exact_course(variance):
    """The weight of velocity descends by small steps at the t of equal strength; its answer's gain is 1 - t w."""
    t = float(theory.equal_noise(np.array(variance)))
    assert (1 - t) ** 2 * variance == pytest.approx(t**2)
    rate, pull = (1 - t) ** 2 * variance + t**2, t - (1 - t) * variance
    wiener = (1 - t) * variance / rate
    assert wiener == pytest.approx((1 + math.sqrt(variance)) / 2)
    step, until = 0.01, float(theory.answers_at(np.array(variance)))
    weight, left = 0.0, []
    for _ in range(round(1.5 * until / step)):
        left.append((1 - t * weight - wiener) / (1 - wiener))
        weight -= 2 * step * (rate * weight - pull)
    at = np.arange(len(left)) * step
    np.testing.assert_allclose(left, theory.left_course(np.array(variance), at), atol=0.01)
    first = int(np.flatnonzero(np.array(left) < theory.HALF_WAY)[0])
    assert first * step == pytest.approx(until, rel=0.02)


def test_of_the_studys_modes_the_exact_slope_of_answers_is_0_87():
    assert pytest.approx(0.87, abs=0.01) == study.EXACT_ANSWERS


def test_modes_are_one_of_each_part_and_have_the_variance_of_the_world():
    squares = np.array(list(study.NUMBERS))
    np.testing.assert_allclose(study.X, (2 * np.pi * own.SIGMA_PX / own.CANVAS) ** 2 * squares)
    assert np.ceil(theory.PARTS * study.X / theory.UP_TO).tolist() == list(range(1, theory.PARTS + 1))
    found = mode_variances(own.data_of(study.LINEAR.config(0, "lean")))
    at = [np.abs(found.k_2 - (2 * np.pi / own.CANVAS) ** 2 * square).argmin() for square in squares]
    np.testing.assert_allclose(found.variance[at], EXACT, rtol=0.01)
    assert found.modes[at].min() >= 8


def test_a_linear_network_midway_paints_what_the_theory_says():
    """Its weights set to those of the flow; painting is linear, so each mode's gain is read without noise."""
    config = study.LINEAR.config(0, "lean")
    network = config.network.build(config.world.shape, config.world.factors)
    family = config.family.painted_by(own.BY, own.EVALUATIONS).build()
    N, bands, T = own.CANVAS, own.BANDS, config.network.levels
    k = 2 * math.pi * np.fft.fftfreq(N)
    variance = study.data_variance(k[:, None] ** 2 + k**2)
    u = ((np.arange(T) + 0.5) / T).reshape(bands, -1)[..., None, None]
    rate, pull = ((1 - u) ** 2 * variance + u**2).mean(1), (u - (1 - u) * variance).mean(1)
    noise = torch.randn((1, 1, N, N), generator=torch_generator(0, "first"))
    before = np.abs(np.fft.fft2(noise[0, 0].numpy()))
    for steps in (150, 800, 5000):
        weight = pull / rate * -np.expm1(-2 * own.RATE * steps * rate)
        kernels = torch.from_numpy(np.fft.ifft2(weight).real[:, None, None])
        network.load_state_dict({"map.one.weight": kernels, "map.one.bias": torch.zeros(bands, 1)})
        denoise = family._denoise(network.eval(), torch.full((1, 2), math.nan))
        *_, last = family.sampler.states(denoise, noise, torch_generator(0, "none"))
        gain = (np.abs(np.fft.fft2(last.x_0[0, 0].numpy())) / before) ** 2
        expected = theory.course(variance, np.array(own.RATE * steps))
        low = k[:, None] ** 2 + k**2 <= theory.UP_TO
        np.testing.assert_allclose(gain[low], expected[low], rtol=0.08)


def test_a_date_is_interpolated_or_bounded():
    steps = np.array([0.0, 10, 100, 1000])
    by_mode = [[3, 1, -1, -1], [3, -1, 3, -1], [3, 1, -1, 2], [-1, -1, -1, -1.0]]
    low, high = theory.for_good(steps, np.array(by_mode).T)
    np.testing.assert_allclose(low[:2], np.log([math.sqrt(1000), 100 * 10**0.75]))
    np.testing.assert_allclose(high[:2], low[:2])
    assert (low[2], high[2]) == (pytest.approx(math.log(1000)), math.inf)
    assert (low[3], high[3]) == (0, pytest.approx(math.log(10)))
    least, most = theory.for_good(steps, np.array(by_mode).T, between=False)
    np.testing.assert_allclose(least[:2], np.log([10, 100]))
    np.testing.assert_allclose(most[:2], np.log([100, 1000]))


def test_a_missing_date_opens_the_slope():
    """Of a narrow mode upwards, of a wide one on both sides."""
    x = np.array([0.0, 1, 2])
    dates = np.array([1.0, 2, 3])
    assert theory.slope(x, (dates, dates)) == pytest.approx((1, 1))
    late, early = dates.copy(), dates.copy()
    late[2], early[0] = math.inf, math.inf
    assert theory.slope(x, (dates, late)) == pytest.approx((1, math.inf))
    assert theory.slope(x, (dates, early)) == (-math.inf, math.inf)


def test_an_open_slope_opens_the_interval():
    closed = [(1.0, 1.0), (1.1, 1.1), (0.9, 0.9)]
    found = mean_of_bounds(closed, "open")
    assert found.value == pytest.approx(1)
    assert found.low < 1 < found.high
    opened = mean_of_bounds([*closed, (0.5, math.inf)], "open")
    assert math.isnan(opened.value)
    assert math.isfinite(opened.low)
    assert opened.high == math.inf
    assert opened.detail == {"bounded_alone": 1}
    with pytest.raises(NotEnough, match="open on both sides"):
        mean_of_bounds([*closed, (-math.inf, math.inf)], "open on both sides")


@pytest.mark.parametrize(
    ("name", "slope"),
    [("linear", 0.5), ("linear", 0.96), ("U-Net, AdamW", 0.1), ("U-Net, Muon", 0.5)],
)
def test_a_slope_is_read_as_it_was_made(name, slope):
    frame = study.made({name: slope}, RNG(0))
    if name == study.LINEAR.name:
        found = study.mean_slope(name, 0.0, frame)
        assert found.value == pytest.approx(slope, abs=0.08)
    answered = study.mean_slope(name, 0.0, frame, of=study.answer_slope_of)
    assert answered.low < slope < answered.high
    assert answered.high - answered.low < 0.5
    assert answered.n == study.SEEDS


def test_how_many_objects_are_painted_dates_no_mode():
    """A U-Net that paints three objects for a while and then one learns its modes when it learns them."""
    (claim,) = [one for one in study.STUDY.claims if one.name == "nearly_at_once_muon"]
    frame = study.made({study.BY_MUON.name: 0.5}, RNG(0))
    run = runs_of(frame, [study.BY_MUON.name])[0]
    low, high = own.slope_of(run)
    assert low == high < study.FLAT, "all modes fall to one object at once"
    assert claim.judge(frame).outcome == "refuted"


@pytest.mark.parametrize("square", [min(study.NUMBERS), max(study.NUMBERS)])
@pytest.mark.parametrize("name", ["nearly_at_once_muon", "flatter"])
def test_a_mode_that_never_emerges_makes_no_claim_true(name, square):
    (claim,) = [one for one in study.STUDY.claims if one.name == name]
    frame = study.made({study.BY_ADAMW.name: 0.5, study.BY_MUON.name: 0.1}, RNG(0))
    assert claim.judge(frame).outcome == "supported"
    run = runs_of(frame, [study.BY_MUON.name])[0]
    frame.loc[run.index, f"modes.left.{square}"] = 1.0
    assert claim.judge(frame).outcome == "undecided"


def test_what_was_not_read_leaves_it_open():
    frame = study.made({study.LINEAR.name: 0.9}, RNG(0)).drop(columns="modes.painted.5")
    with pytest.raises(NotEnough, match=r"modes\.painted\.5"):
        study.mean_slope(study.LINEAR.name, 1.0, frame)


def test_cells_learn_alike_but_for_what_is_asked():
    linear, adamw, muon = (cell.config(0, "lean") for cell in study.CELLS)
    for config in (linear, adamw, muon):
        assert config.training.label_dropout == 1.0
        assert config.world.periodic
        assert (config.family.schedule.kind, config.family.predict) == ("flow", "velocity")
        assert not config.family.clip
    assert linear.network.bands == linear.training.batch
    assert linear.network.levels == linear.family.schedule.steps
    assert linear.training.clip is None
    assert linear.training.ema == 0
    told = [{**one.tree(), "probing": None} for one in (adamw, muon)]
    assert told[0]["training"].pop("optimiser")["kind"] == "adamw"
    assert told[1]["training"].pop("optimiser")["kind"] == "muon"
    assert told[0] == told[1]


@pytest.mark.slow
def test_a_run_is_read_from_its_weights(tmp_path):
    config = study.LINEAR.config(0, "lean")
    short = {"steps": 40, "optimiser": {"kind": "sgd", "lr": own.LR, "momentum": own.MOMENTUM}}
    snapshots = {"dense_every": 20, "dense_until": 40, "every": 20}
    tree = config.tree()
    tree["training"] |= short
    tree["probing"]["snapshots"] = snapshots
    tree["world"]["design"]["keep"] = 64
    run = train(type(config).of(tree), tmp_path)
    rows = study.read_modes(run)
    assert [row["step"] for row in rows] == [0, 20, 40]
    left = np.array([[row[f"left.{square}"] for square in study.NUMBERS] for row in rows])
    np.testing.assert_allclose(left[0], 1, atol=0.1)
    assert (np.diff(left, axis=0) < 0).all()
    squares = list(study.NUMBERS)
    painted = np.array([[row[f"painted.{square}"] for square in squares] for row in rows])
    exact = np.array([rows[0][f"exact.{square}"] for square in squares])
    images = own.data_of(type(config).of(tree))
    found = mode_variances(images)
    at = [np.abs(found.k_2 - (2 * np.pi / own.CANVAS) ** 2 * square).argmin() for square in squares]
    assert len(images) == 64
    np.testing.assert_allclose(exact, found.variance[at])
    # 64 images, 8 modes and more, the same noise at each snapshot
    np.testing.assert_allclose(painted[0], 1.0, rtol=0.3)
    lagged = own.RATE * (np.array([20, 40]) - own.MOMENTUM / (1 - own.MOMENTUM))
    np.testing.assert_allclose(painted[1:] / painted[0], theory.course(exact, lagged[:, None]), rtol=0.1)


def test_figure_and_table_are_of_what_was_made():
    frame = study.made({study.LINEAR.name: 0.96, study.BY_MUON.name: 0.2}, RNG(0))
    linear, muon = study.dates(frame)
    labels = ["painted", "painted, exact", "answered", "answered, exact"]
    assert [curve.label for curve in linear.curves] == labels
    assert [curve.label for curve in muon.curves] == ["painted", "answered"]
    assert len(linear.curves[0].x) == len(study.NUMBERS)
    for marks, line in (linear.curves[:2], linear.curves[2:]):
        np.testing.assert_allclose(line.x[[0, -1]], study.X[[0, -1]], atol=0.2)
        assert marks.y[-1] / marks.y[0] == pytest.approx(line.y[-1] / line.y[0], rel=0.6)
    told = study.rows(frame)
    assert [row["network"] for row in told] == [study.LINEAR.name, study.BY_MUON.name]
    assert told[1]["slope / s², answered, low"] < 0.2 < told[1]["slope / s², answered, high"]
    assert told[0]["painted"] == pytest.approx(0.96, abs=0.08)
    assert told[1]["variance over the data's, at the end"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("claim", study.STUDY.claims, ids=lambda claim: claim.name)
def test_claims_can_be_won_and_lost(claim):
    found = try_controls(claim, 15, study=study.STUDY.name)
    assert found.power_supported >= 0.8
    assert found.power_refuted >= 0.8
    assert found.wrong <= 0.2


def test_another_number_of_runs_is_no_reason_to_decide():
    (claim,) = [one for one in study.STUDY.claims if one.name == "linear"]
    frame = study.made({study.LINEAR.name: 0.96}, RNG(0))
    assert replace(claim, minimum_n=7).judge(frame).outcome == "undecided"
