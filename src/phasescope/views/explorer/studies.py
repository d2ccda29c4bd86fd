"""What studies found, out of their folders of results: `<study>/records.parquet` and `<study>/claims.json`.

The records hold one row a (run, snapshot). Each run becomes its settings, and its history of phases; the
page draws phase diagrams and onset curves from these. The files are all that is known here of a study.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from phasescope.errors import UserError
from phasescope.measures.learning.phases import LETTERS, phase_onsets
from phasescope.store.files import to_json
from phasescope.store.folder import shown
from phasescope.views.claim_words import amendment_words
from phasescope.views.explorer.library import Unknown
from phasescope.views.names import READINGS

RECORDS, CLAIMS = "records.parquet", "claims.json"
"""as `studies.records` writes them, which is imported when a study is first read"""
ASIDE = ("config.name", "config.seed")
"""fields that are no axis of a design"""


class Studies:
    """The studies whose results lie in `results`; each is read again when its files change."""

    def __init__(self, results: Path):
        self.folder = results
        self._kept: dict[str, tuple[tuple, dict[str, Any] | UserError]] = {}

    def all(self) -> list[dict[str, Any]]:
        """Name, numbers of runs and of verdicts, of each study that has records or claims."""
        found: list[dict[str, Any]] = []
        for path in self._folders():
            try:
                study = self.study(shown(path.name))
            except UserError as error:
                found.append({"name": shown(path.name), "error": str(error)})
                continue
            outcomes = [claim.get("verdict") for claim in study["claims"]]
            found.append(
                {
                    "name": study["name"],
                    "question": study["question"],
                    "runs": len(study["runs"]),
                    "snapshots": sum(len(run["step"]) for run in study["runs"]),
                    "verdicts": {
                        word: outcomes.count(word) for word in ("supported", "refuted", "undecided")
                    },
                }
            )
        return found

    def study(self, name: str) -> dict[str, Any]:
        """One study: claims, axes of its design, and each run's history.

        Raises:
            Unknown: there is none of that name.
            UserError: its records or claims cannot be read.
        """
        path = next((path for path in self._folders() if shown(path.name) == name), None)
        if path is None:
            raise Unknown(f"there are no results of a study {name!r} here")
        stamp = tuple(_stamp(path / file) for file in (RECORDS, CLAIMS))
        if name not in self._kept or self._kept[name][0] != stamp:
            try:
                self._kept[name] = (stamp, _read(path))
            except UserError as error:
                self._kept[name] = (stamp, error)
        found = self._kept[name][1]
        if isinstance(found, UserError):
            raise found
        return found

    def _folders(self) -> list[Path]:
        home = Path(os.path.realpath(self.folder))
        try:
            entries = sorted(self.folder.iterdir())
        except OSError:
            return []
        return [
            path
            for path in entries
            if any((path / file).is_file() for file in (RECORDS, CLAIMS))
            and all(
                home in Path(os.path.realpath(path / file)).parents
                and ((path / file).is_file() or not (path / file).exists())
                for file in (RECORDS, CLAIMS)
            )
        ]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def _read(path: Path) -> dict[str, Any]:
    from phasescope.store.records import read_records
    from phasescope.studies.core.records import read_claims

    records = path / RECORDS
    try:
        told = read_claims(path) if records.is_file() else json.loads((path / CLAIMS).read_bytes())
        frame = read_records(records)
        runs = runs_of({str(name): frame[name].to_numpy() for name in frame}, usual_settings())
        told = told if isinstance(told, dict) else {}
        study = {
            "name": shown(path.name),
            "question": told.get("question"),
            "claims": [claim for claim in told.get("claims") or [] if isinstance(claim, dict)],
            "stale": bool(told.get("stale")),
            "amended": _amended((told.get("declaration") or {}).get("amended") or []),
            "axes": axes_of(runs),
            "readings": {name: text for name, text in READINGS.items() if any(name in run for run in runs)},
            "runs": runs,
        }
        to_json(study)
    except UserError:
        raise
    except Exception as error:  # DuckDB, JSON and the file system have errors of their own
        raise UserError(
            f"`{shown(path.name)}`: its results cannot be read: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:160]}"
        ) from None
    return study


def _amended(amended: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each amendment in words, and what it changed."""
    words = amendment_words(amended, counted=True)
    return [{"told": told, "changed": one["changed"]} for told, one in zip(words, amended, strict=True)]


def usual_settings() -> dict[str, Any]:
    """What a field is where a configuration says nothing of it: records of earlier versions lack the later ones' columns."""
    from phasescope.runs.config import defaults
    from phasescope.store.flat import config_columns

    return {name: _plain(value) for name, value in config_columns(defaults()).items()}


def runs_of(
    columns: dict[str, np.ndarray], usual: Mapping[str, Any] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """Each run's settings and history, out of the columns of a study's records.

    Args:
        usual: what a field is where it is missing.

    Raises:
        KeyError: `digest`, `step` or `images_seen` is not among them.
    """
    digests, steps = columns["digest"].astype(str), columns["step"].astype(np.int64)
    fields = [name for name in columns if name.startswith("config.") and name not in ASIDE]
    runs = []
    for digest in dict.fromkeys(digests.tolist()):
        rows = np.flatnonzero(digests == digest)
        rows = rows[np.argsort(steps[rows], kind="stable")]
        first = rows[0]
        run: dict[str, Any] = {
            "digest": digest,
            "name": _plain(columns.get("name", digests)[first]),
            "seed": _plain(columns["seed"][first]) if "seed" in columns else None,
            "settings": _settings({name: _plain(columns[name][first]) for name in fields}, usual)
            | ({"cell": _cell(columns["cells"][first])} if "cells" in columns else {}),
            "step": steps[rows].tolist(),
            "images_seen": columns["images_seen"][rows].astype(np.int64).tolist(),
        }
        if "epochs" in columns:
            run["epochs"] = _numbers(columns["epochs"][rows])
        for reading in READINGS:
            if f"phase.{reading}" in columns:
                run[reading] = [_phase(value) for value in columns[f"phase.{reading}"][rows]]
        run["onsets"] = {reading: _onsets(run, reading) for reading in READINGS if reading in run}
        runs.append(run)
    varying = {axis["field"] for axis in axes_of(runs)}
    for run in runs:
        run["settings"] = {name: value for name, value in run["settings"].items() if name in varying}
    return runs


def _settings(told: dict[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """By field without its `config.`; one that is missing as usual, among fields of the same kind."""

    def alike(name: str) -> bool:
        kind = f"{name.rpartition('.')[0]}.kind"
        return usual.get(kind) == told.get(kind)

    return {
        name.removeprefix("config."): usual.get(name) if value is None and alike(name) else value
        for name, value in told.items()
    }


def axes_of(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fields that differ among the runs, with their values in order; those of the world come first.

    Of fields that divide the runs into the same groups the first is kept.
    """
    names = sorted({name for run in runs for name in run["settings"]}, key=_ranking)
    axes, divisions = [], set()
    for name in names:
        values = [run["settings"].get(name) for run in runs]
        found = list(dict.fromkeys(values))
        division = tuple(found.index(value) for value in values)
        if len(found) > 1 and division not in divisions:
            divisions.add(division)
            axes.append({"field": name, "values": sorted(found, key=_sorting)})
    return axes


def _ranking(field: str) -> tuple[int, str]:
    """The world first, the name of the study's cell last."""
    ranks = ("world", "family", "network", "training", "probing")
    return (ranks.index(field.split(".")[0]) if field.split(".")[0] in ranks else len(ranks)), field


def _cell(names: str) -> str:
    """The name of a run's cell, or of all cells to which it belongs."""
    return " and ".join(json.loads(names))


def _onsets(run: dict[str, Any], reading: str) -> dict[str, int | None]:
    """In images seen, of B and of C, for good; None where censored."""
    read = [
        (seen, phase)
        for seen, phase in zip(run["images_seen"], run[reading], strict=True)
        if phase is not None
    ]
    return phase_onsets([seen for seen, _ in read], [phase for _, phase in read])


def _phase(value: Any) -> Any:
    return value if value in (*LETTERS, "undecided") else None


def _numbers(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in np.asarray(values, float)]


def _plain(value: Any) -> Any:
    """A value of a column as JSON has it; a whole float is an int, so that 2 and 2.0 are one."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or value != value:
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return value


def _sorting(value: Any) -> tuple[int, float, str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (0, float(value), "") if number else (1, 0.0, str(value))
