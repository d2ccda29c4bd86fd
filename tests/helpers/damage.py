"""What can become of a stored file: each damage is a function of the file's path."""

import hashlib
from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path], object]


def flipped(path: Path) -> None:
    """A bit in each of a hundred places, evenly."""
    content = bytearray(path.read_bytes())
    for place in range(0, len(content), max(len(content) // 100, 1)):
        content[place] ^= 0x10
    path.write_bytes(content)


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Damage] = {
    "emptied": lambda path: path.write_bytes(b""),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "flipped": flipped,
    "gone": lambda path: path.unlink(),
    "a folder": replaced_by_a_folder,
}


def stored_files(folder: Path) -> list[Path]:
    """The files under a folder, relative to it, but for locks."""
    return sorted(
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name != "lock"
    )


def fingerprint(folder: Path) -> dict[Path, str]:
    """The hash of every file under a folder but for locks."""
    return {
        file: hashlib.sha256((folder / file).read_bytes()).hexdigest()
        for file in stored_files(folder)
        if (folder / file).stat().st_size < 2**28
    }
