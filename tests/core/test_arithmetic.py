"""Whatever a process has set, phasescope computes the same, and afterwards the process's settings are as they were."""

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch

from phasescope.core.arithmetic import CUBLAS, own_arithmetic

BACKENDS = torch.backends


def settings() -> dict:
    """Return all that is to be put back."""
    places = {
        "cuda.matmul": BACKENDS.cuda.matmul,
        "cudnn.conv": BACKENDS.cudnn.conv,
        "cudnn.rnn": BACKENDS.cudnn.rnn,
        "mkldnn": BACKENDS.mkldnn,
        "mkldnn.matmul": BACKENDS.mkldnn.matmul,
        "mkldnn.conv": BACKENDS.mkldnn.conv,
    }
    return {
        "dtype": torch.get_default_dtype(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "fill": torch.utils.deterministic.fill_uninitialized_memory,
        "benchmark": BACKENDS.cudnn.benchmark,
        "autocast": torch.is_autocast_enabled("cpu"),
        "inference": torch.is_inference_mode_enabled(),
        "grad": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "device": torch.get_default_device(),
        "cublas": os.environ.get(CUBLAS),
        **{name: place.fp32_precision for name, place in places.items()},
    }


@pytest.fixture(autouse=True)
def afterwards_as_before():
    """Put back what a test sets, and fail if it does not."""
    before = settings()
    yield
    torch.set_default_dtype(torch.float32)
    if torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("highest")
    BACKENDS.cudnn.allow_tf32 = True
    for place in (BACKENDS.mkldnn, BACKENDS.mkldnn.conv, BACKENDS.mkldnn.matmul, BACKENDS.cuda.matmul):
        place.fp32_precision = "none"
    assert settings() == before


def others() -> None:
    """Set what a notebook may set."""
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("medium")
    BACKENDS.mkldnn.conv.fp32_precision = "bf16"


USUAL = {"dtype": torch.float32, "autocast": False, "inference": False}


@pytest.mark.parametrize("device", ["cpu", "cuda"], ids=["on a CPU", "on a GPU"])
def test_within_the_block_settings_are_the_usual_ones_and_then_as_before(device):
    others()
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        before = settings()
        with own_arithmetic(device):
            within = settings()
            assert USUAL.items() <= within.items()
            assert within["mkldnn.matmul"] in ("none", "ieee")
            assert within["mkldnn.conv"] in ("none", "ieee")
            assert (within["deterministic"], within["warn_only"]) == ((device == "cuda"),) * 2
            assert torch.get_float32_matmul_precision() == "highest"
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
            assert not torch.ones(2).is_inference()
        assert settings() == before


def test_what_is_as_usual_is_not_touched():
    before = settings()
    with own_arithmetic():
        assert settings() == before
    assert settings() == before


@pytest.mark.parametrize("tf32", [True, False])
def test_a_gpu_rounds_products_as_configured_and_repeats_its_bits(tf32):
    with own_arithmetic("cuda", tf32):
        assert BACKENDS.cuda.matmul.allow_tf32 == BACKENDS.cudnn.allow_tf32 == tf32
        assert torch.are_deterministic_algorithms_enabled()
        assert os.environ[CUBLAS]
        with own_arithmetic():  # as a snapshot within a training
            assert BACKENDS.cuda.matmul.allow_tf32 == BACKENDS.cudnn.allow_tf32 == tf32


def test_the_newer_interface_of_products_is_put_back_too():
    BACKENDS.mkldnn.matmul.fp32_precision = "bf16"
    before = settings()
    with own_arithmetic():
        assert BACKENDS.mkldnn.matmul.fp32_precision in ("none", "ieee")
    assert settings() == before


def test_an_exception_puts_them_back():
    others()
    before = settings()
    with pytest.raises(KeyError), own_arithmetic("cuda", tf32=True):
        raise KeyError
    assert settings() == before


def test_as_a_decorator_it_holds_for_each_call():
    @own_arithmetic()
    def dtype() -> torch.dtype:
        return torch.ones(1).dtype

    torch.set_default_dtype(torch.float64)
    assert dtype() == dtype() == torch.float32
    assert torch.get_default_dtype() == torch.float64


def test_of_several_threads_the_last_one_puts_them_back():
    others()
    before = settings()
    entered, left = Barrier(2), Barrier(2)

    def first() -> torch.dtype:
        with own_arithmetic():
            entered.wait()
        left.wait()  # the other one still computes
        return torch.get_default_dtype()

    def second() -> torch.dtype:
        with own_arithmetic():
            entered.wait()
            left.wait()
            return torch.get_default_dtype()

    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(call) for call in (first, second)]
        _, dtype = (call.result() for call in calls)
    assert dtype == torch.float32
    assert settings() == before


def of_gpu() -> tuple[bool, bool, bool, bool]:
    """Return what a GPU block has set: deterministic algorithms, of which torch only warns, and tf32."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    return deterministic, warn_only, BACKENDS.cuda.matmul.allow_tf32, BACKENDS.cudnn.allow_tf32


@pytest.mark.parametrize("tf32", [True, False])
def test_a_block_on_the_cpu_leaves_a_running_one_on_a_gpu_as_it_is(tf32):
    def on_cpu() -> tuple:
        with own_arithmetic():
            return of_gpu(), BACKENDS.mkldnn.matmul.fp32_precision

    others()
    before = settings()
    with own_arithmetic("cuda", tf32), ThreadPoolExecutor(1) as thread:
        assert of_gpu() == (True, True, tf32, tf32)
        assert thread.submit(on_cpu).result() == ((True, True, tf32, tf32), "ieee")
        assert of_gpu() == (True, True, tf32, tf32)
    assert settings() == before


def test_a_block_on_a_gpu_that_ends_leaves_a_running_one_on_the_cpu_its_settings():
    def on_gpu() -> tuple:
        with own_arithmetic("cuda", tf32=True):
            return of_gpu()

    others()
    before = settings()
    with own_arithmetic(), ThreadPoolExecutor(1) as thread:
        own = settings()
        assert thread.submit(on_gpu).result() == (True, True, True, True)
        assert settings()["deterministic"] is own["deterministic"] is False
        assert torch.get_float32_matmul_precision() == "highest"
    assert settings() == before


@pytest.mark.parametrize("first", [True, False])
def test_of_two_blocks_on_a_gpu_none_is_rounded_more_than_it_asks(first):
    def second() -> tuple:
        with own_arithmetic("cuda", not first):
            return of_gpu()

    with own_arithmetic("cuda", first), ThreadPoolExecutor(1) as thread:
        assert thread.submit(second).result() == (True, True, False, False)
        assert of_gpu() == (True, True, first, first)


def test_a_default_device_is_left_aside():
    with torch.device("meta"), own_arithmetic():
        assert torch.ones(1).device.type == "cpu"
