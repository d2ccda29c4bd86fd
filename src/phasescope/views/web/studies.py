"""Studies in the explorer, from their folders: the verdicts in `claims.json`, the page in `README.md`, and the runs of each
cell in `records.parquet`."""

import json
import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError, reading
from phasescope.runs.store.files import read_json
from phasescope.runs.store.folder import shown
from phasescope.studies.claims_file import CLAIMS, RECORDS, RecordedClaim
from phasescope.views.facts.verdicts import counts_by_words
from phasescope.views.web.library import Unknown
from phasescope.views.web.markdown import PAGE, markdown_page

# A link of a page that is no picture, and no address of its own.
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?![a-z]+:|/|#)([^)#]*)(#[^)]*)?\)")
# A study's folder, as its neighbours or the page beside them name it.
FOLDER = re.compile(r"(?:\.\./)?([^/.]+)(?:/README\.md)?")


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
            text = LINK.sub(self._to_page, (path / PAGE).read_text())
            return markdown_page(f"[Studies](/#/studies)\n\n{text}", name, images)

    def _to_page(self, link: re.Match) -> str:
        """Return a link to another study's page as one to its page here; its words alone if it leads to no page of a study,
        since nothing else of the repository is served."""
        words, target, place = link.groups(default="")
        folder = FOLDER.fullmatch(target)
        is_page = folder is not None and (self.folder / folder[1] / PAGE).is_file()
        return f"[{words}](/studies/{folder[1]}{place})" if folder and is_page else words

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
