"""Studies in the explorer, from their folders: the verdicts in `claims.json`, the page in `README.md`, and the runs of each
cell in `records.parquet`."""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from posixpath import join, normpath
from typing import Any

from phasescope.core.errors import UserError, reading
from phasescope.runs.store.files import read_json
from phasescope.runs.store.folder import shown
from phasescope.studies.claims_file import CLAIMS, RECORDS, RecordedClaim
from phasescope.views.facts.verdicts import counts_by_words
from phasescope.views.web.library import Unknown
from phasescope.views.web.markdown import PAGE, carried, markdown_html, served_page

# A link of a page that is no picture, and no address of its own; and a picture.
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?![a-z]+:|/|#)([^)#]*)(#[^)]*)?\)")
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
# The page of a study, from the folder in which the studies lie.
FOLDER = re.compile(r"([^/.]+)(?:/README\.md)?")
PICTURES = "../docs/pictures"
"""drawings of the pages of findings, from the folder in which the studies lie"""
FINDINGS = {"findings": PAGE, "claims": "claims.md", "statements": "statements.md"}
"""pages of findings by their address; `views/web/findings.py` writes them"""


class Studies:
    """Lists the studies whose results lie in the folder `results`."""

    def __init__(self, results: Path):
        self.folder = results

    def all(self) -> list[dict[str, Any]]:
        """Return of each study its question, its number of runs and how many claims have which verdict, in shown words;
        or the error why it cannot be read."""
        return [_summary(name, path) for name, path in self._folders().items()]

    def page(self, name: str) -> str:
        """Return the page of a study as HTML.

        Raises:
            Unknown: there is no study of that name, or it has no page yet.
            UserError: its page cannot be read.
        """
        path = self._folders().get(name)
        if path is None or not (path / PAGE).is_file():
            raise Unknown(f"there is no page of a study {name!r} here: `phasescope study` writes it")
        with reading(name):
            images = {image.name: image.read_bytes() for image in path.glob("*.png")}
            body = markdown_html(self._linked((path / PAGE).read_text(), name))
            return served_page(carried(body, images), name)

    def findings(self) -> str:
        """Return the elements of the page of findings; empty if the folder has none, as one of your own."""
        with reading("findings"):
            return self._findings_html("findings") if self._findings_path("findings") else ""

    def findings_page(self, name: str) -> str:
        """Return a page of `FINDINGS` as HTML.

        Raises:
            Unknown: there is no such page.
            UserError: it cannot be read.
        """
        with reading(name):
            if self._findings_path(name) is None:
                raise Unknown(
                    f"there is no page {name!r} here: `findings`, `claims` and `statements` lie beside studies"
                )
            return served_page(self._findings_html(name), name.capitalize())

    def figure(self, study: str, name: str) -> bytes:
        """Return a figure of a study, a PNG file in its folder, by its name.

        Raises:
            Unknown: there is none of that name.
        """
        folder = self._folders().get(study)
        return _file_of(folder.glob("*.png") if folder else (), name)

    def drawing(self, name: str) -> bytes:
        """Return a drawing of the pages of findings, an SVG file, by its name.

        Raises:
            Unknown: there is none of that name.
        """
        has_findings = self._findings_path("findings") is not None
        return _file_of((self.folder / PICTURES).glob("*.svg") if has_findings else (), name)

    def _findings_path(self, name: str) -> Path | None:
        """Return the path of a page of findings; None if there is none. A README.md alone may be about anything."""
        paths = [self.folder / FINDINGS[page] for page in ("findings", "claims", name)]
        return paths[-1] if all(path.is_file() for path in paths) else None

    def _findings_html(self, name: str) -> str:
        text = self._linked((self.folder / FINDINGS[name]).read_text(), "")
        body = markdown_html(PICTURE.sub(_to_picture, text), unfolds=True)
        return body.replace('href="#', f'href="/{name}#')

    def _linked(self, text: str, folder: str) -> str:
        """Return a page, which lies in a folder beside the studies, with the links that `_to_page` gives."""
        return LINK.sub(lambda link: self._to_page(link, folder), text)

    def _to_page(self, link: re.Match, folder: str) -> str:
        """Return a link to another page of studies or findings as one to its page here; its words alone if it leads
        elsewhere, since nothing else of the repository is served."""
        words, target, place = link.groups(default="")
        target = normpath(join(folder, target))
        for name, file in FINDINGS.items():
            if target == file and self._findings_path(name):
                return f"[{words}](/{name}{place})"
        study = FOLDER.fullmatch(target)
        is_page = study is not None and (self.folder / study[1] / PAGE).is_file()
        return f"[{words}](/studies/{study[1]}{place})" if study and is_page else words

    def members(self) -> dict[str, dict[str, str]]:
        """Return of each recorded run, by its digest, the `study` and the `cell` that it belongs to; a study whose records
        cannot be read has none."""
        members: dict[str, dict[str, str]] = {}
        for name, path in self._folders().items():
            with suppress(UserError), reading(name):
                cells = _cells(path / RECORDS)
                members |= {digest: {"study": name, "cell": cell} for digest, cell in cells.items()}
        return members

    def _folders(self) -> dict[str, Path]:
        paths = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        files = (RECORDS, CLAIMS, PAGE)
        return {shown(path.name): path for path in paths if any((path / file).is_file() for file in files)}


def _to_picture(picture: re.Match) -> str:
    words, target = picture.groups()
    folder, _, name = target.rpartition("/")
    return f"![{words}](/pictures/{name})" if folder == PICTURES else f"![{words}](/studies/{target})"


def _file_of(paths: Iterable[Path], name: str) -> bytes:
    for path in paths:
        if path.name == name:
            return path.read_bytes()
    raise Unknown(f"there is no picture {name[:80]!r} here")


def _summary(name: str, path: Path) -> dict[str, Any]:
    summary: dict[str, Any] = {"name": name, "has_page": (path / PAGE).is_file()}
    try:
        with reading(name):
            # Prefer claims.json if it exists: records take a hundred times as long to read.
            if not (path / CLAIMS).is_file():
                return summary | {"runs": len(_cells(path / RECORDS)), "verdicts": {}}
            judged = read_json(path / CLAIMS)
            counts = counts_by_words(map(RecordedClaim.model_validate, judged["claims"]))
            return summary | {"question": judged["question"], "runs": judged["runs"], "verdicts": counts}
    except UserError as error:
        return summary | {"error": str(error)}


def _cells(records: Path) -> dict[str, str]:
    """Return the cells of each recorded run, by its digest; records that have not changed are not read again."""
    return _read_cells(records, records.stat().st_mtime_ns) if records.exists() else {}


@lru_cache(maxsize=256)
def _read_cells(records: Path, _: int) -> dict[str, str]:
    from phasescope.runs.store.records import some_columns

    columns = some_columns(records, ["digest", "cells"])
    known = dict(zip(columns["digest"], columns["cells"], strict=True))
    return {digest: " and ".join(json.loads(cells)) for digest, cells in known.items() if cells}
