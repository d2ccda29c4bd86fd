"""Shapes and types of arrays and tensors, as annotated, are checked wherever tests of arrays call.

Where whole commands run, checks would be a fifth of the time and see the same calls again.
"""

import asyncio
import gc
from collections import defaultdict
from collections.abc import Generator, Iterator
from itertools import count
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings
from jaxtyping import config, install_import_hook

from helpers.slices import SLICES, commit, slice_number, split
from phasescope.runs.engines import cost
from phasescope.views.terminal import progress

CHECKED = (
    "phasescope.models.families.diffusion.family",
    "phasescope.models.families.diffusion.exact.optimum",
    "phasescope.models.families.diffusion.parametrization",
    "phasescope.models.families.diffusion.samplers",
    "phasescope.models.families.diffusion.schedule",
    "phasescope.measures",
    "phasescope.models.networks.encodings",
    "phasescope.models.networks.layers",
    "phasescope.models.networks.unet.network",
    "phasescope.worlds.bump.world",
)

COMMIT = pytest.StashKey[str]()

OF_ARRAYS = ("measures", "models", "runs/probing", "worlds")

install_import_hook(CHECKED, "beartype.beartype")

settings.register_profile("phasescope", deadline=None, derandomize=True)
settings.load_profile("phasescope")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests of `bad_input` break the annotations on purpose; they ask for the errors that users see."""
    package = item.path.parent.relative_to(Path(__file__).parent).as_posix()
    config.update("jaxtyping_disable", "bad_input" in item.name or not package.startswith(OF_ARRAYS))


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


@pytest.fixture(scope="session")
def chromium_of_worker() -> Iterator[tuple[Any, asyncio.AbstractEventLoop]]:
    from tools.screenshots import FLAGS, chromium

    sync = pytest.importorskip("playwright.sync_api")
    if chromium() is None:
        pytest.skip("no Chromium on this machine")
    with sync.sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser, loop
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture(scope="module")
def browser(chromium_of_worker) -> Iterator[Any]:
    """One Chromium for all modules of a worker, since its start takes seconds; what a module opened is closed after it.

    Playwright's event loop counts as running all the while, and asyncio.run of a test of another module would be refused:
    outside these modules it counts as none.
    """
    browser, loop = chromium_of_worker
    asyncio._set_running_loop(loop)
    yield browser
    for context in browser.contexts:
        context.close()
    asyncio._set_running_loop(None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules and tests, half a million objects, stay until the end: the garbage collector does not walk them meanwhile."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slice",
        metavar="NUMBER",
        help=f"every fast test, and slice NUMBER of {SLICES} of the slow ones; `commit`: the one that HEAD's hash chooses",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COMMIT] = commit() if config.option.slice == "commit" else ""
    if config.option.slice is not None:  # a number from here on, also in xdist's workers
        config.option.slice = slice_number(config.option.slice, config.stash[COMMIT])
    torch.set_num_threads(1)
    cost.LEAST_S = 0.02  # a second for every kind of run that a plan lists would be most of a test's time
    progress.FIRST_LINE_S = 600.0  # how long a verb takes is the machine's load, and not what tests ask


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_some(items)
    if config.option.slice is not None:
        items[:], others = split(items, config.option.slice)
        config.hook.pytest_deselected(items=others)
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    number = config.option.slice
    if number is not None:
        chosen = f" (commit {config.stash[COMMIT][:8]})" if config.stash[COMMIT] else ""
        terminalreporter.write_line(
            f"slow tests: slice {number} of {SLICES}{chosen}; again: ./lab test --slice {number}"
        )
