"""Tags of a run: what a reader noted about it, a line each in `tags.txt` in its folder. They are no part of its identity."""

from pathlib import Path

from phasescope.core.errors import UserError

FILE = "tags.txt"
MOST_CHARACTERS = 200


def read_tags(folder: Path) -> list[str]:
    """Return the tags of a run's folder, oldest first, each once; none if there is no file.

    Signs that cannot be printed are left out: the file may be out of somebody's archive, and tags are shown in terminals.
    """
    path = folder / FILE
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    tags = ("".join(filter(str.isprintable, line)).strip() for line in text.split("\n"))
    return list(dict.fromkeys(filter(None, tags)))


def add_tag(folder: Path, text: str) -> None:
    """Append a tag to a run's folder.

    Raises:
        UserError: the text is no printable line of 1 to `MOST_CHARACTERS` characters.
        OSError: the file cannot be written.
    """
    tag = text.strip()
    if not tag or len(tag) > MOST_CHARACTERS or not tag.isprintable():
        raise UserError(
            f"`TEXT` (={tag[:40]!r}) must be one printable line of 1 to {MOST_CHARACTERS} characters"
        )
    with open(folder / FILE, "ab") as file:
        file.write(f"{tag}\n".encode())  # one write in append mode, so that tags of two writers never mix
