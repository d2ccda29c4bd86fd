"""Torch's settings while phasescope computes: always the same ones, and afterwards again those of the process.

A notebook may have set another default dtype, coarser float32 products, autocast, deterministic algorithms or no gradients.
The same configuration would then train to other weights under the same identity. So whatever of ours runs a network does it
within `own_arithmetic`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
# float32 products of these precisions are rounded as IEEE 754 says.
FULL = ("none", "ieee")
# Settings of the process are shared by its threads: the first one to compute sets them, the last one puts them back.
_LOCK = threading.Lock()
_HOLDERS: list[ExitStack] = []
_COUNT = 0
_OF_THREAD = threading.local()


@contextmanager
def own_arithmetic(device: torch.device | str = "cpu", tf32: bool = False) -> Iterator[None]:
    """Compute with torch's default settings within the block, and on a GPU with deterministic algorithms.

    Inside another such block of the same thread it changes nothing: the outer one's settings hold.

    Args:
        device: on which the block computes.
        tf32: whether a GPU rounds products to 10-bit mantissas.
    """
    import torch

    if getattr(_OF_THREAD, "within", False):
        yield
        return

    device = torch.device(device)
    _OF_THREAD.within = True
    try:
        with ExitStack() as of_thread:
            _enter_process(device, tf32)
            of_thread.callback(_leave_process)
            of_thread.enter_context(torch.inference_mode(False))
            for kind in {"cpu", device.type}:
                if torch.is_autocast_enabled(kind):
                    of_thread.enter_context(torch.autocast(kind, enabled=False))
            if torch.get_default_device().type != "cpu":
                of_thread.enter_context(torch.device("cpu"))
            yield
    finally:
        _OF_THREAD.within = False


def _enter_process(device: torch.device, tf32: bool) -> None:
    """Set what all threads share, and keep what there was."""
    global _COUNT
    with _LOCK:
        _COUNT += 1
        holder = ExitStack()
        _HOLDERS.append(holder)
        try:
            _set_dtype(holder)
            _set_products(holder, device, tf32)
            _set_determinism(holder, device)
        except BaseException:
            _COUNT -= 1
            _HOLDERS.pop().close()
            raise


def _leave_process() -> None:
    """Put back what there was before the first of the threads that compute now, when the last of them ends."""
    global _COUNT
    with _LOCK:
        _COUNT -= 1
        if _COUNT == 0:
            while _HOLDERS:
                _HOLDERS.pop().close()


def _set_dtype(holder: ExitStack) -> None:
    import torch

    before = torch.get_default_dtype()
    if before != torch.float32:
        torch.set_default_dtype(torch.float32)
        holder.callback(torch.set_default_dtype, before)


def _set_products(holder: ExitStack, device: torch.device, tf32: bool) -> None:
    """Set the precision of float32 products, which torch knows by two interfaces that must not be mixed."""
    import torch

    backends: Any = torch.backends
    places = [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn]
    places += [backends.mkldnn, backends.mkldnn.matmul, backends.mkldnn.conv]
    before = [place.fp32_precision for place in places]

    on_gpu = device.type == "cuda"
    wanted = "high" if on_gpu and tf32 else "highest"
    of_cpu = [place.fp32_precision in FULL for place in places[3:]]
    products = _read(torch.get_float32_matmul_precision)
    convolutions = _read(lambda: backends.cudnn.allow_tf32)
    if products == wanted and all(of_cpu) and (not on_gpu or convolutions == tf32):
        return

    def put_back() -> None:
        if products is not None:
            torch.set_float32_matmul_precision(products)
        if convolutions is not None:
            backends.cudnn.allow_tf32 = convolutions
        for place, precision in zip(places, before, strict=True):
            if place.fp32_precision != precision:
                place.fp32_precision = precision

    holder.callback(put_back)
    torch.set_float32_matmul_precision(wanted)
    for place in (backends.mkldnn, backends.mkldnn.conv):
        if place.fp32_precision not in FULL:
            place.fp32_precision = "none"
    if on_gpu:
        backends.cudnn.allow_tf32 = tf32


def _read(setting: Callable[[], Any]) -> Any:
    """Return a setting; None if torch refuses to say, since the process has set it by its other interface."""
    try:
        return setting()
    except RuntimeError:
        return None


def _set_determinism(holder: ExitStack, device: torch.device) -> None:
    """On a GPU, take the algorithms that give the same bits every time, but in operations of which torch warns."""
    import torch

    on_gpu = device.type == "cuda"
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    wanted = (True, True) if on_gpu else (False, False)
    if before != wanted:
        mode, warn_only = wanted
        torch.use_deterministic_algorithms(mode, warn_only=warn_only)
        holder.callback(torch.use_deterministic_algorithms, before[0], warn_only=before[1])
    if not on_gpu:
        return

    # cuBLAS gives the same bits each time only with a workspace of a fixed size, which it reads here.
    if CUBLAS not in os.environ:
        os.environ[CUBLAS] = ":4096:8"
        holder.callback(os.environ.pop, CUBLAS, None)
    # In deterministic mode torch would first fill every new tensor with NaN, which takes time at each step.
    deterministic: Any = torch.utils.deterministic
    fill, benchmark = deterministic.fill_uninitialized_memory, torch.backends.cudnn.benchmark
    deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    holder.callback(setattr, deterministic, "fill_uninitialized_memory", fill)
    holder.callback(setattr, torch.backends.cudnn, "benchmark", benchmark)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread within the block: results are then bitwise the same, and as fast, whatever else runs."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
