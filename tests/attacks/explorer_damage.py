"""What can be wrong with a run's folder: each file crossed with each damage, and folders that are none."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from phasescope.store import Run

FILES = ("config.yaml", "status.json", "metrics.jsonl", "references.json", "about.json", "lock")
DEEP = "[" * 200_000

Damage = Callable[[Path], object]


def folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]) if path.exists() else None


OF_ANY_FILE: dict[str, Damage] = {
    "is empty": lambda path: path.write_text(""),
    "is zeroed": lambda path: path.write_bytes(b"\0" * 100),
    "is gone": lambda path: path.unlink(missing_ok=True),
    "is cut": cut,
    "is no text": lambda path: path.write_bytes(bytes(range(128, 256))),
    "is 200,000 brackets": lambda path: path.write_text(DEEP),
    "is a list": lambda path: path.write_text("[1]"),
    "is a number": lambda path: path.write_text("5"),
    "is null": lambda path: path.write_text("null"),
    "is a folder": folder,
}

STRANGE = ("many", True, [], {}, float("nan"), float("inf"), -float("inf"), 10**400, -1, "<b>", None)


def changed(name: str, value: object) -> Damage:
    def write(run: Path) -> None:
        status = json.loads((run / "status.json").read_text())
        (run / "status.json").write_text(json.dumps({**status, name: value}))

    return write


def line(**fields: object) -> Damage:
    def write(run: Path) -> None:
        lines = (run / "metrics.jsonl").read_text().splitlines()
        strange = {**json.loads(lines[-1]), **fields}
        (run / "metrics.jsonl").write_text("\n".join([*lines[:-1], json.dumps(strange)]) + "\n")

    return write


def config(text: str) -> Damage:
    def write(run: Path) -> None:
        (run / "config.yaml").write_text((run / "config.yaml").read_text() + text)

    return write


def renamed(name: bytes) -> Damage:
    return lambda run: os.rename(run, os.path.join(os.fsencode(run.parent), name))


def damages() -> Iterator[tuple[str, Damage]]:
    """What it is called, and what does it to a run's folder."""
    for name in FILES:
        for what, damage in OF_ANY_FILE.items():
            yield f"{name} {what}", lambda run, name=name, damage=damage: damage(run / name)
    for field in (
        "state",
        "step",
        "steps",
        "images_seen",
        "wall_s",
        "updated",
        "parameters",
        "summary",
        "error",
    ):
        for value in STRANGE:
            yield f"status.json: {field} is {str(value)[:9]}", changed(field, value)
    for field in ("step", "images_seen", "outcomes", "order", "phase", "epochs", "error", "loss"):
        for value in STRANGE:
            yield f"metrics.jsonl: {field} is {str(value)[:9]}", line(**{field: value})
    yield "metrics.jsonl: step alone", lambda run: (run / "metrics.jsonl").write_text('{"step": 5}\n')
    yield "metrics.jsonl: a phase of another form", line(phase={"behaviour": 5})
    yield "metrics.jsonl: shares are texts", line(outcomes={"grid": {"n": "x", "correct": "y"}})
    yield "status.json: a title as long as a book", changed("error", "x" * 10**6)
    yield "config.yaml: a date", config("when: 2024-02-03\n")
    yield "config.yaml: a key that is a list", config("? [1, 2]\n: 3\n")
    yield "config.yaml: a key that is a number", config("1: 2\n")
    yield "config.yaml: a name as long as a book", config(f"more: {'x' * 10**6}\n")
    yield "a folder name that is no text", renamed(b"bad\xff\xfe-01234567")
    yield "a folder name with a line break", renamed(b"bad\nname-01234567")
    yield "a folder name with markup", renamed(b"<img src=x onerror=alert(1)>-01234567")
    yield (
        "snapshots is a file",
        lambda run: (run / "snapshots").rename(run / "old") and (run / "snapshots").write_text(""),
    )
    yield "a snapshot is named as none", lambda run: (run / "snapshots" / ("9" * 30)).mkdir()


def damaged(runs: Path, like: Run) -> list[str]:
    """A copy of `like` for each damage, done to it; what each is called."""
    told = []
    for number, (what, damage) in enumerate(damages()):
        path = runs / f"damaged{number:03d}-{number:08x}"
        shutil.copytree(like.path, path)
        damage(path)
        told.append(what)
    return told
