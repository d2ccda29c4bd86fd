"""The answer of a study to the paper's statements is written from its claims as they are judged now."""

import pytest

from docs import answer
from phasescope import UserError

WITH_ANSWER = sorted(path.parent.name for path in answer.STUDIES.glob("*/answer.toml"))


@pytest.mark.parametrize("study", WITH_ANSWER)
def test_an_answer_is_that_of_the_claims_as_they_are_judged(study):
    folder = answer.STUDIES / study
    assert (folder / "answer.md").read_text() == answer.answer(study)
    assert (folder / "answer.md").read_text().strip() in (folder / "README.md").read_text()


def test_p1_has_an_answer_to_each_of_its_statements():
    text = answer.answer("p1")
    assert [text.count(f"### S{number}. ") for number in range(1, 8)] == [1] * 7


def test_a_conclusion_that_was_written_for_another_verdict_is_an_error(tmp_path, monkeypatch):
    written = (answer.STUDIES / "p1" / "answer.toml").read_text()
    changed = written.replace('"supported"', '"not reached"', 1)
    assert changed != written
    (tmp_path / "answer.toml").write_text(changed)
    monkeypatch.setattr(answer, "toml_of", lambda study: tmp_path / "answer.toml")
    with pytest.raises(UserError, match="rewrite it"):
        answer.answer("p1")
