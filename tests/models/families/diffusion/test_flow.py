"""Flow matching, against other people's and against what must hold of it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from phasescope import UserError
from phasescope.models.families import DiffusionConfig
from phasescope.models.families.diffusion import parametrization
from phasescope.models.families.diffusion.exact.optimum import ConditionalOptimum, UnconditionalOptimum

FLOW = {"schedule": "flow", "predict": "velocity"}


def flow(**fields):
    return DiffusionConfig.from_tree({**FLOW, "sampler": "euler", **fields}).build()


def images(batch=3, seed=0):
    return torch.randn(batch, 1, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def guess(x_t, u):
    """Some smooth velocity."""
    return torch.tanh(x_t * (1 + u)) + 0.1 * torch.cos(3 * x_t)


def test_its_way_is_straight():
    schedule = flow(schedule={"kind": "flow", "steps": 50}, sampler={"kind": "euler", "steps": 5}).schedule
    torch.testing.assert_close(schedule.alpha + schedule.sigma, torch.ones(50, dtype=torch.float64))
    torch.testing.assert_close(schedule.sigma.diff(), torch.full((49,), 0.02, dtype=torch.float64))
    torch.testing.assert_close(schedule.log_snr, 2 * (schedule.alpha / schedule.sigma).log())
    assert schedule.at(-1)[:2] == (1.0, 0.0)


@given(st.floats(1e-3, 1 - 1e-3), st.booleans())
def test_a_velocity_means_the_image_and_the_noise_on_any_way(sigma, straight):
    alpha = 1 - sigma if straight else (1 - sigma**2) ** 0.5
    a, s = (torch.full((3, 1, 1, 1), value, dtype=torch.float64) for value in (alpha, sigma))
    x_0, eps = images(seed=1), images(seed=2)
    velocity = parametrization.prediction_of("velocity", x_0, eps, a, s)
    x_t = a * x_0 + s * eps
    torch.testing.assert_close(parametrization.x_0_of("velocity", velocity, x_t, a, s), x_0)
    torch.testing.assert_close(parametrization.eps_of("velocity", velocity, x_t, a, s), eps)
    off = parametrization.x_0_of("velocity", velocity + 1, x_t, a, s) - x_0
    snr = torch.tensor([alpha**2 / sigma**2], dtype=torch.float64)
    torch.testing.assert_close(1 / off[:1, 0, 0, 0] ** 2, parametrization.error_ratio("velocity", snr))


def test_velocity_is_the_ways_derivative():
    diffusion, x_0, eps = flow(), images(seed=1), images(seed=2)
    low, high = (diffusion.noisy(x_0, torch.full((3,), t), eps) for t in (400, 401))
    torch.testing.assert_close((high - low) * 1000, eps - x_0, rtol=1e-6, atol=1e-6)


def test_path_and_velocity_are_torchcfms():
    matching = pytest.importorskip("torchcfm.conditional_flow_matching")
    diffusion, x_0, eps = flow(), images(seed=1), images(seed=2)
    t = torch.tensor([3, 400, 990])
    u = (t + 0.5) / 1000  # theirs goes from noise to image
    matcher = matching.ConditionalFlowMatcher(sigma=0.0)
    _, x_t, velocity = matcher.sample_location_and_conditional_flow(eps, x_0, t=1 - u.double())
    torch.testing.assert_close(diffusion.noisy(x_0, t, eps), x_t)
    network = lambda *_: velocity.neg()  # noqa: E731
    assert diffusion.loss_at(network, x_0, torch.zeros(3, 2), t, eps).max() < 1e-20


def states_of(name: str, steps: int):
    """The states, in float64, of painting along `guess`, and their noise levels."""
    diffusion = flow(sampler={"kind": name, "steps": steps}, clip=False)
    labels = torch.zeros(3, 2, dtype=torch.float64)

    def network(x_t, t, _):
        return guess(x_t, diffusion.schedule.sigma[t].view(-1, 1, 1, 1))

    states = list(diffusion.trajectory(network, labels, (1, 4, 4), torch.Generator().manual_seed(3)))
    return states, [diffusion.schedule.at(state.t)[1] for state in states]


THEIRS = {"euler": "FlowMatchEulerDiscreteScheduler", "heun": "FlowMatchHeunDiscreteScheduler"}


@pytest.mark.parametrize("steps", [1, 2, 7, 40])
@pytest.mark.parametrize("name", THEIRS)
def test_samplers_are_those_of_diffusers(name, steps):
    """At our noise levels; theirs to within what a float32 table of levels leaves."""
    import diffusers  # slow to import

    states, levels = states_of(name, steps)
    scheduler = getattr(diffusers, THEIRS[name])(num_train_timesteps=1000)
    scheduler.set_timesteps(steps)
    if name == "heun":  # which has each level twice but the first and the last
        levels = [levels[0], *(level for level in levels[1:-1] for _ in range(2)), levels[-1]]
    scheduler.sigmas = torch.tensor(levels, dtype=torch.float64)
    scheduler.timesteps = 1000 * scheduler.sigmas[:-1]
    x = states[0].x_t
    for sigma, t in zip(scheduler.sigmas[:-1], scheduler.timesteps, strict=True):
        x = scheduler.step(guess(x, sigma), t, x).prev_sample.double()
    torch.testing.assert_close(states[-1].x_t, x, rtol=1e-5, atol=1e-5)


def test_heun_is_of_second_order_and_euler_of_first():
    exact = states_of("heun", 1000)[0][-1].x_t

    def error(name: str, steps: int) -> float:
        return (states_of(name, steps)[0][-1].x_t - exact).abs().max().item()

    assert error("euler", 20) / error("euler", 40) == pytest.approx(2, rel=0.25)
    assert error("heun", 20) / error("heun", 40) > 3
    assert error("heun", 20) < error("euler", 40) / 2


ANCESTRAL = pytest.param("ddpm", marks=pytest.mark.slow)
"""in a thousand steps"""


@pytest.mark.some(1)
@pytest.mark.parametrize(
    "sampler", ["euler", {"kind": "heun", "steps": 12}, ANCESTRAL, "ddim", "dpm_solver"], ids=str
)
@pytest.mark.parametrize("predict", ["eps", "x", "velocity"])
def test_optima_paint_with_every_sampler(sampler, predict, render, labels, grid):
    diffusion = flow(predict=predict, sampler=sampler)
    painted = diffusion.sample(
        ConditionalOptimum(diffusion, render), labels, (1, 16, 16), torch.Generator().manual_seed(0)
    )
    torch.testing.assert_close(painted, render(labels), rtol=0, atol=2e-3)
    unconditional = UnconditionalOptimum(diffusion, render, grid)
    no_label = torch.full((6, 2), torch.nan)
    some = diffusion.sample(unconditional, no_label, (1, 16, 16), torch.Generator().manual_seed(1))
    distance = (some[:, None] - render(grid)).flatten(2).abs().amax(2)
    assert distance.min(1).values.max() < 0.05


def density_of(mean, deviation):
    density = {"kind": "logit_normal", "mean": mean, "deviation": deviation}
    return DiffusionConfig.from_tree({**FLOW, "sampler": "euler", "density": density}).density.build()


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (-1.0, 0.5), (2.0, 1.7)])
def test_a_logit_normal_density_is_drawn_as_it_says(mean, deviation):
    density, n = density_of(mean, deviation), 200_000
    u = density.quantile(torch.rand(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    logits = torch.logit(u)
    assert logits.mean().item() == pytest.approx(mean, abs=0.02)
    assert logits.std().item() == pytest.approx(deviation, rel=0.02)
    shares = density.of_levels(10)
    assert shares.mean().item() == pytest.approx(1)
    counted = torch.histc((u * 10).long().double(), 10, 0, 9) / n * 10
    torch.testing.assert_close(counted, shares, rtol=0.05, atol=0.02)
    assert density.quantile(torch.zeros(1, dtype=torch.float64)) >= 0


@pytest.mark.parametrize("times", ["independent", "stratified"])
def test_batches_are_drawn_from_the_density(times):
    diffusion = flow(density={"kind": "logit_normal", "mean": -1.0}, times=times)
    x_0, generator = torch.zeros(64, 1, 2, 2), torch.Generator().manual_seed(0)
    drawn = torch.cat([diffusion.draw(x_0, generator)[0] for _ in range(200)])
    assert 0 <= drawn.min() <= drawn.max() <= 999
    expected = density_of(-1.0, 1.0).of_levels(4) / 4
    torch.testing.assert_close(
        torch.histc(drawn.double(), 4, 0, 1000) / len(drawn), expected, rtol=0, atol=0.02
    )


def test_r_prime_counts_how_often_a_level_is_drawn():
    even = flow().x_0_weight
    torch.testing.assert_close(even, 1 / flow().schedule.sigma ** 2)
    bell = flow(density="logit_normal").x_0_weight
    torch.testing.assert_close(bell / even, density_of(0.0, 1.0).of_levels(1000))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"predict": "v"}, r"`predict` \(=v\) must be eps, x or velocity with schedule.kind=flow"),
        (
            {"schedule": "linear"},
            r"`sampler.*must be ddpm, ddim or dpm_solver with schedule.kind=linear: euler",
        ),
        (
            {"sampler": {"kind": "heun", "steps": 2000}},
            "must take at most schedule.steps=1000 steps, not 2000",
        ),
        (
            {"density": {"kind": "logit_normal", "deviation": 0}},
            r"`density.deviation` \(=0\) must be greater than 0",
        ),
    ],
)
def test_what_does_not_go_together_is_told(fields, message):
    with pytest.raises(UserError, match=message):
        DiffusionConfig.from_tree({**FLOW, "sampler": "euler", **fields})


def test_samplers_that_may_be_chosen_are_those_that_fit():
    assert "heun" not in DiffusionConfig().sampling_choices()["samplers"]
    straight = DiffusionConfig.from_tree({**FLOW, "sampler": "euler"})
    assert straight.sampling_choices()["samplers"][-2:] == ["euler", "heun"]
    assert straight.with_sampler("heun", 5).sampler.kind == "heun"
    with pytest.raises(ValueError, match=r"`sampler` \(=euler\) must be one of ddim, ddpm, dpm_solver$"):
        DiffusionConfig().with_sampler("euler", 5)
