"""The page of the condition meter quotes what its figures' runs showed."""

from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("name", ["condition", "controlnet"])
def test_the_caption_says_what_the_command_printed(name):
    printed = (DOCS / "pictures" / f"{name}.txt").read_text().strip()
    assert printed in (DOCS / "condition_meter.md").read_text()
