"""Coloured squares at (x, y) on white, as a folder with metadata, and what is really seen in an image of one."""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 70, 230)}
SIDE, HALF = 32, 4


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


def write_squares(folder: Path, n: int, form: str = "csv", within: str = "", seed: int = 0) -> Path:
    """Write squares as PNG files with `metadata.csv` or `metadata.jsonl`, in a folder `within` it if one is named."""
    (folder / within).mkdir(parents=True)
    images, xy, colours = drawn_squares(n, seed)
    rows = []
    for k, image in enumerate(images):
        name = f"{within}/{k:04}.png".lstrip("/")
        Image.fromarray(image).save(folder / name)
        x, y = xy[k].round(3).tolist()
        rows.append({"file_name": name, "x": x, "y": y, "colour": str(colours[k])})

    if form == "jsonl":
        (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return folder
    with open(folder / "metadata.csv", "w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder
