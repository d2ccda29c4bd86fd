"""What the explorer shows of studies, from their folders: `<study>/records.parquet` and `<study>/claims.json`.

The records hold one row a (run, snapshot). Each run becomes its settings and its history of phases, of which the page draws
phase diagrams and onset curves. The files are all that is known here of a study.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from phasescope.core.errors import UserError, reading
from phasescope.measures.learning.phases import LETTERS
from phasescope.runs.store.files import read_json
from phasescope.runs.store.folder import shown
from phasescope.views.explorer.library import Unknown
from phasescope.views.numbers import amendment_lines
from phasescope.views.record import onsets_of
from phasescope.views.terms import READINGS

T = TypeVar("T")

RECORDS, CLAIMS = "records.parquet", "claims.json"
"""as `studies.records` writes them, which is imported when a study is first read"""
VERDICTS = ("supported", "refuted", "undecided", "not reached")
ASIDE = ("config.name", "config.seed")
"""fields that are no axis of a design"""
RANKS = ("world", "family", "network", "training", "probing")
"""parts of a configuration by how soon their fields are an axis; the study's cell comes last"""


class Studies:
    """The studies whose results lie in `results`; each is read again when its files change."""

    def __init__(self, results: Path):
        self.folder = results
        self._kept: dict[tuple[str, str], tuple[tuple, Any]] = {}

    def all(self) -> list[dict[str, Any]]:
        """Return question, number of runs and verdicts of each study, or the error why it cannot be read.

        claims.json alone says it, where there is one: records take a hundred times as long to read.
        """
        return [self._summary(name, path) for name, path in self._folders().items()]

    def _summary(self, name: str, path: Path) -> dict[str, Any]:
        try:
            with reading(name):
                has_claims = (path / CLAIMS).is_file()
                study = read_json(path / CLAIMS) if has_claims else self.study(name)
                verdicts = [claim["verdict"] for claim in study["claims"]]
                runs = study["runs"] if has_claims else len(study["runs"])
                return {"name": name, "question": study["question"], "runs": runs} | {
                    "verdicts": {verdict: verdicts.count(verdict) for verdict in VERDICTS}
                }
        except UserError as error:
            return {"name": name, "error": str(error)}

    def study(self, name: str) -> dict[str, Any]:
        """Return one study: claims, axes of its design, and each run's history.

        Raises:
            Unknown: there is none of that name.
            UserError: its records or claims cannot be read.
        """
        path = self._folders().get(name)
        if path is None:
            raise Unknown(f"there are no results of a study {name!r} here")
        return self._once("study", path, _read)

    def members(self) -> dict[str, dict[str, str]]:
        """Return of each recorded run, by its digest, the `study` and the `cell` that it belongs to; a study whose records
        cannot be read has none."""
        members: dict[str, dict[str, str]] = {}
        for name, path in self._folders().items():
            with suppress(UserError):
                cells = self._once("cells", path, _cells)
                members |= {digest: {"study": name, "cell": cell} for digest, cell in cells.items()}
        return members

    def _once(self, kind: str, path: Path, read: Callable[[Path], T]) -> T:
        """Return what `read` makes of a study's folder, read again when its files change."""
        stats = [(path / file).stat() for file in (RECORDS, CLAIMS) if (path / file).exists()]
        stamp = tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)
        key = kind, path.name
        if key not in self._kept or self._kept[key][0] != stamp:
            with reading(shown(path.name)):
                self._kept[key] = (stamp, read(path))
        return self._kept[key][1]

    def _folders(self) -> dict[str, Path]:
        paths = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        return {
            shown(path.name): path
            for path in paths
            if any((path / file).is_file() for file in (RECORDS, CLAIMS))
        }


def _read(path: Path) -> dict[str, Any]:
    from phasescope.runs.store.records import read_records
    from phasescope.studies.preregistration import read_preregistration
    from phasescope.studies.records import plain, read_claims

    judged, known = read_claims(path), read_preregistration(path)
    frame = read_records(path / RECORDS)
    runs = runs_of({str(name): frame[name].to_numpy() for name in frame}, usual_settings())
    amendments = zip(amendment_lines(known), known.amendments, strict=True) if known else ()
    return {
        "name": shown(path.name),
        "question": judged.question if judged else known.study.get("question") if known else None,
        "claims": [plain(claim.model_dump(exclude={"detail"})) for claim in judged.claims] if judged else [],
        "stale": bool(judged and judged.stale),
        "amended": [{"told": line, "changed": amendment.changed} for line, amendment in amendments],
        "axes": axes_of(runs),
        "readings": {name: text for name, text in READINGS.items() if any(name in run for run in runs)},
        "runs": runs,
    }


def _cells(path: Path) -> dict[str, str]:
    """Return the cells of each recorded run, by its digest."""
    from phasescope.runs.store.records import some_columns

    if not (path / RECORDS).exists():
        return {}
    columns = some_columns(path / RECORDS, ["digest", "cells"])
    known = dict(zip(columns["digest"], columns["cells"], strict=True))
    return {digest: " and ".join(json.loads(cells)) for digest, cells in known.items() if cells}


def usual_settings() -> dict[str, Any]:
    """Return the defaults of a configuration's fields: records of earlier versions lack the later ones' columns."""
    from phasescope.runs.config import defaults
    from phasescope.runs.store.flat import config_columns

    return {name: _plain(value) for name, value in config_columns(defaults()).items()}


def runs_of(
    columns: dict[str, np.ndarray], usual: Mapping[str, Any] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Return each run's settings and history, from the columns of a study's records.

    Args:
        usual: the value of a field that is missing.

    Raises:
        KeyError: `digest`, `step` or `images_seen` is not among them.
    """
    digests, steps = columns["digest"].astype(str), columns["step"].astype(np.int64)
    fields = [name for name in columns if name.startswith("config.") and name not in ASIDE]
    readings = [name for name in READINGS if f"phase.{name}" in columns]
    runs = []
    for digest in dict.fromkeys(digests.tolist()):
        rows = np.flatnonzero(digests == digest)
        rows = rows[np.argsort(steps[rows], kind="stable")]
        first = {name: _plain(column[rows[0]]) for name, column in columns.items()}
        settings = _settings({name: first[name] for name in fields}, usual)
        if "cells" in first:
            settings["cell"] = " and ".join(json.loads(first["cells"]))
        images_seen = columns["images_seen"][rows].astype(np.int64).tolist()
        run: dict[str, Any] = {
            "digest": digest,
            "name": first.get("name", digest),
            "seed": first.get("seed"),
            "cell": settings.get("cell"),
            "settings": settings,
            "step": steps[rows].tolist(),
            "images_seen": images_seen,
            "onsets": {},
        }
        for name in ("epochs", "wall_s"):
            if name in columns:
                run[name] = [float(f"{value:.4g}") for value in columns[name][rows].astype(float)]
        for name in readings:
            phases = columns[f"phase.{name}"][rows].tolist()
            run[name] = [phase if phase in (*LETTERS, "undecided") else None for phase in phases]
            run["onsets"][name] = onsets_of(images_seen, run[name])
        runs.append(run)
    varying = {axis["field"] for axis in axes_of(runs)}
    for run in runs:
        run["settings"] = {name: value for name, value in run["settings"].items() if name in varying}
    return runs


def _settings(stated: dict[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by field without its `config.`; one that is missing has its default, among fields of the same kind."""

    def value_of(name: str) -> Any:
        kind = f"{name.rpartition('.')[0]}.kind"
        alike = usual.get(kind) == stated.get(kind)
        return usual.get(name) if stated[name] is None and alike else stated[name]

    return {name.removeprefix("config."): value_of(name) for name in stated}


def axes_of(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the fields that differ among the runs, with their values in order; those of the world come first.

    Of fields that divide the runs into the same groups the first is kept.
    """

    def ranking(field: str) -> tuple[int, str]:
        part = field.split(".")[0]
        return RANKS.index(part) if part in RANKS else len(RANKS), field

    axes, divisions = [], set()
    for name in sorted({name for run in runs for name in run["settings"]}, key=ranking):
        values = [run["settings"].get(name) for run in runs]
        known = list(dict.fromkeys(values))
        division = tuple(map(known.index, values))
        if len(known) > 1 and division not in divisions:
            divisions.add(division)
            axes.append({"field": name, "values": sorted(known, key=_sorting)})
    return axes


def _plain(value: Any) -> Any:
    """Return a value of a column as JSON has it; a whole float is an int, so that 2 and 2.0 are one."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or value != value:
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _sorting(value: Any) -> tuple[int, float, str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (0, float(value), "") if number else (1, 0.0, str(value))
