"""How much images vary in each mode of Fourier, averaged over modes of equal wave number.

With x_k the unitary transform of an image of P pixels less the mean over images,

    variance(k) = E|x_k|^2,    x_k = sum_i x(i) exp(-sqrt(-1) k i) / sqrt(P),    k = 2 pi n / N along each axis,

so white noise has its own variance in each mode, and the sum over modes is the total variance of the images. If images are
equally likely at every shift round the canvas, these are the eigenvalues of their covariance, and on an isotropic world
those of equal |k|^2 are equal. The mode k = 0, the images' brightness, is one of them.
"""

from dataclasses import dataclass

import numpy as np

DECIMALS = 9  # of |k|^2 in (rad/px)^2: sums of squares that are equal up to rounding are one


@dataclass(frozen=True)
class ModeVariances:
    """The variance of images by |k|^2, (m,) each."""

    k_2: np.ndarray  # |k|^2, (rad/px)^2, ascending from 0
    variance: np.ndarray  # mean over the modes of that |k|^2 and over channels, in units of a pixel squared
    modes: np.ndarray  # how many modes there are


def mode_variances(images: np.ndarray) -> ModeVariances:
    """Return the variance of images (n, C, *spatial) in the modes of Fourier; their mean is subtracted first.

    Source: the power spectrum; Wang & Pehlevan 2025 (arXiv 2503.03206) follow a linear denoiser that learns mode by mode.
    """
    x = checked("images", images)
    power = _squared(_fourier(x - x.mean(axis=0))).mean(axis=(0, 1))
    k_2, at, modes = _shells(x.shape[2:])
    return ModeVariances(k_2, np.bincount(at, power.ravel()) / modes, modes)


@dataclass(frozen=True)
class ModeGains:
    """By |k|^2, ascending, (m,) each."""

    k_2: np.ndarray  # (rad/px)^2; 0, that of the mean over pixels, is the first
    gain: np.ndarray  # how much of each mode of the input the answer has; NaN for a mode without any input


def mode_gains(given: np.ndarray, answer: np.ndarray) -> ModeGains:
    """Return the gain of each mode of Fourier, sum Re(g_k* a_k) / sum |g_k|^2 over images and modes of one |k|^2: the
    best linear map that treats these alike.

    If `given` are noisy images, and `answer` is the mean of all images that they could be, it is Wiener's gain:
    E[a g*] = E[x g*], as a = E[x | g]. Both are (n, C, *spatial); their means over images are subtracted first.
    """
    x, y = checked("given", given), checked("answer", answer)
    if x.shape != y.shape:
        raise ValueError(f"`answer` (shape {y.shape}) must be of the shape of `given` ({x.shape})")
    g, a = (_fourier(batch - batch.mean(axis=0)) for batch in (x, y))
    k_2, at, _ = _shells(x.shape[2:])
    power = np.bincount(at, _squared(g).sum(axis=(0, 1)).ravel())
    shared = np.bincount(at, (g.conj() * a).real.sum(axis=(0, 1)).ravel())
    return ModeGains(k_2, shared / np.where(power > 0, power, np.nan))


def checked(name: str, images: np.ndarray) -> np.ndarray:
    """Return images as float64; raise ValueError unless they are (n, C, *spatial), n at least 2, and finite."""
    x = np.asarray(images, dtype=float)
    if x.ndim < 3 or len(x) < 2 or not x.size or not np.isfinite(x).all():
        raise ValueError(f"`{name}` (shape {x.shape}) must be (n, C, *spatial), finite, with n of at least 2")
    return x


def _fourier(x: np.ndarray) -> np.ndarray:
    return np.fft.fftn(x, axes=range(2, x.ndim), norm="ortho")


def _squared(x: np.ndarray) -> np.ndarray:
    return x.real**2 + x.imag**2


def _shells(spatial: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct |k|^2, (m,), the index of each mode's among them, and how many modes have each, (m,)."""
    k = np.meshgrid(*(2 * np.pi * np.fft.fftfreq(size) for size in spatial), indexing="ij")
    k_2, at = np.unique(np.square(k).sum(axis=0).round(DECIMALS), return_inverse=True)
    return k_2, at.ravel(), np.bincount(at.ravel())
