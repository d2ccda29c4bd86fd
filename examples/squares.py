"""Write 200 coloured squares at (x, y) as a folder of PNG files with metadata.csv, to train on.

python squares.py
phasescope train squares.yaml
"""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 70, 230)}
SIDE, HALF = 32, 4
"""of the canvas, and half of a square's, px"""


def drawn_squares(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images (n, 32, 32, 3), uint8, centres (n, 2) in px, x and y, with pixel edges at whole numbers, and words."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(HALF + 1, SIDE - HALF - 1, (n, 2))
    colours = np.array(list(COLOURS))[rng.integers(0, 3, n)]
    return square_images(xy, colours), xy, colours


def square_images(xy: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return the images of squares whose edges cover pixels in part."""
    pixel = np.arange(SIDE)

    def covered(centre: np.ndarray) -> np.ndarray:
        low, high = centre[:, None] - HALF, centre[:, None] + HALF
        return np.clip(np.minimum(pixel + 1, high) - np.maximum(pixel, low), 0, 1)

    inside = (covered(xy[:, 1])[:, :, None] * covered(xy[:, 0])[:, None])[..., None]
    colour = np.array([COLOURS[word] for word in colours])[:, None, None]
    return (inside * colour + (1 - inside) * 255).round().astype(np.uint8)


def write(folder: Path, n: int) -> None:
    folder.mkdir()
    images, xy, colours = drawn_squares(n)
    with open(folder / "metadata.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "x", "y", "colour"])
        for k, image in enumerate(images):
            Image.fromarray(image).save(folder / f"{k:04}.png")
            table.writerow([f"{k:04}.png", *xy[k].round(3).tolist(), colours[k]])


if __name__ == "__main__":
    write(Path("squares"), n=200)
