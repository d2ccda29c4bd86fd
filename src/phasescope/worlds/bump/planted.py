"""Known bumps in the backgrounds of generated images: on these a reader's errors can be counted.

Images are contrasts g (`plane.in_contrasts`): 0 is white, 1 the centre of a bump. A background is an image without what
stands out of it as a bump does:

1. From g its level is taken away, the median of the surrounding 17 x 17 pixels, which a bump of 1 px does not move.
2. A bump is removed where the matched filter has at least a third of a bump's amplitude and `DEVIATIONS` of its own robust
   deviation over the image; the fitted bump (place, width, amplitude) is subtracted from g; up to `MOST` in turn.

What is weaker stays, since it belongs to the background: noise that a reader may take for a bump must not be cleaned away.
Images of which nothing is removed are backgrounds as they are. `surrogates` check the others: they keep a background's
spectrum and values alone, and no place of what was removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage

from phasescope.worlds.bump.matched_filter import fit_bumps, remainder
from phasescope.worlds.plane import Pixels, noise_deviation

if TYPE_CHECKING:
    from numpy.random import Generator

LEAST_AMPLITUDE, DEVIATIONS, MOST = 1 / 3, 5.0, 8
LEVEL_PX = 17
"""side of the window whose median is the background's level: a bump of 1 px covers a tenth of it, 28 of 289 pixels"""
NOISE_FLOOR = 0.02


def remove_bumps(
    g: Float[np.ndarray, "n N N"], canvas: Pixels
) -> tuple[Float[np.ndarray, "n N N"], Int[np.ndarray, " n"], Float[np.ndarray, "m 2"]]:
    """Return the backgrounds of images, how many bumps were removed from each, and the (amplitude, width in px) of all."""
    left, removed, fitted = g.copy(), np.zeros(len(g), dtype=int), []
    live = np.arange(len(g))
    for _ in range(MOST):
        flat = left[live] - ndimage.median_filter(left[live], size=(1, LEVEL_PX, LEVEL_PX), mode="nearest")
        x, y, amplitude, stands_out = _strongest(flat, canvas)
        live, flat = live[stands_out], flat[stands_out]
        if not len(live):
            break

        start = x[stands_out], y[stands_out], amplitude[stands_out]
        fit = fit_bumps(flat, canvas, start, np.maximum(noise_deviation(flat), NOISE_FLOOR))
        # Where the fit fails, a bump of the usual width is subtracted as the filter saw it.
        failed = np.isnan(fit.x) | (fit.width_px > 3 * canvas.width_px)
        for values, usual in zip(
            (fit.x, fit.y, fit.width_px, fit.amplitude),
            (start[0], start[1], np.full(len(live), canvas.width_px), start[2]),
            strict=True,
        ):
            values[failed] = usual[failed]
        left[live] = remainder(left[live], canvas, fit)
        removed[live] += 1
        fitted.append(np.stack([fit.amplitude, fit.width_px], axis=1)[~failed])
    return left, removed, np.concatenate(fitted) if fitted else np.empty((0, 2))


def _strongest(
    flat: Float[np.ndarray, "n N N"], canvas: Pixels
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and amplitude where the matched filter's score is highest, and whether that stands out, (n,) each."""
    c = canvas.candidates
    h = np.exp(-0.5 * (canvas.displacement(c[:, None], canvas.pixels) / canvas.width_px) ** 2)
    norm = np.sqrt((h**2).sum(axis=1))
    score = ((h / norm[:, None]) @ flat @ (h / norm[:, None]).T).reshape(len(flat), -1)

    best = score.argmax(axis=1)
    row, column = np.divmod(best, len(c))
    height = score[np.arange(len(flat)), best]
    deviation = 1.4826 * np.median(np.abs(score - np.median(score, axis=1, keepdims=True)), axis=1)
    amplitude = height / (norm[row] * norm[column])
    floor = NOISE_FLOOR * np.ones(len(flat))
    stands_out = (amplitude >= LEAST_AMPLITUDE) & (height >= DEVIATIONS * np.maximum(deviation, floor))
    return c[column], c[row], amplitude, stands_out


def surrogates(
    g: Float[np.ndarray, "n N N"], rng: Generator, iterations: int = 60
) -> Float[np.ndarray, "n N N"]:
    """Return images with the values of each of n images and nearly its spectrum, and otherwise random (iterated
    amplitude-adjusted Fourier transform, Schreiber & Schmitz 1996)."""
    values = np.sort(g.reshape(len(g), -1), axis=1)
    modulus = np.abs(np.fft.fft2(g))
    x = rng.permuted(values, axis=1).reshape(g.shape)
    for _ in range(iterations):
        phases = np.exp(1j * np.angle(np.fft.fft2(x)))
        shaped = np.fft.ifft2(modulus * phases).real.reshape(len(g), -1)
        x = np.take_along_axis(values, shaped.argsort(axis=1).argsort(axis=1), axis=1).reshape(g.shape)
    return x


def plant(
    backgrounds: Float[np.ndarray, "n N N"],
    places: Float[np.ndarray, "n k 2"],
    amplitude: Float[np.ndarray, " n"],
    width_px: Float[np.ndarray, " n"],
    canvas: Pixels,
) -> Float[np.ndarray, "n N N"]:
    """Return backgrounds with k bumps at places (x, y), cut to contrasts between 0 and 1, as images lie between white and
    black; no place: NaN."""
    total = backgrounds.copy()
    for number in range(places.shape[1]):
        x, y = places[:, number].T
        along_x, along_y = (
            np.exp(-0.5 * (canvas.displacement(at[:, None], canvas.pixels) / width_px[:, None]) ** 2)
            for at in (x, y)
        )
        total += np.nan_to_num(amplitude[:, None, None] * along_y[:, :, None] * along_x[:, None, :])
    return np.clip(total, 0, 1)
