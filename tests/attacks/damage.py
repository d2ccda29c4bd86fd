"""What can become of a stored file: generators of damage, each a function of the file's path.

A file that is damaged holds other bytes, holds none, is gone, or is a folder or a link.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Damage = Callable[[Path], None]


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path) -> None:
    """A bit in each of a hundred places, evenly."""
    content = bytearray(path.read_bytes())
    for place in range(0, len(content), max(len(content) // 100, 1)):
        content[place] ^= 0x10
    path.write_bytes(content)


def gone(path: Path) -> None:
    path.unlink()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nothing"))


def brackets(path: Path) -> None:
    """200,000 brackets: JSON and YAML that no recursion reads."""
    path.write_text("[" * 200_000)


DAMAGES: tuple[Damage, ...] = (
    zeroed, emptied, cut, flipped, gone, a_folder, a_link_to_nothing, brackets
)  # fmt: skip


def stored_files(folder: Path) -> list[Path]:
    """The files under a folder, relative to it, but for locks."""
    return sorted(
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name != "lock"
    )


def restore(folder: Path, whole: Path) -> None:
    """Make `folder` what `whole` is, whatever became of it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)


def damaged_copies(
    whole: Path, folder: Path, damages: Iterable[Damage] = DAMAGES, every: int = 1
) -> Iterator[tuple[Path, Damage]]:
    """Every file of `whole` crossed with every damage: `folder` is a copy with that one file damaged while it is yielded.

    With `every` 3 every third pair, so that each damage meets a third of the files and each file a third of the damages.
    """
    for number, file in enumerate(stored_files(whole)):
        for damage in damages:
            if (number + DAMAGES.index(damage)) % every:
                continue
            restore(folder, whole)
            damage(folder / file)
            yield file, damage


def fingerprint(folder: Path) -> dict[str, object]:
    """What every path under a folder is: a file's bytes by their hash, else its kind."""
    import hashlib

    def of(path: Path) -> object:
        if path.is_symlink():
            return "link", os.readlink(path)
        if path.is_dir():
            return "folder"
        if not path.is_file():
            return "no file"
        if path.stat().st_size > 1 << 28:
            return "giant", path.stat().st_size
        return hashlib.sha256(path.read_bytes()).hexdigest()

    return {
        str(path.relative_to(folder)): of(path) for path in sorted(folder.rglob("*")) if path.name != "lock"
    }
