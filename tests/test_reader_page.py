"""The page of the reader's calibration says what its records say."""

import re

import pytest

from docs import reader as page


def test_its_numbers_are_those_of_the_records():
    text = page.PAGE.read_text()
    assert page.filled(text) == text
    assert all(len(re.findall(f"<!-- {name} -->", text)) == 1 for name in page.PARTS)


def test_a_number_that_was_changed_by_hand_would_be_seen():
    text = page.PAGE.read_text()
    first = page.shares().splitlines()[2]
    changed = text.replace(first, first.replace(".", ".9", 1))
    assert changed != text
    assert page.filled(changed) == text


@pytest.mark.parametrize("name", page.DRAWN)
def test_its_pictures_are_there_and_small(name):
    path = page.PICTURES / f"reader_{name}.png"
    assert f"pictures/{path.name}" in page.PAGE.read_text()
    assert path.stat().st_size <= 300_000


def test_the_viewer_answered_for_each_image_with_a_known_answer():
    chosen, viewer, _ = page.eye()
    assert len(viewer) == len(chosen["images"]) == 200
    assert set(viewer) <= set(page.ANSWERS)
