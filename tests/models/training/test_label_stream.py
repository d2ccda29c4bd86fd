import torch
from hypothesis import given
from hypothesis import strategies as st

from phasescope.models.training.data import LabelStream


def numbered(size):
    """Labels that tell their place, (size, 2)."""
    return torch.arange(float(size))[:, None] * torch.tensor([1.0, -1.0])


def drawn(stream, steps):
    return torch.cat([stream.at(step) for step in range(steps)])


SIZES, BATCHES, SEEDS = st.integers(1, 40), st.integers(1, 90), st.integers(0, 2**40)


@given(SIZES, BATCHES, SEEDS)
def test_every_epoch_visits_every_label_once(size, batch, seed):
    epochs = 3
    stream = LabelStream(numbered(size), batch, seed)
    labels = drawn(stream, -(-epochs * size // batch))
    assert all(len(stream.at(step)) == batch for step in range(4))
    for epoch in labels[: epochs * size].split(size):
        assert torch.equal(epoch[:, 0].sort().values, torch.arange(float(size)))
        assert torch.equal(epoch[:, 0], -epoch[:, 1])


@given(SIZES, BATCHES, BATCHES, SEEDS)
def test_the_order_depends_on_seed_and_epoch_alone(size, batch, other, seed):
    count = 2 * size
    one, two = (drawn(LabelStream(numbered(size), b, seed), -(-count // b))[:count] for b in (batch, other))
    assert torch.equal(one, two)


@given(SIZES, BATCHES, SEEDS, st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_a_batch_does_not_depend_on_what_was_asked_before(size, batch, seed, steps):
    stream = LabelStream(numbered(size), batch, seed)
    for step in steps:
        assert torch.equal(stream.at(step), LabelStream(numbered(size), batch, seed).at(step))


def test_epochs_and_seeds_differ():
    stream = LabelStream(numbered(1024), 1024, 0)
    first, second, other = stream.at(0), stream.at(1), LabelStream(numbered(1024), 1024, 1).at(0)
    for a, b in ((first, second), (first, other)):
        assert (a == b).all(dim=1).float().mean() < 0.01
