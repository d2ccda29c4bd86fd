"""The slices of slow tests, one of which `./lab test` runs beside the fast tests."""

from collections import Counter
from types import SimpleNamespace

import pytest

from helpers.slices import SLICES, slice_number, split

ITEMS = [
    SimpleNamespace(
        nodeid=f"tests/test_{number % 7}.py::test_{number}[case {number % 3}]",
        get_closest_marker=lambda name, is_slow=number % 5 > 0: (is_slow and name == "slow") or None,
    )
    for number in range(6000)
]
FAST = [item.nodeid for item in ITEMS if not item.get_closest_marker("slow")]
SLOW = [item.nodeid for item in ITEMS if item.get_closest_marker("slow")]


def test_every_slow_test_lies_in_one_slice_and_every_fast_one_in_all():
    runs = Counter()
    for number in range(1, SLICES + 1):
        chosen, others = split(ITEMS, number)
        assert sorted(item.nodeid for item in [*chosen, *others]) == sorted([*FAST, *SLOW])
        runs.update(item.nodeid for item in chosen)
    assert runs == Counter(dict.fromkeys(FAST, SLICES) | dict.fromkeys(SLOW, 1))


def test_slices_are_of_about_one_size():
    sizes = [len(split(ITEMS, number)[0]) - len(FAST) for number in range(1, SLICES + 1)]
    mean = len(SLOW) / SLICES
    assert max(sizes) < 2 * mean
    assert min(sizes) > mean / 4


def test_a_commit_chooses_a_slice_and_no_commit_the_first():
    commits = [f"{number:040x}" for number in range(0, 400 * SLICES, 401)]
    numbers = {slice_number("commit", commit) for commit in commits}
    assert numbers == set(range(1, SLICES + 1))
    assert slice_number("commit", "") == 1
    assert slice_number("17", commits[3]) == slice_number(17, "") == 17


@pytest.mark.parametrize("given", ["0", str(SLICES + 1), "-1", "head", ""])
def test_a_slice_that_does_not_exist_is_refused(given):
    with pytest.raises(pytest.UsageError, match=rf"`--slice` \(={given}\) must be from 1 to {SLICES}"):
        slice_number(given, "")
