"""How many requests each caller may make: one number for each, by the generic cell rate algorithm."""

from dataclasses import dataclass, field, replace
from math import ceil, isfinite

from .frozen_map import FrozenMap


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests a second in the long run, and as many (at least one) at once. Raises `ValueError` for a rate that is none.

    `spent_until` holds for each caller when all that it has used will have been granted anew; who has nothing to come back is left out.
    """

    per_second: float
    spent_until: FrozenMap[str, float] = field(default_factory=FrozenMap[str, float])

    def __post_init__(self) -> None:
        if not (isfinite(self.per_second) and self.per_second > 0):
            raise ValueError(f"requests_per_second must be positive and finite, not {self.per_second}")

    def take(self, name: str, at: float) -> "tuple[RateLimit, int | None]":
        """The limit after a request of this caller: None where it is let through, else in how many whole seconds one would be."""
        each_seconds = 1.0 / self.per_second
        spent_until = max(self.spent_until.get(name, at), at)
        too_early_seconds = spent_until - at - (max(self.per_second, 1.0) - 1.0) * each_seconds
        if too_early_seconds > _ROUNDING_SECONDS:
            return self, max(ceil(too_early_seconds), 1)
        still = FrozenMap({other: until for other, until in self.spent_until.items() if until > at})
        return replace(self, spent_until=still.with_entry(name, spent_until + each_seconds)), None


_ROUNDING_SECONDS = 1e-6
"""What a POSIX time as a float still tells apart."""
