"""A lock is held by one process, ends with its block, and is taken of a plain file of the folder alone."""

import os
from pathlib import Path

import pytest

from phasescope.runs.store.locks import Locked, is_locked, locked


def test_it_is_held_for_the_block_alone(tmp_path: Path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
    assert not is_locked(path)


def test_who_comes_second_waits_no_longer_than_asked(tmp_path: Path):
    path = tmp_path / "lock"
    with locked(path):
        with pytest.raises(Locked), locked(path, patience_s=0.0):
            pass
        assert is_locked(path)  # it is still the first one's
    with locked(path, patience_s=0.0):
        assert is_locked(path)


def test_an_exception_within_the_block_releases_it(tmp_path: Path):
    with pytest.raises(KeyError), locked(tmp_path / "lock"):
        raise KeyError
    assert not is_locked(tmp_path / "lock")


def test_readers_do_not_take_one_another_for_a_writer(tmp_path: Path):
    import fcntl

    path = tmp_path / "lock"
    path.touch()
    with open(path, "rb") as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        assert not is_locked(path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink(path.parent / "other", path)])
def test_what_is_no_plain_file_is_refused_and_not_waited_for(make, tmp_path: Path):
    path = tmp_path / "lock"
    make(path)
    with pytest.raises(OSError), locked(path):  # noqa: PT011 - which error it is depends on what is there
        pass
    assert not is_locked(path)
    assert not (tmp_path / "other").exists()
