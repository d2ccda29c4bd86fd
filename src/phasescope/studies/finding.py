"""Locating studies: `studies/NAME/study.py` in the working folder or in the checkout, or any path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from phasescope.core.errors import UserError, as_user_error, similar
from phasescope.core.kinds import importable_from, load

if TYPE_CHECKING:
    from phasescope.studies.study import Study

STUDY_FILE = "study.py"
# phasescope's own studies are not in the wheel: they exist only if the package is used from its checkout.
CHECKOUT = Path(__file__).parents[3] / "studies"


def studies_folder(results: Path | str | None = None) -> Path:
    """Return the folder of studies: the one given, `studies` in the working folder, or that of the checkout."""
    if results:
        return Path(results)
    return Path("studies") if Path("studies").is_dir() else CHECKOUT


def study_names(folder: Path) -> list[str]:
    """Return the names of the studies in a folder, in alphabetical order."""
    return sorted(path.parent.name for path in folder.glob(f"*/{STUDY_FILE}"))


def find_study(name: str, folder: Path | str | None = None) -> tuple[Study, Path]:
    """Return a study and the folder that holds its records.

    Args:
        name: of a study in `folder`; or the path of a study's folder, of its file, or ``file.py:NAME``. The records
            of a file that is not called study.py lie in a folder of its name beside it.
        folder: of studies; `studies_folder()` by default.

    Raises:
        UserError: there is none.
    """
    from phasescope.studies.study import Study  # which `study_names` needs not

    folder = studies_folder(folder)
    path, _, variable = name.partition(":")
    file = Path(path)
    if file.suffix != ".py":
        named = folder / path / STUDY_FILE
        file = named if "/" not in path and named.is_file() else file / STUDY_FILE
    file = file if len(file.parts) > 1 else file.absolute()  # pages link to the folder by its name
    if not file.is_file():
        raise UserError(f"`STUDY` (={name}) must be {_what_is_there(name, folder)}")
    # So that a study can import from a sibling: ``from studies.tori.study import ...``.
    owed = as_user_error(f"`STUDY` (={name}) must hold a phasescope Study: ")
    with importable_from(file.resolve().parent.parent.parent), owed:
        study = load(f"{file}:{variable or 'STUDY'}", anywhere=True)
    if not isinstance(study, Study):
        raise UserError(f"`STUDY` (={name}) must hold a phasescope Study: {variable or 'STUDY'} = Study(...)")
    study = replace(study, file=file)
    return study, file.parent if file.name == STUDY_FILE else file.with_suffix("")


def _what_is_there(name: str, folder: Path) -> str:
    """Return what a name that is no study could be: the studies of a folder, the path of one, a file here that it means."""
    known = study_names(folder)
    listed = f"a study in {folder} ({', '.join(known)}), or " if known else ""
    beside = f"; the most similar one is {name}.py" if Path(f"{name}.py").is_file() else similar(name, known)
    return f"{listed}the path of a study's folder or file{beside}"


def located(study: Study, folder: Path) -> Study:
    """Return a study with its file: the study.py in the folder of its records, if its module was imported."""
    if study.file is not None or not (folder / STUDY_FILE).is_file():
        return study
    return replace(study, file=folder / STUDY_FILE)


def named_on_command_line(study: Study) -> str:
    """Return what `phasescope study` is given for a study: its name, or the path of its file or folder from here."""
    if study.file is None:
        return study.name
    file = study.file.resolve()
    if file.name == STUDY_FILE and file.parent.parent == studies_folder().resolve():
        return file.parent.name
    path = file.parent if file.name == STUDY_FILE else file
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def find_studies(folder: Path | str | None = None) -> list[tuple[Study, Path]]:
    """Return every study of a folder with the folder of its records."""
    folder = studies_folder(folder)
    return [find_study(name, folder) for name in study_names(folder)]
