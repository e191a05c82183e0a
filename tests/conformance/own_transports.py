"""Transports as a user's first ones may be, for the tests of the plugin."""

from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import OutgoingRequest, Response
from platform_core.outcomes import FailureCause
from platform_transports.conformance import Subject
from platform_transports.contract import Credentials, Progress, SyncFlow, TransportError
from platform_transports.sync import BlockingTransport


class Bare(BlockingTransport):
    """Its constructor takes nothing."""

    def __init__(self) -> None:
        super().__init__()


class Tried(BlockingTransport):
    """Sends again where there was no answer, and is proud of it."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)

    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        try:
            return super().send(request, credentials, deadline, limits, progress, flow)
        except TransportError:
            return super().send(request, credentials, deadline, limits, progress, flow)


class Raising(Bare):
    """Lets exceptions of its library out."""

    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        answer = super().send(request, credentials, deadline, limits, progress, flow)
        if answer.status > 500:
            raise OSError("library error")
        return answer


class Lying(Bare):
    """Says of what it sent that it did not."""

    def send(
        self,
        request: OutgoingRequest,
        credentials: Credentials,
        deadline: float,
        limits: Limits,
        progress: Progress,
        flow: SyncFlow | None = None,
    ) -> Response:
        try:
            return super().send(request, credentials, deadline, limits, progress, flow)
        except TransportError as error:
            raise TransportError(FailureCause(error.kind), "no", error.reused) from None


DECLARED = Subject("declared", lambda limits, ssl_context: Tried(limits), ("sync",), {"no-retry": "it is proud of it"}, carries_flows=True)
NEEDLESS = Subject(
    "needless", lambda limits, ssl_context: BlockingTransport(limits), ("sync",), {"no-retry": "a library's #1"}, carries_flows=True
)
MISSPELT = Subject(
    "misspelt", lambda limits, ssl_context: BlockingTransport(limits), ("sync",), {"no-retries": "a library's #1"}, carries_flows=True
)
SEVERAL = [DECLARED, NEEDLESS]
