import pytest

from benchmarks import side_by_side


def test_a_small_run_prints_the_machine_the_costs_and_the_aims(capsys: pytest.CaptureFixture[str]) -> None:
    assert side_by_side.main(["--dry", "--rounds", "2", "--seconds", "0.01", "--only", "PlatformClient on"]) == 0
    blocks = capsys.readouterr().out.strip().split("\n\n")
    assert [block.startswith("|") for block in blocks] == [False, True, True, False]
    assert "| PlatformClient | threads | " in blocks[1]
    assert "of h11's own cycle: " in blocks[3]
    assert "PlatformClient on asyncio, 100 at a time, beside PlatformClient on asyncio, 10 at a time" in blocks[2]


def test_a_missing_peer_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(side_by_side, "missing_peers", lambda: ["aiohttp"])
    assert side_by_side.main([]) == 2
    assert "aiohttp not installed: pip install 'platform-client[all,bench]'" in capsys.readouterr().err


def test_a_name_that_nobody_has_is_answered_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert side_by_side.main(["--only", "on the moon"]) == 2
    assert "aiohttp on asyncio" in capsys.readouterr().err
