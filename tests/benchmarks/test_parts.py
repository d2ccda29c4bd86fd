"""The command: which parts it runs, and with what code it ends."""

from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks.__main__ import main
from phasescope import RunFailed


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts that were run, none of which measures."""
    parts: list[str] = []
    monkeypatch.setattr(
        bench, "PARTS", {name: lambda out, name=name: parts.append(name) for name in bench.PARTS}
    )
    return parts


def words(tmp_path: Path, *more: str) -> list[str]:
    return [*more, "--out", str(tmp_path / "speed")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), ["users", "pages", "throughput", "attention", "scaling", "profile", "order"]),
        (("scaling",), ["scaling"]),
        (("profile", "order"), ["profile", "order"]),
    ],
)
def test_the_parts_that_are_named_are_run(given, expected, ran, tmp_path, capsys):
    assert main(words(tmp_path, *given)) == 0
    assert ran == expected
    assert capsys.readouterr().out == f"{tmp_path / 'speed' / 'README.md'}\n"


def test_an_unknown_part_is_refused_before_anything_is_run(ran, tmp_path, capsys):
    assert main(words(tmp_path, "order", "speed")) == 2
    assert capsys.readouterr().err == (
        "bench: `PART` (=speed) must be one of users, pages, throughput, attention, scaling, profile, order, race, page\n"
    )
    assert ran == []
    assert not (tmp_path / "speed").exists()


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (RunFailed("it broke"), 1), (OSError(28, "full"), 2)]
)
def test_what_ends_a_part_ends_the_benchmark(error, code, ran, tmp_path, monkeypatch, capsys):
    def end(out: Path) -> None:
        raise error

    monkeypatch.setitem(bench.PARTS, "order", end)
    assert main(words(tmp_path, "throughput", "order", "scaling")) == code
    assert ran == ["throughput"]
    assert len([line for line in capsys.readouterr().err.splitlines() if "minutes" not in line]) == 1
