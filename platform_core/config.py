"""What a client is configured with: where the platform is, what stands in every request, and what operations are built with."""

from dataclasses import dataclass

from .limits import DEFAULT_LIMITS, Limits
from .retry import DEFAULT_RETRY, RetryPolicy


@dataclass(frozen=True, slots=True)
class Settings:
    """What operations are built with: frozen values, none of them a secret, none of them tied to an origin."""

    timeout_seconds: float = 300.0
    """For each request, polls and cancels apart."""
    retry: RetryPolicy = DEFAULT_RETRY
    limits: Limits = DEFAULT_LIMITS
    idempotent_submissions: bool = True
    org_id: str | None = None
    """Fills `context["org_id"]` of a submission that lacks it; `workspace_id` likewise."""
    workspace_id: str | None = None
    ring_id: str | None = None


DEFAULT_SETTINGS = Settings()
