"""Freed memory stays with the process, where its C library is glibc."""

import platform
import resource
import subprocess
import sys

import pytest

WORK = """
import resource, sys
import torch
from phasescope.training.memory import keep_freed_memory

torch.set_num_threads(1)
assert not int(sys.argv[1]) or keep_freed_memory()
def work(times):
    for _ in range(times):
        blocks = [torch.ones(1_000_000) for _ in range(8)]
work(3)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work(50)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_is_freed_is_found_again_without_page_faults():
    page_faults = [
        int(
            subprocess.run(
                [sys.executable, "-c", WORK, kept], capture_output=True, text=True, check=True
            ).stdout
        )
        for kept in "01"
    ]
    pages_a_block = 4_000_000 // resource.getpagesize()
    assert page_faults[0] > 50 * pages_a_block
    assert page_faults[1] < page_faults[0] / 10
