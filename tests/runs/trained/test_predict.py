"""`phasescope predict`: what it prints, as tables and as JSON, and what it refuses, in a line."""

import json
import math

import pytest

from phasescope.cli import main

WORDS = ["world.canvas=16", "world.boundary=periodic", "network.widths=[16,16,16]", "network.groups=4"]
KEYS = {"r_prime", "ln_m", "t_condensation", "t_instability", "cap", "accuracies", "mmse"}


def predicted(capsys, *words: str) -> dict:
    assert main(["predict", *WORDS, *words, "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return json.loads(printed.out)


def test_its_json_has_what_users_read(capsys):
    prediction = predicted(capsys)
    assert prediction.keys() >= KEYS
    assert prediction["ln_m"] == pytest.approx(math.log(256))
    assert prediction["cap"] == 1
    assert all(len(errors) == len(prediction["mmse"]["t"]) for errors in prediction["mmse"].values())
    assert prediction["accuracies"] == {
        name: {"grid": 1.0, "off_grid": 1.0} for name in ("nearest_neighbour", "per_factor_nearest_neighbour")
    } | {"kernel": {"grid": 1.0, "off_grid": prediction["accuracies"]["kernel"]["off_grid"]}}


@pytest.mark.slow
def test_objective_network_and_design_each_tell(capsys):
    assert predicted(capsys, "family.predict=x")["r_prime"] > 20 * predicted(capsys)["r_prime"]
    capped = predicted(capsys, "network.padding=circular")
    assert (capped["shift_px"], capped["cap"]) == (4, pytest.approx(1 / 16))
    assert predicted(capsys, "network.padding=circular", "network.coordinates=true")["cap"] == 1
    assert predicted(capsys, "world.design.keep=40")["accuracies"]["nearest_neighbour"]["off_grid"] < 1


def test_the_table_says_it_in_words(capsys, tmp_path):
    picture = tmp_path / "ladder.svg"
    assert main(["predict", *WORDS, "network.padding=circular", "--out", str(picture)]) == 0
    printed = capsys.readouterr().out
    for words in (
        "R'",
        "256; their label is 5.545 nats",
        "cannot tell positions apart that are 4 px from each other",
        "posterior mean",
    ):
        assert words in printed
    sentence = printed.splitlines()[0].partition(": ")[2]
    assert picture.read_text().count(f">{sentence[:30]}") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--patch", "4"], "`patch` (=4) must be odd"),
        (["--patch", "17"], "`patch` (=17) must be odd, from 1 to the canvas' side (=16 px)"),
        (["preset=fast", "world.canvas=128"], "must have at most 4096 numbers"),
        (["world.design.keep=1"], "`design` (of 1 images) must have at least two"),
        (["--out", "picture.gif"], "picture.gif must end in .png, .svg or .pdf"),
        (["--out", "nowhere/picture.png"], "must be in a folder that exists"),
        (["family.predict=noise"], "`family.predict` (=noise)"),
    ],
)
def test_what_cannot_be_foretold_is_one_line(words, message, capsys):
    assert main(["predict", *(WORDS if "preset=fast" not in words else ()), *words]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
