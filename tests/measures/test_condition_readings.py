"""Which band of a condition meter decides for good."""

import numpy as np
import pytest

from phasescope.measures.condition_readings import scalars_of, steady_choice


def choices(values, se):
    """Return the choice after each reading."""
    values = np.asarray(values).tolist()
    errors = np.broadcast_to(se, np.shape(values)).tolist()
    return [steady_choice(values[:n], errors[:n]) for n in range(1, len(values) + 1)]


def test_of_two_bands_that_are_exactly_equal_the_choice_never_changes():
    assert choices([[1.0, 1.0]] * 5, se=0.1) == [0] * 5
    assert choices([[1.0, 1.0]] * 5, se=0.0) == [0] * 5


@pytest.mark.parametrize("seed", range(5))
def test_bands_that_differ_by_their_noise_alone_do_not_take_turns(seed):
    values = 1 + 0.1 * np.random.default_rng(seed).normal(size=(40, 2))
    assert len({int(np.argmax(row)) for row in values}) == 2  # most of each reading alone jumps
    assert len(set(choices(values, se=0.1))) == 1


def test_a_clear_change_changes_the_choice_once():
    share = np.linspace(0, 1, 21)[:, None]
    chosen = choices((1 - share) * (1.0, 0.0) + share * (0.0, 1.0), se=0.02)
    assert (chosen[0], chosen[-1]) == (0, 1)
    assert int(np.abs(np.diff(chosen)).sum()) == 1
    # At a half both are equal: the other band is chosen when it exceeds by three standard errors of the difference.
    assert 1 - 2 * share[chosen.index(1)].item() < -3 * np.hypot(0.02, 0.02)


def test_nothing_is_chosen_while_no_band_is_above_its_noise():
    assert choices([[0.0, 0.0], [0.02, 0.01], [-1.0, -2.0], [0.5, 0.1]], se=0.01) == [None, None, None, 0]
    assert steady_choice([], []) is None


def band(**changed):
    mean = {"value": 0.5, "se": 0.1}
    numbers = {"loss": mean, "advantage": mean, "use": mean, "over_none": mean, "nats": 0.25}
    return {"pairs": "held_out", "exchanged": "all", "low": -4.0, "high": -2.0, **numbers, **changed}


def test_names_in_monitors_say_pairs_number_factor_and_band():
    bands = [band(), band(low=-2.0, high=0.0), band(pairs="trained"), band(exchanged="x")]
    names = set(scalars_of(bands))
    assert "condition/advantage/snr_-4_-2" in names
    assert "condition/trained_advantage/snr_-4_-2" in names
    assert "condition/use_x/snr_-4_-2" in names
    assert "condition/loss_x/snr_-4_-2" not in names
    assert scalars_of(bands)["condition/nats"] == 0.5  # of held-out pairs and the whole condition


def test_what_was_not_read_has_no_name():
    assert set(scalars_of([band(use=None, over_none=None, nats=None)])) == {
        "condition/loss/snr_-4_-2",
        "condition/advantage/snr_-4_-2",
    }
    assert "condition/nats" not in scalars_of([band(), band(nats=None)])
