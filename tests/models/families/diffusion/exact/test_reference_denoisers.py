"""The reference denoisers against brute force, and their place among one another."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.torus import torus_spectrum
from phasescope.models.families import DiffusionConfig, Task
from phasescope.models.families.diffusion.exact.optimum import (
    ConditionalOptimum,
    PartialOptimum,
    UnconditionalOptimum,
)
from phasescope.models.families.diffusion.exact.reference_denoisers import (
    MeanImage,
    OrbitOptimum,
    PatchLocalOptimum,
    Wiener,
    mean_and_covariance,
    wiener_mmse,
)
from phasescope.worlds import GaussianBump

DIFFUSION = DiffusionConfig().build()
WORLD = GaussianBump(canvas=6, sigma_px=0.8)
TORUS = GaussianBump(canvas=8, boundary="periodic")


def labels_of(world: GaussianBump) -> torch.Tensor:
    return torch.from_numpy(world.training_labels()).double()


def knows_all(world: GaussianBump) -> UnconditionalOptimum:
    return UnconditionalOptimum(DIFFUSION, world.render, labels_of(world))


def noisy(world: GaussianBump, t: int, n: int, seed: int = 0):
    """(x_0, x_t, alpha, sigma, labels) of n training images, float64."""
    generator = torch.Generator().manual_seed(seed)
    labels = labels_of(world)
    labels = labels[torch.randint(len(labels), (n,), generator=generator)]
    x_0 = world.render(labels)
    alpha, sigma = (c[t].expand(n, 1, 1, 1) for c in (DIFFUSION.schedule.alpha, DIFFUSION.schedule.sigma))
    x_t = alpha * x_0 + sigma * torch.randn(x_0.shape, generator=generator, dtype=torch.float64)
    return x_0, x_t, alpha, sigma, labels


def matrices(world: GaussianBump, t: int):
    """(mean, A): the best affine denoiser mean + A (x_t - alpha mean), straight from the images' covariance C:
    A = alpha C (alpha^2 C + sigma^2 1)^-1."""
    images = world.render(labels_of(world)).flatten(1)
    mean, away = images.mean(0), images - images.mean(0)
    C, a, s = away.T @ away / len(images), DIFFUSION.schedule.alpha[t], DIFFUSION.schedule.sigma[t]
    return mean, C, a * C @ torch.linalg.inv(a**2 * C + s**2 * torch.eye(len(C), dtype=C.dtype))


@pytest.mark.parametrize("t", [20, 250, 700])
def test_wiener_is_the_normal_equations_answer(t):
    mean, _, A = matrices(WORLD, t)
    _, x_t, alpha, sigma, _ = noisy(WORLD, t, 16)
    expected = mean + (x_t.flatten(1) - alpha.flatten(1) * mean) @ A.T
    found = Wiener.from_optimum(knows_all(WORLD)).x_0(x_t, alpha, sigma, None)
    torch.testing.assert_close(found.flatten(1), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("count", [1, 2, 20, 35])
def test_wiener_of_fewer_images_than_pixels_is_that_of_their_covariance(count):
    few = UnconditionalOptimum(DIFFUSION, WORLD.render, labels_of(WORLD)[:count])
    _, x_t, alpha, sigma, _ = noisy(WORLD, 250, 16)
    mean, C = mean_and_covariance(few)
    a, s = DIFFUSION.schedule.alpha[250], DIFFUSION.schedule.sigma[250]
    A = a * C @ torch.linalg.inv(a**2 * C + s**2 * torch.eye(len(C), dtype=C.dtype))
    expected = mean.flatten() + (x_t.flatten(1) - alpha.flatten(1) * mean.flatten()) @ A.T
    found = Wiener.from_optimum(few).x_0(x_t, alpha, sigma, None)
    torch.testing.assert_close(found.flatten(1), expected, rtol=1e-6, atol=1e-7)


def test_no_affine_map_that_is_fitted_to_samples_does_better_on_others():
    x_0, x_t, alpha, sigma, _ = noisy(WORLD, 150, 8000)
    with_constant = torch.cat((x_t.flatten(1), torch.ones(len(x_t), 1, dtype=x_t.dtype)), dim=1)
    fitted = torch.linalg.lstsq(with_constant[:4000], x_0[:4000].flatten(1)).solution
    by_fit = (with_constant @ fitted - x_0.flatten(1)).square().sum(1)
    by_wiener = (
        (Wiener.from_optimum(knows_all(WORLD)).x_0(x_t, alpha, sigma, None) - x_0).square().flatten(1).sum(1)
    )
    assert by_fit[:4000].mean() < by_wiener[:4000].mean() < by_fit[4000:].mean()
    assert by_fit[4000:].mean() < 1.05 * by_wiener[4000:].mean()


@pytest.mark.slow
@given(st.floats(-12, 12))
def test_wieners_error_is_that_of_brute_force(log_snr):
    """tr(C - a C (a^2 C + s^2 1)^-1 a C) with a^2 + s^2 = 1."""
    _, C, _ = matrices(WORLD, 0)
    a2 = 1 / (1 + np.exp(-log_snr))
    inverse = torch.linalg.inv(a2 * C + (1 - a2) * torch.eye(len(C), dtype=C.dtype))
    expected = torch.trace(C - a2 * C @ inverse @ C).item()
    variances = torch.linalg.eigvalsh(mean_and_covariance(knows_all(WORLD))[1])
    found = wiener_mmse(variances, torch.tensor([np.exp(log_snr)])).item()
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("sigma_px", [0.5, 1.0, 2.0])
def test_a_torus_spectrum_is_fouriers(sigma_px):
    world = GaussianBump(canvas=8, sigma_px=sigma_px, boundary="periodic")
    mean, covariance = mean_and_covariance(knows_all(world))
    found = torus_spectrum(world.render(labels_of(world)[:1])[0]).sort().values
    torch.testing.assert_close(found, torch.linalg.eigvalsh(covariance).clamp(min=0), rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(mean, mean.mean().expand_as(mean))


def test_a_torus_spectrum_is_the_closed_form_of_a_wide_canvas():
    """lambda_k = c^2 (2 pi s^2)^2 exp(-s^2 |k|^2) / N^2, with contrast c = 2."""
    N, s = 32, 1.5
    image = GaussianBump(canvas=N, sigma_px=s, boundary="periodic").render(
        torch.tensor([[16.0, 16.0]]).double()
    )
    k = 2 * np.pi * np.fft.fftfreq(N)
    expected = 4 * (2 * np.pi * s**2) ** 2 * np.exp(-(s**2) * (k[:, None] ** 2 + k**2)) / N**2
    expected[0, 0] = 0
    np.testing.assert_allclose(torus_spectrum(image[0]).numpy().reshape(N, N), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize("world", [WORLD, TORUS], ids=["open", "torus"])
def test_the_patch_local_optimum_weighs_what_was_in_each_pixels_patch(world, side):
    _, x_t, alpha, sigma, _ = noisy(world, 200, 3)
    images, N, reach = world.render(labels_of(world)), world.canvas, side // 2
    found = PatchLocalOptimum(DIFFUSION, knows_all(world), side, world.periodic, chunk=7).x_0(
        x_t, alpha, sigma, None
    )
    for i, j in ((0, 0), (2, 5), (5, 3)):
        rows, columns = (
            sorted({k % N for k in range(at - reach, at + reach + 1)} if world.periodic
                   else set(range(max(at - reach, 0), min(at + reach + 1, N))))
            for at in (i, j)
        )  # fmt: skip
        patch = np.ix_(rows, columns)
        seen, known = (torch.from_numpy(x[:, 0].numpy()[:, *patch]).flatten(1) for x in (x_t, images))
        distance = (seen[:, None] - alpha[:, 0, 0][:, None] * known).square().sum(2)
        weights = torch.softmax(-distance / (2 * sigma[:, 0, 0] ** 2), dim=1)
        torch.testing.assert_close(found[:, 0, i, j], weights @ images[:, 0, i, j])


def test_a_patch_local_optimum_that_sees_all_is_the_posterior_mean():
    world = GaussianBump(canvas=7, boundary="periodic")
    _, x_t, alpha, sigma, _ = noisy(world, 250, 5)
    everything = knows_all(world)
    found = PatchLocalOptimum(DIFFUSION, everything, 7, periodic=True).x_0(x_t, alpha, sigma, None)
    torch.testing.assert_close(found, everything.x_0(x_t, alpha, sigma, None))


@pytest.mark.parametrize("side", [0, 2, 7, -1])
def test_a_patch_has_a_middle_and_fits_the_canvas(side):
    with pytest.raises(
        ValueError, match=rf"`patch` \(={side}\) must be odd, from 1 to the canvas' side \(=6 px\)"
    ):
        PatchLocalOptimum(DIFFUSION, knows_all(WORLD), side)


def test_an_orbit_by_one_pixel_is_the_posterior_mean_of_a_torus_and_by_the_canvas_the_labels_image():
    _, x_t, alpha, sigma, labels = noisy(TORUS, 250, 6)
    knows_label = ConditionalOptimum(DIFFUSION, TORUS.render)
    by = partial(OrbitOptimum, DIFFUSION, knows_label)
    given = x_t, alpha, sigma, labels
    torch.testing.assert_close(by(1).x_0(*given), knows_all(TORUS).x_0(*given))
    torch.testing.assert_close(by(8).x_0(*given), knows_label.x_0(*given))
    (between, variance) = by(4).posterior(*given)
    assert (variance > 0).all()
    for shift in ((0, 4), (4, 0), (4, 4)):
        moved = torch.roll(x_t, shift, (2, 3))
        torch.testing.assert_close(by(4).x_0(moved, *given[1:]), torch.roll(between, shift, (2, 3)))


@pytest.mark.parametrize("predict", ["eps", "x", "v"])
def test_each_rung_answers_in_the_diffusions_parametrization(predict):
    diffusion = DiffusionConfig(predict=predict).build()
    everything = UnconditionalOptimum(diffusion, WORLD.render, labels_of(WORLD))
    _, x_t, alpha, sigma, labels = noisy(WORLD, 300, 4)
    t = torch.full((4,), 300)
    denoisers = (
        MeanImage(diffusion, mean_and_covariance(everything)[0]),
        Wiener.from_optimum(everything),
        PatchLocalOptimum(diffusion, everything, 3),
        everything,
        PartialOptimum.of_grid(diffusion, WORLD.render, WORLD.training_labels()),
        OrbitOptimum(diffusion, ConditionalOptimum(diffusion, WORLD.render), 3),
        ConditionalOptimum(diffusion, WORLD.render),
    )
    for reference in denoisers:
        meant = diffusion.x_0_of(reference, x_t, t, labels)
        torch.testing.assert_close(meant, reference.answer(x_t, alpha, sigma, labels), rtol=1e-6, atol=1e-6)


def test_a_patch_local_optimum_answers_in_single_precision_as_in_double():
    _, x_t, alpha, sigma, _ = noisy(TORUS, 100, 6)
    machine = PatchLocalOptimum(DIFFUSION, knows_all(TORUS), 5, periodic=True)
    found, exact = machine.answer(x_t, alpha, sigma, None), machine.x_0(x_t, alpha, sigma, None)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, exact, rtol=1e-3, atol=1e-4)
    assert not torch.equal(found, exact)


def test_a_diffusions_optima_see_the_tasks_patch_and_all():
    task = Task.from_world(TORUS, patch_px=5)
    optima = DiffusionConfig().analysis(task).optima()
    _, x_t, alpha, sigma, labels = noisy(TORUS, 250, 4)
    t = torch.full((4,), 250)
    for name, reference in (
        ("patch-local optimum", PatchLocalOptimum(DIFFUSION, knows_all(TORUS), 5, periodic=True)),
        ("posterior mean", knows_all(TORUS)),
    ):
        found = DIFFUSION.x_0_of(optima[name], x_t, t, labels)
        torch.testing.assert_close(found, reference.x_0(x_t, alpha, sigma, None), rtol=1e-3, atol=1e-3)


def test_a_posteriors_variance_is_its_mean_squared_error():
    x_0, x_t, alpha, sigma, _ = noisy(WORLD, 200, 6000)
    mean, variance = knows_all(WORLD).posterior(x_t, alpha, sigma, None)
    errors = (mean - x_0).square().flatten(1).sum(1)
    standard_error = (errors - variance).std() / len(errors) ** 0.5
    assert abs((errors - variance).mean()) < 5 * standard_error


def test_a_set_that_lacks_combinations_has_no_partial_optimum():
    labels = WORLD.training_labels()
    assert PartialOptimum.of_grid(DIFFUSION, WORLD.render, labels) is not None
    assert PartialOptimum.of_grid(DIFFUSION, WORLD.render, labels[1:]) is None
