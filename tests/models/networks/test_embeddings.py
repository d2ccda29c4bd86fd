import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from phasescope.models.networks.encodings import label_encoding, positional_encoding

WIDTHS = st.sampled_from([2, 4, 16, 64, 130])
BASES = st.sampled_from([2.0, 100.0, 10_000.0])
VALUES = st.floats(0, 1000, width=32)


@given(VALUES, WIDTHS, BASES)
def test_it_is_the_sines_and_cosines_of_vaswani_et_al(value, width, base):
    encoded = positional_encoding(torch.tensor([value]), width, base)[0].numpy()
    i = np.arange(width // 2)
    angles = value / base ** (2 * i / width)
    np.testing.assert_allclose(encoded[: width // 2], np.sin(angles), atol=5e-4)
    np.testing.assert_allclose(encoded[width // 2 :], np.cos(angles), atol=5e-4)


@given(VALUES, WIDTHS, BASES)
def test_its_norm_is_the_same_for_every_value(value, width, base):
    encoded = positional_encoding(torch.tensor(value), width, base)
    assert encoded.square().sum().item() == pytest.approx(width / 2, rel=1e-5)


@given(st.floats(0, 32), st.floats(0, 32), st.floats(0, 32), WIDTHS, BASES)
def test_overlap_depends_on_the_difference_alone(a, b, shift, width, base):
    e = positional_encoding(torch.tensor([a, b, a + shift, b + shift]), width, base)
    assert (e[0] @ e[1]).item() == pytest.approx((e[2] @ e[3]).item(), abs=1e-4 * width)


def test_whole_timesteps_are_encoded_as_the_same_numbers():
    t = torch.arange(1000)
    assert torch.equal(positional_encoding(t, 64, 1e4), positional_encoding(t.float(), 64, 1e4))
    assert len(positional_encoding(t, 64, 1e4).unique(dim=0)) == 1000


@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=5), WIDTHS, BASES)
def test_a_labels_encoding_is_its_factors_side_by_side(rows, width, base):
    labels = torch.tensor(rows)
    encoded = label_encoding(labels, width, base)
    assert encoded.shape == (len(rows), 3 * width)
    for k, part in enumerate(encoded.split(width, dim=1)):
        torch.testing.assert_close(part, positional_encoding(labels[:, k], width, base))


def test_no_label_is_zero_and_label_zero_is_not():
    labels = torch.tensor([[torch.nan, torch.nan], [0.0, 0.0], [torch.nan, 5.0], [5.0, 5.0]])
    none, zero, half, whole = label_encoding(labels, 8, 100.0)
    assert (none == 0).all()
    assert zero.square().sum() == 8
    assert (half[:8] == 0).all()
    assert torch.equal(half[8:], whole[8:])


@given(st.floats(0, 32, width=32), WIDTHS, st.sampled_from([8.0, 32.0]))
def test_on_a_circle_it_comes_round_and_turns_whole_times(value, width, period):
    here, round_again = positional_encoding(torch.tensor([value, value + period]), width, 2.0, period)
    torch.testing.assert_close(here, round_again, atol=2e-3, rtol=0)
    turns = 1 + torch.arange(width // 2)
    expected = torch.remainder(turns.double() * value / period, 1) * 2 * torch.pi
    torch.testing.assert_close(here[: width // 2].double(), expected.sin(), atol=2e-3, rtol=0)
    assert here.square().sum().item() == pytest.approx(width / 2, rel=1e-5)
