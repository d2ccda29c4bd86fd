"""How much images vary in each mode of Fourier, averaged over modes of equal wave number.

With x_k the unitary transform of an image of P pixels less the mean over images,

    variance(k) = E|x_k|^2,    x_k = sum_i x(i) exp(-sqrt(-1) k i) / sqrt(P),    k = 2 pi n / N along each axis,

so white noise has its own variance in each mode, and the sum over modes is the images' whole variance. Where images are as
likely at every shift round the canvas these are the eigenvalues of their covariance, and on an isotropic world those of
equal |k|^2 are equal. The mode k = 0, the images' brightness, is one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from phasescope.measures.checks import check_finite

DECIMALS = 9
"""of |k|^2 in (rad/px)^2: sums of squares that are equal but for rounding are one"""


@dataclass(frozen=True)
class ModeVariances:
    """The variance of images by |k|^2.

    Attributes:
        k_2: |k|^2, (rad/px)^2, ascending from 0.
        variance: of the images in a mode, mean over the modes of that |k|^2 and over channels, in units of a pixel squared.
        modes: how many there are.
    """

    k_2: Float[np.ndarray, " m"]
    variance: Float[np.ndarray, " m"]
    modes: Int[np.ndarray, " m"]


def mode_variances(images: ArrayLike) -> ModeVariances:
    """The variance of images in the modes of Fourier, by |k|^2; the mean over images is taken off first.

    Args:
        images: (n, C, *spatial), n of at least 2: any number of axes, each comes round.

    Raises:
        ValueError: not of that shape, not finite.

    Source: the power spectrum; of a linear denoiser that learns, Wang & Pehlevan 2025 (arXiv 2503.03206) follow it mode by
    mode.
    """
    x = np.asarray(images, dtype=float)
    if x.ndim < 3 or len(x) < 2 or not x.size:
        raise ValueError(
            f"`images` (shape {x.shape}) must be (n, C, *spatial) with n of at least 2: they vary about their mean"
        )
    check_finite("images", x)
    power = _squared(_fourier(x - x.mean(axis=0))).mean(axis=(0, 1))
    k_2, at, modes = _shells(x.shape[2:])
    return ModeVariances(k_2, np.bincount(at, power.ravel()) / modes, modes)


@dataclass(frozen=True)
class ModeGains:
    """By |k|^2, ascending, (m,) each."""

    k_2: np.ndarray
    """in 1 / px^2; 0, that of the mean over pixels, is the first"""
    gain: np.ndarray
    """what of a mode of what was given is answered; NaN where nothing was given"""


def mode_gains(given: ArrayLike, answer: ArrayLike) -> ModeGains:
    """Of the modes of Fourier of what was given, how much is answered: sum Re(g_k* a_k) / sum |g_k|^2, over images and modes
    of one |k|^2; the best linear map that treats these alike.

    Of images in noise, and an answer that is the mean of all images that they could be, it is Wiener's gain: E[a g*] =
    E[x g*], as a = E[x | g].

    Args:
        given, answer: (n, C, *spatial) each, n of at least 2; their means over images are taken off first.

    Raises:
        ValueError: not of one such shape, not finite.
    """
    x, y = (np.asarray(one, dtype=float) for one in (given, answer))
    if x.ndim < 3 or len(x) < 2 or not x.size or x.shape != y.shape:
        raise ValueError(
            f"`given` and `answer` (shapes {x.shape} and {y.shape}) must be (n, C, *spatial) both, with n of at least 2"
        )
    check_finite("given", x)
    check_finite("answer", y)
    g, a = (_fourier(one - one.mean(axis=0)) for one in (x, y))
    k_2, at, _ = _shells(x.shape[2:])
    whole = np.bincount(at, _squared(g).sum(axis=(0, 1)).ravel())
    part = np.bincount(at, (g.conj() * a).real.sum(axis=(0, 1)).ravel())
    return ModeGains(k_2, part / np.where(whole > 0, whole, np.nan))


def _fourier(x: np.ndarray) -> np.ndarray:
    return np.fft.fftn(x, axes=range(2, x.ndim), norm="ortho")


def _squared(away: np.ndarray) -> np.ndarray:
    return away.real**2 + away.imag**2


def _shells(spatial: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The |k|^2 that there are, (m,), which of them each mode has, and how many have it, (m,)."""
    k = np.meshgrid(*(2 * np.pi * np.fft.fftfreq(size) for size in spatial), indexing="ij")
    k_2, at = np.unique(np.square(k).sum(axis=0).round(DECIMALS), return_inverse=True)
    return k_2, at.ravel(), np.bincount(at.ravel())
