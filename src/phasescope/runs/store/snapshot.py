"""A snapshot: what was recorded of a run at one step."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phasescope.core.errors import UserError, reading
from phasescope.core.npz import open_npz
from phasescope.core.plain_files import check_plain
from phasescope.runs.store.sites import Site
from phasescope.runs.store.tables import read_parquet

if TYPE_CHECKING:
    import pandas as pd


def array_name(kind: str, site: Site) -> str:
    """Return the name of an array in latents.npz, such as `latents/mid/600` or `umap/code`."""
    return f"{kind}/{site.layer}" if site.t is None else f"{kind}/{site.layer}/{site.t}"


class Snapshot:
    """The files that a run recorded at one step. Every method that reads one raises UserError if it is damaged."""

    def __init__(self, path: Path):
        self.path = path
        self.step = int(path.name)

    def __repr__(self) -> str:
        return f"Snapshot({self.path.parent.parent.name}: step {self.step:,})"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per generated image, with the columns of `readings`."""
        import pandas as pd

        return pd.DataFrame(self.readings())

    def samples(self) -> dict[str, np.ndarray]:
        """Return `images` (n, C, *spatial) float32 in [-1, 1], `labels` (n, K) and `split` (n,) of str."""
        with open_npz(self.path / "samples.npz") as arrays:
            return {
                "images": arrays["images"].astype(np.float32),
                "labels": arrays["labels"],
                "split": arrays["split"],
            }

    def latent_labels(self) -> np.ndarray:
        """Return the labels of the latents, (n, K)."""
        return self._array("labels")

    def latents(self, layer: str, t: int | None = None) -> np.ndarray:
        """Return a layer's activations, (n, features) float32; at timestep `t` if the family has timesteps."""
        return self._array(array_name("latents", Site(layer, t)))

    def draws(self, layer: str, t: int | None = None) -> np.ndarray:
        """Return the activations of the first m labels under several noise draws, (draws, m, features) float32."""
        return self._array(array_name("draws", Site(layer, t)))

    def embedding(self, site: Site) -> np.ndarray | None:
        """Return UMAP's embedding of a site's latents, (n, 3); None if it was not computed."""
        name = array_name("umap", site)
        return self._array(name) if name in self._names else None

    @property
    def sites(self) -> list[Site]:
        """The sites whose latents are stored."""
        names = [name.split("/")[1:] for name in self._names if name.startswith("latents/")]
        return [Site(layer, int(t[0]) if t else None) for layer, *t in names]

    def readings(self) -> dict[str, np.ndarray]:
        """Return the columns of `reading.parquet`, with one row per generated image: label_<factor>, split, outcome, the
        reader's estimates, error_<factor>."""
        return read_parquet(self.path / "reading.parquet")

    def weights(self) -> dict[str, np.ndarray]:
        """Return the averaged weights by name."""
        from safetensors.numpy import load_file

        path = self.path / "weights.safetensors"
        with reading(path):
            check_plain(path)
            return load_file(path)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the averaged weights by name, without reading the weights."""
        from safetensors import safe_open

        path = self.path / "weights.safetensors"
        with reading(path):
            check_plain(path)
            with safe_open(path, framework="numpy") as file:
                return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118

    @cached_property
    def _names(self) -> list[str]:
        if not (self.path / "latents.npz").exists():
            return []
        with open_npz(self.path / "latents.npz") as arrays:
            return list(arrays)

    def _array(self, name: str) -> np.ndarray:
        with open_npz(self.path / "latents.npz") as arrays:
            if name not in arrays:
                raise UserError(f"`{self.path / 'latents.npz'}` must hold `{name}`, not {', '.join(arrays)}")
            return arrays[name].astype(np.float32)
