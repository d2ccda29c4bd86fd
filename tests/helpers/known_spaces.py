"""Spaces whose homology is known, as clouds of n rows drawn evenly by area."""

import numpy as np


def circle(rng, n):
    u = rng.uniform(0, 2 * np.pi, n)
    return np.stack([np.cos(u), np.sin(u)], axis=1)


def two_circles(rng, n):
    return circle(rng, n) + np.array([3.0, 0.0]) * (np.arange(n) % 2)[:, None]


def clifford(rng, n):
    return np.hstack([circle(rng, n), circle(rng, n)])


def torus_3d(rng, n, R=2.0, r=1.0):
    u, v, accept = rng.uniform(0, 1, (3, 4 * n))
    u, v = (2 * np.pi * angle[accept < (R + r * np.cos(2 * np.pi * v)) / (R + r)][:n] for angle in (u, v))
    around = R + r * np.cos(v)
    return np.stack([around * np.cos(u), around * np.sin(u), r * np.sin(v)], axis=1)


def sphere(rng, n):
    x = rng.normal(size=(n, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def disc(rng, n):
    return np.sqrt(rng.uniform(size=(n, 1))) * circle(rng, n)


def gaussian(rng, n):
    return rng.normal(size=(n, 5))
