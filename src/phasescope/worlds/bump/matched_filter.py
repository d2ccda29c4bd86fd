"""Gaussian bumps in images: where they are (a matched filter), how large, wide and strong (least squares).

In units of the nominal contrast a bump at c = (x, y) is A h_c, h_c(p) = exp(-|p - c|^2 / (2 sigma^2)), on a
background of 0; pixel centres p run from 1 to N along each axis, x along columns. For an image g and any c,
on the pixel grid or off it,

    amplitude  R(c) = <g, h_c> / <h_c, h_c>              the least-squares amplitude of a bump at c
    score      z(c) = <g, h_c> / sqrt(<h_c, h_c>)        its standard score in white noise of unit deviation

R is the matched filter (North 1943) in units of an ideal bump's peak. Its norm counts only pixels on the
canvas: a bump that the edge cuts, even one centred a pixel outside, still has R = 1. h_c is an outer product,
so that everything here is a product of matrices along x and along y.
"""

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage, optimize

from phasescope.worlds.marquardt import Expansion, diagonals, marquardt
from phasescope.worlds.plane import Pixels, beyond_noise, count_regions

# Prior deviation of a bump's amplitude over the nominal one, and of log(width / sigma): loose, a factor of 1.6.
PRIOR_DEVIATION = 0.5


def chance_level(canvas: Pixels, false_bumps: float) -> float:
    """Return the score that noise alone is expected to exceed at `false_bumps` places per image.

    By the expected Euler characteristic (Adler 1981) of z, whose correlation is exp(-r^2 / (4 sigma^2)): u
    solves N^2 / (2 sigma^2) (2 pi)^(-3/2) u exp(-u^2 / 2) = false_bumps, beyond the maximum at u = 1.
    """
    density = canvas.size**2 / (2 * canvas.width_px**2) * (2 * np.pi) ** -1.5

    def excess(u: float) -> float:
        return np.log(density * u / false_bumps) - u**2 / 2

    return float(optimize.root_scalar(excess, bracket=(1.0, 40.0)).root) if excess(1.0) > 0 else 1.0


@dataclass(frozen=True)
class Found:
    """The number of bumps that the matched filter finds in n images, and the place of the highest score."""

    bumps: Int[np.ndarray, " n"]
    x: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]
    amplitude: Float[np.ndarray, " n"]
    anywhere: Float[np.ndarray, "n 2"]
    """(x, y) of the highest score, also in malformed images: a bump's likeliest place in white noise"""
    refined: Float[np.ndarray, "n 2"]
    """the same between the candidates, so that no label is favoured by where candidates lie"""


def find_bumps(
    g: Float[np.ndarray, "n N N"], canvas: Pixels, half: float, least_score: Float[np.ndarray, " n"]
) -> Found:
    """Bumps are connected regions (diagonals connect) of centres c with R(c) >= half and z(c) >= least_score.

    A region counts if it holds a peak of z. Near an open edge R alone would take the flank of a bump inside
    for the flank of another one outside; z, a cosine times |g|, rises towards the true one (Cauchy-Schwarz).
    """
    c = canvas.candidates
    h = np.exp(-0.5 * (canvas.displacement(c[:, None], canvas.pixels) / canvas.width_px) ** 2)
    norm = np.sqrt((h**2).sum(axis=1))
    score = (h / norm[:, None]) @ g @ (h / norm[:, None]).T
    amplitude = score / np.outer(norm, norm)
    inside = (amplitude >= half) & (score >= least_score[:, None, None])

    mode = "wrap" if canvas.periodic else "nearest"
    peak = inside & (score == ndimage.maximum_filter(score, size=(1, 3, 3), mode=mode))
    best = np.where(inside, score, -np.inf).reshape(len(g), len(c) ** 2).argmax(axis=1)
    row, column = np.divmod(best, len(c))
    bumps = count_regions(inside, peak, canvas.periodic)
    likeliest = np.divmod(score.reshape(len(g), len(c) ** 2).argmax(axis=1), len(c))
    anywhere = np.stack([c[likeliest[1]], c[likeliest[0]]], axis=1)
    return Found(
        bumps=bumps,
        x=c[column],
        y=c[row],
        amplitude=amplitude[np.arange(len(g)), row, column],
        anywhere=anywhere,
        refined=anywhere + _beyond_candidate(score, likeliest, canvas) * (c[1] - c[0]),
    )


def _beyond_candidate(
    score: Float[np.ndarray, "n M M"], at: tuple[np.ndarray, np.ndarray], canvas: Pixels
) -> Float[np.ndarray, "n 2"]:
    """Return the offset of the peak of z from the candidate `at` (row, column), (dx, dy) in candidates, at most 1/2."""
    images, offsets = np.arange(len(score)), []
    for axis in (1, 0):
        shifted = [np.array(at) for _ in range(3)]
        for shift, place in zip((-1, 0, 1), shifted, strict=True):
            place[axis] += shift

        inside = (shifted[0][axis] >= 0) & (shifted[2][axis] < score.shape[1]) | canvas.periodic
        logs = [
            np.log(np.maximum(score[images, row % score.shape[1], column % score.shape[1]], 1e-12))
            for row, column in shifted
        ]

        # z of a bump is exp(-r^2 / (4 sigma^2)) near its peak, so a parabola through the logs of three neighbours is exact.
        bend = logs[0] - 2 * logs[1] + logs[2]
        offset = (logs[0] - logs[2]) / np.where(bend < 0, 2 * bend, np.inf)
        offsets.append(np.where(inside, np.clip(offset, -0.5, 0.5), 0.0))
    return np.stack(offsets, axis=1)


def brightest(g: Float[np.ndarray, "n N N"], canvas: Pixels) -> Float[np.ndarray, "n 2"]:
    """Return (x, y) of the pixel with the highest value."""
    row, column = np.divmod(g.reshape(len(g), canvas.size**2).argmax(axis=1), canvas.size)
    return np.stack([canvas.pixels[column], canvas.pixels[row]], axis=1)


@dataclass(frozen=True)
class Fit:
    """The best single bump in each of m images; NaN where the fit failed."""

    x: Float[np.ndarray, " m"]
    y: Float[np.ndarray, " m"]
    width_px: Float[np.ndarray, " m"]
    amplitude: Float[np.ndarray, " m"]


def fit_bumps(
    g: Float[np.ndarray, "m N N"],
    canvas: Pixels,
    start: tuple[np.ndarray, np.ndarray, np.ndarray],
    noise: Float[np.ndarray, " m"],
) -> Fit:
    """Fit A, x, y, l = log w of A G, G = exp(-(dx^2 + dy^2) / (2 w^2)), by damped Newton steps (Marquardt 1963):

        minimise    |g - A G|^2 + noise^2 ((A - 1)^2 + (l - log sigma)^2) / PRIOR_DEVIATION^2

    The second term decides where the pixels cannot: at the edge, amplitude, width and place trade off; elsewhere it shrinks
    log w by noise^2 / pi over sigma^2 PRIOR_DEVIATION^2: 5 % at noise 0.2, sigma 1 px. `start` is (x, y, A); w starts at
    sigma; `noise` is a deviation. A fit is at rest when a step promises less than 1e-6 noise^2, a thousandth of a standard
    error. It fails if it rests nowhere, or further than 2 sigma + 1 px away.
    """
    sigma = canvas.width_px
    x, y, amplitude = start
    ridge = (noise / PRIOR_DEVIATION) ** 2
    any_value = np.full(3, np.inf)

    p, settled = marquardt(
        lambda p, live: _expansion(g[live], canvas, p, ridge[live]),
        np.stack([amplitude, x, y, np.full_like(x, np.log(sigma))], axis=1),
        reach=np.array([1.0, sigma, sigma, 0.5]),
        bounds=(np.append(-any_value, np.log(sigma / 10)), np.append(any_value, np.log(sigma * 10))),
        iterations=60,
        rest=1e-6 * noise**2,
    )

    moved = np.hypot(canvas.displacement(x, p[:, 1]), canvas.displacement(y, p[:, 2]))
    ok = settled & (moved <= 2 * sigma + 1)
    p[~ok] = np.nan
    return Fit(x=p[:, 1], y=p[:, 2], width_px=np.exp(p[:, 3]), amplitude=p[:, 0])


_DX, _DY = np.array([0, 1, 0, 2, 0]), np.array([0, 0, 1, 0, 2])
"""the derivatives of A G are made of G dx^a dy^b; these are the powers in G, G dx, G dy, G dx^2, G dy^2"""
_TO_PARAMETERS = np.array(
    [
        [1, 0, 0, 0, 0],  # d/dA = G
        [0, 1, 0, 0, 0],  # d/dx = A / w^2 times G dx
        [0, 0, 1, 0, 0],  # d/dy = A / w^2 times G dy
        [0, 0, 0, 1, 1],  # d/dl = A / w^2 times (G dx^2 + G dy^2)
    ],
    dtype=float,
)


def _expansion(
    g: Float[np.ndarray, "m N N"],
    canvas: Pixels,
    p: Float[np.ndarray, "m 4"],
    ridge: Float[np.ndarray, " m"],
) -> Expansion:
    """Return the expansion of half of the loss (less |g|^2), damped by its Gauss-Newton diagonal.

    With r = g - A G and J the derivatives of A G, the Hessian is J^T J - <r, second derivatives of A G>.
    """
    amplitude, x, y, log_w = p.T
    w2 = np.exp(2 * log_w)
    along_x = _powers(canvas.displacement(x[:, None], canvas.pixels), w2)
    along_y = _powers(canvas.displacement(y[:, None], canvas.pixels), w2)

    data = along_y @ g @ along_x.mT
    gram_x, gram_y = along_x @ along_x.mT, along_y @ along_y.mT
    model = amplitude[:, None, None] * gram_y[:, :, :1] * gram_x[:, :1, :]
    left = data - model

    gram = gram_x[:, _DX[:, None], _DX] * gram_y[:, _DY[:, None], _DY]
    jacobian = np.stack([np.ones_like(w2), *[amplitude / w2] * 3], axis=1)[:, :, None] * _TO_PARAMETERS
    gauss_newton = jacobian @ gram @ jacobian.mT
    descent = (jacobian @ left[:, _DY, _DX, None])[..., 0]
    loss = amplitude * (model[:, 0, 0] / 2 - data[:, 0, 0])

    # The prior holds amplitude and width near those of a nominal bump.
    off = p - np.array([1.0, 0.0, 0.0, np.log(canvas.width_px)])
    weight = ridge[:, None] * np.array([1.0, 0.0, 0.0, 1.0])
    return Expansion(
        loss=loss + (weight * off**2).sum(axis=1) / 2,
        hessian=gauss_newton - _curvature(left, amplitude, w2) + diagonals(weight),
        descent=descent - weight * off,
        scale=np.einsum("mii->mi", gauss_newton) + weight + 1e-12,
    )


def _curvature(
    left: Float[np.ndarray, "m 5 5"], amplitude: Float[np.ndarray, " m"], w2: Float[np.ndarray, " m"]
) -> Float[np.ndarray, "m 4 4"]:
    """Return <r, second derivatives of A G>, from the moments left[b, a] = <r, G dx^a dy^b>."""
    A, X, Y, L = range(4)
    a = amplitude / w2

    def moment(dx: int = 0, dy: int = 0) -> Float[np.ndarray, " m"]:
        return left[:, dy, dx]

    upper = np.zeros((len(w2), 4, 4))
    upper[:, A, X] = moment(dx=1) / w2
    upper[:, A, Y] = moment(dy=1) / w2
    upper[:, A, L] = (moment(dx=2) + moment(dy=2)) / w2
    upper[:, X, Y] = a * moment(dx=1, dy=1) / w2
    upper[:, X, L] = a * ((moment(dx=3) + moment(dx=1, dy=2)) / w2 - 2 * moment(dx=1))
    upper[:, Y, L] = a * ((moment(dx=2, dy=1) + moment(dy=3)) / w2 - 2 * moment(dy=1))

    curvature = upper + upper.mT
    curvature[:, X, X] = a * (moment(dx=2) / w2 - moment())
    curvature[:, Y, Y] = a * (moment(dy=2) / w2 - moment())
    fourth = moment(dx=4) + 2 * moment(dx=2, dy=2) + moment(dy=4)
    curvature[:, L, L] = a * (fourth / w2 - 2 * (moment(dx=2) + moment(dy=2)))
    return curvature


def _powers(d: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """Return G d^k for k = 0 ... 4 along one axis, (m, 5, N)."""
    gaussian = np.exp(-0.5 * d**2 / w2[:, None])
    return np.stack(list(accumulate([gaussian, d, d, d, d], np.multiply)), axis=1)


def remainder(g: Float[np.ndarray, "m N N"], canvas: Pixels, fit: Fit) -> Float[np.ndarray, "m N N"]:
    """Return g - A G; g itself where the fit failed."""
    width = fit.width_px[:, None]
    g_x = np.exp(-0.5 * (canvas.displacement(fit.x[:, None], canvas.pixels) / width) ** 2)
    g_y = np.exp(-0.5 * (canvas.displacement(fit.y[:, None], canvas.pixels) / width) ** 2)
    return g - np.nan_to_num(fit.amplitude[:, None, None] * g_y[:, :, None] * g_x[:, None, :])


def root_mean_square(
    left: Float[np.ndarray, "m N N"],
    canvas: Pixels,
    fit: Fit,
    radius_px: float,
    noise: Float[np.ndarray, " m"],
) -> Float[np.ndarray, " m"]:
    """Return the root mean square of the remainder within `radius_px` of the fitted centre, beyond that of white noise."""
    dx = canvas.displacement(fit.x[:, None], canvas.pixels)
    dy = canvas.displacement(fit.y[:, None], canvas.pixels)
    near = dy[:, :, None] ** 2 + dx[:, None, :] ** 2 <= radius_px**2
    return np.where(np.isnan(fit.x), np.nan, beyond_noise(left, near, noise))
