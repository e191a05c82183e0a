"""When to poll next: one pure function of the time waited and of what the server asks for.

A pause is a share of the time waited so far, so that the end is heard at most so much later than it came, relatively; between
a first pause and a cap. Such a plan polls a short run often and a long one seldom: the number of polls grows with the
logarithm of the duration until the cap is reached. `benchmarks/poll_plan.py` shows it beside the plans of others.
"""

FIRST_SECONDS = 0.05
GROWTH = 0.1
"""The share of the time waited that a pause takes."""
JITTER = 0.1
"""At most this share is taken off a pause, so that runs that began together do not poll together."""


def poll_pause_seconds(
    waited_seconds: float,
    cap_seconds: float,
    *,
    hint_seconds: float | None = None,
    jitter: float = 0.0,
    first_seconds: float = FIRST_SECONDS,
    growth: float = GROWTH,
) -> float:
    """The pause before the next poll.

    Args:
        waited_seconds: since the platform has known of the execution.
        cap_seconds: the longest pause, also where the first would be longer.
        hint_seconds: what the server asks for (`Retry-After`); above zero it stands for the plan's pause, above the cap too.
        jitter: a random number in [0, 1), which takes up to `JITTER` off.
        first_seconds: the shortest pause.
        growth: the share of the time waited that a pause takes.
    """
    planned = min(cap_seconds, max(first_seconds, waited_seconds * growth))
    return hint_seconds or planned * (1 - JITTER * jitter)
