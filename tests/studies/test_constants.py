"""What a verdict rests on besides its threshold is found in code, so that it cannot be changed unsaid."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from phasescope.errors import UserError
from phasescope.studies import find_study, studies
from phasescope.studies.core.constants import constants
from phasescope.studies.core.declaration import declare, declared, standing
from phasescope.studies.found import _axes, _latent_phases, _looks, _sets, _use, sampler

MARGIN = 0.25
PLACES = (("mid", 600), ("up1", 50))
SHOWN = "what is told to readers"
COLOURS = {"A": "#c7ccd2", "B": 2}


def uses_margin(value: float) -> bool:
    return value < MARGIN


def calls(value: float) -> bool:
    return any(uses_margin(value) for _ in PLACES)


def within(value: float):
    def inner() -> str:
        return f"{SHOWN} {COLOURS} {calls(value)}"

    return inner


def found(*functions) -> dict:
    return constants(functions, [Path(__file__)])


def test_constants_are_found_in_what_a_function_calls():
    assert found(uses_margin) == {"MARGIN": 0.25}
    assert found(calls) == {"MARGIN": 0.25, "PLACES": [["mid", 600], ["up1", 50]]}


def test_they_are_found_in_partials_closures_and_functions_within():
    expected = {"COLOURS": {"B": 2}, "MARGIN": 0.25, "PLACES": [["mid", 600], ["up1", 50]]}
    assert found(within) == expected
    assert found(within(1.0)) == expected
    assert found(partial(lambda of, value: of(value), uses_margin)) == {"MARGIN": 0.25}


def test_of_other_packages_nothing_is_followed():
    assert constants([calls]) == {}


OWN = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from dataclasses import replace
import tiny_study

ASKED = 0.9

def estimate(frame):
    return replace(tiny_study.ends_right(frame), n=int(10 * ASKED))

STUDY = replace(tiny_study.LOSABLE, claims=(replace(tiny_study.ENDING, estimate=estimate),))
"""


def test_a_study_of_ones_own_declares_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    assert declared(find_study("own.py"))["constants"]["ASKED"] == 0.9


@pytest.mark.parametrize(
    ("module", "name", "of", "study"),
    [
        (sampler, "IMAGES", 8, "sampler"),
        (_use, "IMAGES", 8, "order_and_accuracy"),
        (_latent_phases, "UMAP_SEEDS", range(1), "phases"),
        (_looks, "EVEN", 3, "phases"),
        (_sets, "COPIED", 20, "density"),
        (_axes, "MIDDLE", (0.4, 0.6), "imbalance"),
    ],
)
def test_none_is_changed_without_an_amendment(monkeypatch, tmp_path, module, name, of, study):
    """Those of an audit that found them changeable unsaid, and one more."""
    one = studies()[study]
    declare(replace(one, amendments=()), tmp_path, 0)
    monkeypatch.setattr(module, name, of)
    with pytest.raises(UserError, match=f"`{name}` among the constants was"):
        standing(replace(one, amendments=()), tmp_path)
