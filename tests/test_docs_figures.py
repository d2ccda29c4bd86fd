"""The docs' figures: each page names drawers that there are, and the command refuses others."""

from __future__ import annotations

import re
from pathlib import Path

from docs.figures.__main__ import DRAWERS, FOLDER, main

DRAWING = {
    path.stem
    for path in Path(main.__code__.co_filename).parent.glob("*.py")
    if "\ndef draw(" in path.read_text()
}


def test_every_drawer_is_run():
    assert set(DRAWERS) == DRAWING


def test_pages_name_drawers_that_there_are_and_none_is_left_out():
    named = {
        name
        for page in FOLDER.glob("*.md")
        for name in re.findall(r"`\./lab figures --measures (\w+)`", page.read_text())
    }
    assert named == DRAWING


def test_an_unknown_drawer_is_refused_before_anything_is_drawn(capsys):
    assert main(["factorization", "nothing"]) == 2
    assert "`NAME` (=nothing) must be one of" in capsys.readouterr().err
