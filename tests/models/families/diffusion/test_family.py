import itertools

import pytest
import torch

from phasescope.models.families import DiffusionConfig
from phasescope.models.families.diffusion.exact.optimum import ConditionalOptimum, UnconditionalOptimum
from phasescope.models.families.diffusion.parametrization import eps_of, prediction_of

PREDICTS = ["eps", "x", "v"]


def diffusion_of(**fields):
    return DiffusionConfig.from_tree(fields).build()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def off_grid(n, dtype=torch.float32):
    return 16 * torch.rand(n, 2, generator=generator(5), dtype=dtype)


@pytest.mark.parametrize(
    ("predict", "weighting", "schedule"),
    list(itertools.product(PREDICTS, ["plain", "min_snr"], ["linear", "cosine"])),
)
@pytest.mark.parametrize(("dtype", "floor"), [(torch.float32, 1e-9), (torch.float64, 1e-24)], ids=str)
def test_the_conditional_optimum_loses_nothing(predict, weighting, schedule, dtype, floor, render):
    diffusion = diffusion_of(schedule=schedule, predict=predict, weighting=weighting)
    labels = off_grid(256, dtype)
    optimum = ConditionalOptimum(diffusion, render)
    loss = diffusion.loss(optimum, render(labels), labels, generator())
    assert loss.shape == (256,)
    assert loss.dtype == dtype
    assert loss.max() < floor


@pytest.mark.parametrize("predict", PREDICTS)
def test_eps_error_is_the_distance_to_the_conditional_optimum(predict, render):
    diffusion = diffusion_of(predict=predict)
    labels = off_grid(100, torch.float64)
    t = torch.arange(0, 1000, 10)
    x_0 = render(labels)
    noise = torch.randn(x_0.shape, generator=generator(), dtype=torch.float64)
    optimum = ConditionalOptimum(diffusion, render)
    assert diffusion.eps_error(optimum, x_0, labels, t, noise).max() < 1e-20

    # a prediction of x_0 that is off by 0.1 everywhere is off by 0.1 alpha/sigma in eps
    def off(x_t, t, labels):
        alpha, sigma = (
            table[t].view(-1, 1, 1, 1) for table in (diffusion.schedule.alpha, diffusion.schedule.sigma)
        )
        guess = render(labels) + 0.1
        return prediction_of(predict, guess, eps_of("x", guess, x_t, alpha, sigma), alpha, sigma)

    error = diffusion.eps_error(off, x_0, labels, t, noise)
    torch.testing.assert_close(error, 0.01 * diffusion.schedule.log_snr[t].exp(), rtol=1e-6, atol=0)


def equivalent(diffusion, guess):
    """The network that sees `guess(x_t)` as the image, in the diffusion's parametrization."""

    def network(x_t, t, labels):
        alpha, sigma = (
            table[t].view(-1, 1, 1, 1) for table in (diffusion.schedule.alpha, diffusion.schedule.sigma)
        )
        x_0 = guess(x_t)
        return prediction_of(diffusion.predict, x_0, eps_of("x", x_0, x_t, alpha, sigma), alpha, sigma)

    return network


def test_min_snr_losses_of_equivalent_predictions_agree(render):
    labels = off_grid(64, torch.float64)
    x_0 = render(labels)

    def losses(weighting):
        diffusions = [diffusion_of(predict=predict, weighting=weighting) for predict in PREDICTS]
        return [d.loss(equivalent(d, torch.tanh), x_0, labels, generator()) for d in diffusions]

    eps, x, v = losses({"kind": "min_snr", "gamma": 5.0})
    torch.testing.assert_close(eps, x, rtol=1e-8, atol=0)
    torch.testing.assert_close(v, x, rtol=1e-8, atol=0)
    plain_eps, plain_x, _ = losses("plain")
    assert not torch.allclose(plain_eps, plain_x, rtol=0.1)


@pytest.mark.parametrize("predict", PREDICTS)
def test_the_loss_of_silence_is_the_power_of_the_target(predict, render):
    diffusion = diffusion_of(predict=predict)
    labels = off_grid(4000)
    x_0 = render(labels)
    loss = diffusion.loss(lambda x_t, t, labels: torch.zeros_like(x_t), x_0, labels, generator()).double()
    power = x_0.double().square().mean((1, 2, 3))
    alpha_2 = (diffusion.schedule.alpha**2).mean()
    expected = {"eps": 1.0, "x": power.mean(), "v": alpha_2 + (1 - alpha_2) * power.mean()}[predict]
    assert (loss.mean() - expected).abs() < 4 * loss.std() / len(loss) ** 0.5 + 1e-6


def test_times_are_uniform_and_x_t_is_noisy_as_it_should_be(render):
    diffusion = diffusion_of(
        schedule={"kind": "linear", "steps": 10, "beta_start": 0.05, "beta_end": 0.3}, sampler="ddpm"
    )
    labels = off_grid(20_000)
    x_0 = render(labels)
    seen = {}

    def network(x_t, t, labels):
        seen["x_t"], seen["t"] = x_t, t
        return torch.zeros_like(x_t)

    diffusion.loss(network, x_0, labels, generator())
    counts = torch.bincount(seen["t"], minlength=10)
    assert len(counts) == 10
    chi_2 = ((counts - 2000) ** 2 / 2000).sum()
    assert chi_2 < 27.9  # 0.999 of chi^2 with 9 degrees of freedom
    for t in range(10):
        alpha, sigma, _ = diffusion.schedule.at(t)
        at_t = seen["t"] == t
        noise = (seen["x_t"][at_t] - alpha * x_0[at_t]) / sigma
        assert abs(noise.mean()) < 0.01
        assert abs(noise.std() - 1) < 0.01


def test_randomness_is_the_generators(render):
    diffusion = diffusion_of()
    labels = off_grid(8)
    x_0 = render(labels)

    def loss(seed):
        return diffusion.loss(lambda x_t, t, labels: x_t, x_0, labels, generator(seed))

    def image(seed):
        return diffusion.sample(lambda x_t, t, labels: x_t, labels, (1, 16, 16), generator(seed))

    before = torch.random.get_rng_state()
    assert torch.equal(loss(3), loss(3))
    assert not torch.equal(loss(3), loss(4))
    assert torch.equal(image(3), image(3))
    assert not torch.equal(image(3), image(4))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_loss_reaches_the_network():
    diffusion = diffusion_of(predict="v", weighting="min_snr")
    network = torch.nn.Conv2d(1, 1, 3, padding=1)
    diffusion.loss(
        lambda x_t, t, labels: network(x_t), torch.ones(4, 1, 8, 8), torch.zeros(4, 2), generator()
    ).mean().backward()
    for parameter in network.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().max() > 0


def test_a_network_in_bfloat16_gives_a_loss_in_float32(render):
    diffusion = diffusion_of()
    labels = off_grid(4)
    loss = diffusion.loss(lambda x_t, t, labels: x_t.bfloat16(), render(labels), labels, generator())
    assert loss.dtype == torch.float32


@pytest.mark.some(1)
@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm_solver"])
def test_the_trajectory_ends_in_the_sample(sampler, render, grid):
    diffusion = diffusion_of(schedule={"kind": "linear", "steps": 100, "beta_end": 0.2}, sampler=sampler)
    labels = off_grid(3)
    network = ConditionalOptimum(diffusion, render)
    states = list(diffusion.trajectory(network, labels, (1, 16, 16), generator()))
    image = diffusion.sample(network, labels, (1, 16, 16), generator())
    assert torch.equal(states[-1].x_t, image)
    assert torch.equal(states[0].x_t, torch.randn(3, 1, 16, 16, generator=generator()))
    # an exact denoiser sees the same image at every step
    for state in states:
        torch.testing.assert_close(state.x_0, render(labels), rtol=0, atol=1e-3)


def test_the_label_is_worth_something(render, grid):
    # the floors of docs/conventions.md: 0 given the label, above 0 without it where noise hides the place
    diffusion = diffusion_of()
    labels = grid[::4]
    x_0 = render(labels)
    t = torch.full((len(labels),), 300)
    noise = torch.randn(x_0.shape, generator=generator())
    unconditional = UnconditionalOptimum(diffusion, render, grid)
    blank = equivalent(diffusion, torch.ones_like)
    given_label = diffusion.eps_error(ConditionalOptimum(diffusion, render), x_0, labels, t, noise).mean()
    given_nothing = diffusion.eps_error(unconditional, x_0, labels, t, noise).mean()
    never_a_bump = diffusion.eps_error(blank, x_0, labels, t, noise).mean()
    assert given_label < 1e-9 < given_nothing < never_a_bump


def test_stratified_times_are_uniform_and_spread_evenly():
    diffusion = diffusion_of(times="stratified")
    T, n = diffusion.schedule.steps, 24
    drawn = torch.stack([diffusion.draw(torch.zeros(n, 1, 2, 2), generator(seed))[0] for seed in range(2000)])
    gaps = drawn.sort(dim=1).values.diff(dim=1)
    assert (gaps >= T // n).all()
    assert (gaps <= T // n + 1).all()
    counts = torch.histc(drawn.float(), bins=20, min=0, max=T)
    expected = drawn.numel() / 20
    assert ((counts - expected).abs() < 0.05 * expected).all()
    first = drawn[:, 0].double()  # of the first image alone, too: no image has a band of its own
    assert first.mean().item() == pytest.approx((T - 1) / 2, abs=4 * T / (12 * 2000) ** 0.5)
    assert first.var().item() == pytest.approx(T**2 / 12, rel=0.1)
