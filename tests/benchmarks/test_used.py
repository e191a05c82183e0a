"""What a process has used is seen, memory that it has given back too; one that hangs is given up."""

import time

import pytest

from benchmarks.used import Used, apart

MIB = 1024 * 1024


def takes_and_gives_back(size: int) -> int:
    idle = Used.idle()
    block = b"x" * size
    assert len(block) == size
    del block
    return idle.until_now().memory_bytes


def test_the_peak_counts_what_was_given_back() -> None:
    assert 60 * MIB < apart(takes_and_gives_back, 64 * MIB, seconds_max=60.0) < 80 * MIB


def test_a_process_that_hangs_is_given_up() -> None:
    with pytest.raises(TimeoutError, match=r"has not ended in 0\.2 s"):
        apart(time.sleep, 600.0, seconds_max=0.2)
