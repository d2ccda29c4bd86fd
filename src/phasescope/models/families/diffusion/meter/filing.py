"""The file of a meter: its images and conditions as tensors, its settings and readings as JSON in the header."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from phasescope.core.errors import reading
from phasescope.models.families.diffusion.meter.conditions import Conditions, named
from phasescope.models.families.diffusion.meter.noising import Continuous, Discrete, Flow, Noising


def write_file(
    path: str | Path,
    *,
    levels: Noising,
    images: Mapping[str, Tensor],
    conditions: Mapping[str, Conditions],
    settings: Mapping[str, Any],
) -> None:
    """Write a meter's file, whole or not at all; `images` and `conditions` by the name of their pairs.

    Raises:
        OSError: it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {f"{name}/x_0": x_0 for name, x_0 in images.items()}
    forms = {}
    for name, given in conditions.items():
        parts = named(given)
        tensors |= {f"{name}/condition/{number}": tensor for number, tensor in enumerate(parts.values())}
        forms[name] = form_of(given)
    if isinstance(levels, Discrete):
        tensors["alphas_cumprod"] = levels.alphas_cumprod
    elif isinstance(levels, Continuous):
        tensors |= {"times": levels.times, "log_snr": levels.values}
    about = {"target": levels.target, "levels": type(levels).__name__, "forms": forms, "settings": settings}

    aside = Path(f"{path}.aside")
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    try:
        save_file(contiguous, aside, {"meter": json.dumps(about)})
    except SafetensorError as error:
        raise OSError(f"`{path}` cannot be written: {error}") from None
    try:
        os.replace(aside, path)
    except OSError:  # a folder has this name
        aside.unlink()
        raise


def read_file(
    path: str | Path,
) -> tuple[Noising, dict[str, Tensor], dict[str, Conditions], dict[str, Any]]:
    """Return noise levels, images, conditions and settings of a meter's file.

    Raises:
        UserError: the file cannot be read, or is none.
    """
    from safetensors import safe_open

    with reading(path), safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["meter"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        images = {name.split("/")[0]: tensor for name, tensor in tensors.items() if name.endswith("/x_0")}
        conditions = {
            name: of_form(form, f"{name}/condition", tensors) for name, form in about["forms"].items()
        }
        # Held-out pairs come first: they are those that a reading is of by default.
        ordered = {name: images[name] for name in about["forms"] if name in images}
        return levels_of(about, tensors), ordered, conditions, about["settings"]


def form_of(conditions: Conditions) -> Any:
    """Return the form of conditions: "one" tensor, the count of a tuple, or the keys of a dict."""
    if isinstance(conditions, dict):
        return list(conditions)
    return len(conditions) if isinstance(conditions, tuple) else "one"


def of_form(form: Any, prefix: str, tensors: Mapping[str, Tensor]) -> Conditions:
    """Return conditions of a form from the tensors whose names begin with `prefix`."""
    if form == "one":
        return tensors[f"{prefix}/0"]
    if isinstance(form, int):
        return tuple(tensors[f"{prefix}/{number}"] for number in range(form))
    return {key: tensors[f"{prefix}/{number}"] for number, key in enumerate(form)}


def levels_of(about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Noising:
    """Return the noise levels of a meter's file."""
    if about["levels"] == "Discrete":
        return Discrete(about["target"], tensors["alphas_cumprod"])
    if about["levels"] == "Continuous":
        return Continuous(about["target"], tensors["times"], tensors["log_snr"])
    return Flow(about["target"])
