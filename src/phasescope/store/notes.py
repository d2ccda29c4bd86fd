"""What somebody wrote about a run: a text and tags, in `notes.json` in its folder. It is no part of what the run is.

The file is the old one or whole. Whoever writes says which notes they have seen, so that nobody's are overwritten unread.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from phasescope.config import explain
from phasescope.errors import UserError
from phasescope.store.files import from_json, read_bytes, to_json, write_aside
from phasescope.store.folder import shown

FILE = "notes.json"
MOST_BYTES = 2**17
"""of the file, and of what is sent to be kept in it"""

Tag = Annotated[str, StringConstraints(pattern=r"^[\w][\w.+-]{0,39}$", to_lower=True)]


class Notes(BaseModel):
    """A text, and tags: words of letters, digits, _, ., + and -, each once, in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text: str = Field("", max_length=20_000)
    tags: list[Tag] = Field([], max_length=16)

    @field_validator("text")
    @classmethod
    def _is_text(cls, text: str) -> str:
        if any(not (letter.isprintable() or letter in "\n\t") for letter in text):
            raise ValueError("must be text: it holds signs that cannot be shown")
        return text

    @field_validator("tags")
    @classmethod
    def _each_once(cls, tags: list[str]) -> list[str]:
        return list(dict.fromkeys(tags))

    @property
    def mark(self) -> str:
        """What these notes are told apart from others by."""
        return hashlib.sha256(self._json().encode()).hexdigest()[:16]

    def _json(self) -> str:
        return to_json(self.model_dump(), indent=1) + "\n"


def notes_of(tree: Any) -> Notes:
    """Notes, as they are sent.

    Raises:
        UserError: these are none; in one line.
    """
    if not isinstance(tree, dict):
        raise UserError("notes must be an object with `text` and `tags`")
    try:
        return Notes.model_validate(tree)
    except ValidationError as error:
        raise UserError(explain(error, Notes)) from None


def read_notes(folder: Path) -> Notes:
    """The notes of a run's folder; empty ones where there are none.

    Raises:
        UserError: what is there are no notes.
    """
    try:
        told = read_bytes(folder / FILE)
    except FileNotFoundError:
        return Notes()
    except (OSError, UserError):
        raise UserError(
            f"`{FILE}` of {shown(folder.name)} must be a file of at most {MOST_BYTES:,} bytes that can be read"
        ) from None
    try:
        return notes_of(from_json(told))
    except ValueError as error:
        why = " ".join(str(error).split())[:160]
        raise UserError(f"`{FILE}` of {shown(folder.name)} must hold notes: {why}") from None


def write_notes(folder: Path, notes: Notes, seen: str) -> None:
    """Keep `notes` in a run's folder, in the place of those whose mark is `seen`.

    Raises:
        UserError: others are there by now, or what is there are no notes; the folder cannot be written.
    """
    if read_notes(folder).mark != seen:
        raise UserError(
            f"`seen` (={seen[:40]}) must be the mark of the notes that are there: they have changed since"
        )
    try:
        write_aside(folder / FILE, notes._json())
    except OSError as error:
        raise UserError(f"`{FILE}` of {shown(folder.name)} cannot be written: {error.strerror}") from None
