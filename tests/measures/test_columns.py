"""A measure is one file: what is declared in it follows everywhere, and what is wrong in it is said."""

import numpy as np
import pytest

from phasescope.measures import Score
from phasescope.measures.columns import (
    COLUMNS,
    MEASURES,
    Column,
    column_of,
    declare,
    declared_by,
    in_order,
    measure,
)
from phasescope.measures.latents.battery import battery, given, measure_names, scores_of

SPREAD = Column(
    name="spread", words="largest distance of two activations", section="dimension", better="lower"
)


@measure(SPREAD)
def spread(latents, labels, factors):
    return Score(float(np.ptp(latents)), 0.0, 1.0, len(latents), "range")


def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.uniform(0, 1, (40, 2))
    return labels @ rng.normal(size=(2, 6)), labels


def test_every_measure_of_latents_has_a_column_and_is_in_the_battery():
    names = {name for name, column in COLUMNS.items() if column.at == "site" and name in MEASURES}
    assert names == {*MEASURES} == {*measure_names()}
    latents, labels = rows()
    taken = battery(latents, labels)
    known = {
        name for name, known in MEASURES.items() if not known.column.needs & {"crossed", "umap", "final"}
    }
    assert {*taken, *taken.left_out} == known


def test_what_a_file_of_yours_declares_is_taken_where_it_is_named_alone():
    latents, labels = rows()
    assert "spread" not in MEASURES
    own = declared_by(spread)
    assert own is not None
    assert own.column is SPREAD
    scores = scores_of(given(latents, labels), ["probe_r2", "spread"], own={"spread": own})
    assert scores["spread"].value == pytest.approx(np.ptp(latents))
    assert spread(latents, labels, None).n == 40  # the function stays one


def test_scores_lie_within_what_their_columns_say():
    latents, labels = rows()
    for name, score in battery(latents, labels).items():
        assert COLUMNS[name].low <= score.value <= COLUMNS[name].high, name


def test_what_needs_the_final_network_says_so():
    latents, labels = rows()
    alone = given(latents, labels)
    assert not alone.has("final")
    with pytest.raises(ValueError, match="at the end of training"):
        alone.final  # noqa: B018
    assert given(latents, labels, final=latents).final is latents


def test_columns_are_in_the_order_of_their_sections():
    assert [column.name for column in in_order({"spread": SPREAD, "probe_r2": COLUMNS["probe_r2"]})] == [
        "probe_r2",
        "spread",
    ]
    assert column_of("of_nobody").words == "of nobody"


def test_shown_parts_of_a_column_come_back_from_a_file():
    assert Column.from_dict("spread", SPREAD.to_dict()).words == SPREAD.words
    for wrong, said in (
        ({"words": 1}, r"`words` \(=1\) of the column `spread` must be one of words \(str\)"),
        ({"words": "a", "panel": "yes"}, r"`panel` \(='yes'\)"),
        ({"words": "a", "title": True}, r"`title` \(=True\)"),
        ({"words": "a", "colour": "red"}, r"`colour` \(='red'\)"),
        ({}, r"`spread` \(={}\) must be a mapping with `words`"),
        (3, r"`spread` \(=3\) must be a mapping"),
    ):
        with pytest.raises(ValueError, match=said):
            Column.from_dict("spread", wrong)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("at", "sites", r"`at` \(='sites'\) must be one of .*; the most similar one is site"),
        ("section", "probes", r"`section` \(='probes'\) must be one of .*; the most similar one is probe"),
        ("better", "high", r"`better` \(='high'\) must be one of higher, lower, neither; .* is higher"),
        ("usual", True, r"`usual` \(=True\) must be False: the final network is not known"),
        ("needs", frozenset({"latent"}), r"`needs` \(='latent'\) must be one of .*; .* is latents"),
    ],
)
def test_bad_input_of_a_column_is_named(field, value, said):
    with pytest.raises(ValueError, match=said):
        Column(**{"name": "a", "words": "a", "needs": frozenset({"final"}), field: value})


def test_a_name_is_of_one_column():
    declare(COLUMNS["probe_r2"])  # again the same
    with pytest.raises(ValueError, match=r"`name` \(=probe_r2\) must be of one column"):
        declare(Column(name="probe_r2", words="another"))
    with pytest.raises(ValueError, match=r"`name` \(='two words'\) must be a word"):
        measure(Column(name="two words", words="a"))(spread)
