"""Claims about learning, each with its design, its analysis and its verdict: ours in `found`, a file each, and anybody's.

phasescope study phases                 one of ours
phasescope study my_study.py            the file's STUDY
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from phasescope.errors import UserError
from phasescope.kinds import load
from phasescope.studies import found
from phasescope.studies.core.sources import reached
from phasescope.studies.core.study import Study
from phasescope.studies.found._cells import BEFORE


@cache
def studies() -> dict[str, Study]:
    """Ours, by name, in their order: every file of `found` that does not begin with an underscore."""
    names = [module.name for module in iter_modules(found.__path__) if not module.name.startswith("_")]
    all_of_them = [
        replace(import_module(f"{found.__name__}.{name}").STUDY, sources=_sources(name)) for name in names
    ]
    return {study.name: study for study in sorted(all_of_them, key=lambda study: (study.number, study.name))}


def _sources(name: str) -> dict[str, Path]:
    """A file of `found` and those of its room that it imports, directly or not, by ``found/NAME.py``."""
    folder = Path(found.__path__[0])
    return {f"{folder.name}/{file.name}": file for file in reached([folder / f"{name}.py"], folder)}


def declared_after_its_runs(does_not_show: str) -> bool:
    """Whether a claim says, in what it does not show, that its runs were looked at before it was declared."""
    return BEFORE in does_not_show


def of_results(folder: str) -> Study | None:
    """The study of ours whose results a folder of that name holds: its own name, or that with a preset after it."""
    name, _, preset = folder.partition("-")
    return studies()[name].under(preset or None) if name in studies() else None


def find_study(name: str) -> Study:
    """The study of a name, or that of somebody's file, `STUDY` in it unless ``file.py:NAME`` says otherwise.

    Raises:
        UserError: there is none.
    """
    if ".py" in name or ":" in name:
        study = load(name if ":" in name else f"{name}:STUDY")
        if not isinstance(study, Study):
            raise UserError(f"`NAME` (={name}) must hold a phasescope Study: STUDY = Study(...)")
        file = Path(name.rpartition(":")[0] or name)
        return replace(study, sources={file.name: file}) if file.suffix == ".py" else study
    if name not in studies():
        raise UserError(f"`NAME` (={name}) must be one of {', '.join(studies())}, or a file as my_study.py")
    return studies()[name]
