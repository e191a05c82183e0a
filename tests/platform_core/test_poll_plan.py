import pytest

from platform_core.poll_plan import JITTER, poll_pause_seconds


@pytest.mark.parametrize(
    ("waited", "longest", "pause"),
    [
        (0.0, 1.0, 0.05),
        (0.5, 1.0, 0.05),
        (1.0, 1.0, 0.1),
        (5.0, 1.0, 0.5),
        (10.0, 1.0, 1.0),
        (1e9, 1.0, 1.0),
        (1e9, 60.0, 60.0),
        (9.0, 0.01, 0.01),
    ],
)
def test_a_pause_grows_with_the_time_waited_between_its_bounds(waited: float, longest: float, pause: float) -> None:
    assert poll_pause_seconds(waited, longest) == pytest.approx(pause)


@pytest.mark.parametrize(("waited", "pause"), [(0.0, 2.0), (4.0, 2.0), (5.0, 2.5), (20.0, 10.0), (30.0, 10.0)])
def test_the_first_pause_and_the_growth_may_be_chosen(waited: float, pause: float) -> None:
    assert poll_pause_seconds(waited, 10.0, first_seconds=2.0, growth=0.5) == pause


@pytest.mark.parametrize(("jitter", "share"), [(0.0, 1.0), (0.5, 1.0 - JITTER / 2), (1.0, 1.0 - JITTER)])
def test_jitter_takes_off_a_tenth_at_most(jitter: float, share: float) -> None:
    assert poll_pause_seconds(100.0, 1.0, jitter=jitter) == pytest.approx(share)


@pytest.mark.parametrize("hint", [0.001, 1.0, 3600.0])
def test_what_the_server_asks_for_stands_above_the_cap_and_without_jitter(hint: float) -> None:
    assert poll_pause_seconds(100.0, 1.0, hint_seconds=hint, jitter=0.9) == hint


@pytest.mark.parametrize("hint", [None, 0.0])
def test_a_server_that_asks_for_no_pause_leaves_it_to_the_plan(hint: float | None) -> None:
    assert poll_pause_seconds(5.0, 1.0, hint_seconds=hint) == pytest.approx(0.5)
