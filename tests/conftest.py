"""Shapes and types of arrays and tensors, as annotated, are checked wherever the tests call."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from math import gcd

import numpy as np
import pytest
import torch
from hypothesis import settings
from jaxtyping import config, install_import_hook

from phasescope.views.terminal import progress

CHECKED = (
    "phasescope.models.families.diffusion.family",
    "phasescope.models.families.diffusion.optimum",
    "phasescope.models.families.diffusion.parametrization",
    "phasescope.models.families.diffusion.samplers",
    "phasescope.models.families.diffusion.schedule",
    "phasescope.measures",
    "phasescope.models.networks.layers",
    "phasescope.models.networks.unet.network",
    "phasescope.worlds.bump.world",
)

install_import_hook(CHECKED, "beartype.beartype")

settings.register_profile("phasescope", deadline=None, derandomize=True)
settings.load_profile("phasescope")


@pytest.fixture(autouse=True)
def _bad_input_meets_the_errors_that_users_see(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests named so break the annotations on purpose; what the functions themselves say of it is tested."""
    config.update("jaxtyping_disable", "bad_input" in request.node.name)
    yield
    config.update("jaxtyping_disable", False)


def random_states() -> tuple[list[int], list[int]]:
    """Of the global streams of torch and numpy; beartype draws from Python's own."""
    key = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    return torch.get_rng_state().tolist(), key.tolist()


@pytest.fixture
def untouched_random_streams() -> Iterator[None]:
    """Fails where the test moves a global random stream."""
    before = random_states()
    yield
    assert random_states() == before


def pytest_configure() -> None:
    torch.set_num_threads(1)
    progress.LINE_EVERY_S = 600.0  # how long a verb takes is the machine's load, and not what tests ask


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    leave_some(items)
    if torch.cuda.is_available():
        return
    for item in items:
        if "cuda" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def leave_some(items: list[pytest.Item]) -> None:
    """`some(n)`: of a test's cases n stay, the others are slow.

    The step from one that stays to the next shares no divisor with their number, so that no parameter has one value in all.
    """
    cases = defaultdict(list)
    for item in items:
        if mark := item.get_closest_marker("some"):
            cases[item.nodeid.partition("[")[0], mark.args[0]].append(item)
    for (_, n), several in cases.items():
        of = len(several)
        step = next(step for step in count(round(0.6 * of)) if gcd(step, of) == 1)
        stay = {k * step % of for k in range(n)}
        for k, item in enumerate(several):
            if k not in stay:
                item.add_marker(pytest.mark.slow)
