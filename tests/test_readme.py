"""What the README says of a run and of the findings is what their records say."""

from docs.readme import README, filled


def test_the_readme_says_what_the_records_say():
    text = README.read_text()
    assert filled(text) == text, "python -m docs.readme writes these parts"


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= 110
