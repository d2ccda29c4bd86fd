"""Coloured squares at (x, y) on white, as a folder with metadata in any form."""

import csv
import json
from pathlib import Path

from PIL import Image

from examples.squares import COLOURS, SIDE, drawn_squares, square_images

__all__ = ["COLOURS", "SIDE", "drawn_squares", "square_images", "write_squares"]


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
