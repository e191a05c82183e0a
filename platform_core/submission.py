"""The request that starts an execution: how it is repeated, and what an error of it must carry."""

from uuid import UUID

from .actions import Raise, Reason
from .config import Settings
from .errors import Failure, PlatformConnectionError, PlatformSubmissionUnknownError
from .exchange import Plan
from .handles import Submission
from .job import Job
from .machine import Ended
from .messages import Request
from .retry import IDEMPOTENCY_KEY, RETRY_COST, is_harmless


def submission_plan(seed: UUID, request: Request, settings: Settings, deadline: float) -> Plan:
    """With a key it is repeated like any harmless request, and a 409 is borne: its first attempt is still being taken in."""
    keyed = is_harmless(request)
    return Plan(
        seed=seed,
        request=request,
        limits=settings.limits,
        policy=settings.retry,
        deadline=deadline,
        request_seconds_max=settings.timeout_seconds,
        harmless=keyed,
        cost=RETRY_COST,
        bears_conflict=keyed,
    )


def submission_of(request: Request) -> Submission | None:
    """What sends the same submission again; None where it goes out without a key, and so cannot be sent again."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    return None if key is None else Submission(UUID(key), request.target, request.body.content)


def submission_failed(job: Job, request: Request, failure: Failure, *, seen: bool) -> tuple[Ended, Raise]:
    """The end of a submission that was refused, or, where it was `seen`, of one whose fate is not known: the error resumes it."""
    if not seen:
        return Ended(job.seed), Raise(failure, Reason.of(failure))
    submission = submission_of(request)
    handle = None if submission is None else job.handle(submission, failure.elapsed, failure.attempts)
    error = PlatformSubmissionUnknownError if issubclass(failure.error, PlatformConnectionError) else failure.error
    return Ended(job.seed), Raise(failure._replace(error=error, handle=handle), Reason.of(failure))
