import weakref
from itertools import pairwise

import pytest
import torch
from azula.denoise import Denoiser, DiracPosterior
from azula.noise import Schedule as AzulaSchedule
from azula.sample import DDIMSampler, DDPMSampler
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.schedules import sampler_of, schedule_of
from phasescope.models.families import DiffusionConfig

SCHEDULE = schedule_of("linear").build()
DDPM = sampler_of("ddpm").build(SCHEDULE)


def ddim(steps, eta=0.0):
    return sampler_of("ddim", steps=steps, eta=eta).build(SCHEDULE)


def dpm_solver(steps):
    return sampler_of("dpm_solver", steps=steps).build(SCHEDULE)


DIFFUSERS_NAME = {"eps": "epsilon", "x": "sample", "v": "v_prediction"}


def guess(x_t, t):
    """Some smooth, non-linear prediction."""
    return torch.tanh(x_t * (1 + t / 1000)) + 0.1 * torch.cos(3 * x_t)


def noise(batch=2, seed=0):
    return torch.randn(batch, 1, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def states_of(sampler, predict="eps", seed=7):
    """The states of a sampler that starts from `noise()` with a network that answers `guess`."""
    diffusion = DiffusionConfig.from_tree({"predict": predict}).build()

    def denoise(x_t, t):
        times = torch.full((len(x_t),), t)
        return diffusion.x_0_of(lambda x, _, __: guess(x, t), x_t, times, torch.zeros(len(x_t), 2))

    return list(sampler.states(denoise, noise(), torch.Generator().manual_seed(seed)))


def exact(kind, **fields):
    """A diffusers scheduler with our tables in float64, so that rounding hides no difference of formulas."""
    scheduler = kind(beta_start=1e-4, beta_end=0.02, **fields)
    scheduler.alphas_cumprod = SCHEDULE.alpha**2
    return scheduler


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_times_go_evenly_from_the_last_to_the_clean_image(data):
    schedule_steps = data.draw(st.integers(2, 300))
    steps = data.draw(st.integers(1, schedule_steps))
    schedule = schedule_of("cosine", steps=schedule_steps).build()
    sampler = sampler_of("ddim", steps=steps).build(schedule)
    states = sampler.states(lambda x_t, t: x_t, noise(), torch.Generator())
    times = torch.tensor([state.t for state in states])
    assert len(times) == steps + 1
    assert times[0] == schedule_steps - 1
    assert times[-1] == -1
    gaps = -times.diff()
    assert gaps.min() >= 1
    assert (gaps - schedule_steps / steps).abs().max() <= 1


@pytest.mark.parametrize(
    "sampler",
    [DDPM, ddim(7), ddim(1, 0.5), dpm_solver(7), dpm_solver(1)],
    ids=["ddpm", "ddim", "ddim-1", "dpm_solver", "dpm_solver-1"],
)
def test_states_are_numbered_and_the_last_is_the_last_estimate(sampler):
    states = states_of(sampler)
    assert [state.step for state in states] == list(range(sampler.steps + 1))
    assert states[-1].x_0 is states[-1].x_t
    torch.testing.assert_close(states[-1].x_t, states[-2].x_0)


@pytest.mark.parametrize("predict", ["eps", "x", "v"])
def test_ddpm_steps_are_those_of_diffusers(predict):
    from diffusers import DDPMScheduler  # slow to import

    fields = {"clip_sample": False, "prediction_type": DIFFUSERS_NAME[predict]}
    theirs = exact(DDPMScheduler, variance_type="fixed_small", **fields)
    generator = torch.Generator().manual_seed(7)
    states = states_of(DDPM, predict)
    for ours, after in pairwise(states):
        step = theirs.step(guess(ours.x_t, ours.t), ours.t, ours.x_t, generator=generator)
        torch.testing.assert_close(ours.x_0, step.pred_original_sample, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(after.x_t, step.prev_sample, rtol=1e-9, atol=1e-9)


@pytest.mark.some(9)
@pytest.mark.parametrize("predict", ["eps", "x", "v"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 25, 1000])
def test_ddim_steps_are_those_of_diffusers(predict, eta, steps):
    from diffusers import DDIMScheduler

    fields = {"clip_sample": False, "prediction_type": DIFFUSERS_NAME[predict]}
    theirs = exact(DDIMScheduler, timestep_spacing="trailing", **fields)
    theirs.set_timesteps(steps)
    generator = torch.Generator().manual_seed(7)
    states = states_of(ddim(steps, eta), predict)
    assert [state.t for state in states[:-1]] == theirs.timesteps.tolist()
    for ours, after in pairwise(states):
        step = theirs.step(guess(ours.x_t, ours.t), ours.t, ours.x_t, eta=eta, generator=generator)
        torch.testing.assert_close(ours.x_0, step.pred_original_sample, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(after.x_t, step.prev_sample, rtol=1e-9, atol=1e-9)


class TableSchedule(AzulaSchedule):
    """Ours, as azula's: a time is an index into the tables."""

    def __call__(self, t):
        alpha, sigma, _ = SCHEDULE.at(int(t))
        return torch.tensor(alpha, dtype=torch.float64), torch.tensor(sigma, dtype=torch.float64)


class Guess(Denoiser):
    """Answers E[x_0 | x_t] = `guess`."""

    schedule = TableSchedule()

    def forward(self, x_t, t):
        return DiracPosterior(guess(x_t, int(t)))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (DDPM, DDPMSampler(Guess())),
        *((ddim(steps), DDIMSampler(Guess(), eta=0.0)) for steps in (7, 25)),
        # azula's eta scales the variance, that of Song et al. its square root
        *((ddim(steps, 0.5), DDIMSampler(Guess(), eta=0.25)) for steps in (7, 25)),
        *((ddim(steps, 1.0), DDIMSampler(Guess(), eta=1.0)) for steps in (7, 25)),
    ],
    ids=["ddpm", "ddim-7", "ddim-25", "ddim-7-half", "ddim-25-half", "ddim-7-full", "ddim-25-full"],
)
def test_steps_are_those_of_azula(ours, theirs):
    states = states_of(ours, "x")
    with torch.random.fork_rng():
        torch.manual_seed(7)
        for before, after in pairwise(states):
            x_s = theirs.step(before.x_t, torch.tensor(before.t), torch.tensor(after.t))
            torch.testing.assert_close(after.x_t, x_s, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")
@pytest.mark.parametrize("steps", [1, 2, 10, 20])
def test_dpm_solver_steps_are_those_of_diffusers(steps):
    from diffusers import DPMSolverMultistepScheduler

    fields = {"final_sigmas_type": "zero", "prediction_type": "sample"}
    theirs = exact(DPMSolverMultistepScheduler, timestep_spacing="trailing", **fields)
    theirs.set_timesteps(steps)
    states = states_of(dpm_solver(steps), "x")
    assert [state.t for state in states[:-1]] == theirs.timesteps.tolist()
    for ours, after in pairwise(states):
        x_s = theirs.step(guess(ours.x_t, ours.t), ours.t, ours.x_t).prev_sample
        # theirs computes in float32
        torch.testing.assert_close(after.x_t, x_s.double(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("kind", "order"), [("ddim", 1), ("dpm_solver", 2)])
def test_order_of_convergence(kind, order):
    # x_0 ~ N(0, c^2) has E[x_0 | x_t] = alpha c^2 / (alpha^2 c^2 + sigma^2) x_t, and the probability flow
    # keeps x_t / sqrt(alpha^2 c^2 + sigma^2)
    schedule = schedule_of("linear", steps=16_000, beta_start=1e-4 / 16, beta_end=0.02 / 16).build()
    c_2 = 0.3**2
    width_2 = schedule.alpha**2 * c_2 + schedule.sigma**2

    def denoise(x_t, t):
        return schedule.alpha[t] * c_2 / width_2[t] * x_t

    x_t, end = noise(), 16_000 // 5 - 1
    exact_end = x_t * (width_2[end] / width_2[-1]).sqrt()
    errors = []
    for steps in (40, 80, 160, 320):
        states = sampler_of(kind, steps=steps).build(schedule).states(denoise, x_t, torch.Generator())
        (at_end,) = (state.x_t for state in states if state.t == end)
        errors.append((at_end - exact_end).abs().max())
    orders = torch.tensor(errors).log2().diff().neg()
    assert (orders - order).abs().max() < 0.2


@pytest.mark.parametrize("kind", ["ddpm", "ddim", "dpm_solver"])
@pytest.mark.parametrize("predict", ["eps", "x", "v"])
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_gradients_are_off_inside_and_untouched_outside(kind, predict, schedule):
    diffusion = DiffusionConfig.from_tree(
        {"schedule": {"kind": schedule, "steps": 50}, "predict": predict, "sampler": kind}
    ).build()
    weight = torch.ones(1, requires_grad=True)
    modes = []

    def network(x_t, t, labels):
        modes.append(torch.is_grad_enabled())
        return weight * x_t

    for state in diffusion.trajectory(network, torch.zeros(1, 2), (1, 4, 4), torch.Generator()):
        assert torch.is_grad_enabled()
        assert not state.x_t.requires_grad
        assert state.x_t.isfinite().all()
    assert not any(modes)


@pytest.mark.parametrize("sampler", [ddim(50, 1.0), dpm_solver(50)], ids=["ddim", "dpm_solver"])
def test_past_states_are_let_go(sampler):
    seen: list[weakref.ref[torch.Tensor]] = []
    for state in sampler.states(guess, noise(), torch.Generator()):
        seen += [weakref.ref(state.x_t), weakref.ref(state.x_0)]
        del state
        assert len({id(tensor) for tensor in (ref() for ref in seen) if tensor is not None}) <= 3
