"""The file of a meter: its images and conditions as tensors, its settings and readings as JSON in the header.

Later readings stand beside it, in a JSON file of their own, so that a reading does not write all images again. Both files
have one key, new at each writing of the images: readings beside a file of another key are not its own.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from phasescope.core.errors import UserError, reading
from phasescope.core.plain_files import read_plain
from phasescope.models.families.diffusion.meter.conditions import Conditions, named
from phasescope.models.families.diffusion.meter.noising import Continuous, Discrete, Flow, Noising


def write_file(
    path: str | Path,
    *,
    levels: Noising,
    images: Mapping[str, Tensor],
    conditions: Mapping[str, Conditions],
    settings: Mapping[str, Any],
) -> str:
    """Write a meter's file, whole or not at all, and return its key; `images` and `conditions` by the name of their pairs.

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
    key = secrets.token_hex(8)
    about = {
        "target": levels.target,
        "levels": type(levels).__name__,
        "forms": forms,
        "settings": settings,
        "key": key,
    }

    aside = aside_of(path)
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    try:
        save_file(contiguous, aside, {"meter": json.dumps(about)})
    except SafetensorError as error:
        raise OSError(f"`{path}` cannot be written: {error}") from None
    put_in_place(aside, path)
    readings_of(path).unlink(missing_ok=True)
    return key


def write_readings(path: str | Path, readings: Sequence[Mapping[str, Any]], key: str | None) -> None:
    """Write all readings of a meter beside its file, whole or not at all.

    Args:
        key: of the file, as `write_file` returned it.

    Raises:
        UserError: the meter's file cannot be read, or is that of another meter.
        OSError: they cannot be written.
    """
    with reading(path):
        present = about_of(path).get("key")
    if present != key:
        raise UserError(
            f"`path` (={path}) must be this meter's own file: another meter was saved to it meanwhile"
        )
    file = readings_of(path)
    aside = aside_of(file)
    aside.write_text(json.dumps({"key": key, "readings": readings}), encoding="utf-8")
    put_in_place(aside, file)


def readings_of(path: str | Path) -> Path:
    """Return the file of the readings that came after a meter's file was written."""
    return Path(f"{path}.readings")


def aside_of(path: str | Path) -> Path:
    """Return where a file is written before it is put in its place."""
    return Path(f"{path}.aside")


def put_in_place(aside: Path, path: str | Path) -> None:
    """Rename a file; OSError if a folder has the name `path`."""
    try:
        os.replace(aside, path)
    except OSError:
        aside.unlink()
        raise


def about_of(path: str | Path) -> dict[str, Any]:
    """Return what the header of a meter's file says, without its tensors."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["meter"])


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
        levels = levels_of(about, tensors)

    settings = about["settings"]
    beside = readings_of(path)
    if beside.exists():
        with reading(beside):
            later = json.loads(read_plain(beside))
            if later["key"] == about.get("key"):
                settings |= {"readings": later["readings"]}
    return levels, ordered, conditions, settings


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
