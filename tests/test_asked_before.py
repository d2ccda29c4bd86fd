"""What is kept of a check that passed: nothing is asked again of unchanged files, everything of changed ones."""

from types import SimpleNamespace

import pytest

from helpers import asked_before
from helpers.asked_before import unless_unchanged


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Ask of a file with some text, with a memory; return whether the question was asked at all."""
    monkeypatch.setattr(asked_before, "ROOT", tmp_path)
    kept: dict[str, str] = {}
    memory = SimpleNamespace(get=kept.get, set=kept.__setitem__)

    def once(text: str, memory=memory, answer=lambda: None) -> bool:
        (tmp_path / "records").write_text(text)
        asked_before._sha256.cache_clear()
        asked = []
        config = SimpleNamespace(cache=memory)
        unless_unchanged(config, "question", [tmp_path / "records"], lambda: (asked.append(1), answer()))
        return bool(asked)

    yield once
    asked_before._sha256.cache_clear()


def test_only_a_changed_file_is_asked_about_again(ask):
    assert [ask(text) for text in ("one", "one", "two", "two", "one")] == [True, False, True, False, True]


def test_a_wrong_answer_is_not_kept(ask):
    with pytest.raises(ZeroDivisionError):
        ask("one", answer=lambda: 1 / 0)
    assert ask("one")
    assert not ask("one")


def test_without_a_cache_everything_is_asked(ask):
    assert ask("one", memory=None)
    assert ask("one", memory=None)
