import pytest

from platform_emulator.rates import RateLimit


def taken(limit: RateLimit, *at: float, name: str = "a") -> tuple[RateLimit, list[int | None]]:
    answers: list[int | None] = []
    for each in at:
        limit, seconds = limit.take(name, each)
        answers.append(seconds)
    return limit, answers


@pytest.mark.parametrize(
    ("per_second", "at", "answers"),
    [
        (1, (100.0, 100.0, 100.5, 101.0), [None, 1, 1, None]),
        (3, (100.0, 100.0, 100.0, 100.0, 100.34, 100.34), [None, None, None, 1, None, 1]),
        (0.1, (100.0, 100.0, 109.5, 110.0), [None, 10, 1, None]),
        (2.5, (100.0, 100.0, 100.0), [None, None, 1]),
    ],
)
def test_so_many_at_once_and_then_as_they_are_granted(per_second: float, at: tuple[float, ...], answers: list[int | None]) -> None:
    assert taken(RateLimit(per_second), *at)[1] == answers


def test_whoever_comes_back_when_told_to_is_let_through() -> None:
    limit, (_, seconds) = taken(RateLimit(0.3), 1_700_000_000.1, 1_700_000_000.1)
    assert seconds is not None
    assert taken(limit, 1_700_000_000.1 + seconds)[1] == [None]


def test_at_the_rate_itself_everything_is_let_through() -> None:
    at = [1_700_000_000.0 + index / 7 for index in range(100)]
    assert taken(RateLimit(7), *at)[1] == [None] * 100


def test_a_refused_request_costs_nothing() -> None:
    limit, _ = taken(RateLimit(1), 100.0)
    assert taken(limit, 100.1)[0] is limit


def test_callers_do_not_take_from_each_other_and_are_forgotten_when_whole_again() -> None:
    limit, _ = taken(RateLimit(1), 100.0)
    limit, answers = taken(limit, 100.0, name="b")
    assert (answers, set(limit.spent_until)) == ([None], {"a", "b"})
    assert set(taken(limit, 101.5, name="c")[0].spent_until) == {"c"}


@pytest.mark.parametrize("per_second", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(per_second: float) -> None:
    with pytest.raises(ValueError, match=r"^requests_per_second must be positive and finite"):
        RateLimit(per_second)
