"""What passes between driver and transport."""

import pickle
import traceback

import pytest

from platform_core.outcomes import FailureCause, Sent
from platform_transports.clock import EventLoopClock, MonotonicClock
from platform_transports.contract import CountsRuns, Credentials, Progress, TransportError
from platform_transports.virtual_time import VirtualClock, VirtualSyncClock, VirtualTime

SECRET = "s3cr3t"
CREDENTIALS = Credentials("Authorization", f"Bearer {SECRET}")
KINDS = ("dns", "connect", "connect_timeout", "tls", "write", "read", "timeout", "disconnected", "protocol", "too_large", "local", "closed")


def test_credentials_are_a_header() -> None:
    name, value = CREDENTIALS
    assert (name, value) == ("Authorization", f"Bearer {SECRET}")


@pytest.mark.parametrize("text", [repr(CREDENTIALS), str(CREDENTIALS), f"{CREDENTIALS}", repr([CREDENTIALS])])
def test_no_text_of_credentials_shows_the_secret(text: str) -> None:
    assert SECRET not in text
    assert "Authorization" in text


def test_a_request_begins_unsent() -> None:
    assert Progress().sent == "no"


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_takes_each_kind_by_its_name(kind: str) -> None:
    error = TransportError(kind, "maybe")
    assert (error.kind, error.sent, error.reused, error.detail) == (FailureCause(kind), "maybe", False, "")


def test_an_error_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="weather"):
        TransportError("weather", "no")


@pytest.mark.parametrize(
    ("kind", "sent", "detail", "text"),
    [
        (FailureCause.READ, "maybe", "", "read (sent: maybe)"),
        (FailureCause.CONNECT_TIMEOUT, "no", "", "connect_timeout (sent: no)"),
        (FailureCause.TLS, "no", "ConnectError", "tls (sent: no): ConnectError"),
    ],
)
def test_an_error_says_what_failed_and_whether_it_was_sent(kind: FailureCause, sent: Sent, detail: str, text: str) -> None:
    assert str(TransportError(kind, sent, detail=detail)) == text


def test_an_error_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(TransportError("disconnected", "maybe", reused=True, detail="EOF")))
    assert isinstance(error, TransportError)
    assert (error.kind, error.sent, error.reused, error.detail) == (FailureCause.DISCONNECTED, "maybe", True, "EOF")


def test_a_traceback_through_a_transport_shows_no_secret() -> None:
    def send(credentials: Credentials) -> None:
        assert credentials.header
        raise TransportError("read", "maybe")

    with pytest.raises(TransportError) as caught:
        send(CREDENTIALS)
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "Credentials('Authorization', <secret>)" in text
    assert SECRET not in text.replace(f"{SECRET!r}", "")


@pytest.mark.parametrize("clock", [VirtualClock(VirtualTime()), VirtualSyncClock(VirtualTime())])
def test_a_virtual_clock_counts_runs(clock: object) -> None:
    assert isinstance(clock, CountsRuns)


@pytest.mark.parametrize("clock", [EventLoopClock(), MonotonicClock()])
def test_a_clock_of_the_world_counts_nothing(clock: object) -> None:
    assert not isinstance(clock, CountsRuns)
