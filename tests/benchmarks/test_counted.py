import pytest

from benchmarks.counted import CORE, names, work
from benchmarks.json_server import json_server


def test_all_that_is_counted_can_be_done() -> None:
    with json_server() as url:
        for name in names():
            work(name, 2, url)


def test_the_core_is_counted_before_the_calls() -> None:
    assert names()[: len(CORE)] == list(CORE)


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        work("nobody", 1, "http://127.0.0.1:1")
