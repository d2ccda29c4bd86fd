"""The page of the condition meter quotes what its figure's run showed."""

from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_caption_says_what_the_command_printed():
    printed = (DOCS / "pictures" / "condition.txt").read_text().strip()
    assert printed in (DOCS / "condition_meter.md").read_text()
