"""The command that prints what the condition meter costs."""

import re

import pytest

from benchmarks import meter
from phasescope import UserError


def measured(name: str) -> meter.Measured:
    return meter.Measured(name, every=200, step=lambda: None, reading=lambda: None)


@pytest.fixture
def timed(monkeypatch):
    monkeypatch.setattr(meter, "seconds", lambda measured: (0.01, 0.05))
    monkeypatch.setattr(meter, "of_diffusers", lambda draws: measured(f"diffusers' U-Net, draws={draws}"))


def test_each_system_has_a_line_with_its_share(timed, capsys):
    meter.main([])
    processor, *lines = capsys.readouterr().out.splitlines()
    assert processor.endswith(", one thread")
    names = [line.partition(":")[0] for line in lines]
    assert names == ["fast", "lean", "p1", "diffusers' U-Net, draws=256", "diffusers' U-Net, draws=64"]
    # 8 bands of 16 draws, twice each: a third of 256 steps' images of a batch of 16, at 1.6 %.
    assert all(
        re.search(r"every 334 steps; a step 10.0 ms, a reading 50 ms; 1.50 % of", line) for line in lines[:3]
    )
    assert all("2.50 % of training" in line for line in lines[3:])


def test_steps_and_readings_take_turns():
    calls = []
    system = meter.Measured("", 1, step=lambda: calls.append("step"), reading=lambda: calls.append("reading"))
    meter.seconds(system)
    turn = ["step"] * meter.STEPS + ["reading"]
    assert calls == ["step", "reading"] + meter.ROUNDS * turn


@pytest.mark.slow  # diffusers takes long to import
def test_a_network_of_diffusers_is_trained_and_read(monkeypatch):
    pytest.importorskip("diffusers")
    system = meter.of_diffusers(draws=2)
    assert "1.6 M" in system.name
    system.step()
    system.reading()


def test_the_page_is_given_what_is_printed(timed, monkeypatch, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{meter.BEGIN}\nearlier\n{meter.END}\n\nafter\n")
    monkeypatch.setattr(meter, "PAGE", page)
    meter.main(["--write"])
    first = page.read_text()
    assert first.startswith("before\n")
    assert first.endswith("after\n")
    assert "earlier" not in first
    assert "fast: a reading every 334 steps" in first
    meter.main(["--write"])
    assert page.read_text() == first


def test_the_page_has_a_place_for_it():
    text = meter.PAGE.read_text()
    assert text.count(meter.BEGIN) == text.count(meter.END) == 1
    assert text.index(meter.BEGIN) < text.index(meter.END)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["small"], r"`SYSTEM` \(=small\) must be one of fast, lean, p1, diffusers"),
        (["--write", "fast"], "`--write` must come alone"),
    ],
)
def test_invalid_arguments_are_one_line(arguments, rule):
    with pytest.raises(UserError, match=rule):
        meter.main(arguments)
