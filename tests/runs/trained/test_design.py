"""`phasescope designs`: what it prints, as tables, as JSON and as a picture, and what it refuses, in a line."""

import json

import pytest

from phasescope.cli import main

WORDS = ["world.canvas=16", "network.widths=[16,16,16]", "network.groups=4"]
CROSS = "world.design.hold_out={kind: cross, x: [7, 9], y: [7, 9]}"


def test_its_json_has_labels_splits_and_what_copiers_get_right(capsys):
    assert main(["designs", *WORDS, CROSS, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["splits"] == {"trained": 169, "x_arm": 39, "y_arm": 39, "intersection": 9}
    assert {name: len(labels) for name, labels in found["labels"].items()} == found["splits"]
    splits = {"grid", "x_arm", "y_arm", "intersection", "off_grid"}
    assert set(found["accuracies"]["nearest_neighbour"]) == splits
    assert found["accuracies"]["per_factor_nearest_neighbour"]["grid"] == 1.0


def test_the_table_says_it_in_words_and_the_picture_is_drawn(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["designs", *WORDS, CROSS, "--out", "labels.png"]) == 0
    printed = capsys.readouterr().out
    for words in ("less a cross", "x arm", "169", "kernel"):
        assert words in printed
    assert "labels.png" in printed
    assert (tmp_path / "labels.png").read_bytes().startswith(b"\x89PNG")
    assert main(["designs", *WORDS, "--out", str(tmp_path / "here.svg")]) == 0
    assert (tmp_path / "here.svg").is_file()


@pytest.mark.parametrize(
    ("word", "rule"),
    [
        ("world.design.hold_out={kind: square, x: [1, 16], y: [1, 16]}", "must leave a label to train on"),
        (
            "world.design.hold_out={kind: lesion, axis: x, width: 17}",
            "must be narrower than x's range (=16 px)",
        ),
        ("world.design.hold_out={kind: subset, share: 0}", "must be greater than 0"),
        ("world.design.hold_out={kind: hole}", "must be one of 'cross', 'square'"),
        ("probing.images.hole=64", "must be of a split of the world"),
        (
            "world.design={kind: union, parts: [{}, {dz: 1}]}",
            "`world.design.parts.1.dz` (=1.0) is not a field",
        ),
        (
            "world.design={kind: union, parts: [{}], tested: [{}]}",
            "`world.design.tested.0.hold_out` (=null) must hold",
        ),
        (
            "world.design={within: {x: [0, 8]}, at: {x: 4}}",
            "`world.design.at.x` (=4) must not be given with `within`",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(word, rule, capsys):
    assert main(["designs", *WORDS, word]) == 2
    printed = capsys.readouterr()
    assert rule in printed.err
    assert printed.err.count("\n") == 1
