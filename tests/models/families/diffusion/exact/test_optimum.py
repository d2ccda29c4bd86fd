import pytest
import torch

from phasescope.models.families import DiffusionConfig
from phasescope.models.families.diffusion.exact.optimum import (
    ConditionalOptimum,
    PartialOptimum,
    UnconditionalOptimum,
)
from phasescope.worlds import GaussianBump

TIMES = [0, 10, 100, 300, 500, 999]


def diffusion_of(**fields):
    return DiffusionConfig.from_tree(fields).build()


@pytest.mark.some(2)
@pytest.mark.parametrize(
    "sampler", ["ddpm", "ddim", {"kind": "ddim", "steps": 7, "eta": 0.5}, "dpm_solver"], ids=str
)
@pytest.mark.parametrize("predict", ["eps", "x", "v"])
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_conditional_optimum_paints_the_image_of_the_label(sampler, predict, schedule, render, labels):
    diffusion = diffusion_of(schedule={"kind": schedule, "steps": 200}, predict=predict, sampler=sampler)
    optimum = ConditionalOptimum(diffusion, render)
    images = diffusion.sample(optimum, labels, (1, 16, 16), torch.Generator().manual_seed(0))
    torch.testing.assert_close(images, render(labels), rtol=0, atol=1e-3)


@pytest.mark.some(1)
@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm_solver"])
@pytest.mark.parametrize("predict", ["eps", "v"])
def test_the_unconditional_optimum_paints_images_of_the_data_set(sampler, predict, render, grid):
    diffusion = diffusion_of(schedule={"kind": "linear", "steps": 100}, predict=predict, sampler=sampler)
    optimum = UnconditionalOptimum(diffusion, render, grid)
    no_label = torch.full((12, 2), torch.nan)
    images = diffusion.sample(optimum, no_label, (1, 16, 16), torch.Generator().manual_seed(1))
    distance = (images[:, None] - render(grid)).flatten(2).abs().amax(2)
    nearest_px, nearest = distance.min(1)
    assert nearest_px.max() < 1e-2
    assert len(nearest.unique()) >= 8


@pytest.mark.parametrize("predict", ["eps", "x", "v"])
@pytest.mark.parametrize("chunk", [1, 7, 256, 10_000])
def test_in_chunks_it_is_the_posterior_mean(predict, chunk, render, grid):
    diffusion = diffusion_of(predict=predict)
    asked = []

    def watched(labels):
        asked.append(len(labels))
        return render(labels)

    t = torch.tensor(TIMES)
    data = render(grid.double())
    x_0 = data[: len(t)]
    x_t = diffusion.noisy(x_0, t, torch.randn(x_0.shape, generator=torch.Generator().manual_seed(0)).double())
    optimum = UnconditionalOptimum(diffusion, watched, grid.double(), chunk)

    alpha, sigma = diffusion.schedule.alpha[t, None], diffusion.schedule.sigma[t, None]
    squares = (x_t.flatten(1)[:, None] - alpha[:, None] * data.flatten(1)).square().sum(2)
    mean = (torch.softmax(-squares / (2 * sigma**2), 1) @ data.flatten(1)).view_as(x_t)
    seen = diffusion.x_0_of(optimum, x_t, t, torch.empty(len(t), 0))
    torch.testing.assert_close(seen, mean, rtol=0, atol=1e-8)
    assert max(asked) <= chunk
    assert sum(asked) == len(grid)


def test_it_is_the_score_of_the_noisy_data(render, grid):
    # Tweedie: E[eps | x_t] = -sigma_t grad log p(x_t)
    diffusion = diffusion_of(predict="eps")
    data = render(grid.double()).flatten(1)
    for t in TIMES:
        alpha, sigma, _ = diffusion.schedule.at(t)
        x_t = torch.randn(3, data.shape[1], generator=torch.Generator().manual_seed(t)).double()
        x_t = (alpha * data[[0, 40, 200]] + sigma * x_t).requires_grad_()
        log_p = torch.logsumexp(-(x_t[:, None] - alpha * data).square().sum(2) / (2 * sigma**2), 1)
        (score,) = torch.autograd.grad(log_p.sum(), x_t)
        optimum = UnconditionalOptimum(diffusion, render, grid.double(), chunk=50)
        eps = optimum(x_t.detach().view(3, 1, 16, 16), torch.full((3,), t))
        torch.testing.assert_close(eps.flatten(1), -sigma * score, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_far_from_all_images_it_is_finite_and_the_nearest(scale, render, grid):
    diffusion = diffusion_of(predict="x")
    x_t = scale * torch.randn(8, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    optimum = UnconditionalOptimum(diffusion, render, grid, chunk=100)
    seen = optimum(x_t, torch.zeros(8, dtype=torch.int64))
    data = render(grid)
    alpha, _, _ = diffusion.schedule.at(0)
    nearest = (x_t.double()[:, None] - alpha * data.double()).square().flatten(2).sum(2).argmin(1)
    assert seen.isfinite().all()
    torch.testing.assert_close(seen, data[nearest], rtol=0, atol=1e-4)


def test_when_all_is_noise_it_is_the_mean_image(render, grid):
    diffusion = diffusion_of(schedule="cosine", predict="x")
    x_t = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    seen = UnconditionalOptimum(diffusion, render, grid)(x_t, torch.full((4,), 999))
    torch.testing.assert_close(seen, render(grid).mean(0).expand_as(seen), rtol=0, atol=1e-3)


def test_given_one_image_both_optima_agree(render):
    diffusion = diffusion_of(predict="v")
    label = torch.tensor([[4.2, 9.1]])
    x_t = torch.randn(6, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    t = torch.tensor(TIMES)
    one = ConditionalOptimum(diffusion, render)(x_t, t, label.expand(6, 2))
    torch.testing.assert_close(UnconditionalOptimum(diffusion, render, label)(x_t, t), one)


@pytest.mark.parametrize("predict", ["eps", "x", "v"])
def test_what_is_told_in_part_lies_between_the_two_other_optima(predict):
    """All told: the conditional optimum. Nothing told: the unconditional one. One told: the unconditional one of its row."""
    diffusion = DiffusionConfig.from_tree({"predict": predict}).build()
    world = GaussianBump.from_tree({"canvas": 8, "design": {"dx": 2.0, "dy": 1.0}})
    training = torch.from_numpy(world.training_labels())
    values = [column.unique() for column in training.T]
    partial = PartialOptimum(diffusion, world.render, training, training, chunk=7)
    x_t = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([50, 300, 600, 900, 0])
    labels = training[torch.randint(len(training), (5,), generator=torch.Generator().manual_seed(1))]
    torch.testing.assert_close(
        partial(x_t, t, labels), ConditionalOptimum(diffusion, world.render)(x_t, t, labels)
    )
    nothing = torch.full_like(labels, torch.nan)
    torch.testing.assert_close(
        partial(x_t, t, nothing), UnconditionalOptimum(diffusion, world.render, training)(x_t, t)
    )
    mixed = labels.clone()
    mixed[0, 0] = mixed[2, 1] = torch.nan
    mixed[4] = torch.nan
    found = partial(x_t, t, mixed)
    for row, gone in ((0, 0), (2, 1)):
        candidates = labels[row].repeat(len(values[gone]), 1)
        candidates[:, gone] = values[gone]
        alone = UnconditionalOptimum(diffusion, world.render, candidates)
        torch.testing.assert_close(found[row : row + 1], alone(x_t[row : row + 1], t[row : row + 1]))
    torch.testing.assert_close(found[[1, 3]], partial(x_t, t, labels)[[1, 3]])
    torch.testing.assert_close(found[4], partial(x_t, t, nothing)[4])
